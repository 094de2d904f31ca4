//! The page of the heap profiler: its state, and forms to change it for a limited time.

use maud::{Markup, html};
use memory_debug_report::render::content;
use memory_debug_report::units::Bytes;
use memory_debug_report::{ProfilingRefusal, ProfilingStatus};

use crate::blocks::blocks;
use crate::layout;
use crate::site::Site;

/// The offered times, in minutes.
const MINUTES: &[u64] = &[1, 5, 10, 15, 30, 60];

/// The offered rates, as the mean number of bytes between samples.
const RATES: &[u64] = &[4 << 10, 16 << 10, 64 << 10, 256 << 10, 512 << 10, 1 << 20, 4 << 20];

/// The state of the profiler. `state` is the tag that a form sends along, so that it changes only the state that the
/// operator saw. `changed` is the version of the state after a change that the operator just made.
pub fn profiling(site: &Site, status: &ProfilingStatus, state: &str, changed: Option<u64>) -> String {
    let body = html! {
        @match changed {
            Some(version) if version == status.version => {
                p.note role="status" { "The change was made. This is the state after it." }
            }
            Some(_) => p.note role="status" { "The change was made. The state has changed again since." },
            None => {}
        }
        div.result { (blocks(&|out| content::write_profiling(out, status))) }
        @if site.may_change() && status.profiling.enabled == Some(true) { (forms(site, status, state)) }
    };
    layout::page(site, layout::name("/profiling"), &content::identity_of(&status.instance), &body)
}

fn forms(site: &Site, status: &ProfilingStatus, state: &str) -> Markup {
    let has_window = status.window.is_some();
    html! {
        h2 { @if has_window { "Move the end" } @else { "Sample for a time" } }
        p { "Afterwards everything is as it was before the first change." }
        form.query method="post" action=(site.link("/profiling")) {
            (hidden(state, true))
            label {
                "Time "
                select name="for_seconds" {
                    @for minutes in MINUTES { option value=(minutes * 60) { (minutes) " min" } }
                }
            }
            label {
                "Rate "
                select name="sample_bytes" {
                    option value="" { "unchanged" }
                    @for bytes in RATES { option value=(bytes) { "one sample per " (format!("{:.0}", Bytes(*bytes))) } }
                }
            }
            button { @if has_window { "Change" } @else { "Turn sampling on" } }
        }
        p.summary {
            "Another rate discards all samples, now and at the end of the time: profiles then lack what was allocated "
            "before. A finer rate costs the service more time."
        }
        @if has_window {
            h2 { "End it now" }
            form method="post" action=(site.link("/profiling")) {
                (hidden(state, false))
                button { "End it now" }
            }
        } @else if status.profiling.active == Some(true) {
            p.summary { (ProfilingRefusal::OnByConfiguration) }
        }
    }
}

/// The fields of a form that the operator does not choose.
fn hidden(state: &str, active: bool) -> Markup {
    html! {
        input type="hidden" name="if_match" value=(state);
        input type="hidden" name="active" value=(active);
    }
}

#[cfg(test)]
mod tests {
    use memory_debug_report::{InstanceInfo, ProfilingState, ProfilingWindow};

    use super::*;

    fn status(enabled: bool, active: bool, has_window: bool) -> ProfilingStatus {
        let id = "00000000-0000-4000-8000-000000000000".parse().unwrap();
        let mut state = ProfilingState::default();
        (state.compiled, state.enabled, state.active) = (Some(true), Some(enabled), Some(active));
        let mut status = ProfilingStatus::new(InstanceInfo::new(id, 1), 7, state);
        status.window = has_window.then(|| ProfilingWindow::new("2026-11-21T09:05:00.000Z", 300));
        status
    }

    fn page(role: &'static str, status: &ProfilingStatus, changed: Option<u64>) -> String {
        let site = Site::new("/debug/memory", "/profiling", "ops", role);
        profiling(&site, status, "\"tag\"", changed)
    }

    #[test]
    fn s15_a_form_is_there_only_if_it_can_be_sent_with_success() {
        let forms = |role, enabled, active, window| {
            page(role, &status(enabled, active, window), None).matches("method=\"post\"").count()
        };
        assert_eq!(forms("profile", true, false, false), 1);
        assert_eq!(forms("profile", true, true, true), 2, "a change can be ended");
        assert_eq!(forms("profile", true, true, false), 1, "sampling by configuration cannot be ended here");
        assert_eq!(forms("profile", false, false, false), 0);
        for (active, window) in [(false, false), (true, true), (true, false)] {
            assert_eq!(forms("read", true, active, window), 0);
        }
    }

    #[test]
    fn every_form_changes_only_the_state_that_the_operator_saw() {
        let page = page("profile", &status(true, true, true), None);
        let tags =
            page.matches("<input type=\"hidden\" name=\"if_match\" value=\"&quot;tag&quot;\">").count();
        assert_eq!(tags, page.matches("method=\"post\"").count());
    }

    #[test]
    fn shows_the_same_statements_as_the_text() {
        let status = status(true, true, true);
        let page = page("read", &status, None);
        for line in status.to_string().lines() {
            assert!(page.contains(&format!("<p class=\"summary\">{line}</p>")), "{line}: {page}");
        }
    }

    #[test]
    fn a_change_is_reported_and_so_is_a_later_one() {
        let status = status(true, true, true);
        let told = |changed| page("profile", &status, changed);
        assert!(told(Some(7)).contains("This is the state after it"));
        assert!(told(Some(6)).contains("has changed again since"));
        assert!(!told(None).contains("The change was made"));
    }
}
