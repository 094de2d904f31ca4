//! The pages of the monitor, its box on the overview and its metrics.

use memory_debug_core::{InstanceInfo, MonitorHandle, MonitorReport, MonitorSource, TaskReport};

use super::roles::{READER, fixture as for_roles};
use super::*;

/// Saw many events, an earlier process that ended abruptly, and many tasks.
#[derive(Debug)]
struct Fake {
    name: &'static str,
    asked: AtomicUsize,
}

const EVENTS: usize = 200;

impl MonitorSource for Fake {
    fn report(&self, instance: InstanceInfo) -> MonitorReport {
        self.asked.fetch_add(1, Ordering::SeqCst);
        let name = self.name;
        let event = |id: usize| {
            json!({"id": id, "at": "2026-11-20T12:12:00.000Z", "kind": "exceeded", "text": format!("event {id} of {name}"),
                   "rule": null, "value": null, "limit": null, "source": null, "peak": null, "growth_per_second": null,
                   "since": null, "suppressed": 0, "blocked": null, "actions": []})
        };
        let rule = |metric: Value| {
            json!({"name": name, "metric": metric, "source": name, "is_above": true, "limit": 1, "state": "above",
                   "not_armed": null, "value": 2, "peak": 3, "since": null, "held_for_ms": 0, "actions": [name],
                   "sent": 1, "suppressed": 0, "next_allowed_at": null})
        };
        let status = json!({
            "started_at": "2026-11-20T09:00:00Z",
            "rules": [rule(json!({"type": name}))],
            "events": (1..=EVENTS).rev().map(event).collect::<Vec<_>>(),
            "captures": {"folder": name, "warning": name, "skipped": [name], "earlier": [
                {"pid": 7, "instance": name, "summary": format!("the previous process held {name}"), "last": null,
                 "was_oom_killed": null, "files": [name]},
            ]},
            "blocked": [{"runtime": name, "label": name, "threads": [{"tid": 9, "name": name, "doing": name}]}],
            "totals": {"events": [{"rule": name, "kind": "exceeded", "count": EVENTS}], "captures": 4},
        });
        MonitorReport::new(instance, "2026-11-20T12:12:00Z", serde_json::from_value(status).unwrap())
    }

    fn tasks(&self, instance: InstanceInfo) -> TaskReport {
        self.asked.fetch_add(1, Ordering::SeqCst);
        let task = |id: usize| json!({"id": id, "depth": id % 3, "name": format!("{} {id}", self.name), "location": self.name});
        let mut report = TaskReport::new(instance, "2026-11-20T12:12:00Z");
        report.known = 2000;
        report.tasks = (0..2000).map(|id| serde_json::from_value(task(id)).unwrap()).collect();
        report
    }
}

fn fake(name: &'static str) -> (Arc<Fake>, MonitorHandle) {
    let fake = Arc::new(Fake { name, asked: AtomicUsize::new(0) });
    (Arc::clone(&fake), MonitorHandle::new(fake))
}

fn watched(fixture: Fixture, name: &'static str) -> Fixture {
    Fixture { endpoint: fixture.endpoint.monitor(fake(name).1), recorder: fixture.recorder }
}

const PAGES: [&str; 2] = ["/debug/memory/monitor", "/debug/memory/monitor/tasks"];

#[test]
fn s67_the_monitor_is_asked_without_a_collection() {
    let (fake, handle) = fake("Vec<AuditRecord>");
    let fixture = Fixture::with(|endpoint| endpoint.monitor(handle));
    for page in PAGES {
        let reply = fixture.get(page);
        assert_eq!((reply.status, header(&reply, "content-type")), (200, Some("text/plain; charset=utf-8")));
        assert!(text(&reply).contains("Vec<AuditRecord>"), "{}", text(&reply));
        let reply = fixture.get_accepting(page, "application/json");
        assert_eq!((reply.status, header(&reply, "content-type")), (200, Some("application/json")));
        assert_eq!(json(&reply)["schema"], "memory-debug/v1");
        assert_eq!(json(&reply)["instance"]["pid"], std::process::id());
    }
    assert_eq!((fixture.collections(), fake.asked.load(Ordering::SeqCst)), (0, 4));
}

#[test]
fn s49_the_monitor_is_not_asked_before_an_authorized_request_for_its_numbers() {
    let (fake, handle) = fake("x");
    let fixture = Fixture::with(|endpoint| endpoint.monitor(handle));
    for page in PAGES {
        assert_eq!(fixture.send("GET", page, &[("authorization", WRONG)]), Reply::unauthorized());
        assert_eq!(fixture.send("HEAD", page, &[("authorization", RIGHT)]).status, 200);
        assert_eq!(fixture.send("POST", page, &[("authorization", RIGHT)]).status, 405);
    }
    fixture.get("/debug/memory/stats");
    fixture.get("/debug/memory/types");
    assert_eq!(fake.asked.load(Ordering::SeqCst), 0);
}

#[test]
fn a_process_without_a_monitor_says_how_to_start_one() {
    let fixture = Fixture::new();
    for (page, path) in PAGES.into_iter().zip(["monitor", "tasks"]) {
        let reply = fixture.get(page);
        assert_eq!(reply.status, 200);
        for part in
            ["no monitor runs in this process: ", "Monitor::new()", ".start()?", "endpoint.monitor(&monitor)"]
        {
            assert!(text(&reply).contains(part), "{part}: {}", text(&reply));
        }
        let reason = &json(&fixture.get(&format!("{page}?format=json")))["unavailable"][path];
        assert!(reason.as_str().is_some_and(|reason| reason.contains("Monitor::new()")), "{reason}");
    }
    assert_eq!(json(&fixture.get("/debug/memory/monitor?format=json"))["monitor"], Value::Null);
    assert!(!text(&fixture.get("/debug/memory/metrics")).contains("memory_debug_monitor"));
}

#[test]
fn s45_rows_are_bounded_and_the_rest_is_counted() {
    let fixture = watched(Fixture::new(), "x");
    for (query, shown) in [("", 50), ("&top=3", 3), ("&top=1000", EVENTS)] {
        let monitor = &json(&fixture.get(&format!("/debug/memory/monitor?format=json{query}")))["monitor"];
        assert_eq!(monitor["events"].as_array().unwrap().len(), shown);
        assert_eq!(monitor["omitted_events"], EVENTS - shown);
        assert_eq!(monitor["events"][0]["id"], EVENTS, "the newest come first");
    }
    let tasks = json(&fixture.get("/debug/memory/monitor/tasks?format=json&top=7"));
    assert_eq!((tasks["tasks"].as_array().unwrap().len(), &tasks["omitted"]), (7, &json!(1993)));
    for page in PAGES {
        assert_eq!(fixture.get(&format!("{page}?top=1001")).status, 400);
        assert_eq!(fixture.get(&format!("{page}?sort=name")).status, 400);
    }
    let small = fixture.endpoint.clone().limits(Limits::default().max_body_bytes(8192));
    let fixture = Fixture { endpoint: small, ..fixture };
    for page in PAGES {
        let reply = fixture.get(&format!("{page}?format=json&top=1000"));
        assert!(reply.body.len() <= 8192);
        assert_eq!(json(&reply)["truncated"], true, "{page}");
    }
}

#[test]
fn s62_s67_only_the_configured_role_sees_the_monitor() {
    for (role_for_types, expected) in [(Role::Read, 200), (Role::Profile, 403)] {
        let fixture = watched(for_roles(role_for_types), "Vec<AuditRecord>");
        for page in PAGES.into_iter().chain(["/debug/memory"]) {
            let reply = fixture.send("GET", page, &[("authorization", READER)]);
            assert_eq!(reply.status, expected, "{page}");
            assert_eq!(text(&reply).contains("AuditRecord"), expected == 200, "{page}: {}", text(&reply));
            assert_eq!(fixture.send("GET", page, &[("authorization", RIGHT)]).status, 200);
        }
    }
}

#[cfg(feature = "prometheus")]
#[test]
fn s62_metrics_name_a_rule_about_a_type_only_for_the_configured_role() {
    for (role_for_types, login, is_named) in
        [(Role::Read, READER, true), (Role::Profile, READER, false), (Role::Profile, RIGHT, true)]
    {
        let fixture = watched(for_roles(role_for_types), "Vec<AuditRecord>");
        let reply = fixture.send("GET", "/debug/memory/metrics", &[("authorization", login)]);
        let metrics = text(&reply);
        assert_eq!(
            metrics.contains("memory_debug_monitor_rule_state{rule=\"Vec<AuditRecord>\"} 2.0\n"),
            is_named
        );
        assert_eq!(metrics.contains("AuditRecord"), is_named, "{metrics}");
        assert!(metrics.contains("memory_debug_monitor_captures_total 4.0\n"), "{metrics}");
    }
}

#[test]
fn s62_the_host_is_left_out_where_the_service_hides_it() {
    let fixture = watched(Fixture::with(Endpoint::hide_host), "x");
    for page in PAGES {
        let reply = json(&fixture.get(&format!("{page}?format=json")));
        assert_eq!(reply["instance"]["host"], Value::Null);
        assert!(reply["unavailable"]["instance.host"].as_str().unwrap().contains("hide_host"), "{reply}");
    }
}

#[test]
fn the_overview_says_how_an_earlier_process_ended() {
    let fixture = watched(Fixture::new(), "Vec<AuditRecord>");
    let line =
        "the previous process held Vec<AuditRecord>; `/monitor` has its last record and its captures\n";
    assert!(text(&fixture.get("/debug/memory")).contains(line));
    let overview = json(&fixture.get("/debug/memory?format=json"));
    assert_eq!(overview["earlier_processes"][0]["pid"], 7);
    for page in ["/debug/memory/types", "/debug/memory/stats", "/debug/memory/doctor"] {
        assert!(!text(&fixture.get(page)).contains("the previous process"), "{page}");
    }
}

#[cfg(feature = "html")]
mod html {
    use super::super::html::BROWSER;
    use super::*;

    #[test]
    fn a_browser_finds_the_monitor_only_where_there_is_one() {
        for (fixture, is_shown) in [(Fixture::new(), false), (watched(Fixture::new(), "x"), true)] {
            let reply = fixture.get_accepting("/debug/memory", BROWSER);
            assert_eq!(text(&reply).contains("<a href=\"./memory/monitor\">Monitor</a>"), is_shown);
            assert_eq!(
                text(&reply).contains("<li class=\"critical\">the previous process held x; "),
                is_shown
            );
            for page in PAGES {
                let reply = fixture.get_accepting(page, BROWSER);
                assert_eq!(header(&reply, "content-type"), Some("text/html; charset=utf-8"));
                assert_eq!(text(&reply).contains("<code>endpoint.monitor(&amp;monitor)</code>"), !is_shown);
            }
        }
    }

    #[test]
    fn s34_names_on_the_pages_of_the_monitor_are_text() {
        let hostile = "<script>alert(1)</script>\"'><img src=x onerror=1>&lt;";
        let fixture = watched(Fixture::new(), hostile);
        for page in PAGES.into_iter().chain(["/debug/memory"]) {
            let reply = fixture.get_accepting(page, BROWSER);
            let page = text(&reply);
            assert!(page.contains("&lt;script&gt;alert(1)"), "{page}");
            for forbidden in ["<script>", "<img", "\"'>", "style="] {
                assert!(!page.contains(forbidden), "{forbidden}: {page}");
            }
        }
    }

    #[test]
    fn a_browser_and_a_terminal_get_the_same_rows() {
        let fixture = watched(Fixture::new(), "Vec<AuditRecord>");
        let page = text(&fixture.get_accepting("/debug/memory/monitor?top=2", BROWSER)).to_owned();
        assert!(page.contains("event 200 of Vec&lt;AuditRecord&gt;") && page.contains("event 199"), "{page}");
        assert!(!page.contains("event 198"));
        assert!(page.contains("<p class=\"summary\">… and 198 more</p>"), "{page}");
    }
}
