//! Audit events: one for each decision and each collection, and never a secret.

use std::io::{Read, Write};
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::{self, JoinHandle};
use std::time::Duration;

use axum::Router;
use memory_debug_axum::memory_debug_core::{AlreadyCounting, Trace, TraceReport};
use memory_debug_axum::{
    Connection, Credentials, Endpoint, InstanceInfo, MemoryDebugLayer, Peers, TraceHandle, TraceSource,
    connect_info,
};
use memory_debug_endpoint::RequestParts;
use memory_debug_tests::{
    CountingCollector, Events, GatedCollector, PASSWORD, Request, USER, authorization, basic, credentials,
    fixed_report, within_limit,
};
use tokio::net::TcpListener;

use crate::secrets::{assert_hidden, assert_no_secret};
use crate::shop::alone;
use crate::statuses::{one_of_each, serve};

fn layer() -> MemoryDebugLayer {
    let layer = MemoryDebugLayer::new(credentials())
        .configure(|endpoint| endpoint.collect_with(CountingCollector::default()));
    layer.configure(|endpoint| endpoint.allow_plain_http())
}

fn assert_has(line: &str, fields: &[&str]) {
    for field in fields {
        assert!(line.contains(&format!("{field} ")), "{field} is not in `{line}`");
    }
}

/// Waits for the event with `field`, because a reply can be faster than the event of its collection.
async fn event(events: &Events, field: &str) -> String {
    within_limit(async {
        loop {
            if let Some(line) = events.audit().into_iter().find(|line| line.contains(&format!("{field} "))) {
                return line;
            }
            tokio::task::yield_now().await;
        }
    })
    .await
}

#[test]
fn s64_each_decision_and_each_collection_is_one_event() {
    alone("audit::s64_each_decision_and_each_collection_is_one_event", async {
        let events = Events::of_process();
        let server = serve(layer()).await;
        for (request, fields) in [
            (
                Request::get("/debug/memory/types?top=5").authorized(),
                &["INFO", "outcome=authorized", "method=GET", "path=/debug/memory/types", "user=ops"][..],
            ),
            (Request::get("/debug/memory/unknown").authorized(), &["outcome=authorized", "status=404"]),
            (Request::new("PUT", "/debug/memory").authorized(), &["method=PUT", "status=405"]),
            (
                Request::get("/debug/memory"),
                &["WARN", "outcome=unauthorized", "path=/debug/memory", "status=401", "suppressed=0"],
            ),
        ] {
            server.send(request).await;
            let mut decisions = events.audit().into_iter().filter(|line| !line.contains("scope="));
            assert_has(&decisions.next_back().unwrap(), fields);
        }
        let collection = event(&events, "scope=Everything").await;
        assert_has(&collection, &["INFO", "outcome=collected"]);
        assert!(collection.contains("duration_us="), "{collection}");
        assert_eq!(events.audit().len(), 5, "{:#?}", events.audit());
    });
}

#[test]
fn s64_a_collection_that_panics_is_reported() {
    alone("audit::s64_a_collection_that_panics_is_reported", async {
        let events = Events::of_process();
        let (collector, keeper) = GatedCollector::new();
        let server = serve(
            MemoryDebugLayer::new(credentials()).configure(|endpoint| endpoint.collect_with(collector)),
        )
        .await;
        keeper.let_panic();
        assert_eq!(server.send(Request::get("/debug/memory").authorized()).await.status, 500);
        assert_has(&event(&events, "outcome=panicked").await, &["WARN", "scope=Everything"]);
        assert!(!events.lines().iter().any(|line| line.contains("the test told it to")));
    });
}

#[test]
fn s64_events_name_the_peer_where_axum_knows_it() {
    alone("audit::s64_events_name_the_peer_where_axum_knows_it", async {
        let events = Events::of_process();
        let address = serve_with_peer(layer()).await;
        let mut connection = memory_debug_tests::Connection::open(address).await;
        connection.exchange(Request::get("/debug/memory").authorized()).await;
        let authorized = event(&events, "outcome=authorized").await;
        assert_has(&authorized, &["peer=127.0.0.1"]);
    });
}

#[test]
fn s14_a_password_change_without_a_restart_is_reported() {
    alone("audit::s14_a_password_change_without_a_restart_is_reported", async {
        let events = Events::of_process();
        let file = std::env::temp_dir().join(format!("memory-debug-rotation-{}", std::process::id()));
        let write = |content: &str| std::fs::write(&file, content).unwrap();
        write(&format!("{USER}:{PASSWORD}\n"));
        let from_file = Credentials::from_file(&file).unwrap();
        let layer = MemoryDebugLayer::new(from_file)
            .configure(|endpoint| endpoint.collect_with(CountingCollector::default()));
        let server = serve(layer).await;
        let new = "wD6Rz3o-WnTnbCqk2_tt-long";
        let ask = async |password: &str| {
            let pair = format!("{USER}:{password}");
            server.send(Request::get("/debug/memory").header("authorization", basic(pair))).await.status
        };
        // The file is checked at most once a second, and only on requests. So repeat requests until the
        // change is seen.
        let until = async |password: &str, field: &str| {
            within_limit(async {
                while !events.audit().iter().any(|line| line.contains(&format!("{field} "))) {
                    ask(password).await;
                    tokio::task::yield_now().await;
                }
            })
            .await;
        };
        assert_eq!((ask(PASSWORD).await, ask(new).await), (200, 401));
        write("this is not a login\n");
        until(PASSWORD, "outcome=credentials-kept").await;
        assert_eq!((ask(PASSWORD).await, ask(new).await), (200, 401));
        write(&format!("{USER}:{new}\n"));
        until(PASSWORD, "outcome=credentials-replaced").await;
        assert_eq!((ask(PASSWORD).await, ask(new).await), (401, 200));
        std::fs::remove_file(&file).unwrap();
        let shown = events.lines().join("\n");
        assert_no_secret(&shown, "the log");
        assert!(!shown.contains(new) && !shown.contains("this is not a login"), "{shown}");
    });
}

/// The page of an application whose server passes on the address of the client. It ends with the test's
/// runtime.
async fn serve_with_peer(layer: MemoryDebugLayer) -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let app = Router::new().layer(layer.connection(connect_info));
    let service = app.into_make_service_with_connect_info::<SocketAddr>();
    tokio::spawn(async move { axum::serve(listener, service).await.unwrap() });
    address
}

#[test]
fn s17_a_password_over_plain_http_is_reported_once() {
    alone("audit::s17_a_password_over_plain_http_is_reported_once", async {
        let events = Events::of_process();
        let layer = || {
            MemoryDebugLayer::new(credentials())
                .configure(|endpoint| endpoint.collect_with(CountingCollector::default()))
        };
        let reports = || {
            let audit = events.audit();
            audit.iter().filter(|line| line.contains("outcome=plain-http-accepted ")).count()
        };
        let ask = async |address| {
            let mut connection = memory_debug_tests::Connection::open(address).await;
            let reply = connection.exchange(Request::get("/debug/memory").authorized()).await;
            assert_eq!(reply.status, 200, "{reply}");
        };
        // From this machine, and with plain HTTP allowed.
        ask(serve_with_peer(layer().configure(|endpoint| endpoint.require_tls())).await).await;
        ask(serve_with_peer(layer()).await).await;
        ask(serve(layer().configure(|endpoint| endpoint.allow_plain_http())).await.address()).await;
        let unknown_peer = serve(layer()).await;
        unknown_peer.send(Request::get("/debug/memory")).await;
        assert_eq!(reports(), 0, "{:#?}", events.audit());
        for _ in 0..3 {
            ask(unknown_peer.address()).await;
            ask(serve(layer()).await.address()).await;
            assert_eq!(reports(), 1, "{:#?}", events.audit());
        }
    });
}

#[test]
fn s64_a_user_is_named_only_after_the_right_password() {
    alone("audit::s64_a_user_is_named_only_after_the_right_password", async {
        let events = Events::of_process();
        let server = serve(layer()).await;
        let pasted = Request::get("/debug/memory").header("authorization", basic(format!("{PASSWORD}:x")));
        assert_eq!(server.send(pasted).await.status, 401);
        assert_eq!(events.audit().len(), 1);
        assert!(!events.audit()[0].contains("user="), "{:?}", events.audit());
        assert_no_secret(&events.lines().join("\n"), "the log");
    });
}

#[test]
fn s64_a_flood_of_bad_logins_is_not_a_flood_of_events() {
    alone("audit::s64_a_flood_of_bad_logins_is_not_a_flood_of_events", async {
        let events = Events::of_process();
        let endpoint = Endpoint::new(credentials());
        let begin = std::time::Instant::now();
        for _ in 0..10_000 {
            drop(endpoint.handle(parts("/debug/memory", &|_| Vec::new())));
        }
        // One event a second, however slow the machine is.
        let most = begin.elapsed().as_secs() as usize + 1;
        let audit = events.audit();
        assert!((1..=most).contains(&audit.len()), "{audit:#?}");
    });
}

#[test]
fn s64_a_path_cannot_forge_a_line_of_the_log() {
    alone("audit::s64_a_path_cannot_forge_a_line_of_the_log", async {
        let events = Events::of_process();
        let endpoint = Endpoint::new(credentials()).allow_plain_http();
        let path = format!("/debug/memory/\r\nINFO forged\u{1b}[31m\u{85}{}", "x".repeat(10_000));
        let header = authorization();
        drop(endpoint.handle(parts(&path, &|_| vec![header.as_bytes()])));
        drop(endpoint.handle(parts(&path, &|_| Vec::new())));
        assert_eq!(events.audit().len(), 2);
        for line in events.audit() {
            assert!(line.bytes().all(|byte| (b' '..=b'~').contains(&byte)), "{line}");
            assert!(line.contains("\\r\\nINFO forged\\u{1b}[31m\\u{85}x") && line.len() < 500, "{line}");
        }
    });
}

fn parts<'a>(path: &'a str, headers: &'a dyn Fn(&str) -> Vec<&'a [u8]>) -> RequestParts<'a> {
    let authority = None;
    let connection = Connection::default();
    RequestParts { method: "GET", authority, path, query: None, headers, connection }
}

#[test]
fn s65_the_password_is_not_logged_at_any_level() {
    alone("audit::s65_the_password_is_not_logged_at_any_level", async {
        let events = Events::of_process();
        one_of_each().await;
        let server = serve(layer()).await;
        for request in [
            Request::get("/debug/memory").authorized().authorized(),
            Request::get("/debug/memory").header("authorization", format!("{} ", authorization())),
            Request::get("/debug/memory").header("authorization", basic(format!("opss:{PASSWORD}"))),
            Request::get("/debug/memory").header("authorization", basic(format!("{PASSWORD}:ops"))),
            Request::get(format!("/debug/memory?password={PASSWORD}")).authorized(),
        ] {
            server.send(request).await;
        }
        assert!(events.audit().len() > 10, "{:#?}", events.audit());
        let shown = events.lines().join("\n");
        assert_no_secret(&shown, "the log");
        assert!(!shown.to_lowercase().contains("basic "), "{shown}");
    });
}

#[test]
fn s65_no_secret_is_logged_when_peers_are_asked() {
    alone("audit::s65_no_secret_is_logged_when_peers_are_asked", async {
        const SECRET: &str = "c6Zt-Qw8_nYr5LmKd2HS";
        let events = Events::of_process();
        let (url, asked) = peer();
        let peers = Peers::new(SECRET).unwrap().instance(url).unwrap();
        let server = serve(layer().configure(|endpoint| endpoint.peers(peers))).await;
        let login = basic(format!("memory-debug-peer:{SECRET}"));
        let as_peer = |target: &str| Request::get(target).header("authorization", &login);
        for (expected, request) in [
            (200, Request::get("/debug/memory/fleet?scope=peers&format=json").authorized()),
            (200, as_peer("/debug/memory?top=9").header("memory-hop", "1")),
            (403, as_peer("/debug/memory")),
            (403, as_peer("/debug/memory/fleet?scope=peers").header("memory-hop", "1")),
            (401, as_peer("/debug/memory").header("authorization", &login)),
            (401, Request::get("/debug/memory").header("authorization", basic(format!("{USER}:{SECRET}")))),
        ] {
            let reply = server.send(request).await;
            assert_eq!(reply.status, expected, "{reply}");
            assert!(expected != 200 || !reply.to_string().contains("no-report"), "{reply}");
        }
        let asked = asked.join().unwrap();
        assert!(asked.contains(&format!("\r\nauthorization: {login}\r\n")), "{asked}");
        // Text logged in either form would be found.
        log::trace!("a record");
        tracing::trace!("an event");
        let shown = events.lines().join("\n");
        for seen in ["a record", "an event", "user=memory-debug-peer "] {
            assert!(shown.contains(seen), "{seen} is not in {shown}");
        }
        assert_no_secret(&shown, "the log");
        assert_hidden(SECRET, &login, &shown, "the log");
        assert_hidden(SECRET, &basic(format!("{USER}:{SECRET}")), &shown, "the log");
        assert!(!shown.to_lowercase().contains("basic "), "{shown}");
    });
}

/// The address of a peer that answers one request, and a handle to the request it received.
fn peer() -> (String, JoinHandle<String>) {
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    let answer = move || {
        let (mut stream, _) = listener.accept().unwrap();
        let mut request = Vec::new();
        while !request.ends_with(b"\r\n\r\n") {
            let mut byte = [0];
            stream.read_exact(&mut byte).unwrap();
            request.push(byte[0]);
        }
        let body = serde_json::to_string(&fixed_report()).unwrap();
        let head = format!("HTTP/1.1 200 OK\r\ncontent-length: {}\r\n\r\n", body.len());
        stream.write_all((head + &body).as_bytes()).unwrap();
        String::from_utf8(request).unwrap()
    };
    (url, thread::spawn(answer))
}

#[test]
fn s64_each_change_of_the_profiler_is_reported_with_user_and_outcome() {
    alone("audit::s64_each_change_of_the_profiler_is_reported_with_user_and_outcome", async {
        let events = Events::of_process();
        let server = serve(MemoryDebugLayer::new(credentials())).await;
        let put = |body: &str| {
            let request = Request::new("PUT", "/debug/memory/profiling").authorized();
            request.header("content-type", "application/json").body(body)
        };
        let on = r#"{"active":true,"for_seconds":300,"sample_bytes":4096}"#;
        assert_eq!(server.send(put(on)).await.status, 200);
        let made = event(&events, "outcome=profiling-changed").await;
        assert_has(
            &made,
            &["INFO", "user=ops", "change=on for 300 s, one sample per 2^12 bytes", "version=1"],
        );
        assert_eq!(server.send(put(on).header("if-match", "\"x\"")).await.status, 409);
        let refused = event(&events, "outcome=profiling-not-changed").await;
        assert_has(&refused, &["WARN", "user=ops", "status=409"]);
        // An invalid body is a decision but not a change. Its content is not logged.
        assert_eq!(server.send(put(&format!("{{\"{PASSWORD}\":1}}"))).await.status, 400);
        assert_eq!(server.send(put(r#"{"active":false}"#)).await.status, 200);
        let audit = events.audit();
        let of_changes = audit.iter().filter(|line| line.contains("outcome=profiling-")).count();
        assert_eq!(of_changes, 3, "{audit:#?}");
        assert!(!events.lines().iter().any(|line| line.contains(PASSWORD)));
    });
}

/// A tracer that counts nothing.
#[derive(Debug, Default)]
struct FakeTracer(AtomicBool);

impl TraceSource for FakeTracer {
    fn report(&self, instance: InstanceInfo) -> TraceReport {
        let mut trace = Trace::default();
        trace.counted_ns = 7_900_000_000;
        TraceReport::new(instance, "2026-11-20T12:11:58Z", trace)
    }

    fn start(&self, _time: Duration, _user: &str) -> Result<(), AlreadyCounting> {
        if self.0.swap(true, Ordering::SeqCst) { Err(AlreadyCounting::default()) } else { Ok(()) }
    }

    fn stop(&self) -> bool {
        self.0.swap(false, Ordering::SeqCst)
    }
}

#[test]
fn s64_s69_starts_and_stops_of_the_tracer_are_audited() {
    alone("audit::s64_s69_starts_and_stops_of_the_tracer_are_audited", async {
        let events = Events::of_process();
        let tracer = TraceHandle::new(Arc::new(FakeTracer::default()));
        let server =
            serve(MemoryDebugLayer::new(credentials()).configure(|endpoint| endpoint.tracer(tracer))).await;
        let post = |body: &str| {
            let request = Request::new("POST", "/debug/memory/trace").authorized();
            request.header("content-type", "application/json").body(body)
        };
        let (start, stop) = (r#"{"seconds":30}"#, r#"{"stop":true}"#);
        assert_eq!(server.send(post(start)).await.status, 200);
        let started = event(&events, "outcome=trace-started").await;
        assert_has(&started, &["INFO", "user=ops", "seconds=30"]);
        assert_eq!(server.send(post(start)).await.status, 409);
        let refused = event(&events, "outcome=trace-not-started").await;
        assert_has(&refused, &["WARN", "user=ops", "seconds=30", "status=409"]);
        assert_eq!(server.send(post(stop)).await.status, 200);
        let stopped = event(&events, "outcome=trace-stopped").await;
        assert_has(&stopped, &["INFO", "user=ops", "seconds=7"]);
        // Nothing is started or stopped by these.
        assert_eq!(server.send(post(stop)).await.status, 200);
        assert_eq!(server.send(post(&format!("{{\"{PASSWORD}\":1}}"))).await.status, 400);
        let audit = events.audit();
        let of_changes = audit.iter().filter(|line| line.contains("outcome=trace-")).count();
        assert_eq!(of_changes, 3, "{audit:#?}");
        assert!(!events.lines().iter().any(|line| line.contains(PASSWORD)));
    });
}

#[test]
fn s14_a_credentials_file_that_becomes_a_pipe_blocks_no_worker_and_is_reported() {
    alone("audit::s14_a_credentials_file_that_becomes_a_pipe_blocks_no_worker_and_is_reported", async {
        let events = Events::of_process();
        let file = std::env::temp_dir().join(format!("memory-debug-pipe-{}", std::process::id()));
        std::fs::write(&file, format!("{USER}:{PASSWORD}\n")).unwrap();
        let from_file = Credentials::from_file(&file).unwrap();
        let layer = MemoryDebugLayer::new(from_file)
            .configure(|endpoint| endpoint.collect_with(CountingCollector::default()));
        let server = serve(layer).await;
        std::fs::remove_file(&file).unwrap();
        assert!(std::process::Command::new("mkfifo").arg(&file).status().unwrap().success());
        // This runtime has one thread. If it waited for a writer of the pipe, no request would be answered.
        let wrong = async || {
            let request =
                Request::get("/debug/memory").header("authorization", basic("ops:not-the-password"));
            server.send(request).await.status
        };
        within_limit(async {
            while !events.audit().iter().any(|line| line.contains("outcome=credentials-kept ")) {
                assert_eq!(wrong().await, 401);
            }
        })
        .await;
        let kept = event(&events, "outcome=credentials-kept").await;
        assert!(kept.contains("it is a pipe, not a regular file"), "{kept}");
        assert_eq!(server.send(Request::get("/debug/memory").authorized()).await.status, 200);
        std::fs::remove_file(&file).unwrap();
    });
}
