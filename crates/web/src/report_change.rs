//! The difference between two reports.

use maud::{Markup, html};
use memory_debug_report::ReportDiff;
use memory_debug_report::render::content;

use crate::blocks::blocks;
use crate::diff;

/// The numbers that changed, then the rows.
pub(crate) fn between_reports(reports: &ReportDiff) -> Markup {
    let numbers: Vec<_> = content::report_change_numbers(reports).into_iter().map(Vec::from).collect();
    html! {
        (diff::caption(&content::compared_reports(reports), &reports.notes))
        @if let Some(caveat) = content::report_change_caveat(reports) { p.note { "Note: " (caveat) } }
        @if !numbers.is_empty() {
            (blocks(&|out| out.table(&content::REPORT_CHANGE_HEADINGS, &numbers)))
        }
        (diff::by_kind(&reports.rows, content::NO_ROW_DIFFERS))
        @if let Some(line) = content::more(reports.omitted_rows) { p { (line) } }
        p.summary { (content::report_change_total(reports)) }
    }
}
