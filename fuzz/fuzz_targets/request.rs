//! Whole requests, authorized and not: without the right credentials always the one constant reply, with them the
//! status that the documented order of checks gives, and headers that any server can send.

#![no_main]

use std::collections::BTreeSet;
use std::pin::pin;
use std::sync::{Arc, LazyLock};
use std::task::{Context, Poll, Wake, Waker};
use std::thread::{self, Thread};

use libfuzzer_sys::arbitrary::{self, Arbitrary};
use libfuzzer_sys::fuzz_target;
use memory_debug_endpoint::memory_debug_core::{MemoryReport, Scope};
use memory_debug_endpoint::{Collect, Connection, Credentials, Endpoint, Reply, RequestParts};

static ENDPOINT: LazyLock<Endpoint> = LazyLock::new(|| {
    let credentials = Credentials::new("ops", "9vKq3x-PzL7_mT2wRb4y").expect("a strong password");
    Endpoint::new(credentials).collect_with(SmallReport)
});

/// What everyone without the right credentials gets.
static REFUSAL: LazyLock<Reply> = LazyLock::new(|| {
    let parts = RequestParts {
        method: "GET",
        authority: None,
        path: "/debug/memory",
        query: None,
        headers: &|_| Vec::new(),
        connection: Connection::default(),
    };
    block_on(ENDPOINT.handle(parts))
});

#[derive(Arbitrary, Debug)]
struct Request<'a> {
    method: Method<'a>,
    path: Path<'a>,
    query: Option<Vec<Parameter<'a>>>,
    accept: Vec<Accept<'a>>,
    authorization: Authorization<'a>,
}

#[derive(Arbitrary, Debug)]
enum Method<'a> {
    Get,
    Head,
    Post,
    Other(&'a str),
}

#[derive(Arbitrary, Debug)]
enum Path<'a> {
    Overview,
    Stats,
    Types,
    Below(&'a str),
    Other(&'a str),
}

#[derive(Arbitrary, Debug)]
enum Parameter<'a> {
    Format(bool),
    Top(u16),
    Sort(u8),
    Filter(&'a str),
    Known(u8, &'a str),
    Other(&'a str),
}

#[derive(Arbitrary, Debug)]
enum Accept<'a> {
    Text(u8),
    Json(u8),
    Any(u8),
    Other(&'a [u8]),
}

#[derive(Arbitrary, Debug)]
enum Authorization<'a> {
    Right,
    None,
    Twice,
    Other(&'a [u8]),
}

const RIGHT: &[u8] = b"Basic b3BzOjl2S3EzeC1Qekw3X21UMndSYjR5";

fuzz_target!(|request: Request<'_>| {
    let method = match request.method {
        Method::Get => "GET",
        Method::Head => "HEAD",
        Method::Post => "POST",
        Method::Other(method) => method,
    };
    let path = match request.path {
        Path::Overview => "/debug/memory".to_owned(),
        Path::Stats => "/debug/memory/stats".to_owned(),
        Path::Types => "/debug/memory/types".to_owned(),
        Path::Below(rest) => format!("/debug/memory{rest}"),
        Path::Other(path) => path.to_owned(),
    };
    let query = request.query.map(|pairs| pairs.iter().map(Parameter::text).collect::<Vec<_>>().join("&"));
    let accept: Vec<Vec<u8>> = request.accept.iter().map(Accept::value).collect();
    let authorization: &[&[u8]] = match request.authorization {
        Authorization::Right => &[RIGHT],
        Authorization::None => &[],
        Authorization::Twice => &[RIGHT, RIGHT],
        Authorization::Other(value) => &[value],
    };
    let headers = |name: &str| match name {
        "authorization" => authorization.to_vec(),
        "accept" => accept.iter().map(Vec::as_slice).collect(),
        _ => Vec::new(),
    };
    assert!(!ENDPOINT.matches(&path) || ENDPOINT.may_match(&path));
    let reply = block_on(ENDPOINT.handle(RequestParts {
        method,
        authority: None,
        path: &path,
        query: query.as_deref(),
        headers: &headers,
        connection: Connection::default(),
    }));
    check_headers(&reply);
    if method == "HEAD" {
        assert!(reply.body.is_empty());
    }
    if authorization != [RIGHT] && !is_right(authorization) {
        let mut expected = REFUSAL.clone();
        if method == "HEAD" {
            expected.body = Default::default();
        }
        assert_eq!(reply, expected);
        return;
    }
    let is_page = ["/debug/memory", "/debug/memory/stats", "/debug/memory/types"].contains(&path.as_str());
    match (method, is_page) {
        ("GET" | "HEAD", true) => assert!([200, 400, 406].contains(&reply.status), "{reply:?}"),
        ("GET" | "HEAD", false) => assert_eq!(reply.status, 404),
        _ => assert_eq!(reply.status, 405),
    }
    let json = reply.headers.iter().any(|(name, value)| *name == "content-type" && value.contains("json"));
    if json && method != "HEAD" {
        serde_json::from_slice::<serde_json::Value>(&reply.body).expect("JSON");
    } else {
        // A terminal shows it: no control characters but line breaks.
        let text = std::str::from_utf8(&reply.body).expect("UTF-8");
        assert!(!text.contains(|c: char| c.is_control() && c != '\n'), "{text:?}");
    }
});

/// `Basic` in any case and one or more spaces are allowed to vary.
fn is_right(authorization: &[&[u8]]) -> bool {
    let [value] = authorization else { return false };
    let Ok(value) = std::str::from_utf8(value) else { return false };
    value.split_once(' ').is_some_and(|(scheme, token)| {
        scheme.eq_ignore_ascii_case("basic") && token.trim_start_matches(' ') == "b3BzOjl2S3EzeC1Qekw3X21UMndSYjR5"
    })
}

fn check_headers(reply: &Reply) {
    let names: BTreeSet<_> = reply.headers.iter().map(|(name, _)| *name).collect();
    assert_eq!(names.len(), reply.headers.len(), "{reply:?}");
    for (_, value) in &reply.headers {
        assert!(value.bytes().all(|byte| (b' '..=b'~').contains(&byte)), "{value}");
    }
    assert!(names.contains("cache-control") && names.contains("content-type"));
    assert_eq!(names.contains("www-authenticate"), reply.status == 401);
}

impl Parameter<'_> {
    fn text(&self) -> String {
        match self {
            Self::Format(json) => format!("format={}", if *json { "json" } else { "text" }),
            Self::Top(top) => format!("top={top}"),
            Self::Sort(sort) => format!("sort={}", ["bytes", "count", "name", "type"][usize::from(sort % 4)]),
            Self::Filter(filter) => format!("filter={filter}"),
            Self::Known(name, value) => {
                format!("{}={value}", ["format", "top", "sort", "filter"][usize::from(name % 4)])
            }
            Self::Other(text) => (*text).to_owned(),
        }
    }
}

impl Accept<'_> {
    fn value(&self) -> Vec<u8> {
        match self {
            Self::Text(quality) => format!("text/plain;q=0.{quality}").into_bytes(),
            Self::Json(quality) => format!("application/json;q=0.{quality}").into_bytes(),
            Self::Any(quality) => format!("*/*;q=0.{quality}").into_bytes(),
            Self::Other(value) => value.to_vec(),
        }
    }
}

/// A report of two types, one with a name that needs care.
struct SmallReport;

impl Collect for SmallReport {
    fn collect(&self, _scope: Scope) -> MemoryReport {
        let row = |name: &str| {
            serde_json::json!({"type": name, "full_type": name, "objects": 1, "bytes": 9, "objects_stderr": 0.0,
                               "bytes_stderr": 0.0, "source": "sampled"})
        };
        serde_json::from_value(serde_json::json!({
            "schema": "memory-debug/v1", "instance": {"id": "00000000-0000-4000-8000-000000000000", "pid": 1},
            "collected_at": "2026-11-20T09:00:00Z", "duration_us": 0, "unavailable": {},
            "types": {"rows": [row("Vec<Session>"), row("ö\u{7}\u{1b}[31m<\"")]},
        }))
        .expect("a report")
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
