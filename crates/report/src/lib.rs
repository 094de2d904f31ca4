//! Reports about the memory of a Rust process, as plain values.
//!
//! A [`MemoryReport`] is the result of one collection. This crate renders it as text and JSON ([`render`]). It judges
//! a report ([`diagnose`], [`Conclusion`]), compares two ([`ReportDiff`]), and merges the reports of many instances
//! ([`Fleet`]). A [`Snapshot`] keeps the heap of one moment, and a [`SnapshotDiff`] compares two snapshots.
//!
//! Nothing here reads a file, a clock or a random number, or starts a thread, so equal values give equal results. The
//! crate `memory-debug-core` collects reports from the running process and re-exports everything here.
//!
//! ```
//! use memory_debug_report::{MemoryReport, Page, TypesView, render};
//!
//! # let json = r#"{"schema": "memory-debug/v1", "instance": {"id": "00000000-0000-4000-8000-000000000000", "pid": 1},
//! #     "collected_at": "2026-11-20T12:12:00Z", "duration_us": 1, "unavailable": {}}"#;
//! let report: MemoryReport = serde_json::from_str(json)?;
//! println!("{}", render::text(&report, Page::Overview, &TypesView::default()));
//! # Ok::<_, serde_json::Error>(())
//! ```
//!
//! # Features
//!
//! | feature | default | |
//! |---|---|---|
//! | `flamegraph` | no | flame graphs, as SVG |
//!
//! # Modules, from the ground up
//!
//! A module uses only modules listed above it.
//!
//! - `schema`: the version of the wire format
//! - `error`: errors of reading, keeping and comparing
//! - `unavailable`: why values of a report are missing
//! - `units`: numbers and names as people read them
//! - `timestamp`: points in time as text, and back
//! - `rows`: which rows of a table are shown
//! - `instance`: identity of the process that answered
//! - `samples`: the samples that a heap profile is made of
//! - `arena_bins`: the unused memory of small size classes, by arena
//! - `detail`: the allocator by arena and by size class
//! - `root_summary`: memory that registered roots retain
//! - `reconciliation`: comparison of the heap profile, the allocator and the kernel
//! - `row_id`: the id of a row in JSON
//! - `monitor`: what the monitor of a process watches and saw
//! - `trace`: where requests spend time and bytes
//! - `diagnosis`: what the rules of the doctor found
//! - `unwinder`: what reads the stacks of samples
//! - `ages`: for which part of the live heap the age is known
//! - `report`: the report and its own sections
//! - `breakdown`: the parts of resident memory
//! - `reconcile`: computes the reconciliation
//! - `types`: the table of types, made from a heap profile
//! - `ceiling`: the limit that the process reaches first
//! - `comparison`: whether two profiles can be compared
//! - `snapshot`: kept heaps, their differences and growth
//! - `type_detail`: one type of the table
//! - `profiling_status`: the state of the heap profiler
//! - `purge_report`: the result of a purge
//! - `instance_report`: the identity of the process as a document of its own
//! - `fleet`: merges the reports of many instances
//! - `report_diff`: the difference between two reports
//! - `view`: the requested page and rows
//! - `doctor`: findings in a report, and what to change
//! - `conclusion`: what holds resident memory, in a sentence
//! - `render`: text and JSON

#![forbid(unsafe_code)]

// In the order of the list above.
mod schema;
mod error;
mod unavailable;
pub mod units;
mod timestamp;
mod rows;
mod instance;
mod samples;
mod arena_bins;
mod detail;
mod root_summary;
mod reconciliation;
mod row_id;
mod monitor;
mod trace;
mod diagnosis;
mod unwinder;
mod ages;
mod report;
mod breakdown;
mod reconcile;
mod types;
mod ceiling;
mod comparison;
mod snapshot;
mod type_detail;
mod profiling_status;
mod purge_report;
mod instance_report;
mod fleet;
mod report_diff;
mod view;
mod doctor;
mod conclusion;
pub mod render;
#[cfg(test)]
mod sample;

pub use ages::RecordedAges;
pub use arena_bins::{ArenaBin, ArenaBins};
pub use ceiling::{Ceiling, LimitSource};
pub use comparison::Comparison;
pub use conclusion::{Conclusion, HeldBy};
pub use detail::{AllocatorDetail, ArenaStats, BinStats, DetailParts, LargeStats, SizeClasses};
pub use diagnosis::{Diagnosis, NotChecked, Severity, Verdict};
pub use doctor::diagnose;
pub use error::{Error, ErrorKind};
pub use fleet::{
    Draws, Fleet, FleetEstimate, FleetInstance, FleetNumber, FleetProgram, FleetReport, FleetTypeRow,
    FleetTypes, MergeRule, MissingInstance, MissingReason, Spread,
};
pub use instance::{InstanceId, InstanceInfo};
pub use instance_report::InstanceReport;
#[cfg(feature = "flamegraph")]
pub use memory_debug_profile::FlamegraphOptions;
pub use memory_debug_profile::{
    AgeBucket, Ages, BirthRow, Births, CollapsedOptions, CollapsedStacks, Count, Group, HeapProfile, Leaf,
    NoRowId, PprofOptions, PprofSymbols, RowId, Selection, SymbolGap, SymbolizedProfile, TracebackDepth,
};
pub use monitor::{
    ActionOutcome, BlockedThread, BlockedWorker, Capture, CaptureKind, CaptureStatus, CapturedProcess,
    EarlierProcess, EventCount, EventKind, FlightRecord, MonitorCost, MonitorEvent, MonitorMetric,
    MonitorReport, MonitorStatus, MonitorTotals, ProcessEnd, RuleState, RuleStatus, TaskNode, TaskReport,
    TaskRow, TaskSourceReport, TaskState,
};
pub use profiling_status::{DiscardedSamples, ProfilingRefusal, ProfilingStatus, ProfilingWindow};
pub use purge_report::{PurgeMoment, PurgeReport};
pub use reconciliation::Reconciliation;
pub use report::{
    AllocatorStats, CgroupLevel, CgroupMemory, CgroupParts, MachineMemory, MemoryReport, OptionValue,
    ProcessMemory, ProfilingState, RowSource, TypeRow, TypeSummary,
};
pub use report_diff::{NumberChange, ReportDiff};
pub use root_summary::{FieldRow, RootRow, RootSummary};
pub use samples::SampleOrigin;
pub use schema::SCHEMA;
pub use snapshot::{ChangeKind, DiffRow, Growth, Snapshot, SnapshotDiff, SnapshotId, SnapshotInfo};
pub use trace::{BytesPerRequest, RouteTrace, Trace, TraceEvent, TraceKind, TraceNode, TraceReport};
pub use type_detail::{TypeDetail, TypeGroup, TypeMoment};
pub use unavailable::Unavailable;
pub use unwinder::{Unwinder, UnwinderState};
pub use view::{DiffView, Page, Sort, TypesView};

/// Functions and values that only `memory-debug-core` needs. Not part of the interface.
#[doc(hidden)]
pub mod __private {
    pub use crate::breakdown::Counts;
    pub use crate::detail::sampled_objects;
    pub use crate::reconcile::Sampled;
    pub use crate::report::{MAX_LEVELS, NO_CONTROLLER, NO_GROUP, NO_LIMIT, NOT_JEMALLOC};
    pub use crate::snapshot::beyond_peaks;
    pub use crate::types::{root_rows, summarize};

    /// Points in time as text.
    pub mod timestamp {
        pub use crate::timestamp::{millis, parse, seconds, unix_seconds};
    }
}
