//! Metrics of the process, its container and its allocator.

use memory_debug_report::__private::timestamp;
use memory_debug_report::units::printable;
use memory_debug_report::{
    AllocatorStats, Ceiling, CgroupLevel, CgroupMemory, CgroupParts, MachineMemory, MemoryReport,
    ProcessMemory,
};

/// Metrics that share one name.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct MetricFamily {
    /// The name without unit and suffix.
    pub name: &'static str,
    /// One of OpenMetrics's base units, part of the full name.
    pub unit: Option<&'static str>,
    /// Description in one sentence, without the full stop.
    pub help: &'static str,
    /// How it may change.
    pub kind: MetricKind,
    /// The metrics, which differ in their labels.
    pub metrics: Vec<Metric>,
}

/// How a metric can change.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum MetricKind {
    /// Can go up and down.
    Gauge,
    /// Only goes up while the process lives.
    Counter,
    /// Constant metadata, carried in the labels.
    Info,
}

/// One metric: labels and a value.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct Metric {
    /// Names and values of the labels.
    pub labels: Vec<(&'static str, String)>,
    /// The value; 1 for an info.
    pub value: f64,
}

impl MetricFamily {
    /// A gauge, still without metrics.
    pub(super) fn gauge(name: &'static str, unit: Option<&'static str>, help: &'static str) -> Self {
        Self { name, unit, help, kind: MetricKind::Gauge, metrics: Vec::new() }
    }

    pub(super) fn counter(name: &'static str, help: &'static str) -> Self {
        Self { kind: MetricKind::Counter, ..Self::gauge(name, None, help) }
    }

    pub(super) fn with(mut self, value: Option<f64>) -> Self {
        self.metrics.extend(value.map(|value| Metric { labels: Vec::new(), value }));
        self
    }

    pub(super) fn add(&mut self, label: &'static str, label_value: impl Into<String>, value: f64) {
        self.metrics.push(Metric { labels: vec![(label, label_value.into())], value });
    }

    /// The name as used in a query, without the suffix of its kind.
    pub fn full_name(&self) -> String {
        self.unit.map_or_else(|| self.name.to_owned(), |unit| format!("{}_{unit}", self.name))
    }
}

const BYTES: Option<&str> = Some("bytes");
pub(super) const SECONDS: Option<&str> = Some("seconds");

pub(super) fn of_numbers(report: &MemoryReport) -> Vec<MetricFamily> {
    let mut families = vec![build_info(report)];
    families.extend(of_process(report));
    families.extend(of_container(report));
    families.extend(of_parts(report));
    families.extend(of_levels(report));
    families.extend(of_ceiling(report));
    families.extend(of_allocator(report));
    families.extend(of_collection(report));
    families
}

fn build_info(report: &MemoryReport) -> MetricFamily {
    let instance = &report.instance;
    let or_empty = |value: &Option<String>| value.as_deref().map(printable).unwrap_or_default();
    let labels = vec![
        ("version", env!("CARGO_PKG_VERSION").to_owned()),
        ("service", or_empty(&instance.service)),
        ("service_version", or_empty(&instance.version)),
        ("build_id", or_empty(&instance.build_id)),
        ("instance_id", instance.id.to_string()),
    ];
    let help = "Identity of this program";
    MetricFamily {
        kind: MetricKind::Info,
        metrics: vec![Metric { labels, value: 1.0 }],
        ..MetricFamily::gauge("memory_debug_build", None, help)
    }
}

/// Numbers that Prometheus's own client libraries export, too, have the names used there.
fn of_process(report: &MemoryReport) -> Vec<MetricFamily> {
    let number =
        |get: fn(&ProcessMemory) -> Option<u64>| report.process.as_ref().and_then(get).map(|n| n as f64);
    let started = report.instance.started_at.as_deref().and_then(unix_seconds);
    let gauge = MetricFamily::gauge;
    vec![
        gauge("process_resident_memory", BYTES, "Resident memory").with(number(|p| p.resident_bytes)),
        gauge("memory_debug_process_peak_resident", BYTES, "Highest resident memory so far")
            .with(number(|p| p.peak_resident_bytes)),
        gauge("memory_debug_process_anonymous", BYTES, "Resident anonymous memory: heap and stacks")
            .with(number(|p| p.anonymous_bytes)),
        gauge("memory_debug_process_file", BYTES, "Resident pages of mapped files")
            .with(number(|p| p.file_bytes)),
        gauge("memory_debug_process_shared", BYTES, "Resident shared memory")
            .with(number(|p| p.shared_bytes)),
        gauge(
            "memory_debug_process_proportional",
            BYTES,
            "Resident memory, with shared pages divided among their users",
        )
        .with(number(|p| p.pss_bytes)),
        gauge("memory_debug_process_unique", BYTES, "Memory that would be freed if the process ended")
            .with(number(|p| p.uss_bytes)),
        gauge("memory_debug_process_swap", BYTES, "Anonymous memory swapped out")
            .with(number(|p| p.swap_bytes)),
        gauge(
            "memory_debug_process_lazy_free",
            BYTES,
            "Resident anonymous memory that the kernel may reclaim without swapping",
        )
        .with(number(|p| p.lazy_free_bytes)),
        gauge("process_threads", None, "Threads").with(number(|p| p.threads)),
        gauge("memory_debug_process_cpus", None, "Processors that the process may use")
            .with(number(|p| p.cpus)),
        gauge("process_open_fds", None, "Open file descriptors").with(number(|p| p.open_fds)),
        gauge("process_start_time", SECONDS, "When the process started, since 1970").with(started),
    ]
}

fn of_container(report: &MemoryReport) -> Vec<MetricFamily> {
    let number =
        |get: fn(&CgroupMemory) -> Option<u64>| report.cgroup.as_ref().and_then(get).map(|n| n as f64);
    let (gauge, counter) = (MetricFamily::gauge, MetricFamily::counter);
    vec![
        gauge("memory_debug_cgroup_limit", BYTES, "Memory limit of the control group itself")
            .with(number(|c| c.limit_bytes)),
        gauge("memory_debug_cgroup_current", BYTES, "Memory charged to the control group")
            .with(number(|c| c.current_bytes)),
        gauge(
            "memory_debug_cgroup_inactive_file",
            BYTES,
            "Inactive page cache, dropped first when memory is short",
        )
        .with(number(|c| c.inactive_file_bytes)),
        gauge("memory_debug_cgroup_peak", BYTES, "Highest memory charged to the control group so far")
            .with(number(|c| c.peak_bytes)),
        counter(
            "memory_debug_cgroup_oom_kills",
            "Processes in the control group killed because memory ran out",
        )
        .with(number(|c| c.oom_kills)),
        counter("memory_debug_cgroup_high_events", "Times the control group was throttled at memory.high")
            .with(number(|c| c.high_events)),
        counter("memory_debug_cgroup_max_events", "Times an allocation hit the control group's limit")
            .with(number(|c| c.max_events)),
    ]
}

/// The parts of the control group's memory.
fn of_parts(report: &MemoryReport) -> Vec<MetricFamily> {
    let parts = report.cgroup.as_ref().map(|cgroup| &cgroup.parts);
    let number = |get: fn(&CgroupParts) -> Option<u64>| parts.and_then(get).map(|n| n as f64);
    let gauge = MetricFamily::gauge;
    vec![
        gauge(
            "memory_debug_cgroup_anonymous",
            BYTES,
            "Anonymous memory of the control group: heap and stacks",
        )
        .with(number(|p| p.anonymous_bytes)),
        gauge("memory_debug_cgroup_file", BYTES, "Page cache of the control group, tmpfs included")
            .with(number(|p| p.file_bytes)),
        gauge("memory_debug_cgroup_mapped_file", BYTES, "Mapped page cache of the control group")
            .with(number(|p| p.mapped_file_bytes)),
        gauge("memory_debug_cgroup_shared", BYTES, "Tmpfs and shared memory of the control group")
            .with(number(|p| p.shared_bytes)),
        gauge("memory_debug_cgroup_kernel", BYTES, "Kernel memory of the control group")
            .with(number(|p| p.kernel_bytes)),
        gauge("memory_debug_cgroup_socket", BYTES, "Socket buffers of the control group")
            .with(number(|p| p.socket_bytes)),
    ]
}

/// The level with the least room, and the events at the levels above.
fn of_levels(report: &MemoryReport) -> Vec<MetricFamily> {
    let binding = report.cgroup.as_ref().and_then(|cgroup| cgroup.binding.as_ref());
    let number = |get: fn(&CgroupLevel) -> Option<u64>| binding.and_then(get).map(|n| n as f64);
    let (gauge, counter) = (MetricFamily::gauge, MetricFamily::counter);
    let mut families = vec![
        gauge("memory_debug_cgroup_binding_limit", BYTES, "Limit of the control group with the least room")
            .with(number(|level| level.limit_bytes)),
        gauge(
            "memory_debug_cgroup_binding_current",
            BYTES,
            "Memory charged to the control group with the least room",
        )
        .with(number(|level| level.current_bytes)),
        gauge(
            "memory_debug_cgroup_binding_inactive_file",
            BYTES,
            "Inactive page cache of the control group with the least room",
        )
        .with(number(|level| level.inactive_file_bytes)),
    ];
    let mut kills = counter(
        "memory_debug_cgroup_above_oom_kills",
        "Processes killed because memory ran out, by control group above",
    );
    let mut high =
        counter("memory_debug_cgroup_above_high_events", "Times a control group above was throttled");
    let mut max =
        counter("memory_debug_cgroup_above_max_events", "Times a control group above hit its limit");
    for level in report.cgroup.iter().flat_map(|cgroup| &cgroup.levels) {
        for (family, value) in
            [(&mut kills, level.oom_kills), (&mut high, level.high_events), (&mut max, level.max_events)]
        {
            value.into_iter().for_each(|value| family.add("level", printable(&level.path), value as f64));
        }
    }
    families.extend([kills, high, max]);
    families
}

/// The machine, and the limit that the process reaches first.
fn of_ceiling(report: &MemoryReport) -> Vec<MetricFamily> {
    let ceiling = report.ceiling().ok();
    let number = |get: fn(&Ceiling) -> Option<u64>| ceiling.as_ref().and_then(get).map(|n| n as f64);
    let machine =
        |get: fn(&MachineMemory) -> Option<u64>| report.machine.as_ref().and_then(get).map(|n| n as f64);
    let gauge = MetricFamily::gauge;
    let mut families = vec![
        gauge("memory_debug_machine_total", BYTES, "Memory of the machine").with(machine(|m| m.total_bytes)),
        gauge(
            "memory_debug_machine_available",
            BYTES,
            "Memory of the machine that programs can still allocate",
        )
        .with(machine(|m| m.available_bytes)),
        gauge("memory_debug_ceiling_limit", BYTES, "Limit with the least room, or the machine's memory")
            .with(number(|c| Some(c.limit_bytes))),
        gauge("memory_debug_ceiling_used", BYTES, "Memory in use under the limit with the least room")
            .with(number(|c| Some(c.used_bytes))),
        gauge("memory_debug_ceiling_room", BYTES, "Memory left under the limit with the least room")
            .with(number(|c| Some(c.room_bytes))),
        gauge(
            "memory_debug_ceiling_others",
            BYTES,
            "Memory in use by others under the limit with the least room",
        )
        .with(number(|c| c.others_bytes)),
    ];
    families.extend(ceiling.map(|ceiling| {
        let labels = vec![
            ("set_by", ceiling.set_by.as_str().to_owned()),
            ("path", ceiling.path.as_deref().map(printable).unwrap_or_default()),
        ];
        MetricFamily {
            kind: MetricKind::Info,
            metrics: vec![Metric { labels, value: 1.0 }],
            ..gauge("memory_debug_ceiling", None, "What sets the limit with the least room")
        }
    }));
    families
}

fn of_allocator(report: &MemoryReport) -> Vec<MetricFamily> {
    let allocator = report.allocator.as_ref();
    let number = |get: fn(&AllocatorStats) -> Option<u64>| allocator.and_then(get).map(|n| n as f64);
    let gauge = MetricFamily::gauge;
    vec![
        gauge("memory_debug_jemalloc_allocated", BYTES, "Bytes that the program holds")
            .with(number(|a| a.allocated_bytes)),
        gauge("memory_debug_jemalloc_active", BYTES, "Bytes in pages with at least one allocation")
            .with(number(|a| a.active_bytes)),
        gauge("memory_debug_jemalloc_metadata", BYTES, "The allocator's own data")
            .with(number(|a| a.metadata_bytes)),
        gauge("memory_debug_jemalloc_resident", BYTES, "Upper bound of the allocator's physical memory")
            .with(number(|a| a.resident_bytes)),
        gauge("memory_debug_jemalloc_mapped", BYTES, "Bytes in active extents")
            .with(number(|a| a.mapped_bytes)),
        gauge("memory_debug_jemalloc_retained", BYTES, "Address space kept for later use")
            .with(number(|a| a.retained_bytes)),
        gauge("memory_debug_jemalloc_dirty", BYTES, "Unused pages, not yet returned to the system")
            .with(number(|a| a.dirty_bytes)),
        gauge(
            "memory_debug_jemalloc_muzzy",
            BYTES,
            "Unused pages that the kernel may reclaim or has reclaimed",
        )
        .with(number(|a| a.muzzy_bytes)),
        gauge(
            "memory_debug_jemalloc_thread_cache",
            BYTES,
            "Free objects in thread caches, counted as allocated",
        )
        .with(number(|a| a.thread_cache_bytes)),
        gauge(
            "memory_debug_jemalloc_internal",
            BYTES,
            "The allocator's own data that counts as allocated: thread caches, the heap profile",
        )
        .with(number(|a| a.internal_bytes)),
        gauge(
            "memory_debug_jemalloc_sampled_pages",
            BYTES,
            "Pages that sampled small objects have to themselves",
        )
        .with(number(|a| a.sampled_pages_bytes)),
        gauge("memory_debug_jemalloc_arenas", None, "Arenas").with(number(|a| a.arenas)),
        gauge("memory_debug_profiling_active", None, "Whether allocations are sampled").with(
            allocator
                .and_then(|allocator| allocator.profiling.active)
                .map(|active| f64::from(u8::from(active))),
        ),
        gauge("memory_debug_profiling_sample", BYTES, "Mean number of bytes between samples")
            .with(number(|a| a.profiling.sample_bytes)),
    ]
}

fn of_collection(report: &MemoryReport) -> Vec<MetricFamily> {
    let gauge = MetricFamily::gauge;
    vec![
        gauge("memory_debug_collection_duration", SECONDS, "Duration of this collection")
            .with(Some(report.duration_us as f64 / 1e6)),
        gauge("memory_debug_collection_timestamp", SECONDS, "Time of this collection, since 1970")
            .with(unix_seconds(&report.collected_at)),
    ]
}

fn unix_seconds(rfc3339: &str) -> Option<f64> {
    timestamp::parse(rfc3339).map(timestamp::unix_seconds)
}

#[cfg(test)]
mod tests;
