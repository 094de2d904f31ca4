//! Whole requests to endpoints with all settings. Each reply is the documented reply, with the requested rows, or
//! with the reason why a change is refused. Without the right credentials the reply is always the same constant, and
//! no body is read. Any server can send the headers.

#![no_main]

use std::collections::BTreeSet;
use std::convert::Infallible;
use std::future::poll_fn;
use std::pin::pin;
use std::sync::{Arc, LazyLock};
use std::task::{Context, Poll, Wake, Waker};
use std::thread::{self, Thread};

use libfuzzer_sys::fuzz_target;
use memory_debug_endpoint::memory_debug_core::{Collected, MemoryReport, Scope, instance_id};
use memory_debug_endpoint::{
    Collect, Connection, Credentials, Endpoint, Peers, Reply, ReplyFuture, RequestParts, Role,
};

#[path = "../base64.rs"]
mod base64;
#[path = "../request/expected.rs"]
mod expected;
#[path = "../request/heap.rs"]
mod heap;
#[path = "../request/input.rs"]
mod input;
#[path = "../reached.rs"]
mod reached;

use expected::{Expected, Who, expected};
use input::{Request, Sent, Settings};

const OPS: (&str, &str) = ("ops", "9vKq3x-PzL7_mT2wRb4y");
const READER: (&str, &str) = ("grafana", "7BhG-rPq0_yXc41vLs9e");
const PEER: (&str, &str) = ("memory-debug-peer", "c6Zt-Qw8_nYr5LmKd2HS");

/// The address of the only peer, which does not exist.
const ABSENT_PEER: &str = "http://127.0.0.1:1";

/// Type, objects and bytes. One name needs escaping.
const ROWS: [(&str, u64, u64); 4] = [
    ("Vec<Session>", 1, 900),
    ("ö\u{7}\u{1b}[31m<\"", 50, 900),
    ("String", 7, 30),
    ("HashMap<String, Session>", 7, 31),
];

/// One endpoint for each combination of settings.
static ENDPOINTS: LazyLock<Vec<Endpoint>> = LazyLock::new(|| (0..128).map(endpoint).collect());

/// The reply to all requests without the right credentials.
static REFUSAL: LazyLock<Reply> = LazyLock::new(|| refusal(0, Connection::default()));

/// The reply to all plain requests if TLS is required.
static PLAIN_HTTP: LazyLock<Reply> = LazyLock::new(|| refusal(1, Connection::default()));

fuzz_target!(|request: Request<'_>| {
    let (settings, sent) = (request.settings, request.sent());
    let endpoint = &ENDPOINTS[index(settings)];
    let is_below = sent
        .path
        .strip_prefix("/debug/memory")
        .is_some_and(|rest| matches!(rest.chars().next(), None | Some('/')));
    let is_ours = is_below || heap::is_alias(settings, &sent.path);
    assert_eq!(endpoint.matches(&sent.path), is_ours);

    let mut outcome = handle(endpoint, &sent);
    let is_for_application = outcome.is_for_application();
    let is_needed = outcome.needs_body();
    let mut parts = sent.body.iter().map(|part| part.clone().into());
    let reply = block_on(poll_fn(|context| {
        outcome.poll_with_body(context, |_| {
            assert!(is_needed, "the body is read although it is not needed");
            Poll::Ready(parts.next().map(Ok::<_, Infallible>))
        })
    }));
    let expected = expected(settings, &sent);
    reached::count(expected::who(settings, &sent).map_or("no login", Who::as_str), expected.as_str());
    let constant = match &expected {
        Expected::PlainHttp => &PLAIN_HTTP,
        Expected::Unauthorized => &REFUSAL,
        Expected::Problem(status, title) => return check_problem(&sent, &reply, *status, title),
        Expected::Page(page) => return check_page(&sent, &reply, page),
        Expected::BeforeLink => return check_before_link(&sent, &reply),
        Expected::Fleet(page) => return check_fleet(&sent, &reply, page),
        Expected::Metrics { is_openmetrics, types } => {
            return check_metrics(&sent, &reply, *is_openmetrics, types.as_deref());
        }
        Expected::OfProfiles { may, is_peer } => return check_of_profiles(&sent, &reply, *may, *is_peer),
        Expected::OfHeap { status, title, is_alias } => {
            check_problem(&sent, &reply, *status, title);
            return check_of_heap(&reply, *is_alias);
        }
    };
    assert_eq!(is_for_application, settings.is_hidden);
    if settings.is_hidden {
        assert!(reply.status == 404 && reply.headers.is_empty() && reply.body.is_empty(), "{reply:?}");
    } else {
        let mut constant = Reply::clone(constant);
        if sent.method == "HEAD" {
            constant.body = Default::default();
        }
        assert_eq!(reply, constant);
    }
});

fn check_problem(sent: &Sent, reply: &Reply, status: u16, title: &str) {
    assert_eq!(reply.status, status, "{title}");
    check_headers(reply);
    let text = check_body(sent, reply);
    assert!(text.is_none_or(|text| text.contains(title)), "{title}: {text:?}");
}

fn check_page(sent: &Sent, reply: &Reply, page: &expected::Page) {
    assert_eq!(reply.status, 200);
    check_headers(reply);
    assert_eq!(content_type(reply).starts_with("application/json"), page.is_json);
    let Some(text) = check_body(sent, reply) else { return };
    if page.is_json {
        let document: serde_json::Value = serde_json::from_str(text).expect("JSON");
        let rows = document["types"]["rows"].as_array();
        let names = rows.map(|rows| rows.iter().filter_map(|row| row["type"].as_str()).collect::<Vec<_>>());
        assert_eq!(names.as_deref(), page.rows.as_deref());
    }
}

fn check_before_link(sent: &Sent, reply: &Reply) {
    assert_eq!((reply.status, content_type(reply)), (200, "text/html; charset=utf-8"));
    check_headers(reply);
    let text = check_body(sent, reply).expect("not the reply to HEAD");
    assert!(text.contains(">Continue to "), "{text}");
    assert!(!text.contains("Session"), "{text}");
}

fn check_fleet(sent: &Sent, reply: &Reply, page: &expected::Page) {
    check_page(sent, reply, page);
    let Some(text) = check_body(sent, reply) else { return };
    if !page.is_json {
        assert!(text.contains("INCOMPLETE") && text.contains(ABSENT_PEER), "{text}");
        return;
    }
    let fleet: serde_json::Value = serde_json::from_str(text).expect("JSON");
    assert_eq!((&fleet["scope"], &fleet["complete"]), (&"peers".into(), &false.into()));
    let [own] = &fleet["instances"].as_array().expect("instances")[..] else { panic!("{fleet}") };
    assert_eq!(own["targets"], serde_json::json!(["this instance"]));
    let [missing] = &fleet["missing"].as_array().expect("the missing")[..] else { panic!("{fleet}") };
    assert_eq!((&missing["target"], &missing["reason"]), (&ABSENT_PEER.into(), &"unreachable".into()));
}

fn check_metrics(sent: &Sent, reply: &Reply, is_openmetrics: bool, types: Option<&[&str]>) {
    assert_eq!(reply.status, 200);
    check_headers(reply);
    assert_eq!(content_type(reply).starts_with("application/openmetrics-text"), is_openmetrics);
    let Some(text) = check_body(sent, reply) else { return };
    assert_eq!(text.ends_with("# EOF\n"), is_openmetrics);
    let series: Vec<&str> =
        text.lines().filter(|line| line.starts_with("memory_debug_type_live_bytes{")).collect();
    assert_eq!(series.len(), types.map_or(0, <[&str]>::len), "{text}");
    for (line, name) in series.iter().zip(types.unwrap_or_default()) {
        // Does not check how the special name is escaped.
        let is_there = |name: &str| line.contains(&format!("{{type=\"{name}"));
        assert!(is_there(name) || name.starts_with('ö') && is_there("ö"), "{line}");
    }
}

fn check_of_profiles(sent: &Sent, reply: &Reply, may: bool, is_peer: bool) {
    let before_the_role = [400, 403, 404, 405, 406, 421];
    let refusals = if is_peer {
        before_the_role.to_vec()
    } else {
        [&before_the_role[..], &[409, 410, 501, 503]].concat()
    };
    // A form is examined after the role.
    let others = [200, 201, 204, 413, 415];
    assert!(refusals.contains(&reply.status) || may && others.contains(&reply.status), "{reply:?}");
    check_headers(reply);
    check_body(sent, reply);
}

fn check_of_heap(reply: &Reply, is_alias: bool) {
    let is_for_pprof = reply.headers.iter().any(|(name, _)| *name == "x-go-pprof");
    let is_json = content_type(reply).contains("json");
    assert!(!(is_alias && is_json), "{reply:?}");
    assert_eq!(is_for_pprof, reply.status >= 400 && !is_json, "{reply:?}");
}

/// The body, if the request gets one.
fn check_body<'a>(sent: &Sent, reply: &'a Reply) -> Option<&'a str> {
    if sent.method == "HEAD" {
        assert!(reply.body.is_empty());
        return None;
    }
    let text = std::str::from_utf8(&reply.body).expect("UTF-8");
    if content_type(reply).contains("json") {
        serde_json::from_str::<serde_json::Value>(text).expect("JSON");
    } else {
        // The body can be shown on a terminal, so line breaks are the only control characters.
        assert!(!text.contains(|c: char| c.is_control() && c != '\n'), "{text:?}");
    }
    Some(text)
}

fn content_type(reply: &Reply) -> &str {
    reply.headers.iter().find(|(name, _)| *name == "content-type").map_or("", |(_, value)| value)
}

fn check_headers(reply: &Reply) {
    let names: BTreeSet<_> = reply.headers.iter().map(|(name, _)| *name).collect();
    assert_eq!(names.len(), reply.headers.len(), "{reply:?}");
    for (_, value) in &reply.headers {
        assert!(value.bytes().all(|byte| (b' '..=b'~').contains(&byte)), "{value}");
    }
    assert!(names.contains("cache-control") && names.contains("content-type"));
    assert!(!names.contains("www-authenticate"));
    assert!(reply.headers.contains(&("memory-instance", instance_id().to_string().into())));
    assert_eq!(names.contains("allow"), reply.status == 405);
}

fn endpoint(index: usize) -> Endpoint {
    let credentials = |(user, password)| Credentials::new(user, password).expect("a strong password");
    let reader = credentials(READER).role(Role::Read);
    let both = credentials(OPS).and(reader).expect("two logins");
    let mut endpoint = Endpoint::new(both).collect_with(FourRows);
    if index & 1 != 0 {
        endpoint = endpoint.require_tls();
    }
    if index & 2 != 0 {
        endpoint = endpoint.trust_forwarded_proto();
    }
    if index & 4 != 0 {
        endpoint = endpoint.hide();
    }
    if index & 8 != 0 {
        endpoint = endpoint.role_for_types(Role::Profile);
    }
    if index & 16 != 0 {
        endpoint = endpoint.pprof_aliases();
    }
    if index & 32 != 0 {
        endpoint = endpoint.allow_raw_addresses();
    }
    if index & 64 != 0 {
        let peers = Peers::new(PEER.1).expect("a strong secret");
        endpoint = endpoint.peers(peers.instance(ABSENT_PEER).expect("an address"));
    }
    endpoint
}

fn index(settings: Settings) -> usize {
    let bits = [
        settings.requires_tls,
        settings.trusts_forwarded_proto,
        settings.is_hidden,
        settings.types_need_profile,
        settings.has_pprof_aliases,
        settings.gives_addresses,
        settings.has_peers,
    ];
    (0..).zip(bits).map(|(at, bit)| usize::from(bit) << at).sum()
}

fn handle(endpoint: &Endpoint, sent: &Sent) -> ReplyFuture {
    let headers = |name: &str| -> Vec<&[u8]> {
        sent.headers.iter().filter(|(known, _)| *known == name).map(|(_, value)| value.as_slice()).collect()
    };
    endpoint.handle(RequestParts {
        method: &sent.method,
        authority: sent.authority.as_deref(),
        path: &sent.path,
        query: sent.query.as_deref(),
        headers: &headers,
        connection: sent.connection,
    })
}

fn refusal(index: usize, connection: Connection) -> Reply {
    let (method, path) = ("GET".to_owned(), "/debug/memory".to_owned());
    let (headers, body) = Default::default();
    let sent = Sent { method, path, authority: None, query: None, headers, connection, body };
    block_on(handle(&ENDPOINTS[index], &sent))
}

struct FourRows;

impl Collect for FourRows {
    fn collect(&self, _scope: Scope) -> Collected {
        let row = |(name, objects, bytes): (&str, u64, u64)| {
            serde_json::json!({"type": name, "full_type": name, "objects": objects, "bytes": bytes,
                               "objects_stderr": 0.0, "bytes_stderr": 0.0, "source": "sampled"})
        };
        serde_json::from_value::<MemoryReport>(serde_json::json!({
            "schema": "memory-debug/v1", "instance": {"id": "00000000-0000-4000-8000-000000000000", "pid": 1},
            "collected_at": "2026-11-20T09:00:00Z", "duration_us": 0, "unavailable": {},
            "types": {"group": "container", "rows": ROWS.map(row)},
        }))
        .expect("a report")
        .into()
    }
}

fn block_on(future: impl Future<Output = Reply>) -> Reply {
    struct Unpark(Thread);
    impl Wake for Unpark {
        fn wake(self: Arc<Self>) {
            self.0.unpark();
        }
    }
    let waker = Waker::from(Arc::new(Unpark(thread::current())));
    let mut future = pin!(future);
    loop {
        match future.as_mut().poll(&mut Context::from_waker(&waker)) {
            Poll::Ready(reply) => return reply,
            Poll::Pending => thread::park(),
        }
    }
}
