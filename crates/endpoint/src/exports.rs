//! The names that an application needs, which every adapter re-exports.
//!
//! An application depends on one adapter and must be able to name each type that it meets there. This list therefore
//! has
//!
//! - the types of the settings of [`Endpoint`], [`Credentials`] and [`Limits`],
//! - the parameters and results of [`Collect`] and [`Collector`],
//! - every value in a [`MemoryReport`],
//! - the modules `monitor` and `tracer`, with the features of these names, and
//! - the tools that count memory in code: [`Tracked`], [`summary`] and registered roots.
//!
//! Types that only an adapter uses (`RequestParts`, `ReplyFuture`, `Reply`) stay in `memory_debug_endpoint`. Types that
//! analyse reports afterwards (`SnapshotDiff`, `LeakVerdict`, `Fleet`, heap profiles) stay in [`memory_debug_core`]. So
//! does [`memory_debug_core::Error`], because its name is too general for the root of another crate.

#[cfg(feature = "jemalloc")]
pub use memory_debug_core::install;
pub use memory_debug_core::{
    AllocatorDetail, AllocatorStats, ArenaStats, BinStats, Ceiling, CgroupLevel, CgroupMemory, CgroupParts,
    Collected, Collector, Coverage, DetailParts, DiscardedSamples, FieldRow, Headroom, HeldType, HolderChain,
    HolderLink, HolderRoot, HoldersOptions, HoldersReport, InstanceId, InstanceInfo, LargeStats, LimitSource,
    MachineMemory, MemoryReport, MonitorHandle, MonitorSource, NotKept, OptionValue, PeriodicSnapshots,
    ProcessMemory, ProfilingChange, ProfilingRefusal, ProfilingState, ProfilingStatus, ProfilingWindow,
    ProgressReport, PurgeMoment, PurgeReport, Reconciliation, Resource, RootKind, RootRow, RootSummary,
    RowSource, RunningScan, RunningSnapshots, SampleOrigin, Scope, SizeClasses, Snapshot, SnapshotBounds,
    SnapshotFolder, SnapshotId, SnapshotInfo, Snapshots, SymbolGap, TraceHandle, TraceSource, Tracked,
    TypeRow, TypeSummary, Unavailable, UnreachableMemory, Work, summary,
};
#[cfg(feature = "allocative")]
pub use memory_debug_core::{RegisteredRoot, allocative, register_root, register_static_root};

/// The monitor: a thread that watches the memory, and captures what holds it before a kill.
#[cfg(feature = "monitor")]
#[doc(inline)]
pub use memory_debug_monitor as monitor;

/// The tracer: counts the time and the bytes of futures, spans and routes.
#[cfg(feature = "tracer")]
#[doc(inline)]
pub use memory_debug_tracer as tracer;

#[cfg(feature = "peers")]
pub use crate::Peers;
pub use crate::{
    Collect, ConfigError, ConfigErrorKind, Connection, Credentials, CredentialsError, CredentialsErrorKind,
    Endpoint, Limits, Role, Shortage, generate_password,
};
