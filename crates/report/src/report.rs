//! The report: everything one request learned, as plain values.
//!
//! These types *are* the wire format, version 1 (`WIRE.md`): field names are JSON keys, every quantity is in bytes
//! unless its name says otherwise. A value that could not be measured is `None` (JSON `null`), and
//! [`MemoryReport::unavailable`] says why under the value's path, for example `process.uss_bytes`. `0` always means
//! that zero was measured.

mod levels;

use std::collections::BTreeMap;

use memory_debug_profile::SymbolGap;
use serde::{Deserialize, Serialize};

use crate::detail::AllocatorDetail;
use crate::error::{Error, ErrorKind};
use crate::instance::InstanceInfo;
use crate::reconciliation::Reconciliation;
use crate::root_summary::RootSummary;
use crate::samples::SampleOrigin;
use crate::unavailable::Unavailable;

pub use levels::{CgroupLevel, CgroupParts, MOST_LEVELS, NO_CONTROLLER, NO_GROUP, NO_LIMIT};

/// The name and version of the wire format, the value of [`MemoryReport::schema`].
pub const SCHEMA: &str = "memory-debug/v1";

/// The reason for allocator statistics that are `None` because jemalloc is there and not used.
pub const NOT_JEMALLOC: &str = "the global allocator is not jemalloc; add the line `install!();` of the memory-debug crate \
                            in use to main.rs, for example `memory_debug_axum::install!();`";

/// What one collection learned about the memory of this process.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[non_exhaustive]
pub struct MemoryReport {
    /// Always [`SCHEMA`].
    pub schema: String,
    /// Which process this is.
    pub instance: InstanceInfo,
    /// When the collection began, RFC 3339 in UTC.
    pub collected_at: String,
    /// How long the collection took.
    pub duration_us: u64,
    /// What the kernel says about the process. `None` where there is no `/proc`.
    pub process: Option<ProcessMemory>,
    /// What the kernel says about the container. `None` outside a memory cgroup.
    pub cgroup: Option<CgroupMemory>,
    /// What the kernel says about the machine. `None` where there is no `/proc`.
    pub machine: Option<MachineMemory>,
    /// What the allocator says about itself. `None` if it is not jemalloc.
    pub allocator: Option<AllocatorStats>,
    /// Which types hold the live heap. `None` if that was not asked for, or if the profile could not be read and no
    /// type is tracked. Whenever the profile could not be read, `unavailable` says why under `types`.
    pub types: Option<TypeSummary>,
    /// Whether the sum of the table, the allocator and the kernel agree. `None` if types were not asked for or there is
    /// no heap profile.
    pub reconciliation: Option<Reconciliation>,
    /// What registered roots retain. `None` if none is registered, or types were not asked for.
    pub roots: Option<RootSummary>,
    /// What the allocator's numbers are made of. `None` if that was not asked for, or the allocator is not jemalloc.
    pub detail: Option<AllocatorDetail>,
    /// Why a value is `None`, keyed by its path. A section that was not asked for has no entry.
    pub unavailable: Unavailable,
    /// What grew since an earlier moment, for the doctor. Not on the wire.
    #[serde(skip)]
    pub(crate) growth: Option<Growth>,
}

impl MemoryReport {
    /// A report without a single measurement, which began at `collected_at` (RFC 3339, in UTC).
    pub fn new(instance: InstanceInfo, collected_at: impl Into<String>) -> Self {
        Self {
            schema: SCHEMA.into(),
            instance,
            collected_at: collected_at.into(),
            duration_us: 0,
            process: None,
            cgroup: None,
            machine: None,
            allocator: None,
            types: None,
            reconciliation: None,
            roots: None,
            detail: None,
            unavailable: Unavailable::default(),
            growth: None,
        }
    }

    /// The same report with another table.
    #[must_use]
    pub fn with_types(&self, types: TypeSummary) -> Self {
        Self {
            schema: self.schema.clone(),
            instance: self.instance.clone(),
            collected_at: self.collected_at.clone(),
            duration_us: self.duration_us,
            process: self.process.clone(),
            cgroup: self.cgroup.clone(),
            machine: self.machine.clone(),
            allocator: self.allocator.clone(),
            types: Some(types),
            reconciliation: self.reconciliation.clone(),
            roots: self.roots.clone(),
            detail: self.detail.clone(),
            unavailable: self.unavailable.clone(),
            growth: self.growth.clone(),
        }
    }

    /// Whether it is of the version that this library reads: one that came from elsewhere may not be.
    ///
    /// # Errors
    ///
    /// Of which version it is, to go after what it is a report of.
    pub fn require_schema(&self) -> Result<(), Error> {
        if self.schema == SCHEMA {
            return Ok(());
        }
        // It may be anything, of any length.
        let version: String = self.schema.chars().take(64).collect();
        let message = format!("is of version {version:?}; this program reads {SCHEMA}");
        Err(Error::new(ErrorKind::Report, message))
    }
}

/// Which rows of the table grew beyond noise since an earlier moment.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Growth {
    /// That moment, RFC 3339 in UTC.
    pub(crate) since: String,
    pub(crate) rows: Vec<GrownRow>,
}

/// A row that grew.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct GrownRow {
    pub(crate) type_name: String,
    pub(crate) full_type: String,
    pub(crate) bytes_change: i64,
}

/// Memory of the process as the kernel counts it, read from `/proc/self`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
#[serde(default)]
pub struct ProcessMemory {
    /// Resident set size (`VmRSS`).
    pub resident_bytes: Option<u64>,
    /// Highest resident set size so far (`VmHWM`).
    pub peak_resident_bytes: Option<u64>,
    /// Resident anonymous memory: heap, stacks (`RssAnon`).
    pub anonymous_bytes: Option<u64>,
    /// Resident pages of mapped files: code, mapped data (`RssFile`).
    pub file_bytes: Option<u64>,
    /// Resident shared memory (`RssShmem`).
    pub shared_bytes: Option<u64>,
    /// Proportional set size: shared pages divided by the number of their users (`smaps_rollup`).
    pub pss_bytes: Option<u64>,
    /// Unique set size: what would be freed if this process ended (`Private_Clean + Private_Dirty`).
    pub uss_bytes: Option<u64>,
    /// Anonymous memory swapped out (`VmSwap`).
    pub swap_bytes: Option<u64>,
    /// Anonymous memory that the kernel may take without swapping it (`LazyFree` of `smaps_rollup`): what allocators
    /// gave back with `MADV_FREE`. It counts as resident until the kernel takes it.
    pub lazy_free_bytes: Option<u64>,
    /// Number of threads.
    pub threads: Option<u64>,
    /// Number of open file descriptors.
    pub open_fds: Option<u64>,
    /// Number of processors that the process may use, by affinity and control group.
    pub cpus: Option<u64>,
}

/// Memory of the control group the process is in, and of the groups above it.
///
/// All numbers but those in `levels` and `binding` are of the process's own group. The groups below are included.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[non_exhaustive]
#[serde(default)]
pub struct CgroupMemory {
    /// 1 or 2.
    pub version: u8,
    /// The group's path, as in [`CgroupLevel::path`].
    pub path: String,
    /// The group's own limit. `None` without an entry in `unavailable` never happens: "no limit is set" is a reason
    /// too. A group above may have a lower one, see `binding`.
    pub limit_bytes: Option<u64>,
    /// Memory charged to the group, page cache included.
    pub current_bytes: Option<u64>,
    /// Page cache that was not used for a while and goes first (`inactive_file` of `memory.stat`). `current_bytes`
    /// less this is the working set.
    pub inactive_file_bytes: Option<u64>,
    /// Highest `current_bytes` so far.
    pub peak_bytes: Option<u64>,
    /// Processes of the group killed because memory ran out.
    pub oom_kills: Option<u64>,
    /// Times the group was throttled at `memory.high`.
    pub high_events: Option<u64>,
    /// Times an allocation met `memory.max` (v2) or the limit (v1 `failcnt`).
    pub max_events: Option<u64>,
    /// Share of the last 10 seconds in which some task waited for memory, in percent (`memory.pressure`).
    pub pressure_some_avg10_percent: Option<f64>,
    /// Share of the last 10 seconds in which all tasks waited for memory, in percent.
    pub pressure_full_avg10_percent: Option<f64>,
    /// What `current_bytes` consists of.
    pub parts: CgroupParts,
    /// The groups above, from the parent up to the mount point.
    #[serde(deserialize_with = "levels::at_most")]
    pub levels: Vec<CgroupLevel>,
    /// The level with the least room until its limit: a copy of the own group or of one of `levels`. `None` if no
    /// level has a limit.
    pub binding: Option<CgroupLevel>,
}

/// Memory of the machine, or of what stands for it in a sandbox (`/proc/meminfo`).
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
#[serde(default)]
pub struct MachineMemory {
    /// What there is (`MemTotal`).
    pub total_bytes: Option<u64>,
    /// What programs can still take without swapping, by the kernel's estimate (`MemAvailable`).
    pub available_bytes: Option<u64>,
}

/// jemalloc's own numbers, all of one epoch.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[non_exhaustive]
#[serde(default)]
pub struct AllocatorStats {
    /// `jemalloc`.
    pub name: String,
    /// Version as jemalloc states it, shortened to `major.minor.patch`.
    pub version: Option<String>,
    /// Bytes the program asked for and holds, with `thread_cache_bytes` and `internal_bytes` (`stats.allocated`).
    pub allocated_bytes: Option<u64>,
    /// Bytes in pages that hold at least one allocation (`stats.active`).
    pub active_bytes: Option<u64>,
    /// jemalloc's own data (`stats.metadata`).
    pub metadata_bytes: Option<u64>,
    /// Upper bound of the memory in physical pages mapped by jemalloc (`stats.resident`).
    pub resident_bytes: Option<u64>,
    /// Bytes in active extents mapped by jemalloc (`stats.mapped`).
    pub mapped_bytes: Option<u64>,
    /// Virtual memory kept for later use rather than returned, without physical pages (`stats.retained`).
    pub retained_bytes: Option<u64>,
    /// Unused pages that the system has not got back (`stats.arenas.<all>.pdirty`, in bytes).
    pub dirty_bytes: Option<u64>,
    /// Unused pages that the kernel may take when it needs some (`stats.arenas.<all>.pmuzzy`, in bytes). They are in
    /// none of the numbers above. The kernel counts them as resident until it takes them, which jemalloc does not
    /// learn: see [`ProcessMemory::lazy_free_bytes`].
    pub muzzy_bytes: Option<u64>,
    /// Free objects that threads keep in caches of their own (`stats.arenas.<all>.tcache_bytes`). They count as
    /// allocated.
    pub thread_cache_bytes: Option<u64>,
    /// The part of `metadata_bytes` that jemalloc allocates as a program would: threads' caches themselves, the heap
    /// profile (`stats.arenas.<all>.internal`). It counts as allocated.
    pub internal_bytes: Option<u64>,
    /// Pages that sampled small objects have to themselves, however small the objects are. They count as active and not
    /// as allocated.
    pub sampled_pages_bytes: Option<u64>,
    /// Number of arenas in existence (`arenas.narenas`).
    pub arenas: Option<u64>,
    /// Whether background threads purge unused pages (`background_thread`).
    pub background_threads: Option<bool>,
    /// The settings that matter for memory, by their name in jemalloc (`opt.narenas`), as read at start. One that
    /// this jemalloc does not tell is absent here and in `unavailable` under `allocator.options.<name>`.
    pub options: BTreeMap<String, OptionValue>,
    /// State of the heap profiler.
    pub profiling: ProfilingState,
}

/// A jemalloc setting.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(untagged)]
#[non_exhaustive]
pub enum OptionValue {
    /// A switch.
    Bool(bool),
    /// A number; `-1` means never (decay times, in milliseconds) or unlimited.
    Number(i64),
    /// A word.
    Text(String),
}

impl From<usize> for OptionValue {
    fn from(number: usize) -> Self {
        Self::Number(i64::try_from(number).unwrap_or(i64::MAX))
    }
}

impl From<isize> for OptionValue {
    fn from(number: isize) -> Self {
        Self::Number(number as i64)
    }
}

/// Whether jemalloc samples allocations, how densely, and since when.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
#[serde(default)]
pub struct ProfilingState {
    /// jemalloc was built with profiling (`config.prof`).
    pub compiled: Option<bool>,
    /// Profiling was enabled at start (`opt.prof`); it cannot be enabled later.
    pub enabled: Option<bool>,
    /// Allocations are being sampled now (`prof.active`).
    pub active: Option<bool>,
    /// Mean number of bytes between samples, `2^lg_prof_sample`; 1 means that every allocation is recorded.
    pub sample_bytes: Option<u64>,
    /// Since when sampling has been on at this rate, RFC 3339: what was allocated since is surely in the profile, what
    /// was allocated before is invisible. (Unless sampling was on at the same rate for an earlier while; what was
    /// sampled then and still lives is in, too.)
    ///
    /// Known if sampling has been on from the start, or was turned on or changed by
    /// `Collector::set_profiling`, and is on now. Pauses that other code made in
    /// between leave no trace in jemalloc; a change of rate by other code does, so then it is `None`.
    pub active_since: Option<String>,
}

/// The table: live memory by type.
///
/// If the heap profile could not be read, only exact rows are here and everything that describes the profile is
/// `None`, all for the one reason in [`unavailable`](Self::unavailable).
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[non_exhaustive]
#[serde(default)]
pub struct TypeSummary {
    /// What a row stands for: `container` (`Vec<Session>`).
    pub group: String,
    /// How good the names are: `inlined`, `lines`, `functions`, `none` (see `memory_debug_profile::SymbolTier`).
    pub symbols: Option<String>,
    /// Mean bytes between samples when the profile was taken; 1 means that every allocation is recorded.
    pub sample_bytes: Option<u64>,
    /// Since when sampling has been on, as in [`ProfilingState::active_since`]. Older allocations are in no row.
    pub active_since: Option<String>,
    /// Which samples the rows are made of. Reports with other samples cannot be compared with this one.
    pub samples: Option<SampleOrigin>,
    /// Rows, largest first.
    pub rows: Vec<TypeRow>,
    /// Live bytes of all sampled rows together, attributed or not. Exact rows are not added: a tracked value's
    /// memory is in some sampled row as well.
    pub total_bytes: Option<u64>,
    /// One standard error of `total_bytes`, in bytes.
    pub total_bytes_stderr: Option<f64>,
    /// Live objects of all sampled rows together.
    pub total_objects: Option<u64>,
    /// Live bytes whose type is not known, also where rows stand for something else than types.
    pub unattributed_bytes: Option<u64>,
    /// Rows left out by `top` (not by `filter`).
    pub omitted_rows: u64,
    /// Distinct stacks the rows were made from.
    pub stacks: Option<u64>,
    /// Files of which code was sampled and that gave fewer names than they could, the program first.
    pub symbol_gaps: Vec<SymbolGap>,
    /// What stands in the way of better rows and how to change it, one sentence each.
    pub notes: Vec<String>,
    /// Why the heap profile could not be read. Not on the wire: there the report's `unavailable` says it, under
    /// `types`.
    #[serde(skip)]
    pub unavailable: Option<String>,
}

impl TypeSummary {
    /// A table that can only have exact rows, for want of a heap profile.
    pub fn without_profile(reason: String) -> Self {
        Self { group: "container".into(), unavailable: Some(reason), ..Self::default() }
    }
}

/// One line of the table.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct TypeRow {
    /// The type as a person would write it: `HashMap<String, Session>`.
    #[serde(rename = "type")]
    pub type_name: String,
    /// The type with all its paths and arguments, as the compiler named it.
    pub full_type: String,
    /// Live allocations (sampled rows) or live instances (exact rows).
    pub objects: u64,
    /// Live bytes.
    pub bytes: u64,
    /// One standard error of `objects`, in objects; 0 for exact rows.
    pub objects_stderr: f64,
    /// One standard error of `bytes`, in bytes; 0 for exact rows.
    pub bytes_stderr: f64,
    /// Where the numbers come from.
    pub source: RowSource,
    /// Values made since the process started. Tracked rows only; `created - dropped` is `objects`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub created: Option<u64>,
    /// Values dropped since the process started. Tracked rows only.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub dropped: Option<u64>,
    /// Threads of this name that the row sums up. Only with `group=thread` and `thread_id`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub threads: Option<u64>,
}

impl TypeRow {
    /// A row of an exact count.
    pub fn exact(type_name: String, full_type: String, objects: u64, bytes: u64) -> Self {
        Self {
            type_name,
            full_type,
            objects,
            bytes,
            objects_stderr: 0.0,
            bytes_stderr: 0.0,
            source: RowSource::Exact,
            created: None,
            dropped: None,
            threads: None,
        }
    }
}

/// Where a row's numbers come from.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
#[non_exhaustive]
pub enum RowSource {
    /// Estimated from sampled allocations and attributed to a type.
    Sampled,
    /// Estimated from sampled allocations; the type is unknown and the row names the function that allocated.
    Unattributed,
    /// Counted by `Tracked`.
    Exact,
}
