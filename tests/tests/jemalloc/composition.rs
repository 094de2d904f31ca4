//! The layer and the router in every position that an application can use. The rest of the application must
//! not change.

use axum::Router;
use axum::body::{Body, Bytes};
use axum::extract::Extension;
use axum::http::{HeaderMap, StatusCode, Uri};
use axum::routing::{any, get, post};
use http_body_util::BodyExt;
use memory_debug_axum::{MemoryDebugLayer, router, router_with};
use memory_debug_tests::{
    Connection, CountingCollector, GatedCollector, Request, Response, Server, authorization, credentials,
};
use tower::layer::util::Identity;
use tower::{Layer, ServiceBuilder};

fn layer() -> MemoryDebugLayer {
    MemoryDebugLayer::new(credentials())
        .configure(|endpoint| endpoint.collect_with(CountingCollector::default()))
}

fn routes() -> Router {
    Router::new()
        .route("/", get(|| async { "home" }))
        .route("/echo", post(|headers: HeaderMap, body: Bytes| async move { (echoed(&headers), body) }))
        .route("/stream", post(|body: Body| async { body }))
        .route("/debug", get(|| async { "the application's own" }))
        .route("/debug/{page}/of/the/application", get(|uri: Uri| async move { uri.to_string() }))
        .route("/extension", get(|Extension(text): Extension<&'static str>| async move { text }))
        .route("/fails", any(|| async { StatusCode::INTERNAL_SERVER_ERROR }))
}

/// Echoes all request headers in one response header.
fn echoed(headers: &HeaderMap) -> [(&'static str, String); 1] {
    let fields = headers.iter().map(|(name, value)| format!("{name}={}", value.as_bytes().escape_ascii()));
    [("x-echo", fields.collect::<Vec<_>>().join("; "))]
}

async fn nothing_here() -> (StatusCode, &'static str) {
    (StatusCode::IM_A_TEAPOT, "the application's fallback")
}

/// Asserts that the page and everything below it is at `base`, with the application around it.
async fn assert_page_at(base: &str, app: Router, placement: &str) {
    let server = Server::start(app).await;
    for below in ["", "/stats", "/types?format=json"] {
        let target = format!("{base}{below}");
        assert_eq!(server.send(Request::get(&target)).await.status, 401, "{placement}: {target}");
        assert_eq!(
            server.send(Request::get(&target).authorized()).await.status,
            200,
            "{placement}: {target}"
        );
    }
    for below in ["/", "/unknown", "/un/known", "//", "/stats/", "/%00"] {
        let target = format!("{base}{below}");
        assert_eq!(server.send(Request::get(&target)).await.status, 401, "{placement}: {target}");
        assert_eq!(
            server.send(Request::get(&target).authorized()).await.status,
            404,
            "{placement}: {target}"
        );
    }
    assert_eq!(server.send(Request::get("/")).await.text(), "home", "{placement}");
}

#[tokio::test]
async fn s21_the_layer_works_in_every_position() {
    let in_builder = || ServiceBuilder::new().layer(Identity::new()).layer(layer()).layer(Identity::new());
    let whole = |inner: Router| Router::new().fallback_service(layer().layer(inner));
    for (placement, base, app) in [
        ("after the routes", "/debug/memory", routes().layer(layer())),
        ("after routes and fallback", "/debug/memory", routes().fallback(nothing_here).layer(layer())),
        ("twice", "/debug/memory", routes().layer(layer()).layer(layer())),
        ("in a ServiceBuilder", "/debug/memory", routes().layer(in_builder())),
        ("around a nest", "/debug/memory", routes().nest("/api", routes()).layer(layer())),
        (
            "around a merge",
            "/debug/memory",
            routes().merge(Router::new().route("/x", get(nothing_here))).layer(layer()),
        ),
        ("around a nested service", "/debug/memory", routes().nest_service("/api", routes()).layer(layer())),
        ("around the whole service", "/debug/memory", whole(routes())),
        (
            "inside a nest with a fallback",
            "/api/debug/memory",
            routes().nest("/api", Router::new().fallback(nothing_here).layer(layer())),
        ),
        ("in a nested service", "/api/debug/memory", routes().nest_service("/api", routes().layer(layer()))),
        ("at a custom path", "/internal/memory", routes().layer(layer().path("/internal/memory").unwrap())),
    ] {
        assert_page_at(base, app, placement).await;
    }
}

#[tokio::test]
async fn s21_the_router_works_in_every_position() {
    let page = || router_with(layer());
    for (placement, base, app) in [
        ("merged", "/debug/memory", routes().merge(page())),
        ("merged into", "/debug/memory", page().merge(routes())),
        ("merged before a fallback", "/debug/memory", routes().merge(page()).fallback(nothing_here)),
        ("merged after a fallback", "/debug/memory", routes().fallback(nothing_here).merge(page())),
        ("nested", "/internal/debug/memory", routes().nest("/internal", page())),
        ("nested twice", "/a/b/debug/memory", routes().nest("/a", Router::new().nest("/b", page()))),
        (
            "nested with a fallback",
            "/internal/debug/memory",
            routes().nest("/internal", page()).fallback(nothing_here),
        ),
        ("a nested service", "/internal/debug/memory", routes().nest_service("/internal", page())),
    ] {
        assert_page_at(base, app, placement).await;
    }
}

#[tokio::test]
async fn s21_the_router_alone_reports_on_this_process() {
    let server = Server::start(routes().merge(router(credentials()))).await;
    let report = server.send(Request::get("/debug/memory/stats?format=json").authorized()).await.report();
    assert_eq!(report.instance.pid, std::process::id());
}

#[tokio::test]
async fn s21_nothing_is_open_where_axum_does_not_apply_the_layer() {
    for (placement, target, app) in [
        ("before a fallback", "/debug/memory", routes().layer(layer()).fallback(nothing_here)),
        ("as a route layer", "/debug/memory", routes().route_layer(layer())),
        ("in a nest without a fallback", "/api/debug/memory", routes().nest("/api", routes().layer(layer()))),
    ] {
        let server = Server::start(app).await;
        for request in [Request::get(target), Request::get(target).authorized()] {
            let response = server.send(request).await;
            assert!(matches!(response.status, 404 | 418), "{placement}: {response}");
            assert!(!response.text().contains("instance"), "{placement}: {response}");
        }
    }
}

#[tokio::test]
async fn s21_all_routes_of_a_layer_share_one_collection() {
    let (collector, mut keeper) = GatedCollector::new();
    let layer = MemoryDebugLayer::new(credentials()).configure(|endpoint| endpoint.collect_with(collector));
    // `Router::layer` clones the layer's service into each route and fallback.
    let app = routes().fallback(nothing_here).nest("/api", router_with(layer.clone())).layer(layer);
    let server = Server::start(app).await;
    let mut waiting = Vec::new();
    for target in ["/debug/memory", "/api/debug/memory", "/debug/memory/types", "/api/debug/memory/types"] {
        let mut connection = Connection::open(server.address()).await;
        connection.send_head(Request::get(target).authorized()).await;
        waiting.push(connection);
    }
    keeper.begun().await;
    assert_eq!(keeper.runs(), 1);
    drop(keeper);
    for mut connection in waiting {
        assert_eq!(connection.receive().await.status, 200);
    }
}

/// Requests for everything except the page.
fn others() -> Vec<Request> {
    let long = "x".repeat(100_000);
    vec![
        Request::get("/"),
        Request::get("/?a=1&a=2&%00"),
        Request::get("/").authorized(),
        Request::new("HEAD", "/"),
        Request::new("OPTIONS", "/"),
        Request::new("POST", "/").body("x"),
        Request::new("POST", "/echo").body(""),
        Request::new("POST", "/echo").body([0xff, 0, 13, 10]),
        Request::new("POST", "/echo").header("x-a", "1").header("X-A", b"\xfc").authorized().body("body"),
        Request::new("POST", "/stream").body(&long),
        Request::new("POST", "/echo").header("expect", "x").body("x"),
        Request::get("/debug"),
        Request::get("/debug/"),
        Request::get("/debug/memory2"),
        Request::get("/debug/memoryx/of/the/application"),
        Request::get("/unknown").authorized(),
        Request::get("/extension"),
        Request::get("/fails"),
        Request::new("BREW", "/fails"),
        Request::get("//debug/memory"),
        Request::get("/debug/x/../memory"),
        Request::get("*"),
        Request::get("not a path"),
        Request::get(format!("/{}", &long[..70_000])),
        Request::get("/").header("bad name", "x"),
        Request::get("/").header("content-length", "x"),
    ]
}

async fn answers(app: Router) -> Vec<Response> {
    let server = Server::start(app).await;
    let mut answers = Vec::new();
    for request in others() {
        answers.push(server.send(request).await);
    }
    answers
}

#[tokio::test]
async fn s22_other_paths_are_answered_byte_for_byte_as_without_the_layer() {
    for fallback in [false, true] {
        let app = || {
            let app = routes().layer(Extension("an extension"));
            if fallback { app.fallback(nothing_here) } else { app }
        };
        let without = answers(app()).await;
        assert!(
            without.iter().any(|answer| answer.status == 200)
                && without.iter().any(|answer| answer.status >= 400)
        );
        for (placement, with) in [
            ("a layer", app().layer(layer())),
            ("two layers", app().layer(layer()).layer(layer())),
            ("a merged router", app().merge(router_with(layer()))),
            ("a service around all", Router::new().fallback_service(layer().layer(app()))),
        ] {
            for (number, (without, with)) in without.iter().zip(answers(with).await).enumerate() {
                let request = &others()[number];
                assert!(
                    without.without_date() == with.without_date(),
                    "{placement}: {request:?}\n{without}\n{with}"
                );
            }
        }
    }
}

#[tokio::test]
async fn s22_bodies_stream_through_in_both_directions() {
    let app = Router::new().route(
        "/upper",
        post(|body: Body| async {
            Body::new(body.map_frame(|frame| frame.map_data(|data| Bytes::from(data.to_ascii_uppercase()))))
        }),
    );
    let server = Server::start(app.layer(layer())).await;
    let mut connection = Connection::open(server.address()).await;
    let request = Request::new("POST", "/upper").header("transfer-encoding", "chunked");
    connection.send_head(request).await;
    connection.send("3\r\none\r\n").await;
    // The answer to the first piece arrives before the second piece is sent.
    connection.receive_until(b"3\r\nONE\r\n").await;
    connection.send("3\r\ntwo\r\n").await;
    connection.receive_until(b"3\r\nTWO\r\n").await;
    connection.send("0\r\n\r\n").await;
    connection.receive_until(b"0\r\n\r\n").await;
}

#[tokio::test]
async fn s22_page_and_application_can_share_a_connection() {
    let server = Server::start(routes().layer(layer())).await;
    let mut connection = Connection::open(server.address()).await;
    for _ in 0..3 {
        assert_eq!(connection.exchange(Request::get("/")).await.text(), "home");
        assert_eq!(connection.exchange(Request::get("/debug/memory")).await.status, 401);
        assert_eq!(connection.exchange(Request::get("/debug/memory").authorized()).await.status, 200);
        let echo = Request::new("POST", "/echo").body("body");
        assert_eq!(connection.exchange(echo).await.text(), "body");
    }
}

#[tokio::test]
async fn s65_a_layer_inside_never_sees_the_header_of_the_page() {
    let seen = std::sync::Arc::new(std::sync::Mutex::new(Vec::new()));
    let recorder = std::sync::Arc::clone(&seen);
    let record = tower::util::MapRequestLayer::new(move |request: axum::extract::Request| {
        recorder.lock().unwrap().push(request.uri().to_string());
        request
    });
    let server = Server::start(routes().layer(record).layer(layer())).await;
    for header in [authorization(), "Basic b3BzOndyb25n".to_owned()] {
        server.send(Request::get("/debug/memory").header("authorization", header)).await;
    }
    server.send(Request::get("/")).await;
    assert_eq!(*seen.lock().unwrap(), ["/"]);
}
