//! The table of types, with a picture of each share and its error.

use maud::{Markup, html};
use memory_debug_report::render::content;
use memory_debug_report::{MemoryReport, Sort, TypeRow, TypeSummary};

use crate::bar::share_of;
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
        @if !summary.rows.is_empty() {
            (table::scrolling("Types", &rows(site, &summary, query)))
        }
        @if let Some(line) = content::omitted(&summary) { p { (line) } }
        @for line in content::totals(&summary.rows) { p { (line) } }
        p.summary { (content::types_footer(&summary, report.instance.started_at.as_deref())) }
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
        tr data-type=(row.full_type) {
            (head)
            (Cell::Live("objects", &row.objects, objects))
            (Cell::Live("bytes", &row.bytes, bytes))
            (Cell::Text(error))
            (Cell::SortedPicture(&row.bytes, &share_of(summary.total_bytes, row.bytes, row.bytes_stderr, row.source)))
        }
    }
}
