//! A report with known content, for tests.

use memory_debug_report::MemoryReport;

/// The report, with types and roots.
const REPORT: &str = include_str!("../data/report.json");

/// A complete report without roots.
pub(crate) fn report() -> MemoryReport {
    let mut report = report_with_roots();
    report.roots = None;
    report
}

/// A complete report.
pub(crate) fn report_with_roots() -> MemoryReport {
    serde_json::from_str(REPORT).unwrap()
}
