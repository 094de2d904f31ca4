//! Resident memory and its parts, as a picture and as a table.

use maud::{Markup, html};
use memory_debug_report::render::content::{self, LiveNumber, ResidentPart};
use memory_debug_report::units::{Bytes, percent};
use memory_debug_report::{MemoryReport, Reconciliation};

use crate::bar::{Part, bar, swatch};

/// The header's numbers, the limit, and the parts of resident memory.
pub(crate) fn numbers(report: &MemoryReport) -> Markup {
    html! {
        h2 { "Memory" }
        p.numbers {
            @let live = content::live_numbers(report).map(live);
            @let details = content::memory_parts(report).into_iter().map(|detail| html! { (detail) });
            @for (index, part) in live.chain(details).enumerate() { @if index > 0 { " · " } (part) }
        }
        @if let Some(numbers) = &report.reconciliation { (parts(numbers)) }
        (limit(report))
    }
}

/// A number that a script updates.
fn live(LiveNumber { name, path, bytes }: LiveNumber) -> Markup {
    html! { (name) " " span data-live=(path) { (format!("{:.1}", Bytes(bytes))) } }
}

/// The lines about the limit, below a picture of how much of it is used.
fn limit(report: &MemoryReport) -> Markup {
    html! {
        @if let Ok(ceiling) = report.ceiling() {
            @let others = ceiling.others_bytes.unwrap_or_default().min(ceiling.used_bytes);
            @let own = Part { class: "used", bytes: ceiling.used_bytes - others };
            div.limit { (bar(&[own, Part { class: "others", bytes: others }], ceiling.limit_bytes)) }
        }
        @for line in content::limits(report) { p.quiet { (line) } }
    }
}

fn parts(numbers: &Reconciliation) -> Markup {
    let parts = content::resident_parts(numbers);
    let drawn: Vec<_> = parts
        .iter()
        .filter_map(|(part, bytes)| Some(Part { class: class(*part), bytes: (*bytes)? }))
        .collect();
    html! {
        @if let Some(resident) = numbers.resident_bytes {
            figure {
                (bar(&drawn, resident))
                table.parts {
                    caption.hidden { "Parts of resident memory" }
                    thead { tr { th scope="col" { "part" } th scope="col" { "size" } th scope="col" { "share" } th.about scope="col" { "what it is" } } }
                    tbody {
                        @for (part, bytes) in parts { (row(part, bytes, "", resident)) }
                        @for (part, bytes) in content::not_resident(numbers) { (row(part, bytes, "− ", resident)) }
                    }
                }
            }
        }
    }
}

/// The class of a part's colour.
fn class(part: ResidentPart) -> &'static str {
    match part {
        ResidentPart::InUse => "in-use",
        ResidentPart::Fragmentation => "fragmentation",
        ResidentPart::Dirty | ResidentPart::Muzzy => "free",
        ResidentPart::Outside => "outside",
        _ => "own",
    }
}

/// A row of the table. `sign` says whether the part is subtracted; such a part is not in the picture.
fn row(part: ResidentPart, bytes: Option<u64>, sign: &str, resident: u64) -> Markup {
    html! {
        tr {
            th scope="row" { @if sign.is_empty() { (swatch(class(part))) } (part.name()) }
            @match bytes {
                Some(bytes) => {
                    td { (sign) (format!("{:.1}", Bytes(bytes))) }
                    td { @if let Some(share) = percent(bytes as f64, resident as f64) { (format!("{share:.0} %")) } }
                }
                None => { td.missing { "not available" } td {} }
            }
            td.about { (part.about()) }
        }
    }
}
