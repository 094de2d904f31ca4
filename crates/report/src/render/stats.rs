//! The numbers of the process, its container and the allocator.

use std::fmt;

use super::layout::{Layout, fact};
use super::{container, detail};
use crate::report::{AllocatorStats, MemoryReport, OptionValue, ProcessMemory, ProfilingState};
use crate::units::{Bytes, count, printable};

/// Writes all numbers of a report, without types and without the cells of arenas and size classes.
///
/// # Errors
///
/// Errors of `out`.
pub fn write(out: &mut dyn Layout, report: &MemoryReport) -> fmt::Result {
    if let Some(process) = &report.process {
        write_process(out, process)?;
    }
    container::write(out, report)?;
    if let Some(allocator) = &report.allocator {
        write_allocator(out, allocator)?;
        write_profiling(out, &allocator.profiling)?;
    }
    if let Some(detail) = &report.detail {
        detail::write(out, detail)?;
    }
    Ok(())
}

fn write_process(out: &mut dyn Layout, process: &ProcessMemory) -> fmt::Result {
    out.heading("process")?;
    fact(out, "resident", process.resident_bytes.map(Bytes))?;
    fact(out, "peak resident", process.peak_resident_bytes.map(Bytes))?;
    fact(out, "anonymous", process.anonymous_bytes.map(Bytes))?;
    fact(out, "files", process.file_bytes.map(Bytes))?;
    fact(out, "shared", process.shared_bytes.map(Bytes))?;
    fact(out, "proportional (pss)", process.pss_bytes.map(Bytes))?;
    fact(out, "unique (uss)", process.uss_bytes.map(Bytes))?;
    fact(out, "swapped out", process.swap_bytes.map(Bytes))?;
    fact(out, "lazily freed", process.lazy_free_bytes.map(Bytes))?;
    fact(out, "threads", process.threads.map(count))?;
    fact(out, "open files", process.open_fds.map(count))?;
    fact(out, "processors", process.cpus.map(count))
}

fn write_allocator(out: &mut dyn Layout, allocator: &AllocatorStats) -> fmt::Result {
    let version = allocator.version.as_deref().unwrap_or_default();
    out.heading(format!("allocator {} {}", printable(&allocator.name), printable(version)).trim_end())?;
    fact(out, "allocated", allocator.allocated_bytes.map(Bytes))?;
    fact(out, "active", allocator.active_bytes.map(Bytes))?;
    fact(out, "metadata", allocator.metadata_bytes.map(Bytes))?;
    fact(out, "resident", allocator.resident_bytes.map(Bytes))?;
    fact(out, "mapped", allocator.mapped_bytes.map(Bytes))?;
    fact(out, "retained", allocator.retained_bytes.map(Bytes))?;
    fact(out, "dirty", allocator.dirty_bytes.map(Bytes))?;
    fact(out, "muzzy", allocator.muzzy_bytes.map(Bytes))?;
    fact(out, "in thread caches", allocator.thread_cache_bytes.map(Bytes))?;
    fact(out, "internal", allocator.internal_bytes.map(Bytes))?;
    fact(out, "sampled pages", allocator.sampled_pages_bytes.map(Bytes))?;
    fact(out, "arenas", allocator.arenas.map(count))?;
    fact(out, "background threads", allocator.background_threads.map(yes_or_no))?;
    for (name, value) in &allocator.options {
        fact(out, name, Some(setting(value)))?;
    }
    Ok(())
}

fn write_profiling(out: &mut dyn Layout, profiling: &ProfilingState) -> fmt::Result {
    out.heading("heap profiling")?;
    fact(out, "compiled", profiling.compiled.map(yes_or_no))?;
    fact(out, "enabled", profiling.enabled.map(yes_or_no))?;
    fact(out, "active", profiling.active.map(yes_or_no))?;
    fact(out, "one sample per", profiling.sample_bytes.map(Bytes))?;
    fact(out, "active since", profiling.active_since.as_deref().map(printable))?;
    fact(out, "unwinder", profiling.unwinder.as_ref())
}

fn yes_or_no(switch: bool) -> &'static str {
    if switch { "yes" } else { "no" }
}

fn setting(value: &OptionValue) -> String {
    match value {
        OptionValue::Bool(switch) => switch.to_string(),
        OptionValue::Number(number) => number.to_string(),
        OptionValue::Text(word) => printable(word),
    }
}
