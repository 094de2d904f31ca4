//! `/holders`: which scans requests make, in which forms, and for which logins.

use std::sync::mpsc::{Receiver, Sender, channel};
use std::time::Duration;

use memory_debug_core::{HoldersOptions, HoldersReport, InstanceInfo, ProgressReport, RunningScan};

use super::roles::READER;
use super::*;

const HOLDERS: &str = "/debug/memory/holders";
const LAST: &str = "/debug/memory/holders?last=true";
const HOSTILE: &str = "</text><script>alert(1)</script>\"'\n\u{202e}";

/// Sends when a scan begins, and receives when it may end.
type Gate = (Sender<()>, Receiver<()>);

/// Scans that were made, and the result of the last one.
#[derive(Clone, Default)]
struct Scanner {
    recorder: Recorder,
    made: Arc<Mutex<Vec<HoldersOptions>>>,
    last: Arc<Mutex<Option<Arc<HoldersReport>>>>,
    /// Says that a scan begins, and waits until it may end.
    gate: Arc<Mutex<Option<Gate>>>,
    /// The name of the first type.
    name: Option<&'static str>,
}

impl Collect for Scanner {
    fn collect(&self, scope: Scope) -> Collected {
        self.recorder.collect(scope)
    }

    fn holders(&self, options: &HoldersOptions) -> Option<HoldersReport> {
        self.made.lock().unwrap().push(options.clone());
        if let Some((begins, may_end)) = self.gate.lock().unwrap().as_ref() {
            begins.send(()).unwrap();
            may_end.recv().unwrap();
        }
        let report = report(self.name.unwrap_or("String"));
        *self.last.lock().unwrap() = Some(Arc::new(report.clone()));
        Some(report)
    }

    fn last_holders(&self) -> Option<Arc<HoldersReport>> {
        self.last.lock().unwrap().clone()
    }

    fn holders_progress(&self) -> Option<ProgressReport> {
        let begun = self.made.lock().unwrap().len();
        let running = (begun > 0 && self.last_holders().is_none())
            .then(|| RunningScan::new("2026-11-20T12:11:56Z", 96 << 20, 128 << 20, 1));
        let instance = InstanceInfo::new(memory_debug_core::instance_id(), 7);
        Some(ProgressReport::new(instance, running, self.last_holders().map(|last| last.scanned_at.clone())))
    }
}

/// A report of a type `name` in a static, and of a cycle of nodes.
fn report(name: &str) -> HoldersReport {
    serde_json::from_value(json!({
        "schema": "memory-debug/v1",
        "instance": {"id": "6f1c9a2e-0000-4000-8000-000000000001", "service": "shop", "pid": 7, "host": "node-7"},
        "scanned_at": "2026-11-20T12:12:00Z", "duration_us": 4_100_000, "cpu_us": 2_900_000,
        "coverage": {"scans": 3, "heap_bytes": 128 << 20, "read_bytes": 128 << 20,
                     "recorded_since": "2026-11-20T09:00:00Z"},
        "types": [
            {"type_name": name, "bytes": 24 << 20, "bytes_stderr": 3e6, "samples": 47, "chains": [
                {"links": [{"type_name": "Session", "bytes": 64}], "root": {"kind": "static", "name": "shop::SESSIONS"},
                 "bytes": 24 << 20, "bytes_stderr": 3e6, "samples": 47}]},
            {"type_name": "Node", "bytes": 8 << 20, "bytes_stderr": 2e6, "samples": 16, "unreachable": {
                "bytes": 8 << 20, "bytes_stderr": 2e6, "samples": 16, "scans": 3, "cycle": ["Node", "Arc<Node>"]}},
        ],
        "omitted": 0, "unavailable": {},
    }))
    .unwrap()
}

fn fixture(scanner: &Scanner) -> Fixture {
    let reader = Credentials::new("grafana", PASSWORD).unwrap().role(Role::Read);
    let credentials = Credentials::new("ops", PASSWORD).unwrap().and(reader).unwrap();
    let endpoint = Endpoint::new(credentials).collect_with(scanner.clone());
    Fixture { endpoint, recorder: scanner.recorder.clone() }
}

fn made(scanner: &Scanner) -> Vec<HoldersOptions> {
    scanner.made.lock().unwrap().clone()
}

#[test]
fn a_request_scans_once_and_collects_nothing() {
    let scanner = Scanner::default();
    let fixture = fixture(&scanner);
    let reply = fixture.get(HOLDERS);
    assert_eq!((reply.status, header(&reply, "content-type")), (200, Some("text/plain; charset=utf-8")));
    assert!(
        text(&reply).contains("String ← Session ← static shop::SESSIONS | 24.00 MiB"),
        "{}",
        text(&reply)
    );
    assert_eq!((made(&scanner).len(), fixture.collections()), (1, 0));
    let wanted = HoldersOptions { type_filter: None, depth: 8, deadline: Duration::from_secs(20), scans: 3 };
    assert_eq!(made(&scanner)[0], wanted);
    fixture.get(&format!("{HOLDERS}?depth=3&scans=1&seconds=60&type=Node"));
    let wanted = HoldersOptions { type_filter: None, depth: 3, deadline: Duration::from_secs(60), scans: 1 };
    assert_eq!(made(&scanner)[1], wanted);
}

#[test]
fn parameters_are_bounded_and_a_scan_excludes_the_last_result() {
    let scanner = Scanner::default();
    let fixture = fixture(&scanner);
    for (query, reason) in [
        ("depth=0", "`depth` must be a number from 1 to 32"),
        ("depth=33", "`depth` must be a number from 1 to 32"),
        ("scans=4", "`scans` must be a number from 1 to 3"),
        ("seconds=61", "`seconds` must be a number from 1 to 60"),
        ("last=yes", "`last` must be `true` or `false`"),
        ("last=true&scans=3", "`scans` cannot be combined with `last`"),
        ("format=pprof", "`format` must be `text`, `json`"),
        ("type=%00", "`type` must not contain control characters"),
        ("filter=x", "`filter` is not a parameter of this page"),
    ] {
        let reply = fixture.get(&format!("{HOLDERS}?{query}"));
        assert_eq!(reply.status, 400, "{query}");
        assert!(text(&reply).contains(reason), "{query}: {}", text(&reply));
    }
    assert_eq!(made(&scanner), []);
}

#[test]
fn s62_only_the_role_profile_may_scan_or_see_a_result() {
    let scanner = Scanner::default();
    let fixture = fixture(&scanner);
    for target in [HOLDERS, LAST, "/debug/memory/holders/progress"] {
        for method in ["GET", "HEAD"] {
            let reply = fixture.send(method, target, &[("authorization", READER)]);
            assert_eq!(reply.status, 403, "{method} {target}");
        }
        assert_eq!(fixture.send("GET", target, &[("authorization", WRONG)]).status, 401, "{target}");
    }
    assert_eq!(made(&scanner), []);
}

#[test]
fn only_get_scans() {
    let scanner = Scanner::default();
    let fixture = fixture(&scanner);
    for method in ["POST", "PUT", "DELETE", "OPTIONS", "PATCH"] {
        for path in [HOLDERS, "/debug/memory/holders/progress"] {
            let reply = fixture.send(method, path, &[("authorization", RIGHT)]);
            assert_eq!((reply.status, header(&reply, "allow")), (405, Some("GET, HEAD")), "{method} {path}");
        }
    }
    let reply = fixture.send("HEAD", HOLDERS, &[("authorization", RIGHT)]);
    assert_eq!((reply.status, reply.body.len()), (200, 0));
    assert_eq!(made(&scanner), []);
}

#[test]
fn s60_every_form_has_its_media_type_and_no_address() {
    let scanner = Scanner::default();
    let fixture = fixture(&scanner);
    for (format, media_type, file, begin) in [
        ("text", "text/plain; charset=utf-8", None, "shop · pid 7"),
        ("json", "application/json", None, "{\n  \"schema\": \"memory-debug/v1\""),
        ("svg", "image/svg+xml", Some("attachment; filename=\"holders.svg\""), "<svg xmlns="),
        (
            "dot",
            "text/vnd.graphviz; charset=utf-8",
            Some("attachment; filename=\"holders.dot\""),
            "digraph holders {",
        ),
    ] {
        let reply = fixture.get(&format!("{HOLDERS}?format={format}"));
        assert_eq!((reply.status, header(&reply, "content-type")), (200, Some(media_type)), "{format}");
        assert_eq!(header(&reply, "content-disposition"), file, "{format}");
        assert!(text(&reply).starts_with(begin), "{format}: {}", text(&reply));
        let accepted = fixture.get_accepting(HOLDERS, media_type.split(';').next().unwrap());
        assert_eq!(header(&accepted, "content-type"), Some(media_type), "{format}");
        // S60: the value has no field for an address, and no form invents one.
        assert!(!text(&reply).contains("0x"), "{format}: {}", text(&reply));
    }
}

#[cfg(feature = "html")]
#[test]
fn a_browser_gets_a_page_with_the_graph_and_a_form_that_scans() {
    let scanner = Scanner::default();
    let fixture = fixture(&scanner);
    let first = fixture.get_accepting(LAST, "text/html");
    assert_eq!((first.status, made(&scanner).len()), (200, 0));
    assert!(text(&first).contains("No scan of this process has ended yet"), "{}", text(&first));
    let page = fixture.get_accepting(HOLDERS, "text/html");
    for part in ["<svg class=\"holders\"", "<h2>unreachable</h2>", "<button>Scan the heap</button>"] {
        assert!(text(&page).contains(part), "{part}: {}", text(&page));
    }
    let overview = fixture.get_accepting("/debug/memory", "text/html");
    assert!(
        text(&overview).contains("<a href=\"./memory/holders?last=true\">Holders</a>"),
        "{}",
        text(&overview)
    );
}

#[test]
fn the_last_result_is_shown_without_a_scan() {
    let scanner = Scanner::default();
    let fixture = fixture(&scanner);
    for format in ["text", "json", "svg", "dot"] {
        let reply = fixture.get(&format!("{LAST}&format={format}"));
        assert_eq!(reply.status, 409, "{format}");
        assert!(text(&reply).contains("no scan of this process has ended"), "{}", text(&reply));
    }
    fixture.get(HOLDERS);
    let reply = fixture.get(&format!("{LAST}&format=json&type=Node"));
    let types = json(&reply)["types"].clone();
    assert_eq!((types.as_array().unwrap().len(), &types[0]["type_name"]), (1, &"Node".into()));
    assert_eq!(made(&scanner).len(), 1);
}

#[test]
fn requests_that_arrive_during_a_scan_share_it_in_every_form() {
    let scanner = Scanner::default();
    let (begins, has_begun) = channel();
    let (end, may_end) = channel();
    *scanner.gate.lock().unwrap() = Some((begins, may_end));
    let fixture = fixture(&scanner);
    let start = |query: Option<&str>| {
        let lookup =
            |wanted: &str| if wanted == "authorization" { vec![RIGHT.as_bytes()] } else { Vec::new() };
        fixture
            .endpoint
            .handle(RequestParts { headers: &lookup, ..parts("GET", HOLDERS, query, &|_| Vec::new()) })
    };
    let first = start(None);
    has_begun.recv().unwrap();
    let others = [start(None), start(Some("format=json")), start(Some("type=Node"))];
    // Other pages, and what is known of scans, do not wait for it.
    assert_eq!(fixture.get("/debug/memory/stats").status, 200);
    let progress = fixture.get("/debug/memory/holders/progress");
    assert!(text(&progress).contains("scan 2, read 96.0 MiB of 128.0 MiB (75 %)"), "{}", text(&progress));
    assert_eq!(fixture.get(LAST).status, 409);
    end.send(()).unwrap();
    let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
    assert_eq!(runtime.block_on(first).status, 200);
    for other in others {
        assert_eq!(runtime.block_on(other).status, 200);
    }
    assert_eq!(made(&scanner).len(), 1);
    // A later request gets a new scan.
    end.send(()).unwrap();
    assert_eq!((fixture.get(HOLDERS).status, made(&scanner).len()), (200, 2));
}

#[test]
fn a_service_with_a_collector_of_its_own_cannot_scan() {
    let fixture = Fixture::new();
    for target in [HOLDERS, "/debug/memory/holders/progress"] {
        let reply = fixture.get(target);
        assert_eq!(reply.status, 501, "{target}");
        assert!(text(&reply).contains("its collector cannot scan the heap"), "{}", text(&reply));
    }
}

#[test]
fn no_scraper_starts_a_scan() {
    let scanner = Scanner::default();
    let fixture = fixture(&scanner);
    for page in
        REPORT_PAGES.into_iter().chain(["/debug/memory/metrics", "/debug/memory/heap", "/debug/memory/leaks"])
    {
        fixture.get(page);
    }
    assert_eq!(made(&scanner), []);
}

#[test]
fn s62_the_name_of_the_host_is_hidden_in_every_form() {
    let scanner = Scanner::default();
    let fixture = fixture(&scanner);
    let fixture = Fixture { endpoint: fixture.endpoint.hide_host(), recorder: fixture.recorder };
    for format in ["text", "json", "svg", "dot"] {
        let reply = fixture.get(&format!("{HOLDERS}?format={format}"));
        assert!(!text(&reply).contains("node-7"), "{format}: {}", text(&reply));
    }
}

#[test]
fn s34_s64_a_hostile_name_is_text_in_every_form() {
    let scanner = Scanner { name: Some(HOSTILE), ..Scanner::default() };
    let fixture = fixture(&scanner);
    for format in ["text", "json", "svg", "dot"] {
        let reply = fixture.get(&format!("{HOLDERS}?format={format}"));
        assert!(!text(&reply).contains('\u{202e}'), "{format}: {}", text(&reply));
        if format == "svg" {
            assert!(!text(&reply).contains("<script"), "{}", text(&reply));
        }
    }
    let page = fixture.get_accepting(LAST, "text/html");
    assert!(!text(&page).contains("<script>alert"), "{}", text(&page));
}

#[test]
fn the_doctor_and_leaks_know_the_last_scan() {
    let scanner = Scanner::default();
    let fixture = fixture(&scanner);
    let not_checked = |fixture: &Fixture| {
        let doctor = json(&fixture.get("/debug/memory/doctor?format=json"))["doctor"].clone();
        (doctor["not_checked"].to_string().contains("\"unreachable-memory\""), doctor["verdicts"].to_string())
    };
    assert!(not_checked(&fixture).0, "no scan ran");
    let leaks = fixture.get("/debug/memory/leaks");
    assert!(!text(&leaks).contains("holders"), "{}", text(&leaks));
    fixture.get(HOLDERS);
    let (is_not_checked, verdicts) = not_checked(&fixture);
    assert!(!is_not_checked && verdicts.contains("no pointer to 8.00 MiB ± 24 % of `Node`"), "{verdicts}");
    let leaks = fixture.get("/debug/memory/leaks");
    assert_eq!(leaks.status, 409, "there are no snapshots");
    assert!(text(&leaks).contains("GET /holders?last=true"), "{}", text(&leaks));
}

#[cfg(feature = "formats")]
#[test]
fn a_heap_snapshot_has_holders_as_edges_once_a_scan_found_them() {
    let scanner = Scanner::default();
    let fixture = fixture(&scanner);
    let target = "/debug/memory/heap?format=heapsnapshot";
    // This collector has no heap profile, which every other form needs.
    assert_eq!(fixture.get(target).status, 501);
    fixture.get(HOLDERS);
    let reply = fixture.get(target);
    assert_eq!((reply.status, header(&reply, "content-type")), (200, Some("application/json")));
    let snapshot = json(&reply);
    let strings = snapshot["strings"].to_string();
    for name in [
        "edges are holders, found by a scan at 2026-11-20T12:12:00Z",
        "static shop::SESSIONS",
        "(no pointer found)",
    ] {
        assert!(strings.contains(name), "{name}: {strings}");
    }
    assert_eq!(fixture.get("/debug/memory/heap?format=heaptimeline").status, 501);
    assert_eq!(made(&scanner).len(), 1);
}
