//! The page of one snapshot, which is also the confirmation to delete it.

use maud::{Markup, html};
use memory_debug_report::SnapshotInfo;
use memory_debug_report::render::content::{self, Layout};
use memory_debug_report::units::Bytes;

use crate::blocks::blocks;
use crate::layout;
use crate::site::Site;

/// A kept snapshot: its numbers, what can be done with it, and for a login that may change something the form to
/// delete it.
pub fn snapshot(site: &Site, snapshot: &SnapshotInfo) -> String {
    let id = snapshot.id;
    let body = html! {
        (blocks(&|out| write(out, snapshot)))
        ul.links {
            li { (site.a(&format!("/diff?base={id}&target=now"), "Compare with now")) }
            li { (site.a(&format!("/snapshots/{id}?format=pprof"), "Download as a pprof profile")) }
            li { (site.a("/snapshots", "All snapshots")) }
        }
        @if site.may_change() { (delete(site, snapshot)) }
    };
    layout::page(site, "Snapshot", &content::identity_of(&snapshot.instance), &body)
}

fn write(out: &mut dyn Layout, snapshot: &SnapshotInfo) -> std::fmt::Result {
    for (name, cell) in content::SNAPSHOT_HEADINGS.into_iter().zip(content::snapshot_cells(snapshot)) {
        if !cell.is_empty() {
            out.fact(name, Some(cell))?;
        }
    }
    let numbers = [
        ("allocated", snapshot.allocated_bytes),
        ("resident", snapshot.resident_bytes),
        ("container", snapshot.cgroup_current_bytes),
        ("container limit", snapshot.cgroup_limit_bytes),
        ("limit reached first", snapshot.ceiling.as_ref().map(|ceiling| ceiling.limit_bytes)),
    ];
    for (name, bytes) in numbers {
        out.fact(name, bytes.map(|bytes| Bytes(bytes).to_string()))?;
    }
    if numbers.iter().any(|(_, bytes)| bytes.is_none()) {
        out.remark(
            "A number that is not available was not measured when the snapshot was taken. The statistics have the \
             reason, if it is still missing.",
        )?;
    }
    Ok(())
}

fn delete(site: &Site, snapshot: &SnapshotInfo) -> Markup {
    html! {
        h2 #delete { "Delete" }
        p {
            "The profile and the numbers of this moment are lost. The comparison and the leak test can no longer use "
            "them. This cannot be undone, so download the profile first if you may need it."
        }
        form method="post" action=(site.link(&format!("/snapshots/{}/delete", snapshot.id))) {
            button { "Delete this snapshot" }
        }
    }
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;

    /// A snapshot with a hostile label.
    pub(crate) fn info(number: u8) -> SnapshotInfo {
        serde_json::from_value(serde_json::json!({
            "schema": "memory-debug-snapshot/v1", "id": format!("{number:032x}"), "label": "<b>\u{202e}x",
            "taken_at": format!("2026-11-21T09:00:{number:02}.000Z"), "stacks": 9, "sampled_bytes": 1024,
            "instance": {"id": "00000000-0000-4000-8000-000000000000", "pid": 1}, "resident_bytes": 4096,
        }))
        .unwrap()
    }

    fn page(role: &'static str) -> String {
        let info = info(7);
        let path = format!("/snapshots/{}", info.id);
        snapshot(&Site::new("/debug/memory", &path, "ops", role), &info)
    }

    #[test]
    fn s34_numbers_and_label_are_text_and_a_missing_number_is_not_zero() {
        let page = page("read");
        for row in [
            "<th scope=\"row\">label</th><td>&lt;b&gt;\\u{202e}x</td>",
            "<th scope=\"row\">resident</th><td>4.00 KiB</td>",
            "<th scope=\"row\">allocated</th><td class=\"missing\">not available</td>",
        ] {
            assert!(page.contains(row), "{row}: {page}");
        }
        assert!(page.contains("was not measured when the snapshot was taken"), "{page}");
    }

    #[test]
    fn s15_the_confirmation_is_one_form_for_a_login_that_may_delete() {
        let id = info(7).id;
        let form = format!("<form method=\"post\" action=\"../snapshots/{id}/delete\">");
        assert_eq!(page("profile").matches("<form").count(), 1);
        assert!(page("profile").contains(&form) && page("profile").contains("are lost"));
        assert!(!page("read").contains("<form"));
        for link in [format!("../diff?base={id}&amp;target=now"), format!("../snapshots/{id}?format=pprof")] {
            assert!(page("read").contains(&format!("href=\"{link}\"")), "{link}");
        }
    }
}
