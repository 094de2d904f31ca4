//! Requests and their replies, with a collector that counts.

#[cfg(feature = "html")]
mod flame;
mod forced;
#[cfg(feature = "html")]
mod forms;
mod guessing;
mod hidden;
mod holders;
#[cfg(feature = "html")]
mod html;
mod instance;
#[cfg(feature = "html")]
mod links;
#[cfg(feature = "prometheus")]
mod metrics;
mod monitor;
mod order;
mod pprof;
mod profiling;
mod roles;
mod trace;
mod transport;

use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};

use bytes::Bytes;
use memory_debug_core::{Collected, MemoryReport, Scope};
use proptest::prelude::*;
use serde_json::{Value, json};

use super::*;
use crate::parts::{Connection, RequestParts};
use crate::reply::{Format, Reply};
use crate::reply_future::ReplyFuture;

/// `ops:9vKq3x-PzL7_mT2wRb4y`, `ops:wrong`.
const RIGHT: &str = "Basic b3BzOjl2S3EzeC1Qekw3X21UMndSYjR5";
const PASSWORD: &str = "9vKq3x-PzL7_mT2wRb4y";
const WRONG: &str = "Basic b3BzOndyb25n";

/// Pages of a report.
const REPORT_PAGES: [&str; 5] = [
    "/debug/memory",
    "/debug/memory/stats",
    "/debug/memory/instance",
    "/debug/memory/types",
    "/debug/memory/doctor",
];

/// Reports numbered rows and records the requested scopes.
#[derive(Clone, Default)]
struct Recorder(Arc<Mutex<Vec<Scope>>>);

impl Collect for Recorder {
    fn collect(&self, scope: Scope) -> Collected {
        self.0.lock().unwrap().push(scope);
        let row = |index: usize| {
            json!({"type": format!("Type{index}"), "full_type": format!("shop::Type{index}"), "objects": 1,
                   "bytes": 5000 - index, "objects_stderr": 0.0, "bytes_stderr": 0.0, "source": "sampled"})
        };
        serde_json::from_value::<MemoryReport>(json!({
            "schema": "memory-debug/v1",
            "instance": {"id": "00000000-0000-4000-8000-000000000000", "pid": 1}, "collected_at": "",
            "duration_us": 0, "unavailable": {}, "types": {"rows": (0..2000).map(row).collect::<Vec<_>>()},
        }))
        .unwrap()
        .into()
    }
}

struct Fixture {
    endpoint: Endpoint,
    recorder: Recorder,
}

impl Fixture {
    fn new() -> Self {
        let recorder = Recorder::default();
        let credentials = Credentials::new("ops", PASSWORD).unwrap();
        Self { endpoint: Endpoint::new(credentials).collect_with(recorder.clone()), recorder }
    }

    fn with(change: impl FnOnce(Endpoint) -> Endpoint) -> Self {
        let fixture = Self::new();
        Self { endpoint: change(fixture.endpoint), recorder: fixture.recorder }
    }

    fn send(&self, method: &str, target: &str, headers: &[(&str, &str)]) -> Reply {
        let (path, query) =
            target.split_once('?').map_or((target, None), |(path, query)| (path, Some(query)));
        self.answer(parts(method, path, query, &|_| Vec::new()), headers)
    }

    /// The reply to a client at `peer`.
    fn send_from(&self, peer: &str, tls: Option<bool>, headers: &[(&str, &str)]) -> Reply {
        let connection = Connection { peer: peer.parse().ok(), tls };
        self.answer(
            RequestParts { connection, ..parts("GET", "/debug/memory", None, &|_| Vec::new()) },
            headers,
        )
    }

    fn answer(&self, parts: RequestParts<'_>, headers: &[(&str, &str)]) -> Reply {
        let lookup = |wanted: &str| {
            headers.iter().filter(|(name, _)| *name == wanted).map(|(_, value)| value.as_bytes()).collect()
        };
        let outcome = self.endpoint.handle(RequestParts { headers: &lookup, ..parts });
        tokio::runtime::Builder::new_current_thread().build().unwrap().block_on(outcome)
    }

    fn get(&self, target: &str) -> Reply {
        self.send("GET", target, &[("authorization", RIGHT)])
    }

    fn get_accepting(&self, target: &str, accept: &str) -> Reply {
        self.send("GET", target, &[("authorization", RIGHT), ("accept", accept)])
    }

    fn collections(&self) -> usize {
        self.recorder.0.lock().unwrap().len()
    }
}

fn parts<'a>(
    method: &'a str,
    path: &'a str,
    query: Option<&'a str>,
    headers: &'a dyn Fn(&str) -> Vec<&'a [u8]>,
) -> RequestParts<'a> {
    RequestParts { method, authority: None, path, query, headers, connection: Connection::default() }
}

fn header<'r>(reply: &'r Reply, name: &str) -> Option<&'r str> {
    reply.headers.iter().find(|(found, _)| *found == name).map(|(_, value)| &**value)
}

fn json(reply: &Reply) -> Value {
    serde_json::from_slice(&reply.body).unwrap()
}

fn text(reply: &Reply) -> &str {
    std::str::from_utf8(&reply.body).unwrap()
}

#[test]
fn s45_requests_for_more_rows_than_configured_are_refused() {
    let fixture = Fixture::with(|endpoint| endpoint.limits(Limits::default().max_rows(7)));
    assert_eq!(fixture.get("/debug/memory/types?top=7").status, 200);
    assert_eq!(fixture.get("/debug/memory/types?top=8").status, 400);
}

#[test]
fn each_page_exists_in_each_format() {
    let fixture = Fixture::new();
    for path in REPORT_PAGES {
        let reply = fixture.get(path);
        assert_eq!(
            (reply.status, header(&reply, "content-type")),
            (200, Some("text/plain; charset=utf-8")),
            "{path}"
        );
        assert!(!reply.body.is_empty());
        for reply in
            [fixture.get(&format!("{path}?format=json")), fixture.get_accepting(path, "application/json")]
        {
            assert_eq!(
                (reply.status, header(&reply, "content-type")),
                (200, Some("application/json")),
                "{path}"
            );
            assert_eq!(json(&reply)["schema"], "memory-debug/v1");
        }
    }
}

#[test]
fn each_page_collects_only_what_it_shows() {
    let fixture = Fixture::new();
    for path in REPORT_PAGES {
        fixture.get(path);
    }
    assert_eq!(
        *fixture.recorder.0.lock().unwrap(),
        [Scope::Everything, Scope::Stats, Scope::Stats, Scope::Everything, Scope::Everything]
    );
}

#[test]
fn parameters_reach_the_page() {
    let fixture = Fixture::new();
    let rows = |target| json(&fixture.get(target))["types"]["rows"].as_array().unwrap().len();
    assert_eq!(rows("/debug/memory/types?format=json"), 50);
    assert_eq!(rows("/debug/memory/types?format=json&top=3"), 3);
    assert_eq!(rows("/debug/memory/types?format=json&filter=Type1999"), 1);
}

#[test]
fn the_format_parameter_wins_over_the_header() {
    let reply = Fixture::new().get_accepting("/debug/memory?format=text", "application/json");
    assert_eq!(header(&reply, "content-type"), Some("text/plain; charset=utf-8"));
    let reply = Fixture::new().get_accepting("/debug/memory?format=json", "image/png");
    assert_eq!(header(&reply, "content-type"), Some("application/json"));
}

#[test]
fn a_format_that_is_not_offered_is_406_with_the_offered_formats() {
    let reply = Fixture::new().get_accepting("/debug/memory", "image/png");
    assert_eq!(reply.status, 406);
    assert!(text(&reply).contains("text/plain") && text(&reply).contains("application/json"));
    let reply = Fixture::new().get_accepting("/debug/memory", "application/problem+json");
    let offered: Vec<_> = Format::PAGE.iter().map(|format| format.media_type()).collect();
    assert_eq!(json(&reply)["allowed"], json!(offered));
}

#[test]
fn s02_every_path_and_method_answers_the_same_401_before_any_other_check() {
    let fixture = Fixture::new();
    let expected = Reply::unauthorized();
    for method in ["GET", "HEAD", "POST", "PUT", "DELETE", "OPTIONS", "TRACE", "CONNECT", "PATCH", "BREW", ""]
    {
        for target in [
            "/debug/memory",
            "/debug/memory/",
            "/debug/memory/stats",
            "/debug/memory/types?top=0",
            "/debug/memory/unknown?%",
            "/debug/memory//..%00",
            "/debug/memory?format=json",
        ] {
            for accept in ["*/*", "application/json", "image/png"] {
                for authorization in [None, Some(WRONG), Some("Bearer x"), Some("Basic"), Some("\u{e9}")] {
                    let mut headers = vec![("accept", accept)];
                    headers.extend(authorization.map(|value| ("authorization", value)));
                    assert_eq!(
                        fixture.send(method, target, &headers),
                        if method == "HEAD" { expected.clone().without_body() } else { expected.clone() },
                        "{method} {target} {headers:?}"
                    );
                }
            }
        }
    }
    assert_eq!(fixture.collections(), 0);
}

#[test]
fn s03_a_request_with_two_authorization_headers_is_refused() {
    let twice = [("authorization", RIGHT), ("authorization", RIGHT)];
    assert_eq!(Fixture::new().send("GET", "/debug/memory", &twice), Reply::unauthorized());
}

#[test]
fn s13_the_401_asks_for_basic_credentials() {
    let reply = Fixture::new().send("GET", "/debug/memory", &[]);
    assert_eq!(reply.status, 401);
    assert_eq!(header(&reply, "www-authenticate"), Some("Basic realm=\"memory\", charset=\"UTF-8\""));
    assert!(!reply.body.is_empty());
}

#[test]
fn s16_nothing_reachable_from_the_endpoint_shows_the_password() {
    let secret = "tr0ub4dor-ever4fter";
    let credentials = Credentials::new("ops", secret).unwrap();
    let endpoint = Endpoint::new(credentials.clone()).service("shop", "1").limits(Limits::default());
    let header = b"Basic b3BzOnRyMHViNGRvci1ldmVyNGZ0ZXI=";
    let headers = |name: &str| if name == "authorization" { vec![&header[..]] } else { vec![] };
    let parts = parts("HEAD", "/debug/memory", None, &headers);
    let mut shown = format!("{credentials:?} {endpoint:#?} {parts:?} ");
    shown += &format!("{:?}", endpoint.handle(parts));
    assert!(shown.contains("200"), "the header has the right password: {shown}");
    for form in [secret, "tr0ub", "dHIwdWI", "b3BzOn", "authorization: "] {
        assert!(!shown.contains(form), "{form}: {shown}");
    }
}

#[test]
fn s20_only_exact_paths_are_pages() {
    let fixture = Fixture::new();
    for path in [
        "/debug/memory/",
        "/debug/memory//stats",
        "/debug/memory/Stats",
        "/debug/memory/./stats",
        "/debug/memory/st%61ts",
    ] {
        assert!(fixture.endpoint.matches(path), "{path}");
        let reply = fixture.get(path);
        assert_eq!(reply.status, 404, "{path}");
        assert!(text(&reply).contains("/debug/memory/types"), "the pages are listed: {}", text(&reply));
    }
    let long = format!("/debug/memory/{}", "x".repeat(64 * 1024));
    let reply = fixture.get(&long);
    assert_eq!(reply.status, 404);
    assert!(reply.body.len() < 1000, "the path is not echoed");
    assert_eq!(fixture.collections(), 0);
}

#[test]
fn s20_paths_of_the_application_are_not_answered_even_if_they_arrive() {
    let fixture = Fixture::new();
    for path in
        ["/", "", "*", "/debug", "/debug/memoryx", "/debug//memory", "/%64ebug/memory", "/debug/memory;x"]
    {
        assert!(!fixture.endpoint.matches(path), "{path}");
        assert_eq!(fixture.get(path).status, 404, "{path}");
        assert_eq!(fixture.send("GET", path, &[]).status, 401, "{path}");
    }
}

#[test]
fn s21_clones_share_collections_and_changing_a_clone_does_not_change_the_original() {
    let fixture = Fixture::new();
    let elsewhere = fixture.endpoint.clone().path("/internal/memory").unwrap();
    assert!(Arc::ptr_eq(&elsewhere.flights, &fixture.endpoint.flights));
    assert!(elsewhere.matches("/internal/memory") && !elsewhere.matches("/debug/memory"));
    assert!(fixture.endpoint.matches("/debug/memory"));
    let limited = fixture.endpoint.clone().limits(Limits::default().max_rows(5));
    assert!(!Arc::ptr_eq(&limited.flights, &fixture.endpoint.flights));
}

#[test]
fn s23_head_answers_like_get_without_body_and_never_collects() {
    let fixture = Fixture::new();
    for target in [
        "/debug/memory",
        "/debug/memory/stats?format=json",
        "/debug/memory/types?top=5",
        "/debug/memory/doctor",
        "/debug/memory/types?top=0",
        "/debug/memory/unknown",
    ] {
        let head = fixture.send("HEAD", target, &[("authorization", RIGHT)]);
        assert_eq!(fixture.collections(), 0, "{target}");
        assert!(head.body.is_empty(), "{target}");
        let get = Fixture::new().get(target);
        assert_eq!((head.status, &head.headers), (get.status, &get.headers), "{target}");
    }
}

#[test]
fn s23_other_methods_are_405_with_allow() {
    let fixture = Fixture::new();
    for method in ["POST", "PUT", "DELETE", "PATCH", "OPTIONS", "TRACE", "CONNECT", "get", "BREW", ""] {
        for target in ["/debug/memory", "/debug/memory/types", "/debug/memory?unknown=1"] {
            let reply = fixture.send(method, target, &[("authorization", RIGHT)]);
            assert_eq!(
                (reply.status, header(&reply, "allow")),
                (405, Some("GET, HEAD")),
                "{method} {target}"
            );
        }
    }
    assert_eq!(fixture.collections(), 0);
}

#[test]
fn s23_method_override_headers_are_ignored() {
    let headers = [("authorization", RIGHT), ("x-http-method-override", "GET"), ("x-method-override", "GET")];
    assert_eq!(Fixture::new().send("POST", "/debug/memory", &headers).status, 405);
    let headers = [("authorization", RIGHT), ("x-http-method-override", "DELETE")];
    assert_eq!(Fixture::new().send("GET", "/debug/memory", &headers).status, 200);
}

#[test]
fn s24_bad_parameters_are_400_and_named() {
    let fixture = Fixture::new();
    for (query, name) in [
        ("top=0", "top"),
        ("tpo=1", "tpo"),
        ("sort=x", "sort"),
        ("filter=%", "filter"),
        ("top=1&top=1", "top"),
    ] {
        let reply = fixture.get(&format!("/debug/memory/types?{query}"));
        assert_eq!(reply.status, 400, "{query}");
        assert!(text(&reply).contains(&format!("`{name}`")), "{}", text(&reply));
        let reply = fixture.get(&format!("/debug/memory/types?{query}&format=json"));
        assert_eq!(header(&reply, "content-type"), Some("application/problem+json"), "{query}");
        assert_eq!(json(&reply)["parameter"], name);
        assert_eq!(json(&reply)["type"], "urn:memory-debug:problem:invalid-parameter");
    }
    assert_eq!(fixture.collections(), 0);
}

#[test]
fn parameters_are_checked_before_the_accepted_types() {
    assert_eq!(Fixture::new().get_accepting("/debug/memory?x=1", "image/png").status, 400);
}

#[test]
fn s32_a_preflight_without_credentials_is_401() {
    let headers = [("origin", "https://evil.example"), ("access-control-request-method", "GET")];
    assert_eq!(Fixture::new().send("OPTIONS", "/debug/memory", &headers), Reply::unauthorized());
}

#[test]
fn s45_rows_and_bytes_are_bounded() {
    let fixture = Fixture::new();
    assert_eq!(fixture.get("/debug/memory/types?top=1001").status, 400);
    let small = fixture.endpoint.clone().limits(Limits::default().max_body_bytes(4096));
    let reply = Fixture { endpoint: small, ..fixture }.get("/debug/memory/types?top=1000&format=json");
    assert!(reply.body.len() <= 4096);
    assert_eq!(json(&reply)["truncated"], true);
}

#[test]
fn s42_building_an_endpoint_and_refusing_requests_start_no_thread() {
    /// Counts calls, because every call is a mistake.
    struct Never(Arc<AtomicUsize>);
    impl Collect for Never {
        fn collect(&self, _scope: Scope) -> Collected {
            self.0.fetch_add(1, Ordering::SeqCst);
            Recorder::default().collect(Scope::Stats)
        }
    }
    let calls = Arc::new(AtomicUsize::new(0));
    let fixture = Fixture::new();
    let endpoint = fixture.endpoint.clone().collect_with(Never(Arc::clone(&calls)));
    let fixture = Fixture { endpoint, ..fixture };
    fixture.send("GET", "/debug/memory", &[("authorization", WRONG)]);
    fixture.send("HEAD", "/debug/memory", &[("authorization", RIGHT)]);
    fixture.get("/debug/memory?x=1");
    fixture.endpoint.flights.wait_until_idle();
    assert_eq!(calls.load(Ordering::SeqCst), 0);
    fixture.get("/debug/memory");
    assert_eq!(calls.load(Ordering::SeqCst), 1);
}

proptest! {
    #[test]
    fn s12_every_request_without_the_password_gets_the_same_401(
        method in "[A-Z]{0,7}",
        path in "/debug/memory(/\\PC{0,20})?",
        query in proptest::option::of("\\PC{0,20}"),
        authorization in proptest::collection::vec("(Basic )?\\PC{0,40}", 0..3),
        accept in "\\PC{0,20}",
    ) {
        let fixture = Fixture::new();
        let target = query.map_or(path.clone(), |query| format!("{path}?{query}"));
        let mut headers = vec![("accept", accept.as_str())];
        headers.extend(authorization.iter().map(|value| ("authorization", value.as_str())));
        prop_assert_eq!(fixture.send(&method, &target, &headers), Reply::unauthorized());
    }

    #[test]
    fn s24_no_authorized_request_panics(path in "(/debug/memory)?\\PC{0,20}", query in "\\PC{0,40}") {
        let reply = Fixture::new().send("HEAD", &format!("{path}?{query}"), &[("authorization", RIGHT)]);
        prop_assert!(matches!(reply.status, 200 | 400 | 404));
    }
}
