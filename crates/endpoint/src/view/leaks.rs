//! `/leaks`: the types that grow steadily over all snapshots, and memory that nothing points to.

use std::fmt::Write;
use std::sync::Arc;

use memory_debug_core::{HoldersReport, LeakVerdict, SCHEMA, Snapshots, Work, render};
use memory_debug_holders::LeakHolders;
use serde::Serialize;

use super::fit::{comparison, truncation};
use super::page_request::{Material, PageRequest, RenderRequest};
use super::snapshots::shown;
use crate::auth::Authorized;
use crate::html;
use crate::reply::{Problem, Reply};
use crate::request::Asking;

#[derive(Debug, PartialEq)]
struct Leaks;

/// The document in JSON.
#[derive(Serialize)]
struct Document<'a> {
    schema: &'static str,
    leaks: &'a LeakVerdict,
    /// What the last scan says. Absent if none has ended.
    #[serde(skip_serializing_if = "Option::is_none")]
    holders: Option<&'a LeakHolders>,
}

impl<'a> Document<'a> {
    fn of(leaks: &'a LeakVerdict, holders: Option<&'a LeakHolders>) -> Self {
        Self { schema: SCHEMA, leaks, holders }
    }
}

pub(crate) fn leaks(_asking: &mut Asking<'_>) -> Result<Arc<dyn PageRequest>, Problem> {
    Ok(Arc::new(Leaks))
}

impl PageRequest for Leaks {
    fn answer(
        &self,
        request: &RenderRequest,
        material: Material<'_>,
        _proof: &Authorized,
    ) -> Result<Reply, Problem> {
        let last = material.collect.last_holders();
        let verdict = material.snapshots.leaks();
        let verdict = verdict.map_err(|error| too_few(&error.to_string(), last.as_deref()))?;
        let mut verdict = LeakVerdict::clone(&verdict);
        let runs = [Some(&mut verdict.run), verdict.newer.as_mut()].into_iter().flatten();
        let judged = runs.flat_map(|run| &mut run.snapshots);
        let left_out = verdict.left_out.iter_mut().flat_map(|left_out| &mut left_out.snapshots);
        judged.chain(left_out).for_each(|info| *info = shown(request, info));
        let holders = last.as_deref().and_then(|last| LeakHolders::of(last, verdict.suspect_names()));
        let suspects = verdict.suspects.len();
        request.fitting(suspects, material.max_bytes, |body, top| {
            let mut verdict = verdict.clone();
            verdict.suspects.truncate(top);
            let note = truncation(top, suspects, material.max_bytes);
            request.in_form(
                body,
                |site| html::leaks(site, &verdict, holders.as_ref(), note.as_deref()),
                |body| render::write_line(body, &Document::of(&verdict, holders.as_ref())),
                |body| match &holders {
                    Some(holders) => write!(body, "{verdict}{holders}"),
                    None => write!(body, "{verdict}"),
                },
            )
        })
    }

    fn work(&self, snapshots: &Snapshots) -> Option<Work> {
        Some(comparison(snapshots))
    }
}

/// The problem that there are too few snapshots. A scan can know of unreachable memory all the same.
fn too_few(reason: &str, last: Option<&HoldersReport>) -> Problem {
    let has_unreachable = last.is_some_and(|last| last.unreachable().next().is_some());
    let hint = if has_unreachable {
        "; the last scan found memory to which nothing points: GET /holders?last=true"
    } else {
        ""
    };
    Problem::TooFewSnapshots(format!("{reason}{hint}"))
}
