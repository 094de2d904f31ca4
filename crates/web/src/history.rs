//! Reports of several moments: a picture, and a row for each.

use maud::{Markup, html};
use memory_debug_report::MemoryReport;
use memory_debug_report::render::content;
use memory_debug_report::units::Bytes;

use crate::blocks::blocks;
use crate::chart::{Point, chart};

const HEADINGS: [&str; 5] = ["collected", "instance", "resident", "allocated", "sampled"];

/// The totals of each report, below a picture of resident memory. There is no picture if a report lacks this number.
pub(crate) fn history(reports: &[MemoryReport]) -> Markup {
    let points: Option<Vec<_>> =
        reports.iter().map(|report| Some(Point { bytes: resident(report)?, stderr: 0.0 })).collect();
    let rows: Vec<_> = reports.iter().map(|report| Vec::from(cells(report))).collect();
    html! {
        @if let Some(points) = points {
            figure { (chart(&points)) figcaption { "Resident memory of each report, from zero upwards." } }
        }
        (blocks(&|out| out.table(&HEADINGS, &rows)))
    }
}

fn resident(report: &MemoryReport) -> Option<u64> {
    report.process.as_ref()?.resident_bytes
}

/// When a report was collected, its instance, resident and allocated memory, and the sum of its sampled types.
fn cells(report: &MemoryReport) -> [String; 5] {
    let allocated = report.allocator.as_ref().and_then(|allocator| allocator.allocated_bytes);
    let sampled = report.types.as_ref().and_then(|types| types.total_bytes);
    [
        content::printable(&report.collected_at),
        report.instance.id.short(),
        cell(report, resident(report), ["process.resident_bytes", "process"]),
        cell(report, allocated, ["allocator.allocated_bytes", "allocator"]),
        cell(report, sampled, ["types.total_bytes", "types"]),
    ]
}

/// A number of bytes. If it is missing, the reason stands under one of `paths`.
fn cell(report: &MemoryReport, bytes: Option<u64>, paths: [&str; 2]) -> String {
    match bytes {
        Some(bytes) => Bytes(bytes).to_string(),
        None => {
            let reason = paths.iter().find_map(|path| report.unavailable.get(path));
            content::printable(&format!("not available: {}", reason.unwrap_or("not in the report")))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn report(resident: Option<u64>) -> MemoryReport {
        let report = serde_json::json!({
            "schema": "memory-debug/v1",
            "instance": {"id": "6f1c9a2e-0000-4000-8000-000000000001", "pid": 7},
            "collected_at": "2026-11-20T12:12:00Z",
            "duration_us": 1,
            "process": resident.map(|bytes| serde_json::json!({"resident_bytes": bytes})),
            "cgroup": null,
            "machine": null,
            "allocator": null,
            "types": {"group": "container", "total_bytes": 4096, "rows": []},
            "unavailable": {"allocator": "not \u{1b}jemalloc"},
        });
        serde_json::from_value(report).unwrap()
    }

    #[test]
    fn row_has_the_moment_and_its_totals() {
        let [at, instance, resident, allocated, sampled] = cells(&report(Some(1 << 20)));
        assert_eq!((at.as_str(), instance.as_str()), ("2026-11-20T12:12:00Z", "6f1c9a2e"));
        assert_eq!((resident.as_str(), sampled.as_str()), ("1.00 MiB", "4.00 KiB"));
        assert_eq!(allocated, "not available: not \\u{1b}jemalloc");
    }

    #[test]
    fn missing_number_has_its_reason_and_is_not_drawn() {
        let html = history(&[report(Some(1 << 20)), report(Some(4 << 20))]).into_string();
        assert!(html.contains("points=\"0.0,90.0 600.0,0.0\""), "{html}");
        let html = history(&[report(None), report(Some(4 << 20))]).into_string();
        assert!(html.contains("not available: not in the report") && !html.contains("<svg"), "{html}");
    }
}
