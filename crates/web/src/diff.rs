//! The page of the difference between two moments.

use maud::{Markup, html};
use memory_debug_report::render::content;
use memory_debug_report::units::Bytes;
use memory_debug_report::{ChangeKind, DiffRow, DiffView, Group, Selection, SnapshotDiff, SnapshotInfo};

use crate::layout;
use crate::note;
use crate::signed_bar::signed_bar;
use crate::site::Site;
use crate::table::{Cell, Heading, Table};
use crate::table_query::{group_field, rows_field, text_field};

/// A section of the page. `what` says what its rows are.
struct Section {
    kind: ChangeKind,
    anchor: &'static str,
    heading: &'static str,
    what: &'static str,
}

/// The sections of the page.
const SECTIONS: &[Section] = &[
    Section {
        kind: ChangeKind::Grown,
        anchor: "grown",
        heading: "Grown",
        what: "larger at the later moment",
    },
    Section {
        kind: ChangeKind::Shrunk,
        anchor: "shrunk",
        heading: "Shrunk",
        what: "smaller at the later moment",
    },
    Section {
        kind: ChangeKind::New,
        anchor: "new",
        heading: "New",
        what: "without a sample at the earlier moment",
    },
    Section {
        kind: ChangeKind::Gone,
        anchor: "gone",
        heading: "Gone",
        what: "without a sample at the later moment",
    },
];

/// The difference between two moments, with the form that asks for another. `snapshots` are all that are kept. `note`
/// says what was left out.
pub fn diff(
    site: &Site,
    diff: &SnapshotDiff,
    view: &DiffView,
    snapshots: &[SnapshotInfo],
    note: Option<&str>,
) -> String {
    let body = html! {
        (note::left_out(note))
        (caption(&content::compared_moments(diff), &diff.notes))
        (form(site, view, snapshots))
        (changes(diff))
    };
    layout::page(site, "Changes", &[], &body)
}

/// The difference between two moments, without a form.
pub(crate) fn between_snapshots(diff: &SnapshotDiff) -> Markup {
    html! { (caption(&content::compared_moments(diff), &diff.notes)) (changes(diff)) }
}

/// What is compared, and the caveats.
pub(crate) fn caption(moments: &str, notes: &[String]) -> Markup {
    html! {
        p { (moments) }
        (note::caveats(notes))
    }
}

fn changes(diff: &SnapshotDiff) -> Markup {
    html! {
        (by_kind(&diff.rows, content::no_change(diff)))
        @if let Some(line) = content::more(diff.omitted_rows) { p { (line) } }
        p.summary { (content::change_total(diff)) }
    }
}

/// The rows, sorted into kinds. `without` is what the page says if there is no row.
pub(crate) fn by_kind(rows: &[DiffRow], without: &str) -> Markup {
    let mut sections = Vec::new();
    for section in SECTIONS {
        let of_kind: Vec<&DiffRow> = rows.iter().filter(|row| row.kind() == section.kind).collect();
        sections.push((section, of_kind));
    }
    let most = rows.iter().map(|row| row.bytes_change.unsigned_abs() as f64).fold(0.0, f64::max);
    html! {
        @if rows.is_empty() {
            p { (without) }
        } @else {
            nav aria-label="Kinds of change" {
                ul.tabs {
                    @for (Section { anchor, heading, .. }, rows) in &sections {
                        @if rows.is_empty() {
                            li { (heading) " 0" }
                        } @else {
                            li { a href={ "#" (anchor) } { (heading) " " (rows.len()) } }
                        }
                    }
                }
            }
            ul.legend {
                li { span.swatch.grown {} "to the right: grew beyond noise" }
                li { span.swatch.shrunk {} "to the left: shrank beyond noise" }
                li { span.swatch.noise {} "grey: within noise" }
                li { "line: one standard error on both sides" }
            }
        }
        @for (Section { anchor, heading, what, .. }, rows) in &sections {
            @if !rows.is_empty() {
                // Without a name of its own, because the table in it is a region of this name.
                section id=(anchor) {
                    h2 { (heading) }
                    p.summary { (rows.len()) (if rows.len() == 1 { " row" } else { " rows" }) ", " (what) }
                    (table(heading, rows, most))
                }
            }
        }
    }
}

fn table(name: &str, rows: &[&DiffRow], most: f64) -> Markup {
    let headings = [
        Heading::Text("types"),
        Heading::Text("# objects"),
        Heading::Text("total size"),
        Heading::Error,
        Heading::Text("after"),
        Heading::Picture("change"),
    ];
    let mut table = Table::new(&headings);
    for row in rows {
        line(&mut table, row, most);
    }
    table.sortable(name)
}

fn line(table: &mut Table<'_>, row: &DiffRow, most: f64) {
    let [name, objects, bytes, error] = &content::change_cells(row);
    let bar = signed_bar(row.bytes_change as f64, row.bytes_change_stderr, most, row.is_significant);
    table.row(&[
        Cell::Name(name),
        Cell::Sorted(&row.objects_change, objects),
        Cell::Sorted(&row.bytes_change, bytes),
        Cell::Text(error),
        Cell::Sorted(&row.bytes, &format!("{}", Bytes(row.bytes))),
        Cell::SortedPicture(&row.bytes_change, &bar),
    ]);
}

/// The form whose fields are the parameters of the page, so that its address has them.
fn form(site: &Site, view: &DiffView, snapshots: &[SnapshotInfo]) -> Markup {
    let Selection { group, depth, focus, ignore, .. } = &view.selection;
    html! {
        form.query action=(site.link("/diff")) {
            (moment("From ", "base", &view.base, &["first", "last"], snapshots))
            (moment("To ", "target", &view.target, &["now", "first", "last"], snapshots))
            (group_field(&Group::ALL, *group))
            (text_field("filter", "Name contains", view.filter.as_deref()))
            (text_field("focus", "Stack contains", focus.as_deref()))
            (text_field("ignore", "Stack lacks", ignore.as_deref()))
            (rows_field(view.top))
            label.check {
                input type="checkbox" name="growth" value="true" checked[view.growth];
                " Only growth beyond noise"
            }
            @if *depth != Selection::default().depth { input type="hidden" name="depth" value=(depth.frames()); }
            button { "Compare" }
        }
    }
}

/// The choice of a moment: by position, or a snapshot.
fn moment(label: &str, name: &str, chosen: &str, positions: &[&str], snapshots: &[SnapshotInfo]) -> Markup {
    html! {
        label {
            (label)
            select name=(name) {
                @for position in positions { option selected[*position == chosen] { (position) } }
                @for snapshot in snapshots {
                    @let id = format!("{}", snapshot.id);
                    option value=(id) selected[id == chosen] { (content::taken(snapshot)) }
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use memory_debug_report::Group;
    use serde_json::{Value, json};

    use super::*;

    const HOSTILE: &str = "<script>alert(1)</script>\"'><img src=x onerror=1>";

    fn snapshot(id: char, label: Option<&str>) -> Value {
        json!({
            "schema": "memory-debug-snapshot/v1", "id": id.to_string().repeat(32), "label": label,
            "taken_at": "2026-11-21T09:00:00.000Z", "stacks": 9, "sampled_bytes": 1,
            "instance": {"id": "00000000-0000-4000-8000-000000000000", "pid": 1},
        })
    }

    fn row(name: &str, bytes: u64, bytes_change: i64, is_significant: bool) -> Value {
        json!({
            "type": name, "full_type": "", "objects": 1, "bytes": bytes, "objects_change": bytes_change.signum(),
            "bytes_change": bytes_change, "bytes_change_stderr": 10.0, "is_significant": is_significant,
            "source": "sampled",
        })
    }

    fn difference(rows: Vec<Value>) -> SnapshotDiff {
        serde_json::from_value(json!({
            "base": snapshot('a', Some(HOSTILE)), "target": snapshot('b', None), "comparison": "whole",
            "notes": [HOSTILE], "group": "container", "rows": rows, "total": row("", 9, 9, false),
            "omitted_rows": 7, "compared_rows": 9, "threshold_stderrs": 2.5, "test": "",
        }))
        .unwrap()
    }

    fn view() -> DiffView {
        let mut selection = Selection::default();
        (selection.group, selection.ignore) = (Group::File, Some(HOSTILE.to_owned()));
        let (base, target) = ("a".repeat(32), "now".to_owned());
        DiffView { base, target, growth: true, top: 30, filter: Some("Vec".to_owned()), selection }
    }

    fn page(rows: Vec<Value>) -> String {
        let snapshots = [snapshot('a', Some(HOSTILE)), snapshot('b', None)];
        let snapshots = snapshots.map(|info| serde_json::from_value::<SnapshotInfo>(info).unwrap());
        diff(
            &Site::new("/debug/memory", "/diff", "ops", "read"),
            &difference(rows),
            &view(),
            &snapshots,
            None,
        )
    }

    #[test]
    fn each_kind_of_change_is_a_section_that_a_link_leads_to() {
        let page = page(vec![
            row("Grown", 90, 40, true),
            row("Shrunk", 10, -50, true),
            row("New", 7, 7, false),
            row("Gone", 0, -3, false),
            row("AlsoGrown", 90, 1, false),
        ]);
        for (anchor, link, name) in [
            ("grown", "Grown 2", "AlsoGrown"),
            ("shrunk", "Shrunk 1", "Shrunk"),
            ("new", "New 1", "New"),
            ("gone", "Gone 1", "Gone"),
        ] {
            assert!(page.contains(&format!("<a href=\"#{anchor}\">{link}</a>")), "{page}");
            let (_, section) = page.split_once(&format!("<section id=\"{anchor}\"")).unwrap();
            let section = section.split("</section>").next().unwrap();
            assert!(section.contains(&format!("<bdi>{name}</bdi>")), "{anchor}: {section}");
        }
        let cells = "<td data-value=\"40\">+40 B</td><td>25 % *</td><td data-value=\"90\">90 B</td>";
        assert!(page.contains(cells), "{page}");
        assert!(page.contains("… and 7 more") && page.contains("* marks more than noise"), "{page}");
    }

    #[test]
    fn the_form_has_the_parameters_of_the_page() {
        let page = page(vec![]);
        for wanted in [
            "<option value=\"aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa\" selected>",
            "<option selected>now</option>",
            "<option value=\"file\" selected>file</option>",
            "<option selected>30</option>",
            "name=\"filter\" value=\"Vec\"",
            "name=\"ignore\" value=\"&lt;script&gt;",
            "name=\"growth\" value=\"true\" checked",
        ] {
            assert!(page.contains(wanted), "{wanted}: {page}");
        }
        assert!(!page.contains("name=\"depth\""), "{page}");
        assert!(page.contains("<p>no row differs</p>") && !page.contains("<section"), "{page}");
    }

    #[test]
    fn s34_names_labels_and_parameters_are_text() {
        let page = page(vec![row(HOSTILE, 90, 40, true), row(HOSTILE, 0, -40, true)]);
        assert_eq!(page.matches("&lt;script&gt;alert(1)").count(), 7, "{page}");
        for forbidden in ["<script>", "<img", "\"'>", "style="] {
            assert!(!page.contains(forbidden), "{forbidden}: {page}");
        }
    }
}
