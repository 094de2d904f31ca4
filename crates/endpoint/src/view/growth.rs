//! By how much the heap grew between two collections.

use std::time::Instant;

use memory_debug_core::render;

use super::{Material, View};
use crate::format::Format;
use crate::mark::{Mark, Moment};
use crate::problem::Problem;
use crate::reply::Reply;
use crate::wanted::HeapWanted;

impl View {
    /// Keeps the profile of the report, and answers nothing yet.
    pub(super) fn mark(&self, mark: &Mark, material: Material<'_>) -> Result<Reply, Problem> {
        // Before names are looked up, which the first time takes longer than everything else.
        let at = Instant::now();
        mark.set(Moment::now(material.profile()?, at));
        Ok(Reply::nothing())
    }

    pub(super) fn growth(
        &self,
        wanted: HeapWanted,
        since: &Mark,
        material: Material<'_>,
    ) -> Result<Reply, Problem> {
        let end = Instant::now();
        // The first collection was answered, so it has left its profile.
        let since = since.get().ok_or(Problem::CollectorPanicked)?;
        let span = since.until(end);
        let growth = material.profile()?.growth_since(&since.profile);
        match self.format {
            Format::Pprof => {
                let options = wanted.pprof(since.taken_at).covering(span);
                let mut body = Vec::new();
                growth.write_pprof(&options, &mut body).map_err(|_| Problem::CollectorPanicked)?;
                self.whole(body, material.max_bytes)
            }
            Format::Json => {
                self.fitting(wanted.top, material.max_bytes, |top| render::growth_json(&growth, span, top))
            }
            _ => self.fitting(wanted.top, material.max_bytes, |top| render::growth_text(&growth, span, top)),
        }
    }
}
