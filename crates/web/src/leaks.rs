//! The page of types that keep growing.

use maud::{Markup, html};
use memory_debug_holders::{LeakHolders, write_leak_holders};
use memory_debug_leaks::content;
use memory_debug_leaks::{LeakRun, LeakVerdict, Suspect};
use memory_debug_report::render::content::{AGE_HEADINGS, taken};
use memory_debug_report::units::Bytes;

use crate::blocks::blocks;
use crate::chart::{Point, chart};
use crate::layout;
use crate::note;
use crate::site::Site;
use crate::table::{Cell, Heading, Table};
use crate::take_snapshot::take_snapshot;

/// The types that keep growing over the kept snapshots, and what the last scan says about them. `note` says what was left
/// out.
pub fn leaks(
    site: &Site,
    verdict: &LeakVerdict,
    holders: Option<&LeakHolders>,
    note: Option<&str>,
) -> String {
    let body = html! {
        (note::left_out(note))
        @for (run, suspects) in content::runs(verdict) {
            section {
                h2 { (if suspects.is_empty() { "No suspects" } else { "Suspects" }) }
                p { (content::result(run, &suspects)) }
                @if !suspects.is_empty() { (table(&suspects)) (history(run, &suspects)) }
                (note::caveats(&run.notes))
            }
        }
        @if let Some(line) = content::limit(verdict) { p { (line) } }
        @for line in content::left_out(verdict) { p.note { (line) } }
        p.summary { (content::compared(verdict)) }
        @if let Some(holders) = holders {
            (blocks(&|out| write_leak_holders(out, holders)))
            @if site.may_change() { p { (site.a("/holders?last=true", "Who holds the memory")) } }
        }
        (more_snapshots(site))
    };
    layout::page(site, layout::name("/leaks"), &[], &body)
}

/// The page instead of the verdict if there are too few snapshots. `reason` says how many there are, and what to do.
pub fn too_few_snapshots(site: &Site, status: u16, title: &str, reason: &str) -> String {
    let body = html! {
        (note::problem(status, title, reason))
        (more_snapshots(site))
    };
    layout::page(site, title, &[], &body)
}

fn more_snapshots(site: &Site) -> Markup {
    html! {
        (take_snapshot(site))
        p { (site.a("/snapshots", "All snapshots")) }
    }
}

fn table(suspects: &[&Suspect]) -> Markup {
    let headings = [
        Heading::Text("types"),
        Heading::Text("growth"),
        Heading::Error,
        Heading::Text("total size"),
        Heading::Text("# objects"),
        Heading::Text("per hour"),
        Heading::Text("limit reached in"),
        Heading::Text(AGE_HEADINGS[0]),
        Heading::Text(AGE_HEADINGS[1]),
        Heading::Picture("size at each snapshot"),
    ];
    let mut table = Table::new(&headings);
    for suspect in suspects {
        line(&mut table, suspect);
    }
    table.sortable("Suspects")
}

fn line(table: &mut Table<'_>, suspect: &Suspect) {
    let [name, growth, error, bytes, objects, rate] = &content::cells(suspect);
    let point = |bytes: &u64| Point { bytes: *bytes, stderr: 0.0 };
    let points: Vec<_> = suspect.history_bytes.iter().map(point).collect();
    let time = content::time_left(suspect);
    let limit = match (&suspect.seconds_to_limit, &time) {
        (Some(seconds), Some(time)) => Cell::Sorted(seconds, time),
        _ => Cell::Missing("not available: no limit is known"),
    };
    const NO_AGES: Cell<'_> = Cell::Missing("not available: the run was judged without ages");
    let cells = content::age_cells(suspect);
    let [median, old] = match suspect.ages.as_ref().zip(cells.as_ref()) {
        Some((ages, [median, old])) => {
            [Cell::Sorted(&ages.p50_seconds, median), Cell::Sorted(&ages.older_than_10m, old)]
        }
        None => [NO_AGES, NO_AGES],
    };
    table.row(&[
        Cell::Name(name),
        Cell::Sorted(&suspect.bytes_change, growth),
        Cell::Text(error),
        Cell::Sorted(&suspect.bytes, bytes),
        Cell::Sorted(&suspect.objects_change, objects),
        Cell::Sorted(&suspect.bytes_per_hour, rate),
        limit,
        median,
        old,
        Cell::Picture(&chart(&points)),
    ]);
}

/// The numbers of the pictures: a row for each snapshot, a column for each suspect.
fn history(run: &LeakRun, suspects: &[&Suspect]) -> Markup {
    let has_all = |suspect: &&&Suspect| suspect.history_bytes.len() == run.snapshots.len();
    let suspects: Vec<&Suspect> = suspects.iter().filter(has_all).copied().collect();
    let names: Vec<String> = suspects.iter().map(|suspect| content::cells(suspect)[0].clone()).collect();
    let mut headings = vec![Heading::Text("snapshot")];
    headings.extend(names.iter().map(|name| Heading::Name(name)));
    let mut table = Table::new(&headings);
    for (index, snapshot) in run.snapshots.iter().enumerate() {
        let moment = taken(snapshot);
        let sizes: Vec<String> =
            suspects.iter().map(|suspect| format!("{}", Bytes(suspect.history_bytes[index]))).collect();
        let mut cells = vec![Cell::Name(&moment)];
        cells.extend(sizes.iter().map(|size| Cell::Text(size)));
        table.row(&cells);
    }
    html! {
        @if !suspects.is_empty() {
            details {
                summary { "Size at each snapshot" }
                (table.plain("Size at each snapshot"))
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;

    const HOSTILE: &str = "<script>alert(1)</script>\"'><img src=x onerror=1>";

    fn snapshot(minute: u64) -> Value {
        json!({
            "schema": "memory-debug-snapshot/v1", "id": "a".repeat(32), "label": HOSTILE,
            "taken_at": format!("2026-11-21T09:0{minute}:00.000Z"), "stacks": 9, "sampled_bytes": 1,
            "instance": {"id": "00000000-0000-4000-8000-000000000000", "pid": 1},
        })
    }

    fn verdict(suspects: Value) -> LeakVerdict {
        serde_json::from_value(json!({
            "snapshots": [snapshot(1), snapshot(2), snapshot(3)], "seconds": 120.0, "compared_rows": 9,
            "notes": [HOSTILE], "newer": null, "suspects": suspects,
            "left_out": [{"snapshots": [snapshot(0)], "reason": HOSTILE}], "test": HOSTILE,
        }))
        .unwrap()
    }

    fn suspect(seconds_to_limit: Option<f64>, history_bytes: &[u64]) -> Value {
        json!({
            "type": HOSTILE, "full_type": "", "is_newer": false, "bytes": 40 << 20, "objects_change": 12,
            "bytes_change": 30 << 20, "bytes_change_stderr": 3e6, "bytes_per_hour": 1e9,
            "seconds_to_limit": seconds_to_limit, "history_bytes": history_bytes,
        })
    }

    fn site(role: &'static str) -> Site {
        Site::new("/debug/memory", "/leaks", "ops", role)
    }

    #[test]
    fn a_suspect_has_its_rate_its_time_left_and_its_history() {
        let history = [10 << 20, 25 << 20, 40 << 20];
        let page = leaks(&site("read"), &verdict(json!([suspect(Some(5400.0), &history)])), None, None);
        for wanted in [
            ">+30.00 MiB</td><td>10 %</td><td data-value=\"41943040\">40.00 MiB</td><td data-value=\"12\">+12</td>",
            "<td data-value=\"1000000000\">953.67 MiB</td><td data-value=\"5400\">1h 30m</td>",
            "<polyline points=\"0.0,90.0 300.0,45.0 600.0,0.0\">",
            "<td>10.00 MiB</td>",
            "<td>25.00 MiB</td>",
            "these keep growing",
            "left out: 1 snapshot",
        ] {
            assert!(page.contains(wanted), "{wanted}: {page}");
        }
    }

    #[test]
    fn a_suspect_without_a_limit_or_history_has_no_zero_instead() {
        let page = leaks(&site("read"), &verdict(json!([suspect(None, &[])])), None, None);
        assert!(page.contains("not available: no limit is known") && !page.contains("<details>"), "{page}");
        let page = leaks(&site("read"), &verdict(json!([])), None, None);
        assert!(page.contains("<h2>No suspects</h2>") && page.contains("no type keeps growing"), "{page}");
    }

    #[test]
    fn a_suspect_has_the_ages_of_its_bytes() {
        let ages = json!({"p50_seconds": 302.0, "older_than_10m": 0.25, "known_share": 1.0});
        let mut aged = suspect(None, &[]);
        aged["ages"] = ages;
        let page = leaks(&site("read"), &verdict(json!([aged])), None, None);
        assert!(
            page.contains("<td data-value=\"302\">5m 2s</td><td data-value=\"0.25\">25 %</td>"),
            "{page}"
        );
        let page = leaks(&site("read"), &verdict(json!([suspect(None, &[])])), None, None);
        assert!(page.contains("not available: the run was judged without ages"), "{page}");
    }

    #[test]
    fn only_a_login_that_may_take_a_snapshot_gets_the_button() {
        for (role, has_button) in [("profile", true), ("read", false)] {
            let pages = [
                leaks(&site(role), &verdict(json!([])), None, None),
                too_few_snapshots(&site(role), 409, "too few snapshots", "2 snapshots were found"),
            ];
            for page in pages {
                let button = "<button>Take a snapshot</button></form>";
                assert_eq!(page.contains(button), has_button, "{role}: {page}");
                assert!(page.contains("<a href=\"./snapshots\">All snapshots</a>"), "{page}");
            }
        }
    }

    #[test]
    fn s34_names_labels_and_reasons_are_text() {
        let chain = json!({"root": {"kind": "static", "name": HOSTILE}, "bytes": 9});
        let holders: LeakHolders = serde_json::from_value(json!({
            "scanned_at": HOSTILE, "scans": 3, "suspects": [{"type_name": HOSTILE, "chain": chain}],
            "unreachable": [{"type_name": HOSTILE, "bytes": 9, "scans": 3, "cycle": [HOSTILE]}],
        }))
        .unwrap();
        let page = leaks(
            &site("profile"),
            &verdict(json!([suspect(None, &[1, 2, 3])])),
            Some(&holders),
            Some(HOSTILE),
        );
        assert!(page.contains("&lt;script&gt;alert(1)"), "{page}");
        for forbidden in ["<script>", "<img", "\"'>", "style="] {
            assert!(!page.contains(forbidden), "{forbidden}: {page}");
        }
    }
}
