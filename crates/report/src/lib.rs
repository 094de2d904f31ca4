//! What holds the memory of a Rust process, as plain values.
//!
//! A [`MemoryReport`] is what one collection learned. This crate turns it into text and JSON ([`render`]) and into metrics
//! ([`metrics`]), says what stands out in it ([`diagnose`]), compares two of it ([`ReportDiff`]), and merges those of many
//! instances ([`Fleet`]). A [`Snapshot`] keeps the heap of a moment; a [`SnapshotDiff`] compares two of them and a
//! [`LeakVerdict`] judges many.
//!
//! Nothing here reads a file, a clock or a random number, or starts a thread, so equal values give equal results. The
//! crate `memory-debug-core` collects reports from the running process and re-exports all of this.
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
//! | `metrics` | no | `metrics::record`: the numbers for a recorder of the `metrics` facade |
//! | `prometheus` | no | the numbers as text for Prometheus |

#![forbid(unsafe_code)]

// From the ground up: a module uses only modules above its line.
mod error;
mod unavailable;
pub mod units;
mod timestamp;
mod rows;
mod visible_json;
mod instance;
mod samples;
mod detail;
mod root_summary;
mod reconciliation;
mod report;
mod breakdown;
mod reconcile;
mod types;
mod ceiling;
mod comparison;
mod snapshot;
mod profiling_status;
mod purge_report;
mod fleet;
mod report_diff;
mod view;
mod doctor;
pub mod render;
pub mod metrics;
#[cfg(test)]
mod sample;

pub use ceiling::{Ceiling, LimitSource};
pub use comparison::Comparison;
pub use detail::{AllocatorDetail, ArenaStats, BinStats, DetailParts, LargeStats, SizeClasses};
pub use doctor::{Diagnosis, NotChecked, Severity, Verdict, diagnose};
pub use error::{Error, ErrorKind};
pub use fleet::{
    Draws, Fleet, FleetEstimate, FleetInstance, FleetNumber, FleetProgram, FleetReport, FleetTypeRow,
    FleetTypes, MergeRule, MissingInstance, MissingReason, Spread,
};
pub use instance::{InstanceId, InstanceInfo};
#[cfg(feature = "flamegraph")]
pub use memory_debug_profile::FlamegraphOptions;
pub use memory_debug_profile::{
    Count, FoldedOptions, FoldedStacks, Group, HeapProfile, Leaf, PprofOptions, PprofSymbols, Selection,
    SymbolGap, SymbolizedProfile, TracebackDepth,
};
pub use profiling_status::{DiscardedSamples, ProfilingRefusal, ProfilingStatus, ProfilingWindow};
pub use purge_report::{PurgeMoment, PurgeReport};
pub use reconciliation::Reconciliation;
pub use report::{
    AllocatorStats, CgroupLevel, CgroupMemory, CgroupParts, MachineMemory, MemoryReport, OptionValue,
    ProcessMemory, ProfilingState, RowSource, SCHEMA, TypeRow, TypeSummary,
};
pub use report_diff::{NumberChange, ReportDiff};
pub use root_summary::{FieldRow, RootRow, RootSummary};
pub use samples::SampleOrigin;
pub use snapshot::{
    DiffRow, Growth, LeakRun, LeakVerdict, LeftOut, Snapshot, SnapshotDiff, SnapshotId, SnapshotInfo, Suspect,
};
pub use unavailable::Unavailable;
pub use view::{Page, Sort, TypesView};

/// What `memory-debug-core` needs to make these values. Not part of the interface.
#[doc(hidden)]
pub mod __private {
    pub use crate::breakdown::Counts;
    pub use crate::detail::sampled_objects;
    pub use crate::reconcile::Sampled;
    pub use crate::report::{MOST_LEVELS, NO_CONTROLLER, NO_GROUP, NO_LIMIT, NOT_JEMALLOC};
    pub use crate::snapshot::beyond_peaks;
    pub use crate::types::{root_rows, summarize};

    /// Points in time as text.
    pub mod timestamp {
        pub use crate::timestamp::{millis, parse, seconds, unix_seconds};
    }
}
