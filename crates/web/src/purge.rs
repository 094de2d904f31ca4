//! The page with the result of a purge, and the button for it.

use maud::{Markup, html};
use memory_debug_report::PurgeReport;
use memory_debug_report::render::content;
use memory_debug_report::units::Bytes;

use crate::blocks::blocks;
use crate::layout;
use crate::site::Site;

/// The result of a purge: each number before and after, and what a purge cannot return.
pub fn purge(site: &Site, report: &PurgeReport) -> String {
    let body = html! {
        div.result { (blocks(&|out| content::write_purge(out, report))) }
        h2 { "What a purge cannot return" }
        dl {
            @for (name, bytes, reason) in rest(report) {
                dt {
                    (name) ": "
                    @match bytes { Some(bytes) => { (Bytes(bytes)) }, None => { "not available" } }
                }
                dd { (reason) }
            }
        }
        (button(site))
        p { (site.a("/stats", "All statistics")) }
    };
    layout::page(site, "Purge", &content::identity_of(&report.instance), &body)
}

/// The memory that stays, each with the reason.
fn rest(report: &PurgeReport) -> [(&'static str, Option<u64>, &'static str); 3] {
    let after = &report.after;
    [
        (
            "Active pages",
            after.active_bytes,
            "These pages hold objects. Only the program can free them; the table of types shows what they are.",
        ),
        (
            "Thread caches",
            after.thread_cache_bytes,
            "Only a thread itself can empty its cache, so these free objects and their pages stay.",
        ),
        (
            "Lazily freed",
            after.lazy_free_bytes,
            "The kernel takes these pages when it needs memory. It counts them as resident until then.",
        ),
    ]
}

/// The button that returns unused pages to the system, for a login that may press it.
pub(crate) fn button(site: &Site) -> Markup {
    html! {
        @if site.may_change() {
            form.query method="post" action=(site.link("/purge"))
                data-confirm="Return unused pages to the system now? The service keeps running." {
                button { "Purge" }
                span.summary { "Returns unused pages of the allocator to the system." }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use memory_debug_report::{InstanceInfo, PurgeMoment};

    use super::*;

    fn page(role: &'static str) -> (PurgeReport, String) {
        let id = "00000000-0000-4000-8000-000000000000".parse().unwrap();
        let moment = |bytes| {
            let mut moment = PurgeMoment::default();
            (moment.dirty_bytes, moment.active_bytes) = (Some(bytes), Some(4096));
            moment
        };
        let at = "2026-11-21T09:00:00.000Z";
        let mut report = PurgeReport::new(InstanceInfo::new(id, 1), at, moment(1 << 20), moment(0));
        report.unavailable.note("after.thread_cache_bytes", "no <jemalloc>");
        let page = purge(&Site::new("/debug/memory", "/purge", "ops", role), &report);
        (report, page)
    }

    #[test]
    fn shows_each_number_before_and_after_with_the_reasons_for_what_is_missing() {
        let (report, page) = page("profile");
        assert!(page.contains("<th scope=\"row\">dirty pages</th><td>1.00 MiB</td><td>0 B</td>"), "{page}");
        assert!(
            page.contains("<p>not available: after.thread_cache_bytes: no &lt;jemalloc&gt;</p>"),
            "{page}"
        );
        assert!(page.contains(report.to_string().lines().next().unwrap()), "{page}");
        assert!(page.contains("<dt>Active pages: 4.00 KiB</dt>"), "{page}");
        assert!(page.contains("<dt>Thread caches: not available</dt>"), "{page}");
    }

    #[test]
    fn s15_only_a_login_that_may_purge_sees_the_button() {
        let (may, may_not) = (page("profile").1, page("read").1);
        assert!(may.contains("method=\"post\" action=\"./purge\" data-confirm=\""), "{may}");
        assert!(!may_not.contains("<form"), "{may_not}");
    }
}
