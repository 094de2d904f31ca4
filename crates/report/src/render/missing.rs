//! The values that a page lacks.

use super::{container, reasons};
use crate::report::MemoryReport;
use crate::view::Page;

/// Every reason once, after the values that it explains. Omits reasons that the page already shows in place of the
/// table or in the lines below it.
pub fn values(report: &MemoryReport, page: Page) -> Vec<(String, String)> {
    let is_shown_elsewhere = |path: &str| path == "types" || path.starts_with("reconciliation");
    let shown = report.unavailable.iter().filter(|(path, reason)| {
        page.shows(path) && !is_shown_elsewhere(path) && !container::is_shown_elsewhere(report, path, reason)
    });
    reasons::named(shown).collect()
}
