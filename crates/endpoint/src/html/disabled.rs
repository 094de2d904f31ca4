//! No pages for browsers: a build without the feature `html`.

use memory_debug_core::{
    DiffView, FleetReport, HoldersReport, InstanceReport, LeakVerdict, MemoryReport, MonitorReport, Page,
    ProfilingStatus, ProgressReport, PurgeReport, RowId, RunningScan, Selection, SnapshotDiff, SnapshotId,
    SnapshotInfo, TaskReport, TraceEvent, TraceReport, TypeDetail, TypesView,
};
use memory_debug_holders::LeakHolders;
use memory_debug_tree::CallTree;

use crate::reply::{Problem, Reply};

/// The place of a page for browsers. This build has none.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Site {}

/// The memory that links of a flame graph lead to.
#[derive(Debug)]
pub(crate) struct GraphSource;

pub(crate) fn graph_source(_base: Option<String>, _row: Option<RowId>) -> GraphSource {
    GraphSource
}

pub(crate) fn site(_base: &str, _path: &str, _user: &str, _role: &'static str) -> Option<Site> {
    None
}

pub(crate) fn with_monitor(site: Site) -> Site {
    site
}

pub(crate) fn with_tracer(site: Site) -> Site {
    site
}

pub(crate) fn problem(site: &Site, _problem: &Problem) -> String {
    match *site {}
}

pub(crate) fn asset(_method: &str, _rest: &str) -> Option<Reply> {
    None
}

pub(crate) fn of_report(
    site: &Site,
    _page: Page,
    _report: &MemoryReport,
    _types: &TypesView,
    _selection: &Selection,
    _note: Option<&str>,
) -> String {
    match *site {}
}

pub(crate) fn link(site: &Site, _target: &str) -> String {
    match *site {}
}

pub(crate) fn interstitial(site: &Site, _query: &str) -> String {
    match *site {}
}

pub(crate) fn snapshots(
    site: &Site,
    _snapshots: &[SnapshotInfo],
    _note: Option<&str>,
    _gone: Option<SnapshotId>,
) -> String {
    match *site {}
}

pub(crate) fn snapshot(site: &Site, _snapshot: &SnapshotInfo) -> String {
    match *site {}
}

pub(crate) fn profiling(
    site: &Site,
    _status: &ProfilingStatus,
    _state: &str,
    _changed: Option<u64>,
) -> String {
    match *site {}
}

pub(crate) fn purge(site: &Site, _report: &PurgeReport) -> String {
    match *site {}
}

pub(crate) fn type_detail(site: &Site, _detail: &TypeDetail) -> String {
    match *site {}
}

pub(crate) fn diff(
    site: &Site,
    _diff: &SnapshotDiff,
    _view: &DiffView,
    _snapshots: &[SnapshotInfo],
    _note: Option<&str>,
) -> String {
    match *site {}
}

pub(crate) fn leaks(
    site: &Site,
    _verdict: &LeakVerdict,
    _holders: Option<&LeakHolders>,
    _note: Option<&str>,
) -> String {
    match *site {}
}

pub(crate) fn holders(
    site: &Site,
    _report: Option<&HoldersReport>,
    _running: Option<&RunningScan>,
    _filter: Option<&str>,
    _most_nodes: usize,
    _note: Option<&str>,
) -> String {
    match *site {}
}

pub(crate) fn scan_progress(site: &Site, _progress: &ProgressReport) -> String {
    match *site {}
}

pub(crate) fn monitor(site: &Site, _report: &MonitorReport, _note: Option<&str>) -> String {
    match *site {}
}

pub(crate) fn tasks(site: &Site, _report: &TaskReport, _note: Option<&str>) -> String {
    match *site {}
}

pub(crate) fn trace(
    site: &Site,
    _report: &TraceReport,
    _top: usize,
    _event: TraceEvent,
    _note: Option<&str>,
) -> String {
    match *site {}
}

pub(crate) fn fleet(site: &Site, _report: &FleetReport, _view: &TypesView, _note: Option<&str>) -> String {
    match *site {}
}

pub(crate) fn instance(site: &Site, _report: &InstanceReport) -> String {
    match *site {}
}

pub(crate) fn call_tree(
    site: &Site,
    _report: &MemoryReport,
    _tree: &CallTree<'_>,
    _source: &GraphSource,
) -> String {
    match *site {}
}

pub(crate) fn flame_graph(site: &Site, _source: &GraphSource) -> String {
    match *site {}
}
