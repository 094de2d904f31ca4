//! `/leaks`: the types that grow steadily over all snapshots.

use std::fmt::Write;
use std::sync::Arc;

use memory_debug_core::{LeakVerdict, Snapshots, Work, render};

use super::fit::{comparison, truncation};
use super::page_request::{Material, PageRequest, RenderRequest};
use super::snapshots::shown;
use crate::auth::Authorized;
use crate::html;
use crate::reply::{Problem, Reply};
use crate::request::Asking;

#[derive(Debug, PartialEq)]
struct Leaks;

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
        let verdict = material.snapshots.leaks();
        let mut verdict =
            LeakVerdict::clone(&*verdict.map_err(|error| Problem::TooFewSnapshots(error.to_string()))?);
        let runs = [Some(&mut verdict.run), verdict.newer.as_mut()].into_iter().flatten();
        let judged = runs.flat_map(|run| &mut run.snapshots);
        let left_out = verdict.left_out.iter_mut().flat_map(|left_out| &mut left_out.snapshots);
        judged.chain(left_out).for_each(|info| *info = shown(request, info));
        let suspects = verdict.suspects.len();
        request.fitting(suspects, material.max_bytes, |body, top| {
            let mut verdict = verdict.clone();
            verdict.suspects.truncate(top);
            let note = truncation(top, suspects, material.max_bytes);
            request.in_form(
                body,
                |site| html::leaks(site, &verdict, note.as_deref()),
                |body| render::write_document(body, "leaks", &verdict),
                |body| write!(body, "{verdict}"),
            )
        })
    }

    fn work(&self, snapshots: &Snapshots) -> Option<Work> {
        Some(comparison(snapshots))
    }
}
