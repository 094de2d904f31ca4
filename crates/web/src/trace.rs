//! The page of the tracer: a picture of the calls, their numbers, and forms to start and stop it.

use maud::{Markup, html};
use memory_debug_report::render::content;
use memory_debug_report::{Trace, TraceEvent, TraceReport};

use crate::blocks::blocks;
use crate::icicle::{self, icicle};
use crate::layout;
use crate::note;
use crate::site::Site;

const PATH: &str = "/trace";

/// The offered times: seconds, and what the form calls them.
const TIMES: &[(u64, &str)] =
    &[(10, "10 s"), (30, "30 s"), (60, "1 min"), (120, "2 min"), (300, "5 min"), (600, "10 min")];

/// Other forms of the page: the format, and what it is for.
const FORMATS: &[(&str, &str)] = &[
    ("callgrind", "callgrind, for KCachegrind and callgrind_annotate"),
    ("cpuprofile", "cpuprofile, for the panel Performance of Chrome's DevTools"),
    ("speedscope", "speedscope"),
    ("collapsed", "collapsed stacks, for flame graph tools"),
    ("pprof", "pprof, for go tool pprof"),
    ("json", "JSON, for programs"),
];

/// The picture has at most this number of boxes, and this number for each row of the table.
const MOST_BOXES: usize = 500;
const BOXES_PER_ROW: usize = 10;

/// What a tracer counted, with at most `top` calls and routes in the tables. `event` is the number that is drawn, and
/// that decides which calls are in the table. `note` says what was left out.
pub fn trace(site: &Site, report: &TraceReport, top: usize, event: TraceEvent, note: Option<&str>) -> String {
    let body = html! {
        (note::left_out(note))
        @if let Some(trace) = report.trace.as_ref().filter(|trace| !trace.nodes.is_empty()) {
            (events(site, event))
            (icicle(trace, event, MOST_BOXES.min(top.saturating_mul(BOXES_PER_ROW))))
            p.summary { "Width: " (icicle::name(event)) " of the call and of all calls below it." }
        }
        (blocks(&|out| content::write_trace(out, &report.shortened(top, event))))
        @if let Some(trace) = &report.trace {
            @if site.may_change() { (form(site, trace)) }
            (downloads(site))
        }
    };
    layout::page(site, layout::name(PATH), &content::identity_of(&report.instance), &body)
}

/// Links to the same page with another number.
fn events(site: &Site, shown: TraceEvent) -> Markup {
    html! {
        ul.tabs {
            @for event in TraceEvent::ALL {
                li {
                    @if event == shown {
                        strong { (icicle::name(event)) }
                    } @else {
                        a href=(site.link_with(PATH, &[("events", event.as_str().to_owned())])) { (icicle::name(event)) }
                    }
                }
            }
        }
    }
}

/// The form that starts the tracer, or the form that stops it.
fn form(site: &Site, trace: &Trace) -> Markup {
    html! {
        @if trace.counting {
            h2 { "Stop counting" }
            form method="post" action=(site.link(PATH)) {
                input type="hidden" name="stop" value="true";
                button { "Stop" }
            }
        } @else {
            h2 { "Count for a time" }
            @if trace.started_at.is_some() { p { "This discards what was counted before." } }
            form.query method="post" action=(site.link(PATH)) {
                label {
                    "Time "
                    select name="seconds" {
                        @for (seconds, text) in TIMES {
                            option value=(seconds) selected[*seconds == 30] { (text) }
                        }
                    }
                }
                button { "Start" }
            }
        }
    }
}

fn downloads(site: &Site) -> Markup {
    html! {
        h2 { "Other forms" }
        ul {
            @for (format, name) in FORMATS {
                li { (site.a(&format!("{PATH}?format={format}"), name)) }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    const HOSTILE: &str = "<img src=x onerror=1>\"'";

    fn report(is_counting: bool, nodes: usize) -> TraceReport {
        let node = |place: usize| {
            json!({"depth": place.min(1), "name": format!("call {place}"), "kind": "route", "calls": 7, "total_ns": 5_000_000,
                   "own_total_ns": 1_000_000, "busy_ns": 1_000_000, "own_busy_ns": 500_000})
        };
        let nodes: Vec<_> = (0..nodes).map(node).collect();
        serde_json::from_value(json!({
            "schema": "memory-debug/v1",
            "instance": {"id": "00000000-0000-4000-8000-000000000000", "pid": 1},
            "reported_at": "2026-11-20T12:11:58Z",
            "trace": {"counting": is_counting, "started_at": "2026-11-20T12:11:30Z", "nodes": nodes},
            "unavailable": {},
        }))
        .unwrap()
    }

    fn page(role: &'static str, report: &TraceReport, event: TraceEvent) -> String {
        let site = Site::new("/debug/memory", PATH, "ops", role).with_tracer();
        trace(&site, report, 50, event, None)
    }

    #[test]
    fn s15_s69_a_form_is_there_only_if_it_can_be_sent_with_success() {
        for (is_counting, button) in [(true, "<button>Stop</button>"), (false, "<button>Start</button>")] {
            let page_of = |role| page(role, &report(is_counting, 1), TraceEvent::Total);
            assert!(!page_of("read").contains("method=\"post\""));
            let page = page_of("profile");
            assert!(page.contains(button) && page.matches("method=\"post\"").count() == 1, "{page}");
        }
        let id = "00000000-0000-4000-8000-000000000000".parse().unwrap();
        let instance = memory_debug_report::InstanceInfo::new(id, 1);
        let none = TraceReport::without_tracer(instance, "", "the page has none");
        let page = page("profile", &none, TraceEvent::Total);
        assert!(!page.contains("method=\"post\"") && page.contains("the page has none"), "{page}");
    }

    #[test]
    fn every_offered_time_is_one_that_the_service_takes() {
        assert!(TIMES.iter().all(|(seconds, _)| (1..=600).contains(seconds)));
    }

    #[test]
    fn a_browser_and_a_terminal_get_the_same_statements_and_cells() {
        let report = report(true, 2);
        let page = page("read", &report, TraceEvent::Busy);
        let text = report.to_string();
        for line in
            text.lines().filter(|line| line.starts_with("reported ") || line.starts_with("a call stands"))
        {
            assert!(page.contains(&format!("<p class=\"summary\">{line}</p>")), "{line}: {page}");
        }
        for cell in ["<bdi>call 0", "<bdi>· call 1", "<td>5.000 ms</td>", "data-sortable"] {
            assert!(page.contains(cell), "{cell}: {page}");
        }
    }

    #[test]
    fn the_drawn_number_can_be_chosen() {
        let page = page("read", &report(false, 2), TraceEvent::Busy);
        assert!(page.contains("<strong>busy time</strong>"), "{page}");
        assert!(page.contains("<a href=\"./trace?events=allocated\">allocated bytes</a>"), "{page}");
        assert!(page.contains("<title>call 0: 1.000 ms, 100.00%</title>"), "{page}");
    }

    #[test]
    fn rows_and_boxes_are_bounded() {
        let report = report(false, 3_000);
        let site = Site::new("/debug/memory", PATH, "ops", "read");
        for (top, rows) in [(50, 50), (1, 1), (0, 0)] {
            let page = trace(&site, &report, top, TraceEvent::Total, None);
            assert_eq!(page.matches("<tr><th scope=\"row\">").count(), rows);
            assert!(page.matches("<rect class=\"heat-").count() <= (10 * top).min(MOST_BOXES));
        }
    }

    #[test]
    fn s34_s68_names_are_text() {
        let mut report = report(true, 2);
        let trace = report.trace.as_mut().unwrap();
        trace.nodes.iter_mut().for_each(|node| {
            node.name = HOSTILE.into();
            node.file = Some(HOSTILE.into());
        });
        trace.started_by = Some(HOSTILE.into());
        let page = page("profile", &report, TraceEvent::Total);
        assert!(page.contains("&lt;img src=x onerror=1&gt;"), "{page}");
        for forbidden in ["<img", "\"'", "style="] {
            assert!(!page.contains(forbidden), "{forbidden}: {page}");
        }
    }
}
