//! Access to the sources of a page.

use memory_debug_core::{Collected, Collector, MemoryReport, SampleOrigin, SymbolizedProfile};

use super::page_request::Material;
use crate::reply::Problem;

impl<'a> Material<'a> {
    pub(super) fn collected(&self) -> Result<&'a Collected, Problem> {
        // A page that needs a report has a kind that collects one.
        self.collected
            .ok_or_else(|| Problem::internal("a page found no report to show", &"none was collected"))
    }

    pub(super) fn report(&self) -> Result<&'a MemoryReport, Problem> {
        self.collected().map(|collected| &collected.report)
    }

    /// The heap profile of the report, with names.
    pub(super) fn profile(&self) -> Result<SymbolizedProfile, Problem> {
        let collected = self.collected()?;
        collected.symbolized().map_err(|error| Problem::of_profile(&collected.report, &error))
    }

    /// The samples of the report's heap profile.
    pub(super) fn samples(&self) -> Result<Option<SampleOrigin>, Problem> {
        Ok(self.report()?.types.as_ref().and_then(|types| types.samples.clone()))
    }

    /// Notes that explain why some names are missing or poor.
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

    /// Asks the collector of this process about what needs no collection. An application with a collector of its own
    /// has a monitor and a tracer too.
    pub(super) fn ask<T>(&self, question: impl FnOnce(&Collector) -> T) -> T {
        match self.collect.process() {
            Some(process) => question(process),
            None => question(&Collector::new()),
        }
    }
}
