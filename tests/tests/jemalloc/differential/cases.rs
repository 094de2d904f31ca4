//! The table of conversations, with the expected answer to each request.

use std::fmt;

use memory_debug_tests::{PASSWORD, Request, USER, authorization, basic};

use self::Expected::{Application, Decoded, Page, Server};
use super::changes;
use super::forms;
use super::heap_cases::{heap, heap_without_profile};
use super::metrics_cases::metrics;
use super::peers_cases::peers;
use super::servers::Mount;

const PAGE: &str = "/debug/memory";

/// The expected answer to a request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Expected {
    /// The page, with this status.
    Page(u16),
    /// An answer of the application.
    Application,
    /// An answer of the application, because as sent this is not the page's path. But a router that decodes
    /// paths takes it for the page's path, and then the page refuses it.
    Decoded,
    /// An answer of the server itself, which rejects the request. Servers differ in it.
    Server,
}

impl Expected {
    /// Whether all servers must give the same answer.
    pub(super) fn is_alike_on(self, mount: Mount) -> bool {
        match self {
            Page(_) => true,
            Application => mount != Mount::Alone,
            Decoded => mount == Mount::Around,
            Server => false,
        }
    }
}

/// Requests on one connection.
pub(super) struct Case {
    name: String,
    pub(super) exchanges: Vec<(Request, Expected)>,
    /// Whether all requests are sent before the first is answered.
    pub(super) pipelined: bool,
}

impl fmt::Display for Case {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.name)
    }
}

/// All conversations.
pub(super) fn cases() -> Vec<Case> {
    let groups = [
        ("authorization", authorizations()),
        ("path", paths()),
        ("target", targets()),
        ("method", methods()),
        ("query", queries()),
        ("accept", accepts()),
        ("body", bodies()),
        ("header", headers()),
        ("profiles", profiles()),
        ("peers", peers()),
        ("heap", heap()),
        ("metrics", metrics()),
        ("malformed", malformed()),
        ("change", changes::requests()),
        ("form", forms::requests()),
    ];
    let single = groups.into_iter().flat_map(|(group, requests)| each(group, requests));
    single.chain(conversations()).collect()
}

/// All conversations, and those for servers without a heap profile.
pub(super) fn cases_without_profile() -> Vec<Case> {
    cases().into_iter().chain(each("heap", heap_without_profile())).collect()
}

/// Conversations of one request each.
fn each(group: &str, requests: Vec<(Request, Expected)>) -> impl Iterator<Item = Case> {
    requests.into_iter().map(move |(request, expected)| Case {
        name: format!("{group}: {}", shown(&request)),
        exchanges: vec![(request, expected)],
        pipelined: false,
    })
}

fn shown(request: &Request) -> String {
    format!("{request}").chars().take(200).collect()
}

fn get(below: &str) -> Request {
    Request::get(format!("{PAGE}{below}"))
}

/// S03 to S07.
fn authorizations() -> Vec<(Request, Expected)> {
    let right = authorization();
    let token = right.replace("Basic ", "");
    let pair = format!("{USER}:{PASSWORD}");
    let longest = right.replace(' ', &" ".repeat(4096 - right.len() + 1));
    let one_more = right.replace(' ', &" ".repeat(4096 - right.len() + 2));
    let mut requests = vec![(get(""), Page(401))];
    for accepted in [
        &right,
        &format!("basic {token}"),
        &format!("BASIC {token}"),
        &format!("bAsIc   {token}"),
        &format!(" \tBasic {token} \t"),
        &longest,
    ] {
        requests.push((get("").header("authorization", accepted), Page(200)));
        requests.push((get("").header("AUTHORIZATION", accepted), Page(200)));
    }
    for refused in [
        "",
        " ",
        "Basic",
        "Basic ",
        "Basic  ",
        "Basic\t",
        "Basic =",
        "Basic ====",
        "Basic b3Bz",
        "Basic b3BzOn!",
        "Basic realm=\"memory\"",
        "Bearer x",
        "Digest username=\"ops\"",
        "Negotiate YII=",
        "b\u{e4}sic x",
        &token,
        &pair,
        &format!("Basic\t{token}"),
        &format!("Basicx {token}"),
        &format!("Bearer {token}"),
        &format!("Basic, {token}"),
        &format!("Basic {token},"),
        &format!("Basic {token}="),
        &format!("Basic {}", token.trim_end_matches('=')),
        &format!("Basic {} {}", &token[..8], &token[8..]),
        &format!("Basic {token}{token}"),
        &format!("{right}, {right}"),
        &one_more,
        &basic(""),
        &basic(":"),
        &basic("ops"),
        &basic("ops:"),
        &basic("ops:wrong"),
        &basic(format!(":{PASSWORD}")),
        &basic(format!("stranger:{PASSWORD}")),
        &basic(format!("OPS:{PASSWORD}")),
        &basic(format!("{pair}x")),
        &basic(format!("{pair}\n")),
        &basic(format!("{pair}\0")),
        &basic(format!(" {pair}")),
        &basic(format!("{pair}{}", "x".repeat(1024))),
        &basic(b"\xff\xfe:\xff"),
        &basic("x".repeat(30 << 10)),
    ] {
        requests.push((get("").header("authorization", refused), Page(401)));
    }
    let not_ascii = [b"Basic ", &[0xff; 40][..]].concat();
    requests.push((get("").header("authorization", not_ascii), Page(401)));
    let wrong = basic("ops:wrong");
    for [first, second] in [[&right, &right], [&right, &wrong], [&wrong, &right], [&wrong, &wrong]] {
        let twice = get("").header("authorization", first).header("Authorization", second);
        requests.push((twice, Page(401)));
    }
    let apart = get("").authorized().header("x-between", "1").header("authorization", "");
    requests.push((apart, Page(401)));
    for other in ["proxy-authorization", "x-authorization", "authorization2", "cookie"] {
        requests.push((get("").header(other, &right), Page(401)));
    }
    requests
}

/// S20: spellings of the path, without and with the password.
fn paths() -> Vec<(Request, Expected)> {
    let long = format!("/{}", "a".repeat(8 << 10));
    let of_the_page = [
        ("", 200),
        ("/stats", 200),
        ("/instance", 200),
        ("/types", 200),
        ("/doctor", 200),
        ("?", 200),
        ("/", 404),
        ("//", 404),
        ("/stats/", 404),
        ("//stats", 404),
        ("/Stats", 404),
        ("/./stats", 404),
        ("/../../", 404),
        ("/..", 404),
        ("/%2e%2e/", 404),
        ("/st%61ts", 404),
        ("/%00", 404),
        ("/%", 404),
        ("/%zz", 404),
        ("/%2F", 404),
        ("/;x", 404),
        ("/stats;x", 404),
        ("/unknown", 404),
        ("/un/known", 404),
        ("/un/known?top=5", 404),
        ("/{rest}", 404),
        ("/*", 404),
        ("/:id", 404),
        (&long, 404),
    ];
    let of_the_application = [
        ("/", Application),
        ("/debug", Application),
        ("/debug/", Application),
        ("/debug/memor", Application),
        ("/debug/memoryx", Application),
        ("/debug/memory.json", Application),
        ("/debug/memory;x", Application),
        ("/debug/memory;/stats", Application),
        ("/debug;x/memory", Application),
        ("//debug/memory", Application),
        ("///debug/memory", Application),
        ("/debug//memory", Application),
        ("/debug/./memory", Application),
        ("/debug/x/../memory", Application),
        ("/./debug/memory", Application),
        ("/x/debug/memory", Application),
        ("/Debug/Memory", Application),
        ("/DEBUG/MEMORY", Application),
        ("/debug%2Fmemory", Application),
        ("/debug%2fmemory", Application),
        ("/debug/memory%2Fstats", Application),
        ("/debug/memory%3Fformat=json", Application),
        ("/debug/memory%00", Application),
        ("/debug/memory%20", Application),
        ("/debug/memory%", Application),
        ("/%64ebug/memory", Decoded),
        ("/debug/mem%6Fry", Decoded),
        ("/debug/mem%6fry/stats", Decoded),
        ("/%", Application),
        (&long, Application),
    ];
    let of_the_page = of_the_page
        .iter()
        .flat_map(|(below, status)| [(get(below), Page(401)), (get(below).authorized(), Page(*status))]);
    let of_the_application = of_the_application.iter().flat_map(|(path, expected)| {
        [Request::get(path), Request::get(path).authorized()].map(|request| (request, *expected))
    });
    of_the_page.chain(of_the_application).collect()
}

/// Other forms of the request target.
fn targets() -> Vec<(Request, Expected)> {
    let mut requests = Vec::new();
    for (target, expected) in [
        ("http://localhost/debug/memory", Page(200)),
        ("http://evil.example/debug/memory", Page(200)),
        ("https://localhost:1/debug/memory/stats?format=json", Page(200)),
        ("HTTP://localhost/debug/memory", Page(200)),
        ("http://localhost/debug/memory/", Page(404)),
        ("http://localhost//debug/memory", Application),
        ("http://localhost/", Application),
        ("http://localhost", Application),
    ] {
        let open = if matches!(expected, Page(_)) { Page(401) } else { expected };
        requests.push((Request::get(target), open));
        requests.push((Request::get(target).authorized(), expected));
    }
    requests.push((Request::new("OPTIONS", "*"), Application));
    requests.push((Request::new("OPTIONS", "*").authorized(), Application));
    requests
}

/// S23.
fn methods() -> Vec<(Request, Expected)> {
    let mut requests = Vec::new();
    for method in ["POST", "PUT", "DELETE", "PATCH", "OPTIONS", "TRACE", "PROPFIND", "get", "Head", "G"] {
        requests.push((Request::new(method, PAGE), Page(401)));
        requests.push((Request::new(method, PAGE).authorized(), Page(405)));
    }
    for (below, status) in [
        ("", 200),
        ("/stats", 200),
        ("/types?format=json", 200),
        ("/unknown", 404),
        ("?x=1", 400),
        ("/", 404),
    ] {
        let target = format!("{PAGE}{below}");
        requests.push((Request::new("HEAD", &target), Page(401)));
        requests.push((Request::new("HEAD", &target).authorized(), Page(status)));
    }
    let not_acceptable = Request::new("HEAD", PAGE).authorized().header("accept", "image/png");
    requests.push((not_acceptable, Page(406)));
    let as_json = Request::new("HEAD", PAGE).authorized().header("accept", "application/json");
    requests.push((as_json, Page(200)));
    for (name, value) in
        [("x-http-method-override", "DELETE"), ("x-method-override", "HEAD"), ("x-http-method", "PUT")]
    {
        requests.push((get("").authorized().header(name, value), Page(200)));
    }
    requests
}

/// S24.
fn queries() -> Vec<(Request, Expected)> {
    let longest = format!("/types?filter={}", "a".repeat(128));
    let too_long = format!("/types?filter={}", "a".repeat(129));
    let far_too_long = format!("/types?filter={}", "a".repeat(8 << 10));
    let accepted = [
        "?format=text",
        "?format=json",
        "/stats?format=json",
        "/instance?format=json",
        "/doctor?format=json",
        "?format=html",
        "/types?format=html&filter=",
        "/stats?format=html",
        "/doctor?format=html",
        "/instance?format=html",
        "/types?top=1",
        "/types?top=1000&sort=count&filter=Vec%3Cu8%3E&format=json",
        "/types?sort=name&filter=a+b",
        "/types?filter=String",
        "/types?filter=%C3%BC",
        "/types?sort=bytes&top=2",
        "?top=5",
        &longest,
    ];
    let refused = [
        "?x=1",
        "?format=xml",
        "?format=",
        "?format",
        "?Format=text",
        "?%66ormat=text",
        "?format=text&",
        "?&format=text",
        "?format=text&format=text",
        "?format=json&x=1",
        "?top=0",
        "?sort=bytes",
        "?instance=00000000-0000-4000-8000-00000000000",
        "?instance=",
        "/fleet?scope=all",
        "/fleet?sort=bytes",
        "??format=json",
        "?format=text;x=1",
        "/stats?sort=bytes",
        "/instance?top=1",
        "/types?top=0",
        "/types?top=1001",
        "/types?top=-1",
        "/types?top=%2B5",
        "/types?top=5&top=5",
        "/types?top=99999999999999999999",
        "/types?sort=size",
        "/types?filter=%FF",
        "/types?filter=%0a",
        "/types?filter=%00",
        "/types?filter=%g0",
        "/types?filter=%",
        "/types?group=planet&format=json",
        "/types?x=%3Cscript%3E",
        "/types?<script>=1",
        &too_long,
        &far_too_long,
    ];
    let accepted = accepted.into_iter().map(|below| (get(below).authorized(), Page(200)));
    let refused = refused.into_iter().map(|below| (get(below).authorized(), Page(400)));
    accepted.chain(refused).collect()
}

fn accepts() -> Vec<(Request, Expected)> {
    let mut requests = Vec::new();
    for accepted in [
        "",
        "*/*",
        "text/plain",
        "text/*",
        "application/json",
        "Application/JSON; charset=utf-8",
        "application/*",
        "application/json;q=.2, */*; q=.1",
        "text/plain;q=0.4, application/json;q=0.5",
        "text/plain;q=0, */*",
        "text/html",
        "text/html, application/xhtml+xml, application/xml;q=0.9, */*;q=0.8",
        "nonsense",
        ",,,",
    ] {
        requests.push((get("").authorized().header("accept", accepted), Page(200)));
    }
    for refused in ["image/png", "*/*;q=0", "application/problem+json"] {
        requests.push((get("").authorized().header("accept", refused), Page(406)));
        requests.push((get("").header("accept", refused), Page(401)));
    }
    let twice = get("").authorized().header("accept", "image/png").header("accept", "application/json");
    requests.push((twice, Page(200)));
    let not_ascii = get("").authorized().header("accept", b"\xff/\xff");
    requests.push((not_ascii, Page(200)));
    for below in ["/unknown", "?x=1"] {
        let status = if below == "/unknown" { 404 } else { 400 };
        for accept in ["application/json", "application/problem+json", "image/png"] {
            requests.push((get(below).authorized().header("accept", accept), Page(status)));
        }
    }
    let deleted = Request::new("DELETE", PAGE).authorized().header("accept", "application/json");
    requests.push((deleted, Page(405)));
    requests
}

/// Bodies that are not read. Only a change of the profiler and forms are read ([`changes`], [`forms`]). The bodies of refused requests
/// are small, because servers differ in how much of an unread body they take in before they close the
/// connection.
fn bodies() -> Vec<(Request, Expected)> {
    let mut requests = Vec::new();
    for (method, status) in [("POST", 405), ("PUT", 405), ("DELETE", 405), ("GET", 200)] {
        for body in ["", "{}"] {
            requests.push((Request::new(method, PAGE).body(body), Page(401)));
            requests.push((Request::new(method, PAGE).authorized().body(body), Page(status)));
        }
    }
    let typed = Request::new("POST", PAGE).authorized().header("content-type", "application/json").body("{}");
    requests.push((typed, Page(405)));
    let zipped = Request::new("POST", PAGE).authorized().header("content-encoding", "gzip").body("x");
    requests.push((zipped, Page(405)));
    let login = format!("authorization: {}\r\n", authorization());
    for (method, login, expected) in
        [("POST", "", Page(401)), ("POST", &*login, Page(405)), ("GET", &login, Page(200))]
    {
        for rest in [
            "transfer-encoding: chunked\r\n\r\n2\r\n{}\r\n0\r\n\r\n",
            "transfer-encoding: chunked\r\n\r\n0\r\n\r\n",
            // Answered without the body. The 100 that actix-web sends by itself does not count.
            "expect: 100-continue\r\ncontent-length: 5\r\n\r\n",
            "expect: 100-continue\r\ntransfer-encoding: chunked\r\n\r\n",
            "content-length: 1000000000\r\n\r\n",
        ] {
            let request = format!("{method} {PAGE} HTTP/1.1\r\nhost: localhost\r\n{login}{rest}");
            requests.push((Request::verbatim(request), expected));
        }
    }
    requests
}

/// Header fields that other software acts on.
fn headers() -> Vec<(Request, Expected)> {
    let mut requests = Vec::new();
    for (name, value) in [
        ("if-none-match", "*"),
        ("if-match", "\"x\""),
        ("if-modified-since", "Sat, 21 Nov 2026 00:00:00 GMT"),
        ("range", "bytes=0-0"),
        ("accept-encoding", "gzip, br, zstd"),
        ("te", "trailers"),
        ("origin", "https://evil.example"),
        ("sec-fetch-site", "none"),
        ("x-forwarded-for", "127.0.0.1"),
        ("x-forwarded-proto", "https"),
        ("x-original-url", "/"),
        ("x-rewrite-url", "/"),
        ("forwarded", "for=127.0.0.1;proto=https"),
        ("cache-control", "only-if-cached"),
        ("connection", "keep-alive"),
        ("connection", "close"),
        ("connection", "authorization"),
        ("upgrade", "h2c"),
        ("x-long", &"x".repeat(16 << 10)),
    ] {
        requests.push((get("").header(name, value), Page(401)));
        requests.push((get("").authorized().header(name, value), Page(200)));
    }
    let many =
        (0..80).fold(get("").authorized(), |request, number| request.header(&format!("x-{number}"), "x"));
    requests.push((many, Page(200)));
    let preflight = Request::new("OPTIONS", PAGE)
        .header("origin", "https://evil.example")
        .header("access-control-request-method", "GET")
        .header("access-control-request-headers", "authorization");
    requests.push((preflight, Page(401)));
    for host in ["", "evil.example", "localhost:1"] {
        let request = format!("GET {PAGE} HTTP/1.1\r\nhost: {host}\r\n\r\n");
        requests.push((Request::verbatim(request), Page(401)));
    }
    for (login, expected) in [(String::new(), 401), (format!("authorization: {}\r\n", authorization()), 200)]
    {
        for head in [
            format!("GET {PAGE} HTTP/1.0\r\n{login}\r\n"),
            format!("GET {PAGE} HTTP/1.0\r\n{login}connection: keep-alive\r\n\r\n"),
            format!("GET {PAGE} HTTP/1.1\r\nHOST:localhost\r\n{login}x:\r\n\r\n"),
            format!("GET {PAGE} HTTP/1.1\nhost: localhost\r\n{login}\r\n"),
            format!("\r\nGET {PAGE} HTTP/1.1\r\nhost: localhost\r\n{login}\r\n"),
        ] {
            requests.push((Request::verbatim(head), Page(expected)));
        }
    }
    requests
}

/// Profiles and snapshots, where answers are the same with and without a heap profile.
fn profiles() -> Vec<(Request, Expected)> {
    const UNKNOWN: &str = "/snapshots/000102030405060708090a0b0c0d0e0f";
    let mut requests = Vec::new();
    for (method, below, status) in [
        ("GET", "/fleet", 501),
        ("HEAD", "/fleet", 501),
        ("GET", "/fleet?scope=peers&format=json", 200),
        ("GET", "/fleet?scope=peers&top=0", 400),
        ("POST", "/fleet", 405),
        ("GET", "/stats?instance=00000000-0000-4000-8000-000000000000", 421),
        ("GET", "/heap?instance=00000000-0000-4000-8000-000000000000", 421),
        ("HEAD", "/fleet?instance=00000000-0000-4000-8000-000000000000", 421),
        ("HEAD", "/heap", 200),
        ("HEAD", "/heap/flamegraph", 200),
        ("GET", "/heap/flamegraph?format=html", 200),
        ("HEAD", "/heap/tree", 200),
        ("GET", "/heap/tree?format=text", 400),
        ("GET", "/heap/tree?nodes=999", 400),
        ("POST", "/heap/tree", 405),
        ("GET", "/heap?format=svg", 400),
        ("GET", "/heap?symbols=", 400),
        ("GET", "/heap/flamegraph?format=text", 400),
        ("GET", "/heap/", 404),
        ("POST", "/heap", 405),
        ("GET", "/diff", 400),
        ("GET", "/diff?base=0", 400),
        ("GET", "/diff?base=first&target=first&group=planet", 400),
        ("PUT", "/diff?base=first", 405),
        ("GET", "/leaks?top=1", 400),
        ("DELETE", "/leaks", 405),
        ("HEAD", "/holders?scans=1", 200),
        ("GET", "/holders?scans=4", 400),
        ("GET", "/holders?last=true&depth=3", 400),
        ("POST", "/holders", 405),
        ("HEAD", "/holders/progress", 200),
        ("GET", "/holders/progress?top=1", 400),
        ("HEAD", "/monitor", 200),
        ("GET", "/monitor?top=0", 400),
        ("GET", "/monitor?force=true", 400),
        ("POST", "/monitor", 405),
        ("GET", "/monitor/", 404),
        ("HEAD", "/monitor/tasks?top=5", 200),
        ("DELETE", "/monitor/tasks", 405),
        ("HEAD", "/trace", 200),
        ("GET", "/trace?top=0", 400),
        ("GET", "/trace?events=calls", 400),
        ("POST", "/trace?seconds=30", 400),
        ("POST", "/trace", 415),
        ("PUT", "/trace", 405),
        ("GET", "/trace/", 404),
        ("DELETE", "/snapshots", 405),
        ("POST", "/snapshots?label=%0a", 400),
        ("GET", "/snapshots/", 404),
        ("GET", "/snapshots/x", 404),
        ("GET", "/snapshots/../snapshots", 404),
        ("GET", UNKNOWN, 404),
        ("DELETE", UNKNOWN, 404),
        ("POST", UNKNOWN, 405),
        ("GET", &UNKNOWN.to_uppercase(), 404),
    ] {
        let target = format!("{PAGE}{below}");
        requests.push((Request::new(method, &target), Page(401)));
        requests.push((Request::new(method, &target).authorized(), Page(status)));
        let json = Request::new(method, &target).authorized().header("accept", "application/json");
        let is_picture = below == "/heap/flamegraph";
        requests.push((json, Page(if is_picture { 406 } else { status })));
        let cross_site = Request::new(method, &target).authorized().header("sec-fetch-site", "cross-site");
        requests.push((cross_site, Page(403)));
    }
    requests
}

/// Input that HTTP servers reject or do not take for a request.
fn malformed() -> Vec<(Request, Expected)> {
    let login = format!("authorization: {}\r\n", authorization());
    [
        // Without a host, actix-web refuses it and hyper does not.
        format!("GET {PAGE} HTTP/1.1\r\n\r\n"),
        format!("GET {PAGE}\r\n{login}\r\n"),
        format!("GET  {PAGE} HTTP/1.1\r\n{login}\r\n"),
        format!("GET {PAGE} HTTP/1.1 \r\n{login}\r\n"),
        format!("GET {PAGE} HTTP/3.0\r\n{login}\r\n"),
        format!("GET {PAGE} http/1.1\r\n{login}\r\n"),
        format!("GET {PAGE}\0 HTTP/1.1\r\n{login}\r\n"),
        format!("GET {PAGE} x HTTP/1.1\r\n{login}\r\n"),
        format!("GET HTTP/1.1\r\n{login}\r\n"),
        format!("G<T {PAGE} HTTP/1.1\r\n{login}\r\n"),
        format!("GET debug/memory HTTP/1.1\r\n{login}\r\n"),
        format!("GET {PAGE} HTTP/1.1\r\nauthorization : x\r\n{login}\r\n"),
        format!("GET {PAGE} HTTP/1.1\r\nbad name: x\r\n{login}\r\n"),
        format!("GET {PAGE} HTTP/1.1\r\n{login}no colon\r\n\r\n"),
        format!("GET {PAGE} HTTP/1.1\r\n{login}x: \0\r\n\r\n"),
        format!("POST {PAGE} HTTP/1.1\r\n{login}content-length: x\r\n\r\n"),
        format!("POST {PAGE} HTTP/1.1\r\n{login}content-length: -1\r\n\r\n"),
        format!("POST {PAGE} HTTP/1.1\r\n{login}content-length: 1\r\ncontent-length: 2\r\n\r\nxx"),
        format!("GET {PAGE} HTTP/1.1\r\n{login}{}\r\n", "x: x\r\n".repeat(200)),
    ]
    .into_iter()
    .map(|request| (Request::verbatim(request), Server))
    .collect()
}

/// Several requests on one connection.
fn conversations() -> Vec<Case> {
    let refused = || (get(""), Page(401));
    let page = || (get("").authorized(), Page(200));
    let application = || (Request::get("/"), Application);
    let head = || (Request::new("HEAD", PAGE).authorized(), Page(200));
    let error = || (get("?x=1").authorized(), Page(400));
    let with_body = || (Request::new("POST", PAGE).body("{}"), Page(401));
    let read_body = || (changes::put("{}"), Page(400));
    let talks = [
        ("refusals", vec![refused(), refused(), refused()]),
        ("pages", vec![page(), page(), page()]),
        ("page and application", vec![page(), application(), page(), application()]),
        ("refused, then accepted", vec![refused(), page(), refused()]),
        ("heads between pages", vec![head(), page(), head(), page()]),
        ("errors between pages", vec![error(), page(), error(), refused()]),
        ("an unread body, then the page", vec![with_body(), page()]),
        ("unread bodies", vec![with_body(), with_body(), with_body()]),
        ("an unread body, then the application", vec![with_body(), application()]),
        ("a body that is read, then the page", vec![read_body(), page(), read_body(), refused()]),
    ];
    let mut cases = Vec::new();
    for (name, exchanges) in talks {
        for pipelined in [false, true] {
            let name = format!("{name}, {}", if pipelined { "pipelined" } else { "in turn" });
            cases.push(Case { name, exchanges: exchanges.clone(), pipelined });
        }
    }
    cases
}
