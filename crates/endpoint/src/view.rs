//! The pages. Each page has one file, with the parameters that it reads and the answer that it writes.

mod asked_fleet;
mod bounded;
mod comparable;
mod detail;
mod diff;
mod fit;
mod flamegraph;
mod fleet;
mod growth;
mod growth_start;
mod heap;
mod holders;
mod instance;
mod kind;
mod leaks;
mod made_scan;
mod material;
mod metrics;
mod monitor;
mod page_request;
mod profile;
mod profiling;
mod purge;
mod report_pages;
mod report_writer;
mod samples;
mod snapshots;
mod tool_file;
mod trace;
mod tree;
mod tree_source;
mod type_detail;

pub(crate) use self::diff::diff;
pub(crate) use self::flamegraph::flamegraph;
pub(crate) use self::fleet::fleet;
#[cfg(test)]
pub(crate) use self::heap::Heap;
pub(crate) use self::heap::{allocations, heap};
pub(crate) use self::holders::{holders, scan_progress};
pub(crate) use self::instance::instance;
pub(crate) use self::kind::Kind;
pub(crate) use self::leaks::leaks;
pub(crate) use self::made_scan::MadeScan;
pub(crate) use self::metrics::metrics;
pub(crate) use self::monitor::{monitor, tasks};
pub(crate) use self::page_request::{Material, PageRequest, PendingPage, RenderRequest, Watch};
#[cfg(test)]
pub(crate) use self::profile::ProfileOptions;
pub(crate) use self::profiling::{profiling, set_profiling, set_profiling_by_form};
pub(crate) use self::purge::purge;
pub(crate) use self::report_pages::{doctor, overview, stats, types};
#[cfg(test)]
pub(crate) use self::snapshots::TakeSnapshot;
pub(crate) use self::snapshots::{
    drop_snapshot, list_snapshots, show_snapshot, take_labelled_snapshot, take_snapshot,
};
pub(crate) use self::trace::{change_trace, change_trace_by_form, trace};
pub(crate) use self::tree::tree;
pub(crate) use self::type_detail::type_detail;
