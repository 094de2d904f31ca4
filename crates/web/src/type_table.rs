//! The table of types, with a picture of each share and its error.

use maud::{Markup, html};
use memory_debug_report::render::content;
use memory_debug_report::{MemoryReport, RowSource, Sort, TypeRow, TypeSummary, TypesView};

use crate::bar::whisker;
use crate::site::Site;

/// The columns that sort the table: the value of `sort`, and the heading.
const COLUMNS: [(&str, Sort, &str); 3] =
    [("name", Sort::Name, "type"), ("count", Sort::Count, "objects"), ("bytes", Sort::Bytes, "total size")];

/// The table of `report` in the requested order.
pub(crate) fn table(site: &Site, report: &MemoryReport, view: &TypesView) -> Markup {
    let summary = content::types(report, view);
    html! {
        @if let Some(reason) = &summary.unavailable {
            p.unavailable { "Types by heap profile: not available: " (content::printable(reason)) }
        }
        @if !summary.rows.is_empty() {
            div.scroll role="region" aria-label="Types" tabindex="0" {
                table {
                    thead {
                        tr {
                            @for (sort, order, name) in COLUMNS {
                                th scope="col" aria-sort=[(order == view.sort).then(|| direction(order))] {
                                    a href=(site.link(&format!("/types?sort={sort}"))) { (name) }
                                }
                            }
                            th scope="col" { abbr title="one standard error" { "±" } }
                            th scope="col" { "share" }
                        }
                    }
                    tbody { @for row in &summary.rows { (line(row, &summary)) } }
                }
            }
        }
        @if let Some(line) = content::omitted(&summary) { p { (line) } }
        @for line in content::totals(&summary.rows) { p { (line) } }
        p.summary { (content::types_footer(&summary, report.instance.started_at.as_deref())) }
        @for note in &summary.notes { p.note { "Note: " (content::printable(note)) } }
    }
}

fn direction(order: Sort) -> &'static str {
    if order == Sort::Name { "ascending" } else { "descending" }
}

fn line(row: &TypeRow, summary: &TypeSummary) -> Markup {
    let [name, objects, bytes, error] = content::type_cells(row);
    let total = summary.total_bytes.unwrap_or_default() as f64;
    let share = |bytes: f64| if total > 0.0 { bytes / total } else { 0.0 };
    let stderr = if row.source == RowSource::Exact { 0.0 } else { share(row.bytes_stderr) };
    html! {
        tr {
            th scope="row" { bdi { (name) } }
            td { (objects) }
            td { (bytes) }
            td { (error) }
            td.picture { (whisker(share(row.bytes as f64), stderr)) }
        }
    }
}
