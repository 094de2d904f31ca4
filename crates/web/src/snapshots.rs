//! The page of kept snapshots, with forms to take one and to compare two.

use maud::{Markup, html};
use memory_debug_report::render::content;
use memory_debug_report::{SnapshotId, SnapshotInfo};

use crate::layout;
use crate::note;
use crate::site::Site;
use crate::table::{self, Cell, Heading, Table};
use crate::take_snapshot::take_snapshot;

/// The kept snapshots, the oldest first. `note` says what was left out. `gone` is a snapshot that was just deleted.
pub fn snapshots(
    site: &Site,
    snapshots: &[SnapshotInfo],
    note: Option<&str>,
    gone: Option<SnapshotId>,
) -> String {
    let body = html! {
        @if let Some(id) = gone {
            p.note role="status" { "The snapshot " code { (id) } " is no longer kept." }
        }
        (note::left_out(note))
        @if snapshots.is_empty() { (purpose(site)) }
        (take_snapshot(site))
        @if !snapshots.is_empty() {
            form action=(site.link("/diff")) {
                (table(site, snapshots))
                p { button { "Compare" } " To compare with now, the service collects once." }
            }
        }
    };
    layout::page(site, layout::name("/snapshots"), &[], &body)
}

/// What snapshots are for. The page says it while no snapshot is kept.
fn purpose(site: &Site) -> Markup {
    html! {
        p { "No snapshots are kept." }
        p {
            "A snapshot keeps the sampled heap of one moment. Compare two snapshots to see which types grew in between. "
            "Take several over time, and " (site.a("/leaks", "Leaks")) " names the types that keep growing."
        }
        @if !site.may_change() { p { "Your login cannot take one: this needs the role profile." } }
    }
}

fn table(site: &Site, snapshots: &[SnapshotInfo]) -> Markup {
    let last = snapshots.len() - 1;
    let [_, taken, sampled, stacks, since, label] = content::SNAPSHOT_HEADINGS;
    let mut headings = table::texts(&[taken, "from", "to", sampled, stacks, since, label]);
    headings.extend(site.may_change().then_some(Heading::Text("delete")));
    let mut table = Table::new(&headings);
    for (index, snapshot) in snapshots.iter().enumerate() {
        let [id, taken_at, bytes, stacks, since, label] = &content::snapshot_cells(snapshot);
        let page = site.link(&format!("/snapshots/{id}"));
        let head = html! { a href=(page) { (taken_at) } };
        let base = choice("base", id, taken_at, index == 0);
        let target = choice("target", id, taken_at, index == last && index > 0);
        let label = html! { bdi { (label) } };
        let delete = html! { a href={ (page) "#delete" } aria-label={ "Delete " (taken_at) } { "Delete" } };
        let mut cells = vec![
            Cell::Head(&head),
            Cell::Markup(&base),
            Cell::Markup(&target),
            Cell::Text(bytes),
            Cell::Text(stacks),
            Cell::Text(since),
            Cell::Markup(&label),
        ];
        cells.extend(site.may_change().then_some(Cell::Markup(&delete)));
        table.row(&cells);
    }
    table.other_row(&html! {
        tr {
            th scope="row" { "now" }
            td {}
            // The only choice, if there is one snapshot.
            td { (choice("target", "now", "now", last == 0)) }
            td colspan=(if site.may_change() { 5 } else { 4 }) {}
        }
    });
    table.plain("Snapshots")
}

/// A button that chooses a moment for one side of the comparison.
fn choice(side: &str, id: &str, moment: &str, is_chosen: bool) -> Markup {
    html! {
        input type="radio" name=(side) value=(id) checked[is_chosen] aria-label={ (side) " " (moment) };
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::snapshot::tests::info;

    fn page(role: &'static str, infos: &[SnapshotInfo]) -> String {
        snapshots(&Site::new("/debug/memory", "/snapshots", "ops", role), infos, None, None)
    }

    #[test]
    fn s15_only_a_login_that_may_change_something_sees_how() {
        for infos in [&[][..], &[info(1)], &[info(1), info(2)]] {
            let (may, may_not) = (page("profile", infos), page("read", infos));
            assert!(may.contains("<form class=\"query\" method=\"post\" action=\"./snapshots\">"), "{may}");
            assert!(!may_not.contains("method=\"post\"") && !may_not.contains("delete"), "{may_not}");
            assert_eq!(may.matches("#delete").count(), infos.len());
        }
    }

    #[test]
    fn an_empty_page_says_what_snapshots_are_for() {
        assert!(page("profile", &[]).contains("A snapshot keeps"));
        assert!(page("read", &[]).contains("this needs the role profile"));
        assert!(!page("profile", &[info(1)]).contains("A snapshot keeps"));
    }

    #[test]
    fn each_snapshot_and_the_present_can_be_compared() {
        let infos = [info(1), info(2), info(3)];
        let page = page("read", &infos);
        assert!(page.contains("<form action=\"./diff\">"), "{page}");
        let chosen = |side: &str, id: &str| {
            let input = page.split("<input ").find(|input| {
                input.contains(&format!("name=\"{side}\"")) && input.contains(&format!("value=\"{id}\""))
            });
            input.map(|input| input.split('>').next().unwrap_or_default().contains("checked"))
        };
        let of = |side: &str| infos.each_ref().map(|info| chosen(side, &info.id.to_string()));
        assert_eq!(of("base"), [Some(true), Some(false), Some(false)]);
        assert_eq!(of("target"), [Some(false), Some(false), Some(true)]);
        assert_eq!((chosen("base", "now"), chosen("target", "now")), (None, Some(false)));
        // One snapshot can be compared with the present.
        let alone = self::page("read", &infos[..1]);
        assert!(alone.contains("value=\"now\" checked"), "{alone}");
        assert_eq!(alone.matches(" checked").count(), 2);
    }
}
