//! What is captured before a kill, and what earlier processes left.

use std::fmt;

use super::super::layout::{Layout, table};
use crate::monitor::{Capture, CaptureKind, CaptureStatus, EarlierProcess, FlightRecord};
use crate::report::MemoryReport;
use crate::units::{Bytes, printable, short_name};

const HEADINGS: [&str; 7] = ["file", "holds", "taken", "size", "pid", "of the limit", "largest type"];

/// How many types of a record are shown.
const TYPES_SHOWN: usize = 5;

/// How each earlier process ended that did not end in order, for the overview. The page of the monitor has the rest.
pub fn earlier(report: &MemoryReport) -> impl Iterator<Item = String> {
    report.earlier_processes().iter().map(|process| {
        format!("{}; `/monitor` has its last record and its captures", printable(&process.summary))
    })
}

/// Writes how earlier processes ended, with their last record.
pub(super) fn write_earlier(out: &mut dyn Layout, captures: Option<&CaptureStatus>) -> fmt::Result {
    let earlier = captures.map_or(&[][..], |captures| &captures.earlier);
    if !earlier.is_empty() {
        out.heading("processes that ended abruptly")?;
    }
    earlier.iter().try_for_each(|process| out.item(&name(process), &story(process)))
}

fn name(process: &EarlierProcess) -> String {
    // The beginning is enough to tell instances apart.
    let id: String = process.instance.chars().take(8).collect();
    format!("pid {}, instance {}", process.pid, printable(&id))
}

/// How a process ended, its last record, and its files.
fn story(process: &EarlierProcess) -> String {
    let mut parts = vec![printable(&process.summary)];
    parts.extend(process.last.as_ref().map(last_record));
    if !process.files.is_empty() {
        parts.push(format!("files: {}", printable(&process.files.join(", "))));
    }
    parts.join("; ")
}

fn last_record(record: &FlightRecord) -> String {
    let numbers = [
        ("container", record.container_bytes),
        ("limit", record.limit_bytes),
        ("resident", record.resident_bytes),
        ("allocated", record.allocated_bytes),
    ];
    let known = numbers.into_iter().filter_map(|(name, bytes)| Some(format!("{name} {}", Bytes(bytes?))));
    let types = record.types.iter().take(TYPES_SHOWN);
    let types = types.map(|(name, bytes)| format!("{} {}", short_name(name), Bytes(*bytes)));
    let numbers: Vec<_> = known.chain(types).collect();
    format!("last record {}: {}", printable(&record.at), numbers.join(", "))
}

/// Writes the folder, and what is in it, or the reason why there are no captures.
pub(super) fn write(
    out: &mut dyn Layout,
    captures: Option<&CaptureStatus>,
    reason: Option<&str>,
) -> fmt::Result {
    out.heading("captures")?;
    let Some(captures) = captures else {
        let reason = printable(reason.unwrap_or("the reason is unknown"));
        return out.remark(&format!("nothing is captured before a kill: {reason}"));
    };
    let used = captures.files.iter().map(|file| file.bytes).fold(0, u64::saturating_add);
    out.remark(&format!(
        "folder {}: {} of at most {}",
        printable(&captures.folder),
        Bytes(used),
        Bytes(captures.max_bytes)
    ))?;
    let notes = [("warning", &captures.warning), ("nothing is captured now", &captures.paused)];
    for (name, note) in notes {
        note.as_deref().map_or(Ok(()), |note| out.item(name, &printable(note)))?;
    }
    if !captures.files.is_empty() {
        table(out, HEADINGS, captures.files.iter().map(cells))?;
    }
    captures.skipped.iter().try_for_each(|skipped| out.item("not read", &printable(skipped)))
}

fn cells(file: &Capture) -> [String; 7] {
    let largest = file.largest_type.as_ref();
    let no_types = || if file.kind == CaptureKind::RawDump { "not symbolised yet" } else { "–" }.to_owned();
    [
        printable(&file.file),
        kind(file.kind).to_owned(),
        printable(&file.taken_at),
        Bytes(file.bytes).to_string(),
        file.pid.to_string(),
        file.percent_of_limit.map_or_else(|| "–".to_owned(), |percent| format!("{percent:.1} %")),
        largest.map_or_else(no_types, |(name, bytes)| format!("{} {}", short_name(name), Bytes(*bytes))),
    ]
}

fn kind(kind: CaptureKind) -> &'static str {
    match kind {
        CaptureKind::Flight => "flight record",
        CaptureKind::Baseline => "baseline",
        CaptureKind::Snapshot => "snapshot",
        CaptureKind::RawDump => "raw dump",
    }
}
