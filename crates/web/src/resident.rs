//! Resident memory and its parts, as a picture and as a table.

use maud::{Markup, Render, html};
use memory_debug_report::render::content::{self, LiveNumber, ResidentPart};
use memory_debug_report::units::{Bytes, percent};
use memory_debug_report::{MemoryReport, Reconciliation};

use crate::bar::{Part, bar, swatch};
use crate::table::{Cell, Heading, Table};

/// A part with its size, if that is known.
type Sized = (ResidentPart, Option<u64>);

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
            @let table = table(&parts, &content::not_resident(numbers), resident);
            figure {
                (bar(&drawn, resident))
                table.parts {
                    caption.hidden { "Parts of resident memory" }
                    (table)
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

/// The parts, then what is subtracted.
fn table(parts: &[Sized], not_resident: &[Sized], resident: u64) -> Markup {
    let headings =
        [Heading::Text("part"), Heading::Text("size"), Heading::Text("share"), Heading::About("what it is")];
    let mut table = Table::new(&headings);
    for part in parts {
        row(&mut table, *part, "", resident);
    }
    for part in not_resident {
        row(&mut table, *part, "− ", resident);
    }
    table.render()
}

/// A row of the table. `sign` says whether the part is subtracted; such a part is not in the picture.
fn row(table: &mut Table<'_>, (part, bytes): Sized, sign: &str, resident: u64) {
    let name = html! { @if sign.is_empty() { (swatch(class(part))) } (part.name()) };
    let size = bytes.map(|bytes| format!("{sign}{:.1}", Bytes(bytes)));
    let share = bytes.and_then(|bytes| percent(bytes as f64, resident as f64));
    let share = share.map(|share| format!("{share:.0} %")).unwrap_or_default();
    table.row(&[
        Cell::Head(&name),
        size.as_ref().map_or(Cell::Missing("not available"), |size| Cell::Text(size)),
        Cell::Text(&share),
        Cell::About(part.about()),
    ]);
}
