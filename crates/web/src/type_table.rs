//! The table of types, with a picture of each share and its error.

use maud::{Markup, html};
use memory_debug_report::render::content;
use memory_debug_report::{MemoryReport, Sort, TypeRow, TypeSummary};

use crate::bar::share_of;
use crate::site::Site;
use crate::table_query::TableQuery;

/// The columns that sort the table, with their headings.
const COLUMNS: [(Sort, &str); 3] =
    [(Sort::Name, "type"), (Sort::Count, "# objects"), (Sort::Bytes, "total size")];

/// The table of `report` in the requested order.
pub(crate) fn table(site: &Site, report: &MemoryReport, query: TableQuery<'_>) -> Markup {
    let summary = content::types(report, query.view);
    html! {
        @if let Some(reason) = &summary.unavailable {
            p.unavailable { "Types by heap profile: not available: " (content::printable(reason)) }
        }
        @if !summary.rows.is_empty() {
            div.scroll role="region" aria-label="Types" tabindex="0" {
                table.types #type-table data-sortable[summary.omitted_rows == 0] {
                    thead {
                        tr {
                            @for (order, name) in COLUMNS {
                                th scope="col" aria-sort=[(order == query.view.sort).then(|| direction(order))] {
                                    @if site.has_page("/types?sort") {
                                        a href=(query.sorted_by(site, order)) { (name) }
                                    } @else {
                                        (name)
                                    }
                                }
                            }
                            th scope="col" { "±" }
                            th.picture scope="col" { "share" }
                        }
                    }
                    tbody { @for row in &summary.rows { (line(site, row, &summary)) } }
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

fn line(site: &Site, row: &TypeRow, summary: &TypeSummary) -> Markup {
    let [name, objects, bytes, error] = content::type_cells(row);
    html! {
        tr data-type=(row.full_type) {
            th scope="row" {
                @let page = row.id.map(|id| format!("/types/{id}")).filter(|page| site.has_page(page));
                @match page {
                    Some(page) => a href=(site.link(&page)) { bdi { (name) } },
                    None => bdi { (name) },
                }
            }
            td data-field="objects" data-value=(row.objects) { (objects) }
            td data-field="bytes" data-value=(row.bytes) { (bytes) }
            td { (error) }
            td.picture data-value=(row.bytes) { (share_of(summary.total_bytes, row.bytes, row.bytes_stderr, row.source)) }
        }
    }
}
