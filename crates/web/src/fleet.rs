//! The page of several instances as one.

use maud::{Markup, html};
use memory_debug_report::render::content;
use memory_debug_report::{FleetInstance, FleetReport, FleetTypeRow, FleetTypes, TypesView};

use crate::bar::{share_of, whisker};
use crate::blocks::blocks;
use crate::layout;
use crate::note;
use crate::site::Site;
use crate::table::{self, Cell, Heading, Table};
use crate::table_query::{rows_field, text_field};

/// The merged reports of a fleet, with the instances side by side. `note` says what was left out.
pub fn fleet(site: &Site, report: &FleetReport, view: &TypesView, note: Option<&str>) -> String {
    let mut lines = content::fleet_summary(report).into_iter();
    let body = html! {
        (note::left_out(note))
        @if let Some(line) = lines.next() { p.numbers { (line) } }
        @for line in lines { p.summary { (line) } }
        (blocks(&|out| content::write_missing_instances(out, report)))
        @if !report.instances.is_empty() { h2 { "Instances" } (instances(report)) }
        (blocks(&|out| content::write_outliers(out, report)))
        h2 { "Types" }
        (form(site, report, view))
        @match &report.types {
            Some(types) => (table_of_types(types)),
            None => p { (content::NO_TYPES) },
        }
        @if !report.numbers.is_empty() { h2 { "Numbers" } }
        (blocks(&|out| content::write_fleet_numbers(out, report)))
        (blocks(&|out| content::write_fleet_unavailable(out, report)))
    };
    layout::page(site, "Fleet", &[], &body)
}

fn form(site: &Site, report: &FleetReport, view: &TypesView) -> Markup {
    html! {
        form.query action=(site.link("/fleet")) {
            input type="hidden" name="scope" value=(report.scope);
            (text_field("filter", "Name contains", view.filter.as_deref()))
            (rows_field(view.top))
            button { "Show" }
        }
    }
}

/// The instances, with their resident and allocated memory on one scale.
fn instances(report: &FleetReport) -> Markup {
    let sizes =
        report.instances.iter().flat_map(|member| [member.resident_bytes, member.allocated_bytes]).flatten();
    let most = sizes.max().unwrap_or_default();
    let mut headings = table::texts(&content::INSTANCE_HEADINGS);
    headings.push(Heading::Picture("resident above allocated"));
    let mut table = Table::new(&headings);
    for member in &report.instances {
        instance(&mut table, report, member, most);
    }
    table.sortable("Instances")
}

fn instance(table: &mut Table<'_>, report: &FleetReport, member: &FleetInstance, most: u64) {
    let texts = content::instance_cells(member);
    let cells = content::INSTANCE_HEADINGS.iter().zip(&texts).skip(1).map(|(heading, text)| {
        let stands_out = match *heading {
            "resident" => report.stands_out("process.resident_bytes", member.instance.id),
            "allocated" => report.stands_out("allocator.allocated_bytes", member.instance.id),
            _ => false,
        };
        html! { bdi { (text) } @if stands_out { " !" } }
    });
    let cells: Vec<Markup> = cells.collect();
    let bars = html! {
        @for bytes in [member.resident_bytes, member.allocated_bytes].into_iter().flatten() {
            (whisker(bytes as f64 / most.max(1) as f64, 0.0))
        }
    };
    let mut row = vec![Cell::Heading(&texts[0])];
    row.extend(cells.iter().map(Cell::Markup));
    row.push(Cell::Picture(&bars));
    table.row(&row);
}

fn table_of_types(types: &FleetTypes) -> Markup {
    let mut headings = table::texts(&content::TYPE_HEADINGS);
    headings.push(Heading::Picture("share"));
    let mut table = Table::new(&headings);
    for row in &types.rows {
        type_row(&mut table, row, types);
    }
    html! {
        (table.sortable("Types"))
        @for line in content::fleet_types_summary(types) { p.summary { (line) } }
    }
}

fn type_row(table: &mut Table<'_>, row: &FleetTypeRow, types: &FleetTypes) {
    let [name, others @ ..] = &content::fleet_type_cells(row);
    let share = share_of(types.total_bytes, row.bytes, row.bytes_stderr, row.source);
    let mut cells = vec![Cell::Name(name)];
    cells.extend(others.iter().map(|text| Cell::Text(text)));
    cells.push(Cell::SortedPicture(&row.bytes, &share));
    table.row(&cells);
}

#[cfg(test)]
mod tests {
    use memory_debug_report::{Fleet, MemoryReport, MissingInstance, MissingReason};
    use serde_json::json;

    use super::*;

    const HOSTILE: &str = "<script>alert(1)</script>\"'><img src=x onerror=1>";

    fn report(number: u64, resident: Option<u64>) -> MemoryReport {
        serde_json::from_value(json!({
            "schema": "memory-debug/v1",
            "instance": {
                "id": format!("0000000{number}-0000-4000-8000-000000000000"), "pid": number, "service": HOSTILE,
                "host": HOSTILE,
            },
            "collected_at": "2026-11-20T12:12:00Z", "duration_us": 1,
            "unavailable": {"process.pss_bytes": HOSTILE},
            "process": {"resident_bytes": resident},
            "types": {"group": "container", "total_bytes": 100, "symbols": HOSTILE, "rows": [
                {"type": HOSTILE, "full_type": HOSTILE, "objects": 1, "bytes": 50, "objects_stderr": 0.0,
                 "bytes_stderr": 5.0, "source": "sampled"},
            ]},
        }))
        .unwrap()
    }

    fn page(residents: &[Option<u64>]) -> String {
        let mut fleet_of = Fleet::new("host");
        for (number, resident) in (1..).zip(residents) {
            fleet_of.add(HOSTILE.to_owned() + &number.to_string(), &report(number, *resident));
        }
        fleet_of.miss(MissingInstance::new(HOSTILE, MissingReason::Deadline, HOSTILE));
        let site = Site::new("/debug/memory", "/fleet", "ops", "read");
        fleet(&site, &fleet_of.finish(), &TypesView::default(), None)
    }

    #[test]
    fn the_bars_of_all_instances_have_one_scale_and_outliers_are_named() {
        let page = page(&[Some(100 << 20), Some(100 << 20), Some(50 << 20), Some(400 << 20)]);
        for width in ["25.0", "12.5", "100.0"] {
            assert!(page.contains(&format!("<rect class=\"share\" width=\"{width}\"")), "{width}: {page}");
        }
        assert!(page.contains("<td><bdi>400.00 MiB</bdi> !</td>"), "{page}");
        assert!(!page.contains("<bdi>100.00 MiB</bdi> !"), "{page}");
        assert!(page.contains("marked with !: an instance stands out if"), "{page}");
        assert!(page.contains("<dt><bdi>process.resident_bytes</bdi></dt><dd>00000004"), "{page}");
    }

    #[test]
    fn a_missing_instance_has_its_reason_and_a_missing_number_no_bar() {
        let page = page(&[None]);
        assert!(page.contains("INCOMPLETE: 1 of 2 did not answer"), "{page}");
        assert!(page.contains("<h2>not in the sums</h2>") && page.contains("<dd>deadline: "), "{page}");
        assert!(
            page.contains("<td><bdi>–</bdi></td>") && page.contains("<td class=\"picture\"></td>"),
            "{page}"
        );
        assert!(page.contains("name=\"scope\" value=\"host\""), "{page}");
    }

    #[test]
    fn s34_names_of_instances_and_types_are_text() {
        let page = page(&[Some(1)]);
        assert!(page.contains("&lt;script&gt;alert(1)"), "{page}");
        for forbidden in ["<script>", "<img", "\"'>", "style="] {
            assert!(!page.contains(forbidden), "{forbidden}: {page}");
        }
    }
}
