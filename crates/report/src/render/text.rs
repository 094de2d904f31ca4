//! Renders pages for a terminal.

use std::fmt::{self, Write};

use super::line::line;
use super::{SHOWN_ABOVE_PERCENT, ceiling, container, diagnosis, reasons, reconciliation, roots, table};
use crate::breakdown::Counts;
use crate::doctor::diagnose;
use crate::report::{AllocatorStats, MemoryReport, OptionValue, ProcessMemory, ProfilingState, TypeSummary};
use crate::units::{Bytes, count, percent, printable, span};
use crate::view::{Page, TypesView};

/// How many parts of a root the overview shows; the types page shows more.
const ROOT_PARTS_ON_THE_OVERVIEW: usize = 8;

/// The report as text. Missing values are described in words and never shown as zero.
pub fn text(report: &MemoryReport, page: Page, view: &TypesView) -> String {
    let mut out = String::new();
    write_text(&mut out, report, page, view).expect("writing to a string does not fail");
    out
}

/// Writes the text that [`text`] returns.
///
/// # Errors
///
/// Errors of `out`.
pub fn write_text(out: &mut dyn Write, report: &MemoryReport, page: Page, view: &TypesView) -> fmt::Result {
    match page {
        Page::Overview => write_overview(out, report, view),
        Page::Stats => write_stats(out, report),
        Page::Types => write_types(out, report, view, usize::MAX),
        Page::Doctor => write_doctor(out, report),
    }
}

fn write_overview(out: &mut dyn Write, report: &MemoryReport, view: &TypesView) -> fmt::Result {
    write_header(out, report)?;
    diagnosis::write_short(out, &diagnose(report))?;
    writeln!(out)?;
    write_types(out, report, view, ROOT_PARTS_ON_THE_OVERVIEW)?;
    write_unavailable(out, report, Page::Overview)
}

fn write_doctor(out: &mut dyn Write, report: &MemoryReport) -> fmt::Result {
    write_header(out, report)?;
    writeln!(out)?;
    write!(out, "{}", diagnose(report))
}

/// Writes the instance and the most important numbers.
fn write_header(out: &mut dyn Write, report: &MemoryReport) -> fmt::Result {
    writeln!(out, "{}", identity(report))?;
    let memory = memory(report);
    if !memory.is_empty() {
        writeln!(out, "{memory}")?;
    }
    [ceiling::header(report), container::header(report)]
        .into_iter()
        .flatten()
        .try_for_each(|line| writeln!(out, "{line}"))
}

fn write_types(
    out: &mut dyn Write,
    report: &MemoryReport,
    view: &TypesView,
    root_parts: usize,
) -> fmt::Result {
    let started_at = report.instance.started_at.as_deref();
    let reason = report.unavailable.get("types").map(str::to_owned);
    let summary = match (view.table(report), reason) {
        (Some(types), unavailable) => TypeSummary { unavailable, ..types },
        (None, Some(reason)) => TypeSummary::without_profile(reason),
        (None, None) => TypeSummary::without_profile("not requested".into()),
    };
    table::write(out, &summary, started_at)?;
    report.reconciliation.iter().try_for_each(|numbers| reconciliation::write(out, numbers))?;
    view.roots(report).map_or(Ok(()), |summary| roots::write(out, summary, root_parts))
}

fn write_stats(out: &mut dyn Write, report: &MemoryReport) -> fmt::Result {
    writeln!(out, "{}", identity(report))?;
    let milliseconds = report.duration_us as f64 / 1000.0;
    writeln!(out, "collected {} in {milliseconds:.1} ms", printable(&report.collected_at))?;
    if let Some(process) = &report.process {
        write_process(out, process)?;
    }
    container::write(out, report)?;
    if let Some(allocator) = &report.allocator {
        write_allocator(out, allocator)?;
        write_profiling(out, &allocator.profiling)?;
    }
    if let Some(detail) = &report.detail {
        write!(out, "{detail}")?;
    }
    write_unavailable(out, report, Page::Stats)
}

/// The instance: `axum-service 0.1.0 · pid 4242 · host a1 · instance 6f1c9a2e · up 3h 12m`.
fn identity(report: &MemoryReport) -> String {
    let instance = &report.instance;
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
    parts.join(" · ")
}

/// The most important numbers. Differences are omitted if the parts do not add up, because the kernel and the allocator
/// count at different moments.
fn memory(report: &MemoryReport) -> String {
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

fn write_process(out: &mut dyn Write, process: &ProcessMemory) -> fmt::Result {
    writeln!(out, "\nprocess")?;
    line(out, "resident", process.resident_bytes.map(Bytes))?;
    line(out, "peak resident", process.peak_resident_bytes.map(Bytes))?;
    line(out, "anonymous", process.anonymous_bytes.map(Bytes))?;
    line(out, "files", process.file_bytes.map(Bytes))?;
    line(out, "shared", process.shared_bytes.map(Bytes))?;
    line(out, "proportional (pss)", process.pss_bytes.map(Bytes))?;
    line(out, "unique (uss)", process.uss_bytes.map(Bytes))?;
    line(out, "swapped out", process.swap_bytes.map(Bytes))?;
    line(out, "lazily freed", process.lazy_free_bytes.map(Bytes))?;
    line(out, "threads", process.threads.map(count))?;
    line(out, "open files", process.open_fds.map(count))?;
    line(out, "processors", process.cpus.map(count))
}

fn write_allocator(out: &mut dyn Write, allocator: &AllocatorStats) -> fmt::Result {
    let version = allocator.version.as_deref().unwrap_or_default();
    writeln!(out, "\nallocator {} {}", printable(&allocator.name), printable(version))?;
    line(out, "allocated", allocator.allocated_bytes.map(Bytes))?;
    line(out, "active", allocator.active_bytes.map(Bytes))?;
    line(out, "metadata", allocator.metadata_bytes.map(Bytes))?;
    line(out, "resident", allocator.resident_bytes.map(Bytes))?;
    line(out, "mapped", allocator.mapped_bytes.map(Bytes))?;
    line(out, "retained", allocator.retained_bytes.map(Bytes))?;
    line(out, "dirty", allocator.dirty_bytes.map(Bytes))?;
    line(out, "muzzy", allocator.muzzy_bytes.map(Bytes))?;
    line(out, "in thread caches", allocator.thread_cache_bytes.map(Bytes))?;
    line(out, "internal", allocator.internal_bytes.map(Bytes))?;
    line(out, "sampled pages", allocator.sampled_pages_bytes.map(Bytes))?;
    line(out, "arenas", allocator.arenas.map(count))?;
    line(out, "background threads", allocator.background_threads.map(yes_or_no))?;
    for (name, value) in &allocator.options {
        line(out, name, Some(setting(value)))?;
    }
    Ok(())
}

fn write_profiling(out: &mut dyn Write, profiling: &ProfilingState) -> fmt::Result {
    writeln!(out, "\nheap profiling")?;
    line(out, "compiled", profiling.compiled.map(yes_or_no))?;
    line(out, "enabled", profiling.enabled.map(yes_or_no))?;
    line(out, "active", profiling.active.map(yes_or_no))?;
    line(out, "one sample per", profiling.sample_bytes.map(Bytes))?;
    line(out, "active since", profiling.active_since.as_deref().map(printable))
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

/// Writes every reason once, with the values that it explains. Omits reasons that the page already shows in place of
/// the table or in the lines below it.
fn write_unavailable(out: &mut dyn Write, report: &MemoryReport, page: Page) -> fmt::Result {
    let is_shown_elsewhere = |path: &str| path == "types" || path.starts_with("reconciliation");
    let shown = report.unavailable.iter().filter(|(path, reason)| {
        page.shows(path) && !is_shown_elsewhere(path) && !container::is_shown_elsewhere(report, path, reason)
    });
    let mut lines = reasons::lines(shown).peekable();
    if lines.peek().is_some() {
        writeln!(out, "\nnot available:")?;
    }
    lines.try_for_each(|line| writeln!(out, "  {line}"))
}

#[cfg(test)]
mod tests;
