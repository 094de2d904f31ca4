//! The writer for all pages of a report.

use memory_debug_core::{
    Collected, MonitorHandle, Page, Selection, SnapshotDiff, Snapshots, TypesView, render,
};
use memory_debug_holders::diagnose_holders;

use super::fit::truncation;
use super::page_request::{Material, RenderRequest};
use crate::auth::Authorized;
use crate::html;
use crate::reply::{Problem, Reply};

/// Writes a page of the report in at most `max_bytes`.
pub(super) fn write(
    request: &RenderRequest,
    page: Page,
    types: &TypesView,
    selection: &Selection,
    monitor: Option<&MonitorHandle>,
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
    if page == Page::Overview
        && let Some(verdict) = material.snapshots.known_leaks()
    {
        report.to_mut().note_leaks(verdict.growing_types());
    }
    if matches!(page, Page::Overview | Page::Doctor) {
        report.to_mut().note_findings(diagnose_holders(material.collect.last_holders().as_deref()));
    }
    if let Some(status) = monitor.and_then(|monitor| monitor.summary(report.instance.clone()).monitor) {
        report.to_mut().note_monitor(status);
    }
    if !request.shows_host {
        let report = report.to_mut();
        request.hide_host(&mut report.instance, Some(&mut report.unavailable));
    }
    let shown = types.top;
    request.fitting(shown, material.max_bytes, |body, top| {
        let types = TypesView { top, ..types.clone() };
        let note = truncation(top, shown, material.max_bytes);
        request.in_form(
            body,
            |site| html::of_report(site, page, &report, &types, selection, note.as_deref()),
            |body| render::write_json(body, &report, page, &types),
            |body| render::write_text(body, &report, page, &types),
        )
    })
}

/// The growth since the oldest comparable snapshot: a snapshot of this process with the same samples. `None` if no
/// snapshot is comparable; the doctor then says nothing about growth.
fn growth(collected: &Collected, snapshots: &Snapshots) -> Option<SnapshotDiff> {
    snapshots.list().iter().find_map(|base| collected.growth_since(base).ok())
}
