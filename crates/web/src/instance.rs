//! The page that says which process answers.

use memory_debug_report::InstanceReport;
use memory_debug_report::render::content;

use crate::blocks::blocks;
use crate::layout;
use crate::site::Site;

/// The identity of the process.
pub fn instance(site: &Site, report: &InstanceReport) -> String {
    let body = maud::html! { (blocks(&|out| content::write_instance(out, report))) };
    layout::page(site, "Instance", &[], &body)
}
