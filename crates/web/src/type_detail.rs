//! The page of one type.

use maud::{Markup, html};
use memory_debug_report::render::content;
use memory_debug_report::{Group, TypeDetail, TypeGroup};

use crate::blocks::blocks;
use crate::chart::{Point, chart};
use crate::histogram::histogram;
use crate::layout;
use crate::site::Site;
use crate::table_query::MAX_TEXT_BYTES;

/// A filter that finds a type: its name, or the beginning of a long name.
fn filter(name: &str) -> &str {
    let end = (0..=MAX_TEXT_BYTES.min(name.len())).rev().find(|end| name.is_char_boundary(*end));
    end.and_then(|end| name.get(..end)).unwrap_or_default()
}

/// One type: its numbers, its history, and which code allocated it.
pub fn type_detail(site: &Site, detail: &TypeDetail) -> String {
    let points: Vec<_> =
        detail.history.iter().map(|at| Point { bytes: at.bytes, stderr: at.bytes_stderr }).collect();
    let name = content::short_name(&detail.type_name);
    let ages = detail.groups.iter().find(|group| group.group == Group::Age.as_str());
    let body = html! {
        (blocks(&|out| content::write_type_summary(out, detail)))
        p {
            a href=(site.link_with("/types", &[("filter", filter(&detail.full_type).to_owned())])) { "This type in the table" }
            @if let Some(id) = detail.rows.iter().find_map(|row| row.id).filter(|_| site.may_change()) {
                " · " (site.a(&format!("/heap/flamegraph?type={id}"), "Flame graph of this type"))
            }
            " · " (site.a("/snapshots", "Snapshots"))
            @if ages.is_some() { " · " (site.a("/types?group=age", "All memory by age")) }
        }
        @if let Some(ages) = ages { (histogram(&ages.group, &ages.rows)) }
        (chart(&points))
        (blocks(&|out| content::write_type_history(out, detail)))
        div.halves {
            @for group in detail.groups.iter().filter(|group| !is_tracebacks(group)) {
                (blocks(&|out| content::write_type_group(out, group)))
            }
        }
        @for group in detail.groups.iter().filter(|group| is_tracebacks(group)) { (tracebacks(group)) }
    };
    layout::page(site, &name, &content::identity_of(&detail.instance), &body)
}

fn is_tracebacks(group: &TypeGroup) -> bool {
    group.group == Group::Traceback.as_str()
}

/// The stacks. Each opens to show a frame on each line.
fn tracebacks(group: &TypeGroup) -> Markup {
    html! {
        @if !group.rows.is_empty() { h2 { (content::group_heading(group)) } }
        @for row in &group.rows {
            @let [name, objects, bytes, error] = content::type_cells(row);
            @let frames: Vec<_> = name.split(" ← ").collect();
            details.stack {
                summary { (bytes) " ± " (error) " in " (objects) " objects: " code { bdi { (frames[0]) } } }
                ol { @for frame in &frames { li { code { bdi { (frame) } } } } }
            }
        }
        @if let Some(line) = content::more(group.omitted_rows) { p.summary { (line) } }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    const HOSTILE: &str = "<script>alert(1)</script>";

    fn detail(groups: &[(&str, &str)]) -> TypeDetail {
        let row = |name: &str| {
            json!({"type": name, "full_type": name, "objects": 1, "bytes": 4096, "objects_stderr": 0.0,
                   "bytes_stderr": 0.0, "source": "sampled"})
        };
        let groups: Vec<_> = groups
            .iter()
            .map(|(group, name)| json!({"group": group, "rows": [row(name)], "omitted_rows": 0}))
            .collect();
        serde_json::from_value(json!({
            "instance": {"id": "00000000-0000-4000-8000-000000000000", "pid": 1}, "collected_at": "",
            "type": "Vec<A>", "full_type": "Vec<A>", "rows": [row("Vec<A>")], "element": null, "total_bytes": 4096,
            "groups": groups, "history": [], "left_out_snapshots": 0,
        }))
        .unwrap()
    }

    #[test]
    fn a_filter_is_no_longer_than_the_endpoint_takes() {
        assert_eq!(filter("Vec<u8>"), "Vec<u8>");
        assert_eq!(filter(&"x".repeat(200)).len(), MAX_TEXT_BYTES);
        assert_eq!(filter(&format!("{}ö", "x".repeat(127))).len(), 127);
        assert_eq!(filter(""), "");
    }

    #[test]
    fn a_type_with_ages_has_them_as_picture_and_table_and_its_routes() {
        let site = Site::new("/debug/memory", "/types/x", "ops", "read");
        let page = type_detail(&site, &detail(&[("age", "1 min to 10 min"), ("route", HOSTILE)]));
        for wanted in [
            "<title>1 min to 10 min: 4.00 KiB</title>",
            ">All memory by age</a>",
            "<h2>by age</h2>",
            "<h2>by route</h2>",
            "&lt;script&gt;alert(1)",
        ] {
            assert!(page.contains(wanted), "{wanted}: {page}");
        }
        assert!(!page.contains("<script>alert"), "{page}");
        let page = type_detail(&site, &detail(&[("function", "main")]));
        assert!(!page.contains("by age") && !page.contains("All memory by age"), "{page}");
    }
}
