//! The header of a page: which process answers, and its most important numbers.

use super::{SHOWN_ABOVE_PERCENT, ceiling, container};
use crate::breakdown::Counts;
use crate::instance::InstanceInfo;
use crate::report::MemoryReport;
use crate::units::{Bytes, percent, printable, span};

/// The parts of the instance's identity: `axum-service 0.1.0`, `pid 4242`, `host a1`, `instance 6f1c9a2e`, `up 3h 12m`.
pub fn identity(report: &MemoryReport) -> Vec<String> {
    identity_of(&report.instance)
}

/// The parts of an instance's identity, see [`identity`].
pub fn identity_of(instance: &InstanceInfo) -> Vec<String> {
    let mut parts = Vec::new();
    if let Some(service) = &instance.service {
        parts.push(
            [printable(service), printable(instance.version.as_deref().unwrap_or_default())]
                .join(" ")
                .trim()
                .to_owned(),
        );
    }
    parts.push(format!("pid {}", instance.pid));
    parts.extend(instance.host.as_ref().map(|host| format!("host {}", printable(host))));
    parts.push(format!("instance {}", instance.id.short()));
    parts.extend(instance.uptime_seconds.map(|seconds| format!("up {}", span(seconds))));
    parts
}

/// The most important numbers. Differences are omitted if the parts do not add up, because the kernel and the allocator
/// count at different moments.
pub fn memory(report: &MemoryReport) -> String {
    let resident = report.process.as_ref().and_then(|process| process.resident_bytes);
    let mut parts = Vec::new();
    parts.extend(resident.map(|resident| format!("resident {:.1}", Bytes(resident))));
    if let Some(allocator) = &report.allocator {
        let breakdown = Counts::of_report(report).breakdown();
        let matters =
            |bytes: &u64| percent(*bytes as f64, resident.unwrap_or(0) as f64) >= Some(SHOWN_ABOVE_PERCENT);
        let (muzzy, never_touched) = (breakdown.muzzy.ok(), breakdown.never_touched.ok());
        let (caches, internal) = (breakdown.thread_caches.ok(), breakdown.internal.ok());
        parts.extend(allocator.allocated_bytes.map(|bytes| format!("allocated {:.1}", Bytes(bytes))));
        let in_allocated = [(caches, "in thread caches"), (internal, "internal")];
        for (bytes, name) in
            in_allocated.iter().filter_map(|(bytes, name)| Some((bytes.filter(matters)?, name)))
        {
            parts.push(format!("{:.0} of it {name}", Bytes(bytes)));
        }
        parts.extend(breakdown.fragmentation.map(|bytes| format!("{:.0} fragmentation", Bytes(bytes))));
        parts.extend(breakdown.dirty.map(|bytes| format!("{:.0} dirty", Bytes(bytes))));
        parts.extend(muzzy.filter(matters).map(|bytes| format!("{:.0} muzzy", Bytes(bytes))));
        parts.extend(breakdown.outside.map(|bytes| format!("{:.0} outside jemalloc", Bytes(bytes))));
        parts.extend(never_touched.filter(matters).map(|bytes| format!("{} never touched", Bytes(bytes))));
    }
    parts.join(" · ")
}

/// When the report was collected, and how long it took.
pub fn collected(report: &MemoryReport) -> String {
    let milliseconds = report.duration_us as f64 / 1000.0;
    format!("collected {} in {milliseconds:.1} ms", printable(&report.collected_at))
}

/// The lines about the limit and about the container.
pub fn limits(report: &MemoryReport) -> impl Iterator<Item = String> + use<> {
    [ceiling::header(report), container::header(report)].into_iter().flatten()
}
