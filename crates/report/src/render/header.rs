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

/// A number that changes while someone watches the page.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct LiveNumber {
    /// What is counted.
    pub name: &'static str,
    /// The place of the number in the JSON of a report.
    pub path: &'static str,
    /// The number.
    pub bytes: u64,
}

/// The most important numbers in one line.
pub fn memory(report: &MemoryReport) -> String {
    let live = live_numbers(report);
    let live = live.map(|LiveNumber { name, bytes, .. }| format!("{name} {:.1}", Bytes(bytes)));
    live.chain(parts(report)).collect::<Vec<_>>().join(" · ")
}

/// The two numbers at the beginning of [`memory`].
pub fn live_numbers(report: &MemoryReport) -> impl Iterator<Item = LiveNumber> + use<> {
    let resident = report.process.as_ref().and_then(|process| process.resident_bytes);
    let allocated = report.allocator.as_ref().and_then(|allocator| allocator.allocated_bytes);
    let numbers = [
        ("resident", "process.resident_bytes", resident),
        ("allocated", "allocator.allocated_bytes", allocated),
    ];
    numbers.into_iter().filter_map(|(name, path, bytes)| Some(LiveNumber { name, path, bytes: bytes? }))
}

/// The parts of these numbers, which follow them in [`memory`]. Differences are omitted if the parts do not add up,
/// because the kernel and the allocator count at different moments.
pub fn parts(report: &MemoryReport) -> Vec<String> {
    let resident = report.process.as_ref().and_then(|process| process.resident_bytes);
    let mut parts = Vec::new();
    if report.allocator.is_some() {
        let breakdown = Counts::of_report(report).breakdown();
        let matters =
            |bytes: &u64| percent(*bytes as f64, resident.unwrap_or(0) as f64) >= Some(SHOWN_ABOVE_PERCENT);
        let (muzzy, never_touched) = (breakdown.muzzy.ok(), breakdown.never_touched.ok());
        let (caches, internal) = (breakdown.thread_caches.ok(), breakdown.internal.ok());
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
    parts
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
