//! Spellings of the path. Each one reaches either the page behind its password or the application.

use std::time::Duration;

use axum::Router;
use axum::routing::get;
use memory_debug_axum::{Limits, MemoryDebugLayer};
use memory_debug_tests::{CountingCollector, Request, Response, Server, credentials};

/// The part that answered.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Answer {
    /// The page: 401 without the password. With it, a page or an error that lists the pages.
    Page,
    /// The application, with the same answer with and without the password.
    Application,
    /// The server itself, which rejected the request.
    Server,
}
use Answer::{Application, Page};

const FALLBACK: &str = "the application knows no such path";

async fn serve() -> (Server, CountingCollector) {
    let collector = CountingCollector::default();
    let layer =
        MemoryDebugLayer::new(credentials()).configure(|endpoint| endpoint.collect_with(collector.clone()));
    // Every page is collected, including statistics.
    let layer =
        layer.configure(|endpoint| endpoint.limits(Limits::default().cache_stats_for(Duration::ZERO)));
    let app = Router::new()
        .route("/", get(|| async { "home" }))
        .route("/debug/{name}", get(|| async { "the application" }))
        .fallback(|| async { FALLBACK })
        .layer(layer);
    (Server::start(app).await, collector)
}

fn is_data(response: &Response) -> bool {
    response.text().contains("instance") || response.text().contains("types")
}

/// Sends `target` without and with the password, and returns the part that answered.
async fn answer(server: &Server, collector: &CountingCollector, target: &[u8]) -> Answer {
    let shown = String::from_utf8_lossy(target).chars().take(80).collect::<String>();
    let before = collector.count();
    let open = server.send(Request::get(target)).await;
    assert!(!is_data(&open), "{shown}: {open}");
    assert_eq!(collector.count(), before, "{shown} collects without a password");
    let authorized = server.send(Request::get(target).authorized()).await;
    match (open.status, authorized.status) {
        (401, 200) => {
            assert_eq!(collector.count(), before + 1, "{shown}");
            Page
        }
        (401, 404) => {
            assert!(authorized.text().contains("/debug/memory/stats"), "{shown}: {authorized}");
            Page
        }
        (200, 200) => {
            assert_eq!(open.without_date(), authorized.without_date(), "{shown}");
            assert!(!is_data(&authorized), "{shown}: {authorized}");
            Application
        }
        (400 | 414 | 431, 400 | 414 | 431) => Answer::Server,
        statuses => panic!("{shown}: {statuses:?}: {open}"),
    }
}

#[tokio::test]
async fn s20_each_spelling_belongs_to_the_page_or_to_the_application() {
    let (server, collector) = serve().await;
    for (target, expected) in [
        ("/debug/memory", Page),
        ("/debug/memory/", Page),
        ("/debug/memory/stats", Page),
        ("/debug/memory/stats/", Page),
        ("/debug/memory//stats", Page),
        ("/debug/memory/./stats", Page),
        ("/debug/memory/../../", Page),
        ("/debug/memory/%2e%2e/", Page),
        ("/debug/memory/;x", Page),
        ("/debug/memory/%00", Page),
        ("/debug/memory?", Page),
        ("http://localhost/debug/memory", Page),
        ("http://evil.example/debug/memory", Page),
        ("https://localhost:1/debug/memory/stats", Page),
        ("/", Application),
        ("//debug/memory", Application),
        ("///debug/memory", Application),
        ("/debug//memory", Application),
        ("/debug/./memory", Application),
        ("/debug/x/../memory", Application),
        ("/./debug/memory", Application),
        ("/%64ebug/memory", Application),
        ("/debug/mem%6Fry", Application),
        ("/debug%2Fmemory", Application),
        ("/debug%2fmemory", Application),
        ("/debug/memory%2Fstats", Application),
        ("/debug/memory%00", Application),
        ("/debug/memory%20", Application),
        ("/debug/memory%3Fformat=json", Application),
        ("/Debug/Memory", Application),
        ("/DEBUG/MEMORY", Application),
        ("/debug/memory;x", Application),
        ("/debug/memory;/stats", Application),
        ("/debug;x/memory", Application),
        ("/debug/memoryx", Application),
        ("/debug/memory.json", Application),
        ("/debug/memor", Application),
        ("/x/debug/memory", Application),
        ("/debug/memory\\stats", Application),
        ("/d\u{fc}bug/memory", Application),
        ("http://localhost//debug/memory", Application),
        ("http://localhost/", Application),
        ("http://localhost", Application),
    ] {
        assert_eq!(answer(&server, &collector, target.as_bytes()).await, expected, "{target}");
    }
}

#[tokio::test]
async fn s20_a_target_that_is_not_a_path_never_shows_data() {
    let (server, collector) = serve().await;
    let long = [b"/debug/memory/", &[b'a'; 64 << 10][..]].concat();
    let longest = [b"/debug/memory/", &[b'a'; 32 << 10][..]].concat();
    let long_query = [b"/debug/memory?", &[b'a'; 32 << 10][..]].concat();
    for target in [
        &b"*"[..],
        b"",
        b"debug/memory",
        b"localhost:80",
        b"\0",
        b"/debug/memory\0",
        b"/debug/memory\0/stats",
        b"\xff",
        b"/debug/memory\xff",
        b"/debug/memory/\xff",
        b"/debug/memory#fragment",
        b"/debug/memory\t",
        b"http://",
        b"http:///debug/memory",
        b"//",
        b"?",
        b"/debug/memory HTTP/1.0\r\nx: y\r\n\r\nGET /",
        &long,
        &longest,
    ] {
        let shown = String::from_utf8_lossy(&target[..target.len().min(60)]).into_owned();
        let open = server.send(Request::get(target)).await;
        assert!(!is_data(&open), "{shown}: {open}");
        assert!(matches!(open.status, 200 | 400 | 401 | 404 | 414 | 431), "{shown}: {open}");
        assert_eq!(collector.count(), 0, "{shown} collects without a password");
    }
    assert_eq!(answer(&server, &collector, &longest).await, Page);
    let refused = server.send(Request::get(&long_query).authorized()).await;
    assert_eq!(refused.status, 400);
    assert!(refused.body.len() < 1024, "the refused target is not repeated in full");
    // After all of these, the service still answers.
    assert_eq!(server.send(Request::get("/")).await.text(), "home");
    assert_eq!(server.send(Request::get("/debug/memory").authorized()).await.status, 200);
}

#[tokio::test]
async fn s20_other_request_targets_are_answered_by_the_application_or_refused() {
    let (server, collector) = serve().await;
    for request in [
        Request::new("OPTIONS", "*"),
        Request::new("OPTIONS", "*").authorized(),
        Request::new("CONNECT", "localhost:80"),
        Request::new("CONNECT", "localhost:80").authorized(),
        Request::new("CONNECT", "/debug/memory"),
        Request::new("CONNECT", "/debug/memory").authorized(),
    ] {
        let shown = format!("{request:?}");
        let response = server.send(request).await;
        assert!(!is_data(&response), "{shown}: {response}");
        assert_eq!(collector.count(), 0, "{shown}");
    }
}

#[tokio::test]
async fn s20_a_configured_base_path_replaces_the_default() {
    let collector = CountingCollector::default();
    let layer = MemoryDebugLayer::new(credentials())
        .configure(|endpoint| endpoint.collect_with(collector.clone()))
        .path("/internal/mem")
        .unwrap();
    let app = Router::new().fallback(|| async { FALLBACK }).layer(layer);
    let server = Server::start(app).await;
    for (target, expected) in [
        ("/internal/mem", Page),
        ("/internal/mem/types", Page),
        ("/internal/mem/", Page),
        ("/internal/memory", Application),
        ("/internal", Application),
        ("/debug/memory", Application),
    ] {
        let open = server.send(Request::get(target)).await;
        assert_eq!(open.status == 401, expected == Page, "{target}: {open}");
    }
    let listed = server.send(Request::get("/internal/mem/unknown").authorized()).await;
    assert_eq!(listed.status, 404);
    assert!(listed.text().contains("/internal/mem/stats"), "{listed}");
}
