//! The report: the result of one collection, as plain values.
//!
//! These types *are* version 1 of the wire format (`WIRE.md`). Field names are JSON keys, and every quantity is in
//! bytes unless its name says otherwise. A value that could not be measured is `None` (JSON `null`), and
//! [`MemoryReport::unavailable`] says why under the value's path, for example `process.uss_bytes`. `0` always means
//! that zero was measured.

mod levels;

use std::collections::BTreeMap;

use memory_debug_profile::{Ages, RowId, SymbolGap};
use serde::{Deserialize, Serialize};

use crate::ages::RecordedAges;
use crate::detail::AllocatorDetail;
use crate::diagnosis::Diagnosis;
use crate::error::{Error, ErrorKind};
use crate::instance::InstanceInfo;
use crate::monitor::{EarlierProcess, MonitorStatus};
use crate::reconciliation::Reconciliation;
use crate::root_summary::RootSummary;
use crate::samples::SampleOrigin;
use crate::schema::SCHEMA;
use crate::unavailable::Unavailable;
use crate::unwinder::UnwinderState;

pub use levels::{CgroupLevel, CgroupParts, MAX_LEVELS, NO_CONTROLLER, NO_GROUP, NO_LIMIT};

/// Reason for missing allocator statistics if the program does not use the linked jemalloc.
pub const NOT_JEMALLOC: &str = "the global allocator is not jemalloc; add the line `install!();` of the \
                            memory-debug crate in use to main.rs, for example `memory_debug_axum::install!();`";

/// The result of one collection: the memory of this process.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[non_exhaustive]
pub struct MemoryReport {
    /// Always [`SCHEMA`].
    pub schema: String,
    /// The process that was measured.
    pub instance: InstanceInfo,
    /// When the collection began, RFC 3339 in UTC.
    pub collected_at: String,
    /// How long the collection took.
    pub duration_us: u64,
    /// Memory of the process, as the kernel counts it. `None` without `/proc`.
    pub process: Option<ProcessMemory>,
    /// Memory of the container, as the kernel counts it. `None` outside a memory cgroup.
    pub cgroup: Option<CgroupMemory>,
    /// Memory of the machine, as the kernel counts it. `None` without `/proc`.
    pub machine: Option<MachineMemory>,
    /// Memory of the allocator, as it counts itself. `None` if it is not jemalloc.
    pub allocator: Option<AllocatorStats>,
    /// The table of types that hold the live heap. `None` if types were not requested, or if the profile could not be
    /// read and no type is tracked. Whenever the profile could not be read, `unavailable` says why under `types`.
    pub types: Option<TypeSummary>,
    /// Whether the table, the allocator and the kernel agree. `None` if types were not requested or there is no heap
    /// profile.
    pub reconciliation: Option<Reconciliation>,
    /// Memory that registered roots retain. `None` without registered roots, or if types were not requested.
    pub roots: Option<RootSummary>,
    /// The allocator's numbers in detail. `None` if they were not requested, or the allocator is not jemalloc.
    pub detail: Option<AllocatorDetail>,
    /// Why a value is `None`, keyed by its path. A section that was not requested has no entry.
    pub unavailable: Unavailable,
    /// Growth since an earlier moment, for the doctor. Not on the wire.
    #[serde(skip)]
    pub(crate) growth: Option<Growth>,
    /// The types that the leak test suspects, the fastest first, for the conclusion. `None` if there was no test. Not on
    /// the wire.
    #[serde(skip)]
    pub(crate) suspects: Option<Vec<GrowingType>>,
    /// The state of the monitor, for the overview and for metrics. `None` if none runs. On the wire, the overview has
    /// its earlier processes.
    #[serde(skip)]
    pub(crate) monitor: Option<Box<MonitorStatus>>,
    /// What rules outside of this crate found, for the doctor. On the wire, the doctor has it.
    #[serde(skip)]
    pub(crate) findings: Option<Diagnosis>,
}

impl MemoryReport {
    /// Makes a report without any measurement, for a collection that began at `collected_at` (RFC 3339, in UTC).
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
            suspects: None,
            monitor: None,
            findings: None,
        }
    }

    /// Copies the report, with another table.
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
            suspects: self.suspects.clone(),
            monitor: self.monitor.clone(),
            findings: self.findings.clone(),
        }
    }

    /// Notes the state of the monitor, so that the overview says whether an earlier process ended abruptly, and
    /// metrics have the monitor's numbers.
    pub fn note_monitor(&mut self, monitor: MonitorStatus) {
        self.monitor = Some(Box::new(monitor));
    }

    /// The state of the monitor, as noted. `None` without a monitor.
    pub fn monitor(&self) -> Option<&MonitorStatus> {
        self.monitor.as_deref()
    }

    /// Notes what rules outside of this crate found, so that the doctor lists it with its own findings.
    pub fn note_findings(&mut self, findings: Diagnosis) {
        self.findings = Some(findings);
    }

    /// Notes which types keep growing and by how many bytes per hour, the fastest first, so that the
    /// [`Conclusion`](crate::Conclusion) says so. The verdict about leaks has them (`LeakVerdict::growing_types`).
    pub fn note_leaks<'t>(&mut self, growing: impl IntoIterator<Item = (&'t str, f64)>) {
        let growing = growing.into_iter().map(|(type_name, bytes_per_hour)| GrowingType {
            type_name: type_name.to_owned(),
            bytes_per_hour,
        });
        self.suspects = Some(growing.collect());
    }

    /// Earlier processes that did not end in order, the latest first. Empty without a monitor.
    pub fn earlier_processes(&self) -> &[EarlierProcess] {
        let captures = self.monitor.as_ref().and_then(|monitor| monitor.captures.as_ref());
        captures.map_or(&[], |captures| &captures.earlier)
    }

    /// Checks that the report has the version that this library reads. A report from elsewhere may have another.
    ///
    /// # Errors
    ///
    /// If the report has another version. The text is a predicate that follows the name of the report.
    pub fn require_schema(&self) -> Result<(), Error> {
        if self.schema == SCHEMA {
            return Ok(());
        }
        // The version may be any text, of any length.
        let version: String = self.schema.chars().take(64).collect();
        let message = format!("has version {version:?}; this program reads {SCHEMA}");
        Err(Error::new(ErrorKind::Report, message))
    }
}

/// Rows of the table that grew beyond noise since an earlier moment.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Growth {
    /// The earlier moment, RFC 3339 in UTC.
    pub(crate) since: String,
    pub(crate) rows: Vec<GrownRow>,
}

/// A type that keeps growing.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct GrowingType {
    pub(crate) type_name: String,
    pub(crate) bytes_per_hour: f64,
}

/// One row that grew.
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
    /// Unique set size: memory that would be freed if this process ended (`Private_Clean + Private_Dirty`).
    pub uss_bytes: Option<u64>,
    /// Anonymous memory swapped out (`VmSwap`).
    pub swap_bytes: Option<u64>,
    /// Anonymous memory that the kernel may reclaim without swapping it (`LazyFree` of `smaps_rollup`): allocators
    /// freed it with `MADV_FREE`. It counts as resident until the kernel reclaims it.
    pub lazy_free_bytes: Option<u64>,
    /// Number of threads.
    pub threads: Option<u64>,
    /// Number of open file descriptors.
    pub open_fds: Option<u64>,
    /// Number of processors that the process may use, by CPU affinity and control group.
    pub cpus: Option<u64>,
}

/// Memory of the process's control group, and of the groups above it.
///
/// All numbers except `levels` and `binding` belong to the process's own group. They include the groups below it.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[non_exhaustive]
#[serde(default)]
pub struct CgroupMemory {
    /// 1 or 2.
    pub version: u8,
    /// The group's path, as in [`CgroupLevel::path`].
    pub path: String,
    /// The group's own limit. It is never `None` without an entry in `unavailable`: "no limit is set" is a reason,
    /// too. A group above may have a lower limit, see `binding`.
    pub limit_bytes: Option<u64>,
    /// Memory charged to the group, page cache included.
    pub current_bytes: Option<u64>,
    /// Page cache that has not been used for a while and is dropped first (`inactive_file` of `memory.stat`). The
    /// working set is `current_bytes` minus this.
    pub inactive_file_bytes: Option<u64>,
    /// Highest `current_bytes` so far.
    pub peak_bytes: Option<u64>,
    /// Processes of the group killed because memory ran out.
    pub oom_kills: Option<u64>,
    /// Times the group was throttled at `memory.high`.
    pub high_events: Option<u64>,
    /// Times an allocation hit `memory.max` (v2) or the limit (v1 `failcnt`).
    pub max_events: Option<u64>,
    /// Share of the last 10 seconds in which some task waited for memory, in percent (`memory.pressure`).
    pub pressure_some_avg10_percent: Option<f64>,
    /// Share of the last 10 seconds in which all tasks waited for memory, in percent.
    pub pressure_full_avg10_percent: Option<f64>,
    /// Parts of `current_bytes`.
    pub parts: CgroupParts,
    /// The groups above, from the parent up to the mount point.
    #[serde(deserialize_with = "levels::at_most")]
    pub levels: Vec<CgroupLevel>,
    /// The level with the least room below its limit: a copy of the own group or of one of `levels`. `None` if no level
    /// has a limit.
    pub binding: Option<CgroupLevel>,
}

/// Memory of the machine, or of its substitute in a sandbox (`/proc/meminfo`).
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
#[serde(default)]
pub struct MachineMemory {
    /// Total memory (`MemTotal`).
    pub total_bytes: Option<u64>,
    /// Memory that programs can still allocate without swapping, by the kernel's estimate (`MemAvailable`).
    pub available_bytes: Option<u64>,
}

/// jemalloc's own numbers, all from one epoch.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[non_exhaustive]
#[serde(default)]
pub struct AllocatorStats {
    /// `jemalloc`.
    pub name: String,
    /// Version as jemalloc states it, shortened to `major.minor.patch`.
    pub version: Option<String>,
    /// Bytes that the program requested and holds, with `thread_cache_bytes` and `internal_bytes` (`stats.allocated`).
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
    /// Unused pages, not yet returned to the system (`stats.arenas.<all>.pdirty`, in bytes).
    pub dirty_bytes: Option<u64>,
    /// Unused pages that the kernel may reclaim (`stats.arenas.<all>.pmuzzy`, in bytes). None of the numbers above
    /// includes them. The kernel counts them as resident until it reclaims them, and jemalloc does not notice: see
    /// [`ProcessMemory::lazy_free_bytes`].
    pub muzzy_bytes: Option<u64>,
    /// Free objects in the caches of threads (`stats.arenas.<all>.tcache_bytes`). They count as allocated.
    pub thread_cache_bytes: Option<u64>,
    /// The part of `metadata_bytes` that jemalloc allocates as a program would: the thread caches themselves, the heap
    /// profile (`stats.arenas.<all>.internal`). It counts as allocated.
    pub internal_bytes: Option<u64>,
    /// Pages that sampled small objects have to themselves, however small the objects are. They count as active, but
    /// not as allocated.
    pub sampled_pages_bytes: Option<u64>,
    /// Number of arenas in existence (`arenas.narenas`).
    pub arenas: Option<u64>,
    /// Whether background threads purge unused pages (`background_thread`).
    pub background_threads: Option<bool>,
    /// Settings that matter for memory, by their name in jemalloc (`opt.narenas`). They are read once, at the start.
    /// A setting that this jemalloc does not expose is absent; `unavailable` has the reason under
    /// `allocator.options.<name>`.
    pub options: BTreeMap<String, OptionValue>,
    /// State of the heap profiler.
    pub profiling: ProfilingState,
}

/// A jemalloc setting.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(untagged)]
#[non_exhaustive]
pub enum OptionValue {
    /// A boolean.
    Bool(bool),
    /// A number; `-1` means never (decay times, in milliseconds) or unlimited.
    Number(i64),
    /// Text.
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

/// Whether jemalloc samples allocations, at what rate, and since when.
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
    /// Time since which sampling has been on at this rate, RFC 3339. The profile covers everything allocated since
    /// then and nothing from before. There is one exception: live samples of an earlier period at the same rate
    /// remain.
    ///
    /// The time is known if sampling is on and has been on from the start, or if `Collector::set_profiling` turned it
    /// on or changed its rate. Pauses by other code leave no trace in jemalloc. A change of rate by other code does,
    /// and makes the time `None`.
    pub active_since: Option<String>,
    /// What reads the stacks of samples.
    pub unwinder: Option<UnwinderState>,
}

/// The table: live memory by type.
///
/// If the heap profile could not be read, the table has only exact rows. Every field that describes the profile is
/// then `None`, for the reason in [`unavailable`](Self::unavailable).
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[non_exhaustive]
#[serde(default)]
pub struct TypeSummary {
    /// What a row stands for: `container` (`Vec<Session>`).
    pub group: String,
    /// Quality of the symbols: `inlined`, `lines`, `functions`, `none` (see `memory_debug_profile::SymbolTier`).
    pub symbols: Option<String>,
    /// Mean bytes between samples when the profile was taken; 1 means that every allocation is recorded.
    pub sample_bytes: Option<u64>,
    /// Time since which sampling has been on, as in [`ProfilingState::active_since`]. No row shows older allocations.
    pub active_since: Option<String>,
    /// The samples that the rows are made of. Only reports with the same samples can be compared.
    pub samples: Option<SampleOrigin>,
    /// For which part of the rows the age is known, and since when. `None` if no ages are recorded; the report's
    /// `unavailable` says why under `types.ages`.
    pub ages: Option<RecordedAges>,
    /// Rows, largest first. Rows that are ages come in their order, the youngest first.
    pub rows: Vec<TypeRow>,
    /// Live bytes of all sampled rows together, attributed or not. Exact rows are not added, because the memory of a
    /// tracked value is also in a sampled row.
    pub total_bytes: Option<u64>,
    /// One standard error of `total_bytes`, in bytes.
    pub total_bytes_stderr: Option<f64>,
    /// Live objects of all sampled rows together.
    pub total_objects: Option<u64>,
    /// Live bytes whose type is unknown, even if rows stand for something other than types.
    pub unattributed_bytes: Option<u64>,
    /// Rows omitted because of `top` (not because of `filter`).
    pub omitted_rows: u64,
    /// Number of distinct stacks behind the rows.
    pub stacks: Option<u64>,
    /// Files with sampled code that gave fewer symbols than they could, the program first.
    pub symbol_gaps: Vec<SymbolGap>,
    /// Obstacles to better rows and how to remove them, one sentence each.
    pub notes: Vec<String>,
    /// Why the heap profile could not be read. Not on the wire: there, the report's `unavailable` has the reason under
    /// `types`.
    #[serde(skip)]
    pub unavailable: Option<String>,
}

impl TypeSummary {
    /// Makes a table without a heap profile. It can have only exact rows.
    pub fn without_profile(reason: String) -> Self {
        Self { group: "container".into(), unavailable: Some(reason), ..Self::default() }
    }
}

/// One row of the table.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct TypeRow {
    /// The type as a programmer would write it: `HashMap<String, Session>`.
    #[serde(rename = "type")]
    pub type_name: String,
    /// The type with all its paths and arguments, as the compiler named it.
    pub full_type: String,
    /// Identifies the row in every table by type, of any process: `/types/{row}` has its detail. `None` if rows do not
    /// stand for types with their containers, and in reports of older versions.
    #[serde(default, with = "crate::row_id", skip_serializing_if = "Option::is_none")]
    pub id: Option<RowId>,
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
    /// Values created since the process started. Tracked rows only; `created - dropped` is `objects`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub created: Option<u64>,
    /// Values dropped since the process started. Tracked rows only.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub dropped: Option<u64>,
    /// Number of threads with this name that the row adds up. Only with `group=thread` and `thread_id`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub threads: Option<u64>,
    /// Bytes that jemalloc gave beyond what the program asked for, of the memory whose age is recorded. Older memory has
    /// slack, too, so this is a lower bound unless all ages are known. `None` in exact rows, and if nothing is recorded.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub slack_bytes: Option<u64>,
    /// Ages of the row's bytes. `None` in exact rows, in rows that are threads, and if nothing is known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ages: Option<Ages>,
}

impl TypeRow {
    /// Makes a row from an exact count.
    pub fn exact(type_name: String, full_type: String, objects: u64, bytes: u64) -> Self {
        Self {
            type_name,
            full_type,
            id: None,
            objects,
            bytes,
            objects_stderr: 0.0,
            bytes_stderr: 0.0,
            source: RowSource::Exact,
            created: None,
            dropped: None,
            threads: None,
            slack_bytes: None,
            ages: None,
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
    /// Estimated from sampled allocations. The type is unknown, and the row names the function that allocated.
    Unattributed,
    /// Counted by `Tracked`.
    Exact,
}
