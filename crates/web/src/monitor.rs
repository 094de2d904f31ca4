//! The page of the monitor, the page of tasks, and what the overview says of earlier processes.

use maud::{Markup, html};
use memory_debug_report::render::content;
use memory_debug_report::{MemoryReport, MonitorReport, TaskReport};

use crate::blocks::blocks;
use crate::layout;
use crate::note;
use crate::prose::prose;
use crate::site::Site;

/// What the monitor watches and saw. `note` says what was left out.
pub fn monitor(site: &Site, report: &MonitorReport, note: Option<&str>) -> String {
    let body = html! {
        (note::left_out(note))
        (blocks(&|out| content::write_monitor(out, report)))
        p { (site.a("/monitor/tasks", "Tasks")) }
    };
    layout::page(site, layout::name("/monitor"), &content::identity_of(&report.instance), &body)
}

/// The known tasks, as a tree. `note` says what was left out.
pub fn tasks(site: &Site, report: &TaskReport, note: Option<&str>) -> String {
    let body = html! {
        (note::left_out(note))
        (blocks(&|out| content::write_tasks(out, report)))
        p { (site.a("/monitor", "The monitor")) }
    };
    layout::page(site, "Tasks", &content::identity_of(&report.instance), &body)
}

/// How earlier processes ended that did not end in order, for the overview.
pub(crate) fn earlier(site: &Site, report: &MemoryReport) -> Markup {
    let lines: Vec<_> = content::earlier_processes(report).collect();
    html! {
        @if !lines.is_empty() {
            ul.findings {
                @for line in &lines { li.critical { (prose(line)) } }
            }
            p { (site.a("/monitor", "What they left")) }
        }
    }
}
