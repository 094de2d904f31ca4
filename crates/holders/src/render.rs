//! A report as text. HTML lays out the same content in its own way.

use std::fmt::{self, Display, Formatter};

use memory_debug_report::render::__private::{Terminal, write_reasons};
use memory_debug_report::render::content::{Layout, identity_of, more};
use memory_debug_report::units::{Bytes, count, percent, printable, short_name};

use crate::holder_text::{INFERRED, cycle};
use crate::holders_report::{Coverage, HeldType, HolderLink, HoldersReport, UnreachableMemory};

/// The path of the reason why no scan ran, which has a place of its own on the page.
const NO_SCAN: &str = "coverage";

/// What the method cannot see.
const LIMITS: &str = "an estimate from samples; pointers in registers, in the kernel alone, encoded or unaligned ones, and \
                      thread-locals of libraries that were loaded later are not seen; a stale word can hide a leak";

/// What unreachable memory usually is.
const UNREACHABLE: &str = "no pointer to this memory was found, so the program can neither use nor free it: break a cycle of \
                           `Arc` or `Rc` with `Weak`; look for `mem::forget`, `Box::leak` and `into_raw` without `from_raw`";

/// The most types that unreachable memory is said to hold.
const MOST_HELD: usize = 4;

impl Display for HoldersReport {
    /// The identity of the process, then the content of the page.
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        writeln!(f, "{}", identity_of(&self.instance).join(" · "))?;
        write_holders(&mut Terminal(f), self)
    }
}

/// Writes what the result covers, unreachable memory, and the chains of holders by type.
///
/// # Errors
///
/// Errors of `out`.
pub fn write_holders(out: &mut dyn Layout, report: &HoldersReport) -> fmt::Result {
    match &report.coverage {
        Some(coverage) => {
            write_coverage(out, report, coverage)?;
            write_unreachable(out, report)?;
            report.types.iter().try_for_each(|held| write_type(out, held))?;
            more(report.omitted).map_or(Ok(()), |line| out.paragraph(&format!("{line} types")))?;
            write_legend(out, report)?;
        }
        None => {
            let reason = report.unavailable.get(NO_SCAN).unwrap_or("the reason is unknown");
            out.paragraph(&format!("no scan: {}", printable(reason)))?;
        }
    }
    write_reasons(out, report.unavailable.iter().filter(|(path, _)| *path != NO_SCAN))
}

/// Writes when the scan was, what it cost, and which part of the memory the result covers.
fn write_coverage(out: &mut dyn Layout, report: &HoldersReport, coverage: &Coverage) -> fmt::Result {
    let scans = if coverage.scans == 1 { "scan" } else { "scans" };
    out.remark(&format!(
        "scanned {} · {} {scans} in {} with {} of processor time · read {:.1} of {:.1} heap",
        printable(&report.scanned_at),
        coverage.scans,
        seconds(report.duration_us),
        seconds(report.cpu_us),
        Bytes(coverage.read_bytes),
        Bytes(coverage.heap_bytes)
    ))?;
    if let Some(reason) = &coverage.ended_early {
        out.remark(&format!("the last scan ended early, so holders are missing: {}", printable(reason)))?;
    }
    let since = coverage.recorded_since.as_deref().map(printable);
    let since = since.map_or_else(|| "not recorded".to_owned(), |since| format!("recorded since {since}"));
    let share = coverage
        .known_share
        .map(|share| format!("holders are known for {:.0} % of the live heap", 100.0 * share));
    let dropped =
        (coverage.dropped > 0).then(|| format!("{} samples found no place", count(coverage.dropped)));
    let parts: Vec<_> = [Some(format!("samples {since}")), share, dropped].into_iter().flatten().collect();
    out.remark(&parts.join(" · "))
}

/// Writes the types to whose memory no pointer was found.
fn write_unreachable(out: &mut dyn Layout, report: &HoldersReport) -> fmt::Result {
    if report.unreachable().next().is_none() {
        return Ok(());
    }
    out.heading("unreachable")?;
    for (held, memory) in report.unreachable() {
        write_unreachable_type(out, &held.type_name, memory)?;
    }
    out.remark(UNREACHABLE)
}

/// Writes one type with unreachable memory: its size, and what was found.
pub(crate) fn write_unreachable_type(
    out: &mut dyn Layout,
    type_name: &str,
    memory: &UnreachableMemory,
) -> fmt::Result {
    let size = size(memory.bytes, memory.bytes_stderr);
    let samples = count(memory.samples);
    out.item(&format!("{size} of {} ({samples} samples)", short_name(type_name)), &finding(memory))
}

/// `no pointer to it found in 3 of 3 scans; a cycle: Node → Vec<Arc<Node>> → Node; it holds String`.
fn finding(memory: &UnreachableMemory) -> String {
    let mut text = format!("no pointer to it found in {0} of {0} scans", memory.scans);
    if !memory.cycle.is_empty() {
        text = text + "; a cycle: " + &cycle(&memory.cycle);
    }
    let is_in_cycle =
        |link: &&HolderLink| link.type_name.as_ref().is_some_and(|name| memory.cycle.contains(name));
    let holds: Vec<_> =
        memory.holds.iter().filter(|link| !is_in_cycle(link)).map(HolderLink::to_string).collect();
    if !holds.is_empty() {
        let rest = if holds.len() > MOST_HELD { " and others" } else { "" };
        text = text + "; it holds " + &holds[..holds.len().min(MOST_HELD)].join(", ") + rest;
    }
    text
}

/// Writes one type: a row for each chain, the chain with the most bytes first.
fn write_type(out: &mut dyn Layout, held: &HeldType) -> fmt::Result {
    let (name, unknown) = (short_name(&held.type_name), held.unknown_bytes);
    if held.chains.is_empty() && unknown == 0 && held.omitted_chains == 0 {
        // Everything is in the table of unreachable memory.
        return Ok(());
    }
    out.heading(&format!("{name}: {}", size(held.bytes, held.bytes_stderr)))?;
    let share = |bytes: u64| {
        percent(bytes as f64, held.bytes as f64)
            .map_or_else(|| "–".to_owned(), |share| format!("{share:.0} %"))
    };
    let mut rows: Vec<Vec<String>> = Vec::new();
    for chain in &held.chains {
        rows.push(vec![
            chain.text(&held.type_name),
            Bytes(chain.bytes).to_string(),
            error(chain.bytes_stderr, chain.bytes),
            share(chain.bytes),
            count(chain.samples),
        ]);
    }
    if unknown > 0 {
        let dash = || "–".to_owned();
        rows.push(vec![
            format!("{name} ← (holder not known)"),
            Bytes(unknown).to_string(),
            dash(),
            share(unknown),
            dash(),
        ]);
    }
    if !rows.is_empty() {
        out.table(&["who holds it", "size", "±", "share", "samples"], &rows)?;
    }
    more(held.omitted_chains).map_or(Ok(()), |line| out.remark(&format!("{line} chains")))
}

/// Writes what the marks mean that the chains have, then the limits of the method.
fn write_legend(out: &mut dyn Layout, report: &HoldersReport) -> fmt::Result {
    let chains = || report.types.iter().flat_map(|held| &held.chains);
    let held = report.unreachable().flat_map(|(_, memory)| &memory.holds);
    let links: Vec<_> = chains().flat_map(|chain| &chain.links).chain(held).collect();
    if report.types.iter().all(|held| held.chains.is_empty() && held.unreachable.is_none()) {
        out.paragraph("No sampled memory has a known holder.")?;
    }
    let marks = [
        (
            links.iter().any(|link| link.inferred),
            format!("{}marks a type that was inferred from objects that are alike", INFERRED),
        ),
        (
            links.iter().any(|link| link.type_name.is_none()),
            "[640 bytes] is an object whose type is not known".to_owned(),
        ),
        (
            chains().any(|chain| chain.doubtful),
            "a doubtful chain has its pointers in spare capacity, or among bytes that look like text"
                .to_owned(),
        ),
    ];
    let marks: Vec<_> = marks.into_iter().filter(|(is_used, _)| *is_used).map(|(_, text)| text).collect();
    if marks.is_empty() {
        return out.paragraph(LIMITS);
    }
    out.paragraph(&marks.join("; "))?;
    out.remark(LIMITS)
}

/// A size with its error: `23.40 MiB ± 14 %`.
pub(crate) fn size(bytes: u64, stderr: f64) -> String {
    format!("{} ± {}", Bytes(bytes), error(stderr, bytes))
}

/// One standard error of `bytes`, as a percentage of it: `14 %`.
fn error(stderr: f64, bytes: u64) -> String {
    percent(stderr, bytes as f64).map_or_else(|| "–".to_owned(), |percent| format!("{percent:.0} %"))
}

fn seconds(micros: u64) -> String {
    format!("{:.1} s", micros as f64 / 1e6)
}

#[cfg(test)]
mod tests;
