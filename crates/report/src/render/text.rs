//! Renders pages for a terminal.

use std::fmt::{self, Write};

use super::layout::Terminal;
use super::{detail, diagnosis, header, missing, monitor, reconciliation, roots, stats, table};
use crate::conclusion::Conclusion;
use crate::doctor::diagnose;
use crate::report::MemoryReport;
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
    monitor::earlier(report).try_for_each(|line| writeln!(out, "{line}"))?;
    let diagnosis = diagnose(report);
    writeln!(out, "{}", Conclusion::of(report, &diagnosis))?;
    diagnosis::write_short(out, &diagnosis)?;
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
    writeln!(out, "{}", header::identity(report).join(" · "))?;
    let memory = header::memory(report);
    if !memory.is_empty() {
        writeln!(out, "{memory}")?;
    }
    header::limits(report).try_for_each(|line| writeln!(out, "{line}"))
}

fn write_types(
    out: &mut dyn Write,
    report: &MemoryReport,
    view: &TypesView,
    root_parts: usize,
) -> fmt::Result {
    let started_at = report.instance.started_at.as_deref();
    let summary = table::of_report(report, view);
    table::write(out, &summary, started_at)?;
    report.reconciliation.iter().try_for_each(|numbers| reconciliation::write(out, numbers))?;
    view.roots(report).map_or(Ok(()), |summary| roots::write(out, summary, root_parts))
}

fn write_stats(out: &mut dyn Write, report: &MemoryReport) -> fmt::Result {
    writeln!(out, "{}", header::identity(report).join(" · "))?;
    writeln!(out, "{}", header::collected(report))?;
    stats::write(&mut Terminal(out), report)?;
    report.detail.iter().try_for_each(|detail| detail::write_unused(&mut Terminal(out), detail))?;
    write_unavailable(out, report, Page::Stats)
}

/// Writes the values that the page lacks, with their reasons.
fn write_unavailable(out: &mut dyn Write, report: &MemoryReport, page: Page) -> fmt::Result {
    let missing = missing::values(report, page);
    if !missing.is_empty() {
        writeln!(out, "\nnot available:")?;
    }
    missing.iter().try_for_each(|(values, reason)| writeln!(out, "  {values}: {reason}"))
}

#[cfg(test)]
mod tests;
