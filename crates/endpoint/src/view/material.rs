//! The sources that pages are written from.

use std::cell::RefCell;
use std::pin::Pin;
use std::time::Duration;

use memory_debug_core::{Collected, Collector, MemoryReport, SampleOrigin, Snapshots, SymbolizedProfile};
use memory_debug_fleet::Neighbours;

use super::fleet::AskedFleet;
use super::render_request::RenderRequest;
use crate::auth::Authorized;
use crate::collect::Collect;
use crate::reply::{Problem, Reply};

/// A page of this process, which is being written.
pub(crate) type PendingPage = Pin<Box<dyn Future<Output = Result<Reply, Problem>> + Send>>;

/// The sources that pages are written from.
#[derive(Clone, Copy)]
pub(crate) struct Material<'a> {
    /// `None` if no page of this kind needs a report.
    pub(crate) collected: Option<&'a Collected>,
    /// The collector that made the report.
    pub(crate) collect: &'a dyn Collect,
    pub(crate) snapshots: &'a Snapshots,
    /// Maximum length of a body.
    pub(crate) max_bytes: usize,
    /// How long requests wait for the pages.
    pub(crate) deadline: Duration,
    /// The processes that the page may ask. `None` for all pages but the fleet.
    pub(crate) neighbours: Option<&'a dyn Neighbours>,
    /// Starts writing another page of this process.
    pub(crate) own: &'a dyn Fn(RenderRequest, &Authorized) -> Result<PendingPage, Problem>,
    /// The fleets that were asked for earlier pages of the same run.
    pub(crate) fleets: &'a RefCell<Vec<AskedFleet>>,
}

impl<'a> Material<'a> {
    pub(super) fn collected(&self) -> Result<&'a Collected, Problem> {
        // A page that needs a report is of a kind that collects one.
        self.collected
            .ok_or_else(|| Problem::internal("a page found no report to show", &"none was collected"))
    }

    pub(super) fn report(&self) -> Result<&'a MemoryReport, Problem> {
        self.collected().map(|collected| &collected.report)
    }

    /// The heap of the report, with names.
    pub(super) fn profile(&self) -> Result<SymbolizedProfile, Problem> {
        let collected = self.collected()?;
        collected.symbolized().map_err(|error| Problem::of_profile(&collected.report, &error))
    }

    /// The samples that the heap of the report consists of.
    pub(super) fn samples(&self) -> Result<Option<SampleOrigin>, Problem> {
        Ok(self.report()?.types.as_ref().and_then(|types| types.samples.clone()))
    }

    /// Reasons why names are not better.
    pub(super) fn notes(&self) -> &'a [String] {
        self.collected.and_then(|collected| collected.report.types.as_ref()).map_or(&[], |types| &types.notes)
    }

    /// The collector of this process.
    pub(super) fn process(&self) -> Result<&'a Collector, Problem> {
        self.collect.process().ok_or_else(|| {
            Problem::NotBuiltIn(
                "the application collects the reports of this page itself, and its collector gives no access to the \
                 allocator"
                    .into(),
            )
        })
    }
}
