//! The overview, `/stats`, `/types` and `/doctor`: a report as core renders it.

use std::sync::Arc;

use memory_debug_core::{
    Collected, DetailParts, Group, Page, Selection, SnapshotDiff, Snapshots, TypesView, Work, render,
};

use super::detail::Detail;
#[cfg(test)]
use super::kind::Kind;
use super::material::Material;
use super::page_request::PageRequest;
use super::render_request::{RenderRequest, most_stacks, written};
use crate::auth::Authorized;
use crate::reply::{Format, Problem, Reply};
use crate::request::{Asking, Query};

/// A request for a page of a report.
#[derive(Debug, PartialEq)]
pub(crate) struct ReportPage {
    pub(crate) page: Page,
    pub(crate) types: TypesView,
    pub(crate) selection: Selection,
}

type Asked = Result<Arc<dyn PageRequest>, Problem>;

pub(crate) fn overview(asking: &mut Asking<'_>) -> Asked {
    Ok(page(Page::Overview, &mut asking.query))
}

pub(crate) fn types(asking: &mut Asking<'_>) -> Asked {
    Ok(page(Page::Types, &mut asking.query))
}

pub(crate) fn doctor(asking: &mut Asking<'_>) -> Asked {
    Ok(page(Page::Doctor, &mut asking.query))
}

pub(crate) fn stats(asking: &mut Asking<'_>) -> Asked {
    let parts = Detail::read(&mut asking.query);
    if parts == DetailParts::default() {
        return Ok(page(Page::Stats, &mut asking.query));
    }
    Ok(Arc::new(Detail { parts }))
}

fn page(page: Page, query: &mut Query) -> Arc<dyn PageRequest> {
    Arc::new(ReportPage { page, types: query.table(), selection: query.selection() })
}

impl PageRequest for ReportPage {
    fn answer(
        &self,
        request: &RenderRequest,
        material: Material<'_>,
        proof: &Authorized,
    ) -> Result<Reply, Problem> {
        write(request, self.page, &self.types, &self.selection, material, proof)
    }

    fn work(&self, snapshots: &Snapshots) -> Option<Work> {
        match self.page {
            Page::Stats => None,
            // The doctor looks for growth since a snapshot.
            Page::Doctor => {
                Some(most_stacks(snapshots).map_or(Work::Page, |stacks| Work::Comparison { stacks }))
            }
            // Each row has the names of a whole stack.
            _ if self.selection.group == Group::Traceback => Some(Work::Profile),
            _ => Some(Work::Page),
        }
    }
}

/// Writes a page of the report in at most `max_bytes`.
pub(super) fn write(
    request: &RenderRequest,
    page: Page,
    types: &TypesView,
    selection: &Selection,
    material: Material<'_>,
    _proof: &Authorized,
) -> Result<Reply, Problem> {
    let collected = material.collected()?;
    let mut report = collected.regroup(selection);
    if page == Page::Doctor
        && let Some(growth) = growth(collected, material.snapshots)
    {
        report.to_mut().note_growth(growth);
    }
    if !request.shows_host {
        let report = report.to_mut();
        request.hide_host(&mut report.instance, Some(&mut report.unavailable));
    }
    request.fitting(types.top, material.max_bytes, |body, top| {
        let types = TypesView { top, ..types.clone() };
        match request.format {
            Format::Json => written(render::write_json(body, &report, page, &types)),
            _ => written(render::write_text(body, &report, page, &types)),
        }
    })
}

/// The growth since the oldest snapshot that can be compared: one of this process, with the same samples. `None` if there
/// is none. Growth then stays unknown to the doctor.
fn growth(collected: &Collected, snapshots: &Snapshots) -> Option<SnapshotDiff> {
    snapshots.list().iter().find_map(|base| collected.growth_since(base).ok())
}

#[cfg(test)]
impl RenderRequest {
    /// A request for a page of a report.
    pub(crate) fn of_report(page: Page, types: TypesView, format: Format) -> Self {
        let kind = if page == Page::Stats { Kind::Stats } else { Kind::Everything };
        Self {
            page: Arc::new(ReportPage { page, types, selection: Selection::default() }),
            kind,
            format,
            force: false,
            shows_host: true,
        }
    }
}

#[cfg(test)]
mod tests;
