//! Reports of several moments, one row for each.

use crate::report::MemoryReport;
use crate::units::{Bytes, printable};

/// The headings of [`cells`].
pub const HEADINGS: [&str; 5] = ["collected", "instance", "resident", "allocated", "sampled"];

/// The cells of a report: when it was collected, its instance, resident and allocated memory, and the sum of its
/// sampled types. A missing number has its reason.
pub fn cells(report: &MemoryReport) -> [String; 5] {
    let process = report.process.as_ref().and_then(|process| process.resident_bytes);
    let allocator = report.allocator.as_ref().and_then(|allocator| allocator.allocated_bytes);
    let types = report.types.as_ref().and_then(|types| types.total_bytes);
    [
        printable(&report.collected_at),
        report.instance.id.short(),
        cell(report, process, ["process.resident_bytes", "process"]),
        cell(report, allocator, ["allocator.allocated_bytes", "allocator"]),
        cell(report, types, ["types.total_bytes", "types"]),
    ]
}

/// A number of bytes. If it is missing, the reason stands under one of `paths`.
fn cell(report: &MemoryReport, bytes: Option<u64>, paths: [&str; 2]) -> String {
    match bytes {
        Some(bytes) => Bytes(bytes).to_string(),
        None => {
            let reason = paths.iter().find_map(|path| report.unavailable.get(path));
            printable(&format!("not available: {}", reason.unwrap_or("not in the report")))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sample;

    #[test]
    fn row_has_the_moment_and_its_totals() {
        let report = sample::report();
        let total = report.types.as_ref().unwrap().total_bytes.unwrap();
        let resident = report.process.as_ref().unwrap().resident_bytes.unwrap();
        let cells = cells(&report);
        assert_eq!(cells[..2], ["2026-11-20T12:12:00Z", "6f1c9a2e"]);
        assert_eq!((&cells[2], &cells[4]), (&Bytes(resident).to_string(), &Bytes(total).to_string()));
    }

    #[test]
    fn missing_number_has_its_reason_and_is_not_zero() {
        let mut report = sample::report();
        (report.process, report.allocator, report.types) = (None, None, None);
        report.unavailable.note("process", "no /proc");
        report.unavailable.note("allocator", "not \u{1b}jemalloc");
        let [_, _, resident, allocated, sampled] = cells(&report);
        assert_eq!(resident, "not available: no /proc");
        assert_eq!(allocated, "not available: not \\u{1b}jemalloc");
        assert_eq!(sampled, "not available: not in the report");
    }
}
