//! The table of types, with a picture of each share and its error.

use maud::{Markup, html};
use memory_debug_report::render::content;
use memory_debug_report::{MemoryReport, Sort, TypeRow, TypeSummary};

use crate::bar::share_of;
use crate::histogram::histogram;
use crate::note;
use crate::site::Site;
use crate::table::{self, Cell, Heading};
use crate::table_query::TableQuery;

/// The columns that sort the table, with their headings.
const COLUMNS: &[(Sort, &str)] =
    &[(Sort::Name, "type"), (Sort::Count, "# objects"), (Sort::Bytes, "total size")];

/// The table of `report` in the requested order.
pub(crate) fn table(site: &Site, report: &MemoryReport, query: TableQuery<'_>) -> Markup {
    let summary = content::types(report, query.view);
    html! {
        @if let Some(reason) = &summary.unavailable {
            p.unavailable { "Types by heap profile: not available: " (content::printable(reason)) }
        }
        (histogram(&summary.group, &summary.rows))
        @if !summary.rows.is_empty() {
            (table::scrolling("Types", &rows(site, &summary, query)))
        }
        @if let Some(line) = content::omitted(&summary) { p { (line) } }
        @for line in content::totals(&summary.rows) { p { (line) } }
        @for line in content::slack_lines(&summary.rows) { p { (line) } }
        p.summary { (content::types_footer(&summary, report.instance.started_at.as_deref())) }
        @if let Some(line) = content::ages_line(&summary) { p.summary { (line) } }
        (note::caveats(&summary.notes))
    }
}

fn rows(site: &Site, summary: &TypeSummary, query: TableQuery<'_>) -> Markup {
    html! {
        table.types #type-table data-sortable[summary.omitted_rows == 0] {
            thead {
                tr {
                    @for (order, name) in COLUMNS {
                        th scope="col" aria-sort=[(*order == query.view.sort).then(|| direction(*order))] {
                            @if site.has_page("/types?sort") {
                                a href=(query.sorted_by(site, *order)) { (name) }
                            } @else {
                                (name)
                            }
                        }
                    }
                    (Heading::Text("±"))
                    (Heading::Picture("share"))
                    @if content::has_ages(summary) {
                        @for name in content::AGE_HEADINGS { (Heading::Text(name)) }
                    }
                }
            }
            tbody { @for row in &summary.rows { (line(site, row, summary)) } }
        }
    }
}

fn direction(order: Sort) -> &'static str {
    if order == Sort::Name { "ascending" } else { "descending" }
}

fn line(site: &Site, row: &TypeRow, summary: &TypeSummary) -> Markup {
    let [name, objects, bytes, error] = &content::type_cells(row);
    let page = row.id.map(|id| format!("/types/{id}")).filter(|page| site.has_page(page));
    let link = page.map(|page| html! { a href=(site.link(&page)) { bdi { (name) } } });
    let head = link.as_ref().map_or(Cell::Name(name), Cell::Head);
    html! {
        // A page is safe on a terminal, too. The script leaves a row alone whose name it does not find.
        tr data-type=(content::printable(&row.full_type)) {
            (head)
            (Cell::Live("objects", &row.objects, objects))
            (Cell::Live("bytes", &row.bytes, bytes))
            (Cell::Text(error))
            (Cell::SortedPicture(&row.bytes, &share_of(summary.total_bytes, row.bytes, row.bytes_stderr, row.source)))
            @if content::has_ages(summary) {
                @let [median, older] = &content::age_cells(summary, row);
                // A row without ages sorts below all others.
                @let (seconds, share) =
                    row.ages.map_or((-1.0, -1.0), |ages| (ages.p50_seconds, ages.older_than_10m));
                (Cell::Sorted(&seconds, median))
                (Cell::Sorted(&share, older))
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use memory_debug_report::TypesView;

    use super::*;

    #[test]
    fn s64_no_character_of_a_name_reaches_a_terminal_unescaped() {
        let name = "Cache<\u{7}\u{1b}[31m\u{202e}>";
        let row = serde_json::json!({"type": name, "full_type": name, "objects": 1, "bytes": 9,
                                     "objects_stderr": 0.0, "bytes_stderr": 0.0, "source": "sampled"});
        let report: MemoryReport = serde_json::from_value(serde_json::json!({
            "schema": "memory-debug/v1", "instance": {"id": "6f1c9a2e-0000-4000-8000-000000000001", "pid": 7},
            "collected_at": "2026-11-20T12:12:00Z", "duration_us": 1, "unavailable": {},
            "types": {"group": "container", "rows": [row]},
        }))
        .unwrap();
        let summary = content::types(&report, &TypesView::default());
        let site = Site::new("/debug/memory", "/types", "ops", "read");
        let html = line(&site, &summary.rows[0], &summary).into_string();
        assert!(html.contains(r#"data-type="Cache&lt;\u{7}\u{1b}[31m\u{202e}&gt;""#), "{html}");
        assert!(!html.contains(|c: char| c.is_control() || c == '\u{202e}'), "{html}");
    }
}
