//! The page of one type.

use maud::{Markup, html};
use memory_debug_report::render::content;
use memory_debug_report::{Group, TypeDetail, TypeGroup};

use crate::blocks::blocks;
use crate::chart::{Point, chart};
use crate::layout;
use crate::site::Site;

/// One type: its numbers, its history, and which code allocated it.
pub fn type_detail(site: &Site, detail: &TypeDetail) -> String {
    let points: Vec<_> =
        detail.history.iter().map(|at| Point { bytes: at.bytes, stderr: at.bytes_stderr }).collect();
    let name = content::short_name(&detail.type_name);
    let body = html! {
        (blocks(&|out| content::write_type_summary(out, detail)))
        p {
            a href=(site.link_with("/types", &[("filter", detail.full_type.clone())])) { "This type in the table" }
            @if let Some(id) = detail.rows.iter().find_map(|row| row.id).filter(|_| site.may_change()) {
                " · " (site.a(&format!("/heap/flamegraph?type={id}"), "Flame graph of this type"))
            }
            " · " (site.a("/snapshots", "Snapshots"))
        }
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
