//! `/diff`: the types that changed between two snapshots, or since a snapshot.

use std::fmt::Write;
use std::sync::Arc;

use memory_debug_core::{Selection, SnapshotDiff, Snapshots, TypesView, Work, render};

use super::fit::{comparison, written};
use super::kind::Kind;
use super::page_request::{Material, PageRequest, RenderRequest};
use super::snapshots::shown;
use crate::auth::Authorized;
use crate::reply::{Format, Problem, Reply};
use crate::request::{Asking, Base, Target, invalid};

/// A request for the diff of two profiles.
#[derive(Debug, PartialEq)]
struct Diff {
    base: Base,
    target: Target,
    /// Whether to show only growth.
    growth: bool,
    types: TypesView,
    selection: Selection,
}

pub(crate) fn diff(asking: &mut Asking<'_>) -> Result<Arc<dyn PageRequest>, Problem> {
    let query = &mut asking.query;
    let base = Base::read(query);
    let target = Target::read(query);
    let growth = query.flag("growth");
    let types = query.table();
    let selection = query.selection();
    let base = base.ok_or_else(|| {
        invalid("base", "is missing; use the id of a snapshot, `first` or `last`; POST /snapshots takes one")
    })?;
    Ok(Arc::new(Diff { base, target, growth, types, selection }))
}

impl PageRequest for Diff {
    fn answer(
        &self,
        request: &RenderRequest,
        material: Material<'_>,
        _proof: &Authorized,
    ) -> Result<Reply, Problem> {
        let base = self.base.find(material.snapshots)?;
        let types = &self.types;
        let mut diff = match self.target {
            Target::Snapshot(target) => {
                SnapshotDiff::between(&base, &*target.find(material.snapshots)?, &self.selection)
                    .map_err(|error| Problem::internal("two snapshots cannot be compared", &error))?
            }
            Target::Now => {
                let collected = material.collected()?;
                let diff = collected.diff(&base, &self.selection);
                diff.map_err(|error| Problem::of_profile(&collected.report, &error))?
            }
        };
        if self.growth {
            diff = diff.growth();
        }
        diff.base = shown(request, &diff.base);
        diff.target = shown(request, &diff.target);
        let diff = diff.truncate_filtered(types.top, types.filter.as_deref());
        request.fitting(types.top, material.max_bytes, |body, top| {
            let diff = diff.clone().truncate_filtered(top, None);
            match request.format {
                Format::Json => written(render::write_document(body, "diff", &diff)),
                _ => written(write!(body, "{diff}")),
            }
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
