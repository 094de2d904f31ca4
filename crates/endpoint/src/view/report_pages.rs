//! The overview, `/stats`, `/types` and `/doctor`: pages of a report.

use std::sync::Arc;

use memory_debug_core::{DetailParts, Group, MonitorHandle, Page, Selection, Snapshots, TypesView, Work};

use super::detail::Detail;
use super::fit::most_stacks;
#[cfg(test)]
use super::kind::Kind;
use super::page_request::{Material, PageRequest, RenderRequest};
use super::report_writer;
use crate::auth::Authorized;
#[cfg(test)]
use crate::reply::Format;
use crate::reply::{Problem, Reply};
use crate::request::Asking;

/// A request for a page of a report.
#[derive(Debug, PartialEq)]
pub(crate) struct ReportPage {
    pub(crate) page: Page,
    pub(crate) types: TypesView,
    pub(crate) selection: Selection,
    /// The monitor, for the overview.
    pub(crate) monitor: Option<MonitorHandle>,
}

type Asked = Result<Arc<dyn PageRequest>, Problem>;

pub(crate) fn overview(asking: &mut Asking<'_>) -> Asked {
    Ok(page(Page::Overview, asking))
}

pub(crate) fn types(asking: &mut Asking<'_>) -> Asked {
    Ok(page(Page::Types, asking))
}

pub(crate) fn doctor(asking: &mut Asking<'_>) -> Asked {
    Ok(page(Page::Doctor, asking))
}

pub(crate) fn stats(asking: &mut Asking<'_>) -> Asked {
    let parts = Detail::read(&mut asking.query);
    if parts == DetailParts::default() {
        return Ok(page(Page::Stats, asking));
    }
    Ok(Arc::new(Detail { parts }))
}

fn page(page: Page, asking: &mut Asking<'_>) -> Arc<dyn PageRequest> {
    let monitor = asking.monitor.filter(|_| page == Page::Overview).cloned();
    let query = &mut asking.query;
    Arc::new(ReportPage { page, types: query.table(), selection: query.selection(), monitor })
}

impl PageRequest for ReportPage {
    fn answer(
        &self,
        request: &RenderRequest,
        material: Material<'_>,
        proof: &Authorized,
    ) -> Result<Reply, Problem> {
        let Self { page, types, selection, monitor } = self;
        report_writer::write(request, *page, types, selection, monitor.as_ref(), material, proof)
    }

    fn work(&self, snapshots: &Snapshots) -> Option<Work> {
        match self.page {
            Page::Stats => None,
            // The doctor compares with a snapshot to find growth.
            Page::Doctor => {
                Some(most_stacks(snapshots).map_or(Work::Page, |stacks| Work::Comparison { stacks }))
            }
            // Each row names a whole stack.
            _ if self.selection.group == Group::Traceback => Some(Work::Profile),
            _ => Some(Work::Page),
        }
    }
}

#[cfg(test)]
impl RenderRequest {
    /// A request for a page of a report.
    pub(crate) fn of_report(page: Page, types: TypesView, format: Format) -> Self {
        let kind = if page == Page::Stats { Kind::Stats } else { Kind::Everything };
        Self {
            page: Arc::new(ReportPage { page, types, selection: Selection::default(), monitor: None }),
            kind,
            format,
            force: false,
            shows_host: true,
            site: None,
        }
    }
}

#[cfg(test)]
mod tests;
