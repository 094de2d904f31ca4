//! `/trace`: what a tracer counted, and who may start and stop it.

use std::time::Duration;

use memory_debug_core::{AlreadyCounting, InstanceInfo, Trace, TraceHandle, TraceReport, TraceSource};

use super::profiling::{READER, answer, endpoint, outcome};
use super::*;

const TRACE: &str = "/debug/memory/trace";
const JSON: (&str, &str) = ("content-type", "application/json");
const START: &[u8] = b"{\"seconds\":30}";
const STOP: &[u8] = b"{\"stop\":true}";
const NODES: usize = 200;

/// Counted calls and routes of the name, and records what it was asked.
#[derive(Debug)]
struct Fake {
    name: &'static str,
    state: Mutex<State>,
}

#[derive(Debug, Default)]
struct State {
    /// Who started it, and for how long.
    started: Option<(String, Duration)>,
    starts: usize,
    stops: usize,
    reports: usize,
}

impl TraceSource for Fake {
    fn report(&self, instance: InstanceInfo) -> TraceReport {
        let mut state = self.state.lock().unwrap();
        state.reports += 1;
        let node = |place: usize| {
            json!({"depth": place.min(1), "name": self.name, "file": format!("src/{}.rs", self.name), "line": 7, "calls": 9,
                   "total_ns": 1000, "own_total_ns": 1000 - place, "kind": "route", "allocated": 9 << 20})
        };
        let route = |_| json!({"route": self.name, "requests": 9, "allocated": {"mean": 40 << 20}});
        let trace: Trace = serde_json::from_value(json!({
            "counting": state.started.is_some(), "started_at": "2026-11-20T12:11:30Z",
            "ends_at": state.started.as_ref().map(|_| "2026-11-20T12:12:00Z"),
            "started_by": state.started.as_ref().map(|(user, _)| user), "counted_ns": 7_900_000_000_u64,
            "nodes": (0..NODES).map(node).collect::<Vec<_>>(), "max_nodes": 16_384,
            "routes": (0..NODES).map(route).collect::<Vec<_>>(),
        }))
        .unwrap();
        TraceReport::new(instance, "2026-11-20T12:11:58Z", trace)
    }

    fn start(&self, time: Duration, user: &str) -> Result<(), AlreadyCounting> {
        let mut state = self.state.lock().unwrap();
        if state.started.is_some() {
            return Err(AlreadyCounting::default());
        }
        (state.started, state.starts) = (Some((user.to_owned(), time)), state.starts + 1);
        Ok(())
    }

    fn stop(&self) -> bool {
        let mut state = self.state.lock().unwrap();
        state.stops += 1;
        state.started.take().is_some()
    }
}

fn fake(name: &'static str) -> (Arc<Fake>, TraceHandle) {
    let fake = Arc::new(Fake { name, state: Mutex::default() });
    (Arc::clone(&fake), TraceHandle::new(fake))
}

fn traced(fixture: Fixture, name: &'static str) -> Fixture {
    Fixture { endpoint: fixture.endpoint.tracer(fake(name).1), recorder: fixture.recorder }
}

fn post(endpoint: &Endpoint, headers: &[(&str, &str)], body: &[u8]) -> Reply {
    let own = [("authorization", RIGHT), JSON];
    let named: Vec<_> = headers.iter().map(|(name, _)| *name).collect();
    let own = own.into_iter().filter(|(name, _)| !named.contains(name));
    let headers: Vec<_> = own.chain(headers.iter().copied()).collect();
    answer(outcome(endpoint, "POST", TRACE, &headers), &[body])
}

#[test]
fn the_trace_is_read_without_a_collection() {
    let (fake, handle) = fake("GET /export");
    let fixture = Fixture::with(|endpoint| endpoint.tracer(handle));
    let reply = fixture.get(TRACE);
    assert_eq!((reply.status, header(&reply, "content-type")), (200, Some("text/plain; charset=utf-8")));
    assert!(text(&reply).contains("\nGET /export   |     9 |"), "{}", text(&reply));
    let reply = fixture.get_accepting(TRACE, "application/json");
    assert_eq!((reply.status, header(&reply, "content-type")), (200, Some("application/json")));
    assert_eq!(json(&reply)["instance"]["pid"], std::process::id());
    assert_eq!(json(&reply)["trace"]["routes"][0]["allocated"]["mean"], 40 << 20);
    assert_eq!((fixture.collections(), fake.state.lock().unwrap().reports), (0, 2));
}

/// The formats of other tools, with their media types and the beginnings of their bodies.
#[cfg(feature = "formats")]
const OF_TOOLS: [(&str, &str, &str, &[u8]); 5] = [
    ("callgrind", "text/plain; charset=utf-8", "callgrind", b"# callgrind format\n"),
    ("cpuprofile", "application/json", "cpuprofile", b"{"),
    ("speedscope", "application/json", "speedscope.json", b"{"),
    ("collapsed", "text/plain; charset=utf-8", "collapsed", b"GET /export"),
    ("pprof", "application/octet-stream", "pb.gz", b"\x1f\x8b"),
];

#[cfg(feature = "formats")]
#[test]
fn a_trace_is_written_for_other_tools() {
    let fixture = traced(Fixture::new(), "GET /export");
    for (format, media_type, ending, begin) in OF_TOOLS {
        let target = format!("{TRACE}?format={format}");
        let reply = fixture.get(&target);
        assert_eq!((reply.status, header(&reply, "content-type")), (200, Some(media_type)), "{format}");
        let disposition = format!("attachment; filename=\"trace.{ending}\"");
        assert_eq!(header(&reply, "content-disposition"), Some(&*disposition));
        assert!(reply.body.starts_with(begin), "{format}: {:?}", &reply.body[..20]);
        let head = fixture.send("HEAD", &target, &[("authorization", RIGHT)]);
        assert_eq!((head.headers, head.body.len()), (reply.headers, 0), "{format}");
        let none = Fixture::new().get(&target);
        assert_eq!(none.status, 501, "{format}");
        assert!(text(&none).contains("Tracer::new()"), "{}", text(&none));
    }
}

#[cfg(feature = "formats")]
#[test]
fn a_format_with_one_number_shows_the_chosen_one() {
    let fixture = traced(Fixture::new(), "GET /export");
    let total = |query: &str| -> u64 {
        let reply = fixture.get(&format!("{TRACE}?format=collapsed{query}"));
        let number = |line: &str| line.rsplit_once(' ').unwrap().1.parse::<u64>().unwrap();
        text(&reply).lines().map(number).sum()
    };
    // See the nodes of the fake.
    let own: u64 = (0..NODES as u64).map(|place| 1000 - place).sum();
    assert_eq!((total(""), total("&events=total"), total("&events=busy")), (own, own, 0));
    let reply = fixture.get(&format!("{TRACE}?format=collapsed&events=allocated"));
    assert_eq!(reply.status, 501, "some nodes have no own bytes");
    assert!(text(&reply).contains("the trace has no bytes"), "{}", text(&reply));
}

#[cfg(feature = "formats")]
#[test]
fn s45_s69_a_trace_for_another_tool_has_a_limited_length() {
    let fixture = traced(Fixture::new(), "GET /export");
    for (format, ..) in OF_TOOLS {
        let target = format!("{TRACE}?format={format}");
        let whole = fixture.get(&target).body.len();
        let limits = Limits::default().max_body_bytes(4096);
        let small =
            Fixture { endpoint: fixture.endpoint.clone().limits(limits), recorder: fixture.recorder.clone() };
        let reply = small.get(&target);
        assert!(reply.status == 200 && reply.body.len() <= whole.min(4096), "{format}: {}", reply.status);
    }
}

#[test]
fn a_page_without_a_tracer_says_how_to_add_one() {
    let fixture = Fixture::new();
    let reply = fixture.get(TRACE);
    assert_eq!(reply.status, 200);
    for part in ["no tracer in this process: ", "`let tracer = Tracer::new();`", "`endpoint.tracer(&tracer)`"]
    {
        assert!(text(&reply).contains(part), "{part}: {}", text(&reply));
    }
    let reply = json(&fixture.get(&format!("{TRACE}?format=json")));
    assert_eq!(reply["trace"], Value::Null);
    for body in [START, STOP] {
        let reply = post(&endpoint(), &[], body);
        assert_eq!(reply.status, 501);
        assert!(text(&reply).contains("Tracer::new()"), "{}", text(&reply));
    }
}

#[test]
fn s49_the_tracer_is_not_touched_before_an_authorized_request_for_it() {
    let (fake, handle) = fake("x");
    let fixture = Fixture::with(|endpoint| endpoint.tracer(handle));
    for method in ["GET", "POST"] {
        assert_eq!(fixture.send(method, TRACE, &[("authorization", WRONG)]), Reply::unauthorized());
    }
    assert_eq!(fixture.send("HEAD", TRACE, &[("authorization", RIGHT)]).status, 200);
    for method in ["PUT", "DELETE", "PATCH"] {
        assert_eq!(fixture.send(method, TRACE, &[("authorization", RIGHT)]).status, 405);
    }
    for page in REPORT_PAGES {
        fixture.get(page);
    }
    let state = fake.state.lock().unwrap();
    assert_eq!((state.reports, state.starts, state.stops), (0, 0, 0));
}

#[test]
fn s45_s69_rows_are_bounded_and_the_rest_is_counted() {
    let fixture = traced(Fixture::new(), "x");
    for (query, shown) in [("", 50), ("&top=3", 3), ("&top=1000", NODES)] {
        let trace = &json(&fixture.get(&format!("{TRACE}?format=json{query}")))["trace"];
        for (rows, omitted) in [("nodes", "omitted"), ("routes", "omitted_routes")] {
            assert_eq!(trace[rows].as_array().unwrap().len(), shown);
            assert_eq!(trace[omitted], NODES - shown);
        }
    }
    for wrong in ["top=1001", "sort=name", "events=calls", "seconds=30"] {
        assert_eq!(fixture.get(&format!("{TRACE}?{wrong}")).status, 400, "{wrong}");
    }
    let small = fixture.endpoint.clone().limits(Limits::default().max_body_bytes(8192));
    let reply = Fixture { endpoint: small, ..fixture }.get(&format!("{TRACE}?format=json&top=1000"));
    assert!(reply.body.len() <= 8192);
    assert_eq!(json(&reply)["truncated"], true);
}

#[test]
fn s62_s68_other_roles_than_the_configured_one_see_numbers_without_names() {
    for (role_for_types, login, is_named) in
        [(Role::Read, READER, true), (Role::Profile, READER, false), (Role::Profile, RIGHT, true)]
    {
        let endpoint = endpoint().role_for_types(role_for_types).tracer(fake("secret").1);
        for format in ["text", "json", "html"] {
            if format == "html" && cfg!(not(feature = "html")) {
                continue;
            }
            let target = format!("{TRACE}?format={format}");
            let reply = answer(outcome(&endpoint, "GET", &target, &[("authorization", login)]), &[]);
            let page = text(&reply);
            assert_eq!(reply.status, 200, "{page}");
            assert_eq!(page.contains("secret"), is_named, "{page}");
            assert_eq!(page.contains("role_for_types"), !is_named, "{page}");
            let number = if format == "json" { "41943040" } else { "40.00 MiB" };
            assert!(page.contains(number), "{page}");
        }
        for format in ["callgrind", "cpuprofile", "speedscope", "collapsed"] {
            let target = format!("{TRACE}?format={format}");
            let reply = answer(outcome(&endpoint, "GET", &target, &[("authorization", login)]), &[]);
            let is_named = is_named && cfg!(feature = "formats");
            assert_eq!(text(&reply).contains("secret"), is_named, "{}", text(&reply));
        }
    }
}

#[test]
fn s62_the_host_is_left_out_where_the_service_hides_it() {
    let fixture = traced(Fixture::with(Endpoint::hide_host), "x");
    let reply = json(&fixture.get(&format!("{TRACE}?format=json")));
    assert_eq!(reply["instance"]["host"], Value::Null);
    assert!(reply["unavailable"]["instance.host"].as_str().unwrap().contains("hide_host"), "{reply}");
}

#[test]
fn s69_a_login_with_the_role_starts_and_stops_the_tracer() {
    let (fake, handle) = fake("x");
    let endpoint = endpoint().tracer(handle);
    let started = post(&endpoint, &[], START);
    assert_eq!(started.status, 200, "{}", text(&started));
    assert!(text(&started).contains("until 2026-11-20T12:12:00Z · counted 7.9 s · started by ops\n"));
    assert!(!text(&started).contains("calls"), "the reply has the state and no rows: {}", text(&started));
    let expected = Some(("ops".to_owned(), Duration::from_secs(30)));
    assert_eq!(fake.state.lock().unwrap().started, expected);

    let again = post(&endpoint, &[("accept", "application/json")], START);
    let detail =
        "the tracer already counts until 2026-11-20T12:12:00Z, started by ops; wait, or stop it first";
    assert_eq!((again.status, &json(&again)["detail"]), (409, &json!(detail)));
    assert_eq!(json(&again)["type"], "urn:memory-debug:problem:already-counting");

    for _ in 0..2 {
        let stopped = post(&endpoint, &[("accept", "application/json")], STOP);
        assert_eq!((stopped.status, &json(&stopped)["trace"]["counting"]), (200, &json!(false)));
    }
    assert_eq!(post(&endpoint, &[], START).status, 200);
    let state = fake.state.lock().unwrap();
    assert_eq!((state.starts, state.stops), (2, 2));
}

#[test]
fn s15_s69_a_reader_starts_and_stops_nothing_and_its_body_is_not_read() {
    let (fake, handle) = fake("x");
    let endpoint = endpoint().tracer(handle);
    for body in [START, STOP] {
        let headers = [("authorization", READER), JSON];
        let outcome = outcome(&endpoint, "POST", TRACE, &headers);
        assert!(!outcome.needs_body());
        assert_eq!(answer(outcome, &[]).status, 403, "{}", body.escape_ascii());
    }
    let state = fake.state.lock().unwrap();
    assert_eq!((state.starts, state.stops), (0, 0));
}

#[test]
fn s69_nothing_starts_the_tracer_without_a_limit() {
    let (fake, handle) = fake("x");
    let endpoint = endpoint().tracer(handle);
    for body in ["", "{}", "{\"stop\":false}", "{\"seconds\":0}", "{\"seconds\":601}", "{\"seconds\":null}"] {
        assert_eq!(post(&endpoint, &[], body.as_bytes()).status, 400, "{body}");
    }
    assert_eq!(fake.state.lock().unwrap().starts, 0);
}

#[test]
fn s26_the_body_is_read_only_after_all_other_checks_pass() {
    let endpoint = endpoint().tracer(fake("x").1);
    // At first everything is wrong. Each step corrects the fault that was found.
    let (mut method, mut target) = ("PATCH", "/debug/memory/trace?top=5");
    let mut headers = vec![
        ("authorization", WRONG),
        ("sec-fetch-site", "cross-site"),
        ("accept", "image/png"),
        ("content-type", "text/plain"),
        ("content-encoding", "gzip"),
        ("content-length", "16385"),
    ];
    let mut statuses = Vec::new();
    for step in 0.. {
        let outcome = outcome(&endpoint, method, target, &headers);
        assert_eq!(outcome.needs_body(), step == 9, "{step}");
        statuses.push(answer(outcome, &[START]).status);
        match step {
            0 => headers[0].1 = READER,
            1 => headers[1].1 = "same-origin",
            2 => method = "POST",
            3 => target = TRACE,
            4 => headers[2].1 = "application/json",
            5 => headers[0].1 = RIGHT,
            6 => headers[3].1 = "application/json",
            7 => headers[4].1 = "identity",
            8 => headers[5].1 = "16384",
            _ => break,
        }
    }
    // Password, origin of the request, method, parameters, format, role, type, encoding, length, and then the body.
    assert_eq!(statuses, [401, 403, 405, 400, 406, 403, 415, 415, 413, 200]);
}

#[cfg(feature = "html")]
mod html {
    use super::super::html::BROWSER;
    use super::*;

    const FORM: (&str, &str) = ("content-type", "application/x-www-form-urlencoded");

    fn send_form(endpoint: &Endpoint, accept: &str, body: &str) -> Reply {
        let headers = [FORM, ("accept", accept), ("sec-fetch-site", "same-origin")];
        post(endpoint, &headers, body.as_bytes())
    }

    #[test]
    fn s69_a_form_starts_and_stops_the_tracer_and_leads_back_to_the_page() {
        let (fake, handle) = fake("x");
        let endpoint = endpoint().tracer(handle);
        for form in ["seconds=30", "stop=true"] {
            let reply = send_form(&endpoint, BROWSER, form);
            assert_eq!((reply.status, header(&reply, "location")), (303, Some("./trace")), "{form}");
        }
        assert_eq!(send_form(&endpoint, "*/*", "seconds=30&stop=").status, 200);
        let conflict = send_form(&endpoint, BROWSER, "seconds=30");
        assert_eq!(
            (conflict.status, header(&conflict, "content-type")),
            (409, Some("text/html; charset=utf-8"))
        );
        let state = fake.state.lock().unwrap();
        assert_eq!((state.starts, state.stops), (2, 1));
    }

    #[test]
    fn s24_s69_a_wrong_field_is_refused_by_name() {
        let (fake, handle) = fake("x");
        let endpoint = endpoint().tracer(handle);
        for (form, words) in [
            ("", "either `seconds` starts the tracer"),
            ("stop=false", "`stop` must be `true`"),
            ("seconds=30&stop=true", "either `seconds` starts the tracer"),
            ("seconds=0", "seconds must be a number from 1 to 600"),
            ("seconds=601", "seconds must be a number from 1 to 600"),
            ("seconds=1.5", "`seconds` must be a number"),
            ("seconds=1&seconds=2", "`seconds` is given twice"),
            ("forever=true", "`forever` is not a parameter of this page; it has seconds, stop"),
            ("{\"seconds\":30}", "is not a parameter of this page"),
        ] {
            let reply = send_form(&endpoint, "*/*", form);
            assert_eq!(reply.status, 400, "{form}");
            assert!(text(&reply).contains(words), "{form}: {}", text(&reply));
        }
        assert_eq!(fake.state.lock().unwrap().starts, 0);
    }

    #[test]
    fn a_browser_finds_the_trace_only_where_there_is_a_tracer() {
        for (fixture, is_shown) in [(Fixture::new(), false), (traced(Fixture::new(), "x"), true)] {
            let reply = fixture.get_accepting("/debug/memory", BROWSER);
            assert_eq!(text(&reply).contains("<a href=\"./memory/trace\">Trace</a>"), is_shown);
            let reply = fixture.get_accepting(TRACE, BROWSER);
            assert_eq!(header(&reply, "content-type"), Some("text/html; charset=utf-8"));
            assert_eq!(text(&reply).contains("<code>endpoint.tracer(&amp;tracer)</code>"), !is_shown);
            assert_eq!(text(&reply).contains("<button>Start</button>"), is_shown);
        }
    }

    #[test]
    fn s33_s34_names_on_the_page_of_the_tracer_are_text() {
        let hostile = "<script>alert(1)</script>\"'><img src=x onerror=1>&lt;";
        let reply = traced(Fixture::new(), hostile).get_accepting(TRACE, BROWSER);
        let page = text(&reply);
        assert!(page.contains("&lt;script&gt;alert(1)"), "{page}");
        for forbidden in ["<script>", "<img", "\"'>", "style="] {
            assert!(!page.contains(forbidden), "{forbidden}: {page}");
        }
    }
}
