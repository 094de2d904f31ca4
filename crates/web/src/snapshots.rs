//! The page of kept snapshots, with forms to take one and to compare two.

use maud::{Markup, html};
use memory_debug_report::SnapshotInfo;
use memory_debug_report::render::content;

use crate::layout;
use crate::site::Site;

/// The kept snapshots, the oldest first. `note` says what was left out.
pub fn snapshots(site: &Site, snapshots: &[SnapshotInfo], note: Option<&str>) -> String {
    let body = html! {
        @if let Some(note) = note { p.note { (note) } }
        @if snapshots.is_empty() { p { "No snapshots." } }
        @if site.may_change() {
            form method="post" action=(site.link("/snapshots")) { button { "Take a snapshot" } }
        }
        @if !snapshots.is_empty() {
            form action=(site.link("/diff")) {
                (table(site, snapshots))
                @if snapshots.len() > 1 { button { "Compare" } }
            }
        }
    };
    layout::page(site, layout::name("/snapshots"), &[], &body)
}

fn table(site: &Site, snapshots: &[SnapshotInfo]) -> Markup {
    let last = snapshots.len() - 1;
    html! {
        div.scroll role="region" aria-label="Snapshots" tabindex="0" {
            table {
                thead {
                    tr {
                        @for name in ["snapshot", "from", "to", "sampled", "stacks", "samples since", "label"] {
                            th scope="col" { (name) }
                        }
                    }
                }
                tbody {
                    @for (index, snapshot) in snapshots.iter().enumerate() {
                        @let [id, taken_at, bytes, stacks, since, label] = content::snapshot_cells(snapshot);
                        tr {
                            th scope="row" { a href=(site.link(&format!("/snapshots/{id}"))) { (taken_at) } }
                            td { (choice("base", &id, &taken_at, index == 0)) }
                            td { (choice("target", &id, &taken_at, index == last)) }
                            td { (bytes) }
                            td { (stacks) }
                            td { (since) }
                            td { bdi { (label) } }
                        }
                    }
                }
            }
        }
    }
}

/// A button that chooses a snapshot for one side of the comparison.
fn choice(side: &str, id: &str, taken_at: &str, is_chosen: bool) -> Markup {
    html! {
        input type="radio" name=(side) value=(id) checked[is_chosen] aria-label={ (side) " " (taken_at) };
    }
}
