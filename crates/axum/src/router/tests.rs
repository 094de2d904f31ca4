//! Tests of the layer and the router in every position where an application can put them.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use axum::body::Body;
use axum::extract::State;
use axum::http::{Request, Response};
use axum::middleware::map_response;
use axum::routing::get;
use http_body_util::BodyExt;
use memory_debug_core::{Collected, MemoryReport, Scope};
use memory_debug_tower::Collect;
use memory_debug_tower::memory_debug_core;
use tower::ServiceExt;

use super::*;

/// `ops:secret`.
const RIGHT: &str = "Basic b3BzOnNlY3JldA==";

#[derive(Clone, Default)]
struct Counter(Arc<AtomicUsize>);

impl Collect for Counter {
    fn collect(&self, _scope: Scope) -> Collected {
        self.0.fetch_add(1, Ordering::SeqCst);
        serde_json::from_str::<MemoryReport>(
            r#"{"schema": "memory-debug/v1", "instance": {"id": "00000000-0000-4000-8000-000000000000", "pid": 1},
                "collected_at": "", "duration_us": 0, "unavailable": {}}"#,
        )
        .unwrap()
        .into()
    }
}

fn layer() -> MemoryDebugLayer {
    MemoryDebugLayer::new(Credentials::allow_weak("ops", "secret").unwrap())
        .configure(|endpoint| endpoint.collect_with(Counter::default()))
}

async fn send(app: &Router, method: &str, target: &str, authorization: Option<&str>) -> Response<Body> {
    let mut request = Request::builder().method(method).uri(target);
    if let Some(value) = authorization {
        request = request.header("authorization", value);
    }
    app.clone().oneshot(request.body(Body::empty()).unwrap()).await.unwrap()
}

async fn status(app: &Router, target: &str, authorization: Option<&str>) -> u16 {
    send(app, "GET", target, authorization).await.status().as_u16()
}

/// Asserts that all of the page is at `base` behind its password, and that `/hello` reaches the application.
async fn assert_composed(name: &str, app: &Router, base: &str) {
    for below in ["", "/stats", "/types?format=json"] {
        let target = format!("{base}{below}");
        assert_eq!(status(app, &target, Some(RIGHT)).await, 200, "{name}: {target}");
        assert_eq!(status(app, &target, None).await, 401, "{name}: {target}");
    }
    for below in ["/", "/unknown", "/un/known", "//", "/stats/", "/%00"] {
        let target = format!("{base}{below}");
        assert_eq!(status(app, &target, Some(RIGHT)).await, 404, "{name}: {target}");
        assert_eq!(status(app, &target, None).await, 401, "{name}: {target}");
    }
    assert_eq!(status(app, "/hello", None).await, 200, "{name}");
    assert_eq!(send(app, "POST", "/hello", None).await.status(), 405, "{name}");
}

fn hello() -> Router {
    Router::new().route("/hello", get(|| async { "hello" }))
}

#[tokio::test]
async fn s21_layer_works_wherever_it_is_added() {
    let fallback = || async { StatusCode::IM_A_TEAPOT };
    for (name, app, base) in [
        ("after the routes", hello().layer(layer()), "/debug/memory"),
        ("after the fallback", hello().fallback(fallback).layer(layer()), "/debug/memory"),
        ("twice", hello().layer(layer()).layer(layer()), "/debug/memory"),
        ("another path", hello().layer(layer().path("/m").unwrap()), "/m"),
        (
            "around a nest",
            Router::new().nest("/app", Router::new()).merge(hello()).layer(layer()),
            "/debug/memory",
        ),
        (
            "inside a nest with its own fallback",
            hello().nest("/app", Router::new().fallback(fallback).layer(layer())),
            "/app/debug/memory",
        ),
        (
            "around everything",
            Router::new().fallback_service(tower::Layer::layer(&layer(), hello())),
            "/debug/memory",
        ),
    ] {
        assert_composed(name, &app, base).await;
    }
}

#[tokio::test]
async fn s21_page_is_not_open_where_axum_does_not_apply_the_layer() {
    // A fallback that is added after the layer is outside of it.
    let late_fallback = hello().layer(layer()).fallback(|| async { StatusCode::IM_A_TEAPOT });
    assert_eq!(status(&late_fallback, "/debug/memory", Some(RIGHT)).await, 418);
    // A nested router without its own fallback uses the outer fallback, which is outside of the layer.
    let nested = hello().nest("/app", hello().layer(layer()));
    assert_eq!(status(&nested, "/app/debug/memory", Some(RIGHT)).await, 404);
    // `route_layer` applies to existing routes only.
    let route_layer = hello().route_layer(layer());
    assert_eq!(status(&route_layer, "/debug/memory", Some(RIGHT)).await, 404);
}

#[tokio::test]
async fn s21_router_can_be_merged_and_nested_in_any_order() {
    let teapot = || async { StatusCode::IM_A_TEAPOT };
    for (name, app, base) in [
        ("merged", hello().merge(router_with(layer())), "/debug/memory"),
        ("merged into", router_with(layer()).merge(hello()), "/debug/memory"),
        ("with a fallback", hello().merge(router_with(layer())).fallback(teapot), "/debug/memory"),
        (
            "with a wildcard",
            hello().route("/{*all}", get(teapot)).merge(router_with(layer())),
            "/debug/memory",
        ),
        ("nested", hello().nest("/internal", router_with(layer())), "/internal/debug/memory"),
        ("another path", hello().merge(router_with(layer().path("/m").unwrap())), "/m"),
        ("behind the layer too", hello().merge(router_with(layer())).layer(layer()), "/debug/memory"),
        (
            "in a router with state",
            Router::new()
                .route("/hello", get(|State(text): State<&'static str>| async move { text }))
                .merge(router_with(layer()))
                .with_state("hello"),
            "/debug/memory",
        ),
    ] {
        assert_composed(name, &app, base).await;
    }
}

#[tokio::test]
async fn s21_one_layer_on_many_routes_has_one_state() {
    let counter = Counter::default();
    let layer = layer().configure(|endpoint| endpoint.collect_with(counter.clone()));
    let app = hello().route("/a", get(|| async {})).route("/b", get(|| async {})).layer(layer);
    assert_eq!(counter.0.load(Ordering::SeqCst), 0);
    assert_eq!(status(&app, "/a", None).await, 200);
    assert_eq!(status(&app, "/debug/memory", Some(RIGHT)).await, 200);
    assert_eq!(counter.0.load(Ordering::SeqCst), 1);
}

#[tokio::test]
async fn s02_every_method_on_every_path_is_401_without_credentials() {
    for app in [hello().layer(layer()), hello().merge(router_with(layer()))] {
        for method in ["GET", "HEAD", "POST", "PUT", "DELETE", "OPTIONS", "TRACE", "PATCH", "BREW"] {
            for target in ["/debug/memory", "/debug/memory/", "/debug/memory/x/y?z=%"] {
                let response = send(&app, method, target, None).await;
                assert_eq!(response.status(), 401, "{method} {target}");
                assert!(response.headers().contains_key("www-authenticate"));
            }
        }
    }
}

#[tokio::test]
async fn s20_no_other_spelling_shows_the_page_without_credentials() {
    for app in [hello().layer(layer()), hello().merge(router_with(layer()))] {
        for target in [
            "/debug//memory",
            "/debug/./memory",
            "/debug/x/../memory",
            "/%64ebug/memory",
            "/debug%2Fmemory",
            "/Debug/Memory",
            "/debug/memory;x",
            "/debug/memory%2Fstats",
            "//debug/memory",
            "http://host/debug/memory",
        ] {
            let status = status(&app, target, None).await;
            assert!(matches!(status, 401 | 404), "{target}: {status}");
        }
    }
}

#[tokio::test]
async fn application_layers_apply_to_a_merged_router() {
    let stamp = |mut response: Response<Body>| async move {
        response.headers_mut().insert("x-stamp", "1".parse().unwrap());
        response
    };
    let app = hello().merge(router_with(layer())).layer(map_response(stamp));
    let response = send(&app, "GET", "/debug/memory", Some(RIGHT)).await;
    assert_eq!(response.headers()["x-stamp"], "1");
    let body = response.into_body().collect().await.unwrap().to_bytes();
    assert!(!body.is_empty());
}

#[tokio::test]
async fn s23_head_is_answered_without_collecting() {
    let counter = Counter::default();
    for app in [
        hello().layer(layer().configure(|endpoint| endpoint.collect_with(counter.clone()))),
        hello().merge(router_with(layer().configure(|endpoint| endpoint.collect_with(counter.clone())))),
    ] {
        let response = send(&app, "HEAD", "/debug/memory", Some(RIGHT)).await;
        assert_eq!(response.status(), 200);
        assert!(response.into_body().collect().await.unwrap().to_bytes().is_empty());
    }
    assert_eq!(counter.0.load(Ordering::SeqCst), 0);
}

#[tokio::test]
async fn real_collector_answers() {
    let app: Router = router(Credentials::allow_weak("ops", "secret").unwrap());
    let response = send(&app, "GET", "/debug/memory/stats?format=json", Some(RIGHT)).await;
    assert_eq!(response.status(), 200);
    let body = response.into_body().collect().await.unwrap().to_bytes();
    let report: MemoryReport = serde_json::from_slice(&body).unwrap();
    assert_eq!(report.schema, memory_debug_core::SCHEMA);
}

#[tokio::test]
async fn router_has_the_aliases_of_the_layer() {
    let with = |base: &str| {
        let layer = layer().configure(|endpoint| endpoint.pprof_aliases()).path(base).unwrap();
        Router::new().merge(router_with(layer)).fallback(|| async { "the application" })
    };
    // Some of these are at or below an alias. A router must not contain the same path twice.
    for base in ["/debug/memory", "/debug", "/debug/pprof", "/debug/pprof/heap", "/debug/pprof/he"] {
        let app = with(base);
        for alias in ["/debug/pprof/heap", "/debug/pprof/allocs"] {
            assert_eq!(status(&app, alias, None).await, 401, "{base} {alias}");
            assert_eq!(status(&app, &format!("{alias}?gc=1"), Some(RIGHT)).await, 501, "{base} {alias}");
        }
    }
    assert_eq!(status(&with("/debug/memory"), "/debug/pprof/profile", Some(RIGHT)).await, 200);
    let without = Router::<()>::new().merge(router_with(layer()));
    assert_eq!(status(&without, "/debug/pprof/heap", Some(RIGHT)).await, 404);
    let nested = Router::new().nest("/api", with("/debug/memory"));
    assert_eq!(status(&nested, "/api/debug/pprof/heap", Some(RIGHT)).await, 501);
}

#[tokio::test]
async fn serves_no_page_unless_configured() {
    for (page, expected) in [(Some(layer()), 401), (None, 404)] {
        let app = Router::new().route("/hello", get(|| async { "hello" }));
        let app = app.layer(tower::util::option_layer(page));
        assert_eq!(status(&app, "/debug/memory", None).await, expected);
        assert_eq!(status(&app, "/hello", None).await, 200);
    }
}
