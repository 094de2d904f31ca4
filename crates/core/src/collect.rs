//! One collection: everything that was requested, in one report.

mod estimate;

use std::path::Path;
use std::time::{Instant, SystemTime};

use memory_debug_profile::Selection;
use memory_debug_report::__private::{Counts, Sampled as Sum, root_rows, timestamp};
use memory_debug_report::{
    AllocatorDetail, AllocatorStats, DetailParts, Error, ErrorKind, InstanceInfo, MemoryReport,
    ProcessMemory, ProfilingState, SampleOrigin, TypeRow, TypeSummary, Unavailable,
};

use crate::collected::Collected;
use crate::heap::{Heap, TypeCollector};
use crate::instance::read_instance;
use crate::jemalloc::{self, LastDump};
use crate::maps;
use crate::process;
use crate::roots;
use crate::samples;
use crate::thread::{self, wait_for_collecting};
use crate::tracked;

/// The length of a dump from which saving memory matters more than time. Memory that is freed while such a dump
/// is read then goes back to the system at once. A dump of this length has some three thousand stacks.
const LARGE_DUMP_BYTES: u64 = 1 << 20;

/// What to collect. Every report names the instance.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Scope {
    /// Numbers of the process, its container and the allocator. Cheap.
    Stats,
    /// Live memory by type: reads the heap profile and the program's symbols.
    Types,
    /// Both of the above.
    Everything,
}

/// Makes reports about this process.
///
/// Making a collector only stores settings. A collector remembers what helps the next collection, such as
/// symbols, so make one and share it.
///
/// # Examples
///
/// ```
/// use memory_debug_core::{Collector, Scope, spawn_collecting};
///
/// let collector = Collector::new().service("shop", env!("CARGO_PKG_VERSION"));
/// let report = spawn_collecting(move || collector.collect(Scope::Stats).report)?.join().expect("collected");
/// assert_eq!(report.instance.service.as_deref(), Some("shop"));
/// # Ok::<_, std::io::Error>(())
/// ```
#[derive(Debug, Default)]
pub struct Collector {
    service: Option<String>,
    version: Option<String>,
    types: TypeCollector,
    pub(crate) last_dump: LastDump,
}

impl Collector {
    /// Makes a collector for a service without a name.
    pub fn new() -> Self {
        Self::default()
    }

    /// Sets the name and the version of the service in the report's instance.
    #[must_use]
    pub fn service(mut self, name: impl Into<String>, version: impl Into<String>) -> Self {
        self.service = Some(name.into());
        self.version = Some(version.into());
        self
    }

    /// Measures now. Blocks for milliseconds with [`Scope::Stats`], and for up to seconds the first time that
    /// types are collected.
    ///
    /// Call it on a thread made by [`spawn_collecting`](crate::spawn_collecting). On another thread, its own memory
    /// becomes part of the measurement. A value that cannot be measured is `None` in the report, with the reason. The
    /// collection as a whole never fails.
    pub fn collect(&self, scope: Scope) -> Collected {
        let begin = Instant::now();
        // If it is not possible, readers of live samples say why.
        let _ = record_live_samples();
        let collected_at = timestamp::seconds(SystemTime::now());
        let mut unavailable = Unavailable::default();
        let proc = Path::new("/proc");
        let instance = self.instance(proc, &mut unavailable);
        let mut report = MemoryReport::new(instance, collected_at);
        report.unavailable = unavailable;
        if scope != Scope::Types {
            report.process = process::read_process(proc, &mut report.unavailable);
            report.cgroup = process::read_cgroup(proc, &mut report.unavailable);
            report.machine = process::read_machine(proc, &mut report.unavailable);
            if let Err(reason) = report.ceiling() {
                report.unavailable.note("ceiling", reason);
            }
            report.allocator = allocator(&report.instance, &mut report.unavailable);
        }
        let tracked = tracked::rows();
        let heap =
            if scope == Scope::Stats { None } else { self.read_types(proc, &mut report, tracked.clone()) };
        report.duration_us = micros(begin);
        Collected::new(report, heap, tracked)
    }

    /// Collects the types alone, as [`Scope::Types`] does, but does not compare them with the numbers of the process. To
    /// read these, the kernel walks all page tables (`smaps_rollup`), and `mmap` and `munmap` wait meanwhile.
    pub(crate) fn collect_types(&self) -> Collected {
        let proc = Path::new("/proc");
        let mut unavailable = Unavailable::default();
        let instance = self.instance(proc, &mut unavailable);
        let mut report = MemoryReport::new(instance, timestamp::seconds(SystemTime::now()));
        report.unavailable = unavailable;
        // Without values, so that nothing reads them.
        report.process = Some(ProcessMemory::default());
        let heap = self.read_types(proc, &mut report, Vec::new());
        Collected::new(report, heap, Vec::new())
    }

    /// Measures the numbers of [`Scope::Stats`], and the parts of the allocator's numbers, all of one epoch.
    ///
    /// Costs some 15 reads for each arena and some 10 for each size class in use: tens of microseconds more. The cells
    /// of arenas and size classes cost one or two reads each, and each arena has some 40 of them.
    pub fn collect_detail(&self, parts: DetailParts) -> MemoryReport {
        let mut report = self.collect(Scope::Stats).report;
        if report.allocator.is_some() {
            let begin = Instant::now();
            let unavailable = &mut report.unavailable;
            let mut detail = AllocatorDetail::default();
            if parts.arenas {
                detail.arenas = unavailable.keep("detail.arenas", jemalloc::read_arenas());
            }
            if parts.size_classes {
                detail.size_classes = unavailable.keep("detail.size_classes", jemalloc::read_size_classes());
            }
            if parts.arena_bins {
                detail.arena_bins = unavailable.keep("detail.arena_bins", jemalloc::read_arena_bins());
            }
            detail.duration_us = micros(begin);
            report.duration_us = report.duration_us.saturating_add(detail.duration_us);
            report.detail = Some(detail);
        }
        report
    }

    /// Identifies this process. `proc` is the folder where `/proc` is mounted.
    pub(crate) fn instance(&self, proc: &Path, unavailable: &mut Unavailable) -> InstanceInfo {
        read_instance(proc, self.service.clone(), self.version.clone(), unavailable)
    }

    /// Fills the table: sampled rows if there is a profile, exact rows if types are tracked or roots are
    /// registered.
    fn read_types(&self, proc: &Path, report: &mut MemoryReport, tracked: Vec<TypeRow>) -> Option<Heap> {
        let mut exact = tracked;
        report.roots = roots::measure(&mut report.unavailable);
        exact.extend(report.roots.iter().flat_map(root_rows));
        let (mut summary, heap) = match self.read_heap(proc, report) {
            Ok((heap, Sampled { active_since, samples, recorded_since }, counts)) => {
                let since_start = active_since.is_some() && active_since == report.instance.started_at;
                let samples = report.unavailable.keep("types.samples", samples);
                if samples.as_ref().is_some_and(|samples| samples.began_at.is_none()) {
                    let reason = "other code began these samples, or the process's start is unknown";
                    report.unavailable.note("types.samples.began_at", reason);
                }
                let mut summary = heap.summarize(&Selection::default());
                summary.active_since = active_since;
                summary.samples = samples;
                if let Some(ages) = &mut summary.ages {
                    ages.recorded_since = recorded_since;
                }
                let small_bytes = heap.profile().sampled_bytes_up_to(jemalloc::largest_small_object());
                let rate = heap.profile().sample_rate().bytes();
                let whole = summary.total_bytes.zip(summary.total_bytes_stderr);
                report.reconciliation = whole.map(|(bytes, stderr)| {
                    let sampled = Sum { bytes, stderr, rate, small_bytes, since_start };
                    counts.reconcile(sampled, &mut report.unavailable)
                });
                (summary, Some(heap))
            }
            Err(reason) => {
                report.unavailable.note("types", &reason);
                report.unavailable.note("reconciliation", &reason);
                if exact.is_empty() {
                    return None;
                }
                (TypeSummary::without_profile(reason), None)
            }
        };
        summary.rows.extend(exact);
        summary.rows.sort_by(|a, b| b.bytes.cmp(&a.bytes).then_with(|| a.full_type.cmp(&b.full_type)));
        report.types = Some(summary);
        heap
    }

    /// Reads the heap profile, the origin of its samples, and the counts of the kernel and the allocator at the same
    /// moment.
    fn read_heap(&self, proc: &Path, report: &mut MemoryReport) -> Result<(Heap, Sampled, Counts), String> {
        jemalloc::global_allocator()?;
        // The reasons for missing values of the profiler are noted with the allocator, which may not have been
        // requested.
        let started_at = report.instance.started_at.clone();
        let read_profiling = || {
            let generation = jemalloc::generation();
            let origin = generation.clone().and_then(|generation| generation.origin(started_at.as_deref()));
            let unavailable = &mut Unavailable::default();
            (jemalloc::read_profiling(started_at.clone(), generation, unavailable), origin)
        };
        let (profiling, before) = read_profiling();
        jemalloc::readiness(&profiling)?;
        let mut active_since = profiling.active_since.clone();
        let counts = counts(proc, report, profiling);
        // These sizes are from the same epoch as the counts above.
        let large_objects = jemalloc::read_large_objects();
        let earlier = maps::read(proc);
        let live_before = samples::read();
        let dump = jemalloc::read_dump()?;
        let live = live_before.and_then(|before| {
            let after = samples::read()?;
            if after.recorded < before.recorded {
                return Err("the samples were discarded while the dump was made; collect again".to_owned());
            }
            Ok((before, after))
        });
        let recorded_since = samples::status().ok().map(|status| status.since);
        let mappings = earlier.and_then(|earlier| Ok(maps::between(earlier, maps::read(proc)?)));
        let dump_bytes = dump.bytes;
        self.last_dump.remember(dump_bytes);
        if dump_bytes > LARGE_DUMP_BYTES {
            thread::give_back_at_once();
        }
        let live = report.unavailable.keep("types.ages", live);
        let heap = self.types.read(dump.reader(), dump_bytes, large_objects, mappings, live)?;
        // If the rate changed while the dump was made, the dump may be from after the change.
        let (profiling, after) = read_profiling();
        if profiling.active == Some(true) {
            active_since = profiling.active_since;
        }
        let dump_bytes = heap.profile().sample_rate().bytes();
        let samples = before.and_then(|before| {
            SampleOrigin::of_dump(before, after?, dump_bytes).map_err(|error| error.to_string())
        });
        Ok((heap, Sampled { active_since, samples, recorded_since }, counts))
    }
}

/// The samples of a profile: since when they are complete, and their origin.
struct Sampled {
    active_since: Option<String>,
    samples: Result<SampleOrigin, String>,
    /// When recording of live samples began.
    recorded_since: Option<String>,
}

/// Gets the counts to compare the profile with. Takes them from the report if it has them, so that a page is
/// consistent. Otherwise reads them now.
fn counts(proc: &Path, report: &MemoryReport, profiling: ProfilingState) -> Counts {
    let mut reasons = report.unavailable.clone();
    let allocator = report.allocator.clone().unwrap_or_else(|| jemalloc::read_stats(profiling, &mut reasons));
    let process = report.process.clone().or_else(|| process::read_process(proc, &mut reasons));
    Counts::of(process.as_ref(), Some(&allocator), &reasons)
}

fn micros(begin: Instant) -> u64 {
    u64::try_from(begin.elapsed().as_micros()).unwrap_or(u64::MAX)
}

fn allocator(instance: &InstanceInfo, unavailable: &mut Unavailable) -> Option<AllocatorStats> {
    unavailable.keep("allocator", jemalloc::global_allocator())?;
    let generation = jemalloc::generation();
    let profiling = jemalloc::read_profiling(instance.started_at.clone(), generation, unavailable);
    Some(jemalloc::read_stats(profiling, unavailable))
}

/// Starts recording live samples: the size, the age and the route of each sampled allocation that is live.
///
/// Collections do this, so that only memory from before the first collection has no age. Call it at the start of `main` to
/// leave out nothing. From then on, jemalloc calls a function for each sampled allocation and each end of one. Together they
/// take about a microsecond. The process keeps 48 bytes for each. Later calls do nothing.
///
/// # Errors
///
/// If the global allocator is not jemalloc, its heap profiler was not enabled at start, or other code uses jemalloc's hooks
/// for samples. Everything else works without live samples.
pub fn record_live_samples() -> Result<(), Error> {
    if samples::recording() {
        return Ok(());
    }
    jemalloc::global_allocator().map_err(|reason| Error::new(ErrorKind::Allocator, reason))?;
    samples::install().map_err(|reason| Error::new(ErrorKind::NoProfile, reason))
}

/// Reads only the allocator's numbers, for example for a service's own metrics. Costs one jemalloc epoch.
///
/// # Errors
///
/// If the global allocator is not jemalloc. The message has the line that makes it the allocator.
///
/// A single number that could not be read is `None`, and not an error.
pub fn allocator_stats() -> Result<AllocatorStats, Error> {
    let mut unavailable = Unavailable::default();
    jemalloc::global_allocator().map_err(|reason| Error::new(ErrorKind::Allocator, reason))?;
    let profiling = jemalloc::read_profiling(None, jemalloc::generation(), &mut unavailable);
    Ok(jemalloc::read_stats(profiling, &mut unavailable))
}

/// Writes jemalloc's own heap profile to a new file at `path`, which only its owner can read. Returns its length.
///
/// This is the profile to take when memory is short. jemalloc formats it in a buffer of its own, and this process neither
/// parses it nor looks up names, so it takes no memory to speak of. `memory-debug monitor` names the types later, on
/// another machine if necessary. The file contains addresses of this process and the paths of its libraries.
///
/// # Errors
///
/// If the global allocator is not jemalloc, its profiler does not run, the file exists or cannot be written, or the disk
/// is full. No file is left then.
pub fn write_raw_dump(path: &Path) -> Result<u64, Error> {
    jemalloc::global_allocator().map_err(|reason| Error::new(ErrorKind::Allocator, reason))?;
    let profiling = jemalloc::read_profiling(None, jemalloc::generation(), &mut Unavailable::default());
    jemalloc::readiness(&profiling).map_err(|reason| Error::new(ErrorKind::NoProfile, reason))?;
    jemalloc::write_dump(path).map_err(|reason| Error::new(ErrorKind::System, reason))
}

/// Collects the types that hold the memory of this process now, as a value that prints as a table.
///
/// Collects on a thread of its own and waits for it. Never fails: if there is no profile, the table says why.
pub fn summary() -> TypeSummary {
    match wait_for_collecting(|| Collector::new().collect(Scope::Types)) {
        Ok(Collected { report, .. }) => report.types.unwrap_or_else(|| {
            TypeSummary::without_profile(
                report.unavailable.get("types").unwrap_or("no type is tracked").into(),
            )
        }),
        Err(error) => TypeSummary::without_profile(error.to_string()),
    }
}

#[cfg(test)]
mod tests {
    use memory_debug_report::RowSource;

    use super::*;
    use crate::tracked::Tracked;

    struct Exact;

    #[test]
    fn collects_only_the_requested_scope() {
        let collector = Collector::new().service("shop", "1.2.3");
        let stats = collector.collect(Scope::Stats).report;
        assert_eq!(stats.schema, "memory-debug/v1");
        assert_eq!(stats.instance.version.as_deref(), Some("1.2.3"));
        assert!(stats.types.is_none() && stats.unavailable.get("types").is_none());
        let types = collector.collect(Scope::Types).report;
        assert!(types.process.is_none() && types.unavailable.get("process").is_none());
        assert!(types.allocator.is_none() && types.unavailable.get("allocator").is_none());
    }

    #[test]
    fn without_jemalloc_the_report_says_why_and_still_counts_tracked_types() {
        let _exact = Tracked::new(Exact);
        let report = Collector::new().collect(Scope::Everything).report;
        assert!(report.allocator.is_none());
        let reason = report.unavailable.get("allocator").unwrap();
        assert_eq!(report.unavailable.get("types"), Some(reason));
        assert_eq!((report.reconciliation, report.unavailable.get("reconciliation")), (None, Some(reason)));
        let types = report.types.unwrap();
        assert_eq!((types.total_bytes, types.unavailable.as_deref()), (None, Some(reason)));
        let row = types.rows.iter().find(|row| row.type_name == "Exact").unwrap();
        assert_eq!((row.objects, row.source), (1, RowSource::Exact));
    }

    #[test]
    fn a_summary_without_a_profile_says_why() {
        let reason = jemalloc::global_allocator().unwrap_err();
        let summary = summary();
        assert_eq!(summary.unavailable, Some(reason.clone()));
        assert!(summary.to_string().contains(&reason), "{summary}");
    }
}
