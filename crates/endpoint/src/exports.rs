//! The names that an application needs, which every adapter re-exports.
//!
//! An application depends on one adapter and must be able to name each type that it meets there. So this list has
//!
//! - what the settings of [`Endpoint`], [`Credentials`] and [`Limits`] take and return,
//! - what [`Collect`] and [`Collector`] take and return,
//! - every value in a [`MemoryReport`], and
//! - what counts memory in code: [`Tracked`], [`summary`] and registered roots.
//!
//! What only an adapter calls (`RequestParts`, `ReplyFuture`, `Reply`) stays in `memory_debug_endpoint`. What analyses
//! reports afterwards (`SnapshotDiff`, `LeakVerdict`, `Fleet`, heap profiles) stays in [`memory_debug_core`].
//! So does [`memory_debug_core::Error`], whose name is too short for the root of another crate.

#[cfg(feature = "jemalloc")]
pub use memory_debug_core::install;
pub use memory_debug_core::{
    AllocatorDetail, AllocatorStats, ArenaStats, BinStats, Ceiling, CgroupLevel, CgroupMemory, CgroupParts,
    Collected, Collector, DetailParts, DiscardedSamples, FieldRow, Headroom, InstanceId, InstanceInfo,
    LargeStats, LimitSource, MachineMemory, MemoryReport, NotKept, OptionValue, PeriodicSnapshots,
    ProcessMemory, ProfilingChange, ProfilingRefusal, ProfilingState, ProfilingStatus, ProfilingWindow,
    PurgeMoment, PurgeReport, Reconciliation, Resource, RootRow, RootSummary, RowSource, RunningSnapshots,
    SampleOrigin, Scope, SizeClasses, Snapshot, SnapshotBounds, SnapshotFolder, SnapshotId, SnapshotInfo,
    Snapshots, SymbolGap, Tracked, TypeRow, TypeSummary, Unavailable, Work, summary,
};
#[cfg(feature = "allocative")]
pub use memory_debug_core::{RegisteredRoot, allocative, register_root, register_static_root};

#[cfg(feature = "peers")]
pub use crate::Peers;
pub use crate::{
    Collect, ConfigError, ConfigErrorKind, Connection, Credentials, CredentialsError, CredentialsErrorKind,
    Endpoint, Limits, Role, Shortage, generate_password,
};
