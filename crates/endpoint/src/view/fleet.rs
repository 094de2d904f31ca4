//! `/fleet`: the reports of several processes as one page.

use std::fmt::Write;
use std::sync::Arc;

use memory_debug_core::{
    FleetReport, MemoryReport, MissingReason, Page, Scope, Selection, Snapshots, TypesView, Work, render,
};
use memory_debug_fleet::{FleetQuery, Missing, PendingReport};

use super::asked_fleet::AskedFleet;
use super::fit::truncation;
use super::kind::Kind;
use super::page_request::{Material, PageRequest, PendingPage, RenderRequest};
use super::report_pages::ReportPage;
use crate::audit;
use crate::auth::Authorized;
use crate::fleet::{FleetScope, FleetWanted};
use crate::html;
use crate::reply::{Format, Problem, Reply};
use crate::request::Asking;

/// A request for a fleet.
#[derive(Debug, PartialEq)]
struct FleetPage(FleetWanted);

pub(crate) fn fleet(asking: &mut Asking<'_>) -> Result<Arc<dyn PageRequest>, Problem> {
    let scopes = [("host", FleetScope::Host), ("peers", FleetScope::Peers)];
    let scope = asking.query.one_of("scope", &scopes).unwrap_or(FleetScope::Host);
    let types = asking.query.table();
    let members = (asking.fleet)(scope)?;
    Ok(Arc::new(FleetPage(FleetWanted { members, rows: asking.max_rows, types })))
}

impl PageRequest for FleetPage {
    fn answer(
        &self,
        request: &RenderRequest,
        material: Material<'_>,
        proof: &Authorized,
    ) -> Result<Reply, Problem> {
        let mut report = report(&self.0, request, material, proof)?;
        let view = &self.0.types;
        let TypesView { top: requested, filter, .. } = view;
        report.types = report.types.map(|types| types.truncate_filtered(*requested, filter.as_deref()));
        request.fitting(*requested, material.max_bytes, |body, top| {
            let mut shown = report.clone();
            shown.types = shown.types.map(|types| types.truncate_filtered(top, None));
            let note = truncation(top, *requested, material.max_bytes);
            request.in_form(
                body,
                |site| html::fleet(site, &shown, view, note.as_deref()),
                |body| render::write_line(body, &shown),
                |body| write!(body, "{shown}"),
            )
        })
    }

    fn work(&self, _snapshots: &Snapshots) -> Option<Work> {
        Some(Work::Page)
    }
}

/// Asks the fleet, unless the same run already asked it for another part of the same report.
fn report(
    wanted: &FleetWanted,
    request: &RenderRequest,
    material: Material<'_>,
    proof: &Authorized,
) -> Result<FleetReport, Problem> {
    let FleetWanted { members, rows, .. } = wanted;
    let rows = *rows;
    let force = request.force;
    let shows_host = request.shows_host;
    let is_this = |asked: &&AskedFleet| {
        asked.members == *members && (asked.rows, asked.force, asked.shows_host) == (rows, force, shows_host)
    };
    if let Some(asked) = material.fleets.borrow().iter().find(is_this) {
        return Ok(asked.report.clone());
    }
    let neighbours = material.neighbours.ok_or_else(|| {
        Problem::internal("the fleet cannot be asked", &"the request came without its neighbours")
    })?;
    // Siblings, including this process, check their memory themselves. For peers, this process collects here.
    if members.scope == FleetScope::Peers && !force {
        material.collect.headroom(Scope::Everything).map_err(Problem::InsufficientHeadroom)?;
    }
    let query = FleetQuery {
        caller: members.caller.as_ref(),
        base: &members.base,
        rows,
        force,
        shows_host,
        deadline: material.deadline,
    };
    let own = || Ok(pending((material.own)(own_report(rows, force), proof)?, rows));
    let mut report = neighbours.ask(&query, &own)?;
    report.instances.iter_mut().for_each(|member| request.hide_host(&mut member.instance, None));
    audit::fleet(&report);
    let asked = AskedFleet { members: members.clone(), rows, force, shows_host, report: report.clone() };
    material.fleets.borrow_mut().push(asked);
    Ok(report)
}

/// A request for the report of this process, the same as the request that peers get.
fn own_report(rows: usize, force: bool) -> RenderRequest {
    let types = TypesView { top: rows, ..TypesView::default() };
    RenderRequest {
        page: Arc::new(ReportPage {
            page: Page::Overview,
            types,
            selection: Selection::default(),
            monitor: None,
        }),
        kind: Kind::Everything,
        format: Format::Json,
        force,
        shows_host: true,
        site: None,
    }
}

/// The report of this process, read from its own page.
fn pending(page: PendingPage, rows: usize) -> PendingReport {
    Box::pin(async move {
        let page = page.await?;
        MemoryReport::for_fleet(&page.body, rows)
            .map_err(|why| Missing::new(MissingReason::NoReport, format!("its report {why}")))
    })
}
