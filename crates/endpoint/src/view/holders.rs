//! `/holders`: who holds the memory, found by scans of the heap, and `/holders/progress`.

use std::fmt::Write;
use std::sync::Arc;
use std::time::Duration;

use memory_debug_core::{HoldersOptions, HoldersReport, Snapshots, Work, render};
use memory_debug_holders::{HolderGraph, TypeFilter};

use super::fit::{half, truncation, written};
use super::kind::{Kind, LONGEST_SCAN};
use super::made_scan::{MadeScan, ScanWanted};
use super::page_request::{Material, PageRequest, RenderRequest};
use crate::auth::Authorized;
use crate::html;
use crate::reply::{Format, GraphFormat, Problem, Reply};
use crate::request::Asking;

/// The most nodes of a graph. More do not fit on a screen.
const MOST_NODES: usize = 60;

/// The most holders of a chain that a request may ask for.
const DEEPEST: usize = 32;

/// The parameters of a new scan.
const OF_SCAN: [&str; 3] = ["depth", "scans", "seconds"];

const NO_SCANS: &str =
    "the application collects the reports of this page itself, and its collector cannot scan the heap";

/// A request for who holds the memory.
#[derive(Debug, PartialEq)]
struct Holders {
    /// A part of the name of a type, or the id of its row.
    type_filter: Option<String>,
    /// Maximum number of types.
    top: usize,
    /// The scan to make. `None` shows the result of the last one.
    scan: Option<ScanWanted>,
}

#[derive(Debug, PartialEq)]
struct Progress;

pub(crate) fn holders(asking: &mut Asking<'_>) -> Result<Arc<dyn PageRequest>, Problem> {
    let query = &mut asking.query;
    let (type_filter, top) = (query.text("type"), query.top());
    let (depth, scans) = (query.number("depth", DEEPEST), query.number("scans", 3));
    let seconds = query.number("seconds", LONGEST_SCAN.as_secs() as usize);
    let last = query.flag("last");
    if last && let Some(name) = OF_SCAN.into_iter().find(|name| query.has(name)) {
        query.refuse(name, "cannot be combined with `last`; it is for a new scan");
    }
    let scan = ScanWanted {
        depth: depth.unwrap_or(8),
        scans: scans.and_then(|scans| u32::try_from(scans).ok()).unwrap_or(3),
        seconds: seconds.unwrap_or(20) as u64,
    };
    Ok(Arc::new(Holders { type_filter, top, scan: (!last).then_some(scan) }))
}

pub(crate) fn scan_progress(_asking: &mut Asking<'_>) -> Result<Arc<dyn PageRequest>, Problem> {
    Ok(Arc::new(Progress))
}

impl PageRequest for Holders {
    fn answer(
        &self,
        request: &RenderRequest,
        material: Material<'_>,
        _proof: &Authorized,
    ) -> Result<Reply, Problem> {
        let found = match self.scan {
            Some(wanted) => Some(scan(wanted, material)?),
            None => material.collect.last_holders(),
        };
        let mut report = found.map(|found| HoldersReport::clone(&found));
        if let Some(report) = &mut report {
            request.hide_host(&mut report.instance, Some(&mut report.unavailable));
            if let Some(filter) = &self.type_filter {
                report.keep(&TypeFilter::parse(filter));
            }
        }
        match (report, request.format) {
            (Some(report), Format::Graph(format)) => graph(request, &report, format, material.max_bytes),
            (None, _) if request.site.is_none() => Err(Problem::NoScan),
            (report, _) => self.page(request, report.as_ref(), material),
        }
    }

    /// A result that is there does not wait for a scan that runs.
    fn kind(&self, default: Kind) -> Kind {
        if self.scan.is_some() { default } else { Kind::ScanState }
    }

    fn work(&self, _snapshots: &Snapshots) -> Option<Work> {
        Some(if self.scan.is_some() { Work::Holders } else { Work::Page })
    }
}

impl Holders {
    /// Writes the report as a page, as JSON or as text. Only a page for browsers can be without a report.
    fn page(
        &self,
        request: &RenderRequest,
        report: Option<&HoldersReport>,
        material: Material<'_>,
    ) -> Result<Reply, Problem> {
        let progress = material.collect.holders_progress();
        let running = progress.as_ref().and_then(|progress| progress.running.as_ref());
        let shown = report.map_or(0, |report| report.types.len()).min(self.top);
        request.fitting(shown, material.max_bytes, |body, top| {
            let report = report.map(|report| {
                let mut report = report.clone();
                report.keep_first(top);
                report
            });
            let note = truncation(top, shown, material.max_bytes);
            let filter = self.type_filter.as_deref();
            request.in_form(
                body,
                |site| html::holders(site, report.as_ref(), running, filter, MOST_NODES, note.as_deref()),
                |body| report.as_ref().map_or(Ok(()), |report| render::write_line(body, report)),
                |body| report.as_ref().map_or(Ok(()), |report| write!(body, "{report}")),
            )
        })
    }
}

/// Scans the heap, unless such a scan was already made for another page, while this request waited.
fn scan(wanted: ScanWanted, material: Material<'_>) -> Result<Arc<HoldersReport>, Problem> {
    if let Some(made) = material.scans.borrow().iter().find(|made| made.wanted == wanted) {
        return Ok(Arc::clone(&made.report));
    }
    let options = HoldersOptions {
        // The page selects types itself, so that one scan serves every request.
        type_filter: None,
        depth: wanted.depth,
        deadline: Duration::from_secs(wanted.seconds),
        scans: wanted.scans,
    };
    let report = material.collect.holders(&options).ok_or(Problem::NotBuiltIn(NO_SCANS.into()))?;
    let report = Arc::new(report);
    material.scans.borrow_mut().push(MadeScan { wanted, report: Arc::clone(&report) });
    Ok(report)
}

/// Writes the graph. If it does not fit, it has fewer nodes.
fn graph(
    request: &RenderRequest,
    report: &HoldersReport,
    format: GraphFormat,
    max_bytes: usize,
) -> Result<Reply, Problem> {
    if report.coverage.is_none() {
        let reason = report.unavailable.get("coverage").unwrap_or("the reason is unknown");
        return Err(Problem::NotBuiltIn(format!("there is no graph of holders: {reason}").into()));
    }
    let service = report.instance.service.as_deref().unwrap_or("unnamed service");
    let title =
        format!("who holds the memory of {service}, pid {}, {}", report.instance.pid, report.scanned_at);
    request.until_it_fits(MOST_NODES, half, max_bytes, |body, nodes| {
        let graph = HolderGraph::of(report, nodes);
        written(match format {
            GraphFormat::Svg => graph.write_svg(&title, body),
            GraphFormat::Dot => graph.write_dot(&title, body),
        })
    })
}

impl PageRequest for Progress {
    fn answer(
        &self,
        request: &RenderRequest,
        material: Material<'_>,
        _proof: &Authorized,
    ) -> Result<Reply, Problem> {
        let progress = material.collect.holders_progress();
        let mut progress = progress.ok_or(Problem::NotBuiltIn(NO_SCANS.into()))?;
        request.hide_host(&mut progress.instance, Some(&mut progress.unavailable));
        request.document(&progress, material.max_bytes, |site| html::scan_progress(site, &progress))
    }
}
