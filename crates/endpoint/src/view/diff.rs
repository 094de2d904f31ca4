//! `/diff`: the types that changed between two snapshots, or since a snapshot.

use std::fmt::Write;
use std::sync::Arc;

use memory_debug_core::{
    DiffView, Error, ErrorKind, Selection, SnapshotDiff, Snapshots, TypesView, Work, render,
};

use super::fit::{comparison, truncation};
use super::kind::Kind;
use super::page_request::{Material, PageRequest, RenderRequest};
use super::snapshots::shown;
use crate::auth::Authorized;
use crate::html;
use crate::reply::{Problem, Reply};
use crate::request::{Asking, Base, Target, invalid};

/// A request for the diff of two profiles.
#[derive(Debug, PartialEq)]
struct Diff {
    base: Base,
    target: Target,
    /// Whether to show only growth.
    growth: bool,
    top: usize,
    filter: Option<String>,
    selection: Selection,
}

impl Diff {
    /// The parameters as the address has them.
    fn view(&self) -> DiffView {
        DiffView {
            base: self.base.to_string(),
            target: self.target.to_string(),
            growth: self.growth,
            top: self.top,
            filter: self.filter.clone(),
            selection: self.selection.clone(),
        }
    }
}

pub(crate) fn diff(asking: &mut Asking<'_>) -> Result<Arc<dyn PageRequest>, Problem> {
    let query = &mut asking.query;
    let base = Base::read(query);
    let target = Target::read(query);
    let growth = query.flag("growth");
    let TypesView { top, filter, .. } = query.table();
    let selection = query.selection();
    let is_part = selection.focus.is_some() || selection.ignore.is_some();
    if selection.group.needs_live_samples() && is_part {
        query.refuse(
            "group",
            "cannot be `age` or `route` together with `focus` or `ignore` here, because snapshots keep ages and routes \
             of all stacks together; leave them out, or ask `/types`",
        );
    }
    let base = base.ok_or_else(|| {
        invalid("base", "is missing; use the id of a snapshot, `first` or `last`; POST /snapshots takes one")
    })?;
    Ok(Arc::new(Diff { base, target, growth, top, filter, selection }))
}

/// The problem that two moments cannot be compared by the wanted rows.
fn not_compared(error: &Error) -> Problem {
    match error.kind() {
        ErrorKind::NotComparable => Problem::AgesNotKept(error.to_string()),
        _ => Problem::internal("two snapshots cannot be compared", error),
    }
}

impl PageRequest for Diff {
    fn answer(
        &self,
        request: &RenderRequest,
        material: Material<'_>,
        _proof: &Authorized,
    ) -> Result<Reply, Problem> {
        let base = self.base.find(material.snapshots)?;
        let mut diff = match self.target {
            Target::Snapshot(target) => {
                SnapshotDiff::between(&base, &*target.find(material.snapshots)?, &self.selection)
                    .map_err(|error| not_compared(&error))?
            }
            Target::Now => {
                let collected = material.collected()?;
                let diff = collected.diff(&base, &self.selection);
                diff.map_err(|error| match error.kind() {
                    ErrorKind::NotComparable => not_compared(&error),
                    _ => Problem::of_profile(&collected.report, &error),
                })?
            }
        };
        if self.growth {
            diff = diff.growth();
        }
        diff.base = shown(request, &diff.base);
        diff.target = shown(request, &diff.target);
        let diff = diff.truncate_filtered(self.top, self.filter.as_deref());
        request.fitting(self.top, material.max_bytes, |body, top| {
            let diff = diff.clone().truncate_filtered(top, None);
            request.in_form(
                body,
                |site| {
                    let kept = material.snapshots.list();
                    let kept: Vec<_> = kept.iter().map(|snapshot| shown(request, snapshot.info())).collect();
                    let note = truncation(top, self.top, material.max_bytes);
                    html::diff(site, &diff, &self.view(), &kept, note.as_deref())
                },
                |body| render::write_document(body, "diff", &diff),
                |body| write!(body, "{diff}"),
            )
        })
    }

    fn work(&self, snapshots: &Snapshots) -> Option<Work> {
        Some(comparison(snapshots))
    }

    fn kind(&self, default: Kind) -> Kind {
        match self.target {
            Target::Now => default,
            Target::Snapshot(_) => Kind::Snapshots,
        }
    }
}
