//! Pages for browsers.

use memory_debug_core::{MemoryReport, Page, RowId, Selection, TypesView};
pub(crate) use memory_debug_web::{
    GraphSource, Site, call_tree, diff, flame_graph, fleet, holders, instance, interstitial, leaks, monitor,
    profiling, purge, scan_progress, snapshot, snapshots, tasks, trace, type_detail,
};

use crate::reply::{Problem, Reply};

/// The place of the page at `path` below `base`, for the login `user`.
pub(crate) fn site(base: &str, path: &str, user: &str, role: &'static str) -> Option<Site> {
    Some(Site::new(base, path, user, role).without(ABSENT))
}

/// Forms of a page that need a feature which is off.
const ABSENT: &[&str] = if cfg!(feature = "flamegraph") { &[] } else { &["/heap/flamegraph?format=svg"] };

/// The place of a page of a service with a monitor.
pub(crate) fn with_monitor(site: Site) -> Site {
    site.with_monitor()
}

/// The place of a page of a service with a tracer.
pub(crate) fn with_tracer(site: Site) -> Site {
    site.with_tracer()
}

/// The memory that links of a flame graph lead to.
pub(crate) fn graph_source(base: Option<String>, row: Option<RowId>) -> GraphSource {
    GraphSource { base, row }
}

/// A page of a report.
pub(crate) fn of_report(
    site: &Site,
    page: Page,
    report: &MemoryReport,
    types: &TypesView,
    selection: &Selection,
    note: Option<&str>,
) -> String {
    match page {
        Page::Overview => memory_debug_web::overview(site, report, types, note),
        Page::Types => memory_debug_web::types(site, report, types, selection, note),
        Page::Doctor => memory_debug_web::doctor(site, report),
        Page::Stats => match &report.detail {
            Some(detail) => memory_debug_web::allocator(site, report, detail),
            None => memory_debug_web::stats(site, report),
        },
    }
}

/// The relative link from a page to the page at `target` below the base.
pub(crate) fn link(site: &Site, target: &str) -> String {
    site.link(target)
}

/// The page about a problem. After a conflict it links to the present state.
pub(crate) fn problem(site: &Site, problem: &Problem) -> String {
    if let Problem::TooFewSnapshots(reason) = problem {
        return memory_debug_web::too_few_snapshots(site, problem.status(), problem.title(), reason);
    }
    let retry = problem.retry_after_s();
    let can_continue = matches!(problem, Problem::VersionDiffers { .. } | Problem::AlreadyCounting(_));
    memory_debug_web::problem(site, problem.status(), problem.title(), &problem.detail(), retry, can_continue)
}

/// The reply to a request for the file at `rest` below the base path. `None` if there is no such file.
pub(crate) fn asset(method: &str, rest: &str) -> Option<Reply> {
    let name = rest.strip_prefix("/assets/").filter(|_| matches!(method, "GET" | "HEAD"))?;
    let asset = memory_debug_web::asset(name)?;
    Some(Reply::asset(asset.content_type, &asset.bytes))
}
