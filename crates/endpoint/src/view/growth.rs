//! `/heap?seconds=`: the growth of the heap between two collections.

use std::time::Instant;

use memory_debug_core::{Snapshots, Work, render};

use super::fit::written;
use super::growth_start::{GrowthStart, StartProfile};
use super::page_request::{Material, PageRequest, RenderRequest};
use super::profile::{ProfileOptions, write_pprof};
use super::samples::require_same_samples;
use crate::auth::Authorized;
use crate::reply::{Format, Problem, Reply};

/// A request to keep the present profile as the start of a measurement.
#[derive(Debug, PartialEq)]
pub(super) struct StartPage(pub(super) GrowthStart);

/// A request for the growth since a start.
#[derive(Debug, PartialEq)]
pub(super) struct GrowthPage {
    pub(super) options: ProfileOptions,
    pub(super) since: GrowthStart,
}

impl PageRequest for StartPage {
    /// Keeps the profile of the report. Its reply is not sent to a client.
    fn answer(
        &self,
        _request: &RenderRequest,
        material: Material<'_>,
        _proof: &Authorized,
    ) -> Result<Reply, Problem> {
        // Measured before names are looked up: the first lookup takes longer than everything else.
        let at = Instant::now();
        self.0.set(StartProfile::now(material.profile()?, material.samples()?, at));
        Ok(Reply::nothing())
    }

    fn work(&self, _snapshots: &Snapshots) -> Option<Work> {
        Some(Work::Profile)
    }
}

impl PageRequest for GrowthPage {
    fn answer(
        &self,
        request: &RenderRequest,
        material: Material<'_>,
        _proof: &Authorized,
    ) -> Result<Reply, Problem> {
        let end = Instant::now();
        // The first collection has succeeded, so it has left its profile here.
        let since = self
            .since
            .get()
            .ok_or_else(|| Problem::internal("growth has no start", &"the first profile was not kept"))?;
        let span = since.until(end);
        let profile = material.profile()?;
        require_same_samples(since.samples.as_ref(), material.samples()?.as_ref())?;
        let growth = profile.growth_since(&since.profile);
        match request.format {
            Format::Pprof => {
                let mut options = self.options.pprof(since.taken_at).covering(span);
                options.comments.extend(material.notes().iter().cloned());
                write_pprof(request, &growth, &options, material)
            }
            Format::Json => request.fitting(self.options.top, material.max_bytes, |body, top| {
                written(render::write_growth_json(body, &growth, span, top))
            }),
            _ => request.fitting(self.options.top, material.max_bytes, |body, top| {
                written(render::write_growth_text(body, &growth, span, top))
            }),
        }
    }

    fn work(&self, _snapshots: &Snapshots) -> Option<Work> {
        let stacks = self.since.get().map(|start| start.profile.stack_count());
        let stacks = stacks.and_then(|stacks| u64::try_from(stacks).ok());
        Some(Work::Comparison { stacks: stacks.unwrap_or(0) })
    }
}
