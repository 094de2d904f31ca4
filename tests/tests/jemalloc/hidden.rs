//! The hidden page (`hide`): without the password, replies are equal byte by byte to the replies of an application
//! without the page.

use axum::Router;
use axum::body::{Body, Bytes};
use axum::http::{HeaderMap, Method, Uri};
use memory_debug_axum::{MemoryDebugLayer, router_with};
use memory_debug_tests::{
    Connection, CountingCollector, PASSWORD, Request, Server, USER, basic, credentials,
};

fn layer() -> MemoryDebugLayer {
    let layer = MemoryDebugLayer::new(credentials())
        .configure(|endpoint| endpoint.collect_with(CountingCollector::default()));
    layer.configure(|endpoint| endpoint.hide())
}

/// An application that echoes everything it was sent, including the body.
fn application() -> Router {
    Router::new().fallback(async |method: Method, uri: Uri, headers: HeaderMap, body: Bytes| {
        (axum::http::StatusCode::IM_A_TEAPOT, format!("{method} {uri} {headers:?} {body:?}"))
    })
}

const METHODS: [&str; 6] = ["GET", "POST", "PUT", "OPTIONS", "DELETE", "HEAD"];

/// Requests without the password.
fn requests(methods: &[&str]) -> Vec<Request> {
    let wrong = basic(format!("{USER}:{PASSWORD}x"));
    let mut requests = Vec::new();
    for method in methods {
        for target in
            ["/debug/memory", "/debug/memory/", "/debug/memory/types?top=5", "/debug/memory/unknown"]
        {
            let request = Request::new(method, target);
            requests.push(request.clone());
            requests.push(request.clone().header("authorization", &wrong));
            requests.push(request.clone().authorized().authorized());
            requests.push(request.clone().header("authorization", "Bearer x").body("a body to be read"));
        }
    }
    requests
}

#[tokio::test]
async fn s13_a_hidden_page_answers_as_the_application_does_without_the_layer() {
    let with = Server::start(application().layer(layer())).await;
    let without = Server::start(application()).await;
    for request in requests(&METHODS) {
        let (with, without) = (with.send(request.clone()).await, without.send(request).await);
        assert_eq!(with.status, 418, "{with}");
        assert_eq!(with.without_date(), without.without_date(), "{with}\n{without}");
    }
    let page = with.send(Request::get("/debug/memory").authorized()).await;
    assert_eq!(page.status, 200, "{page}");
}

#[tokio::test]
async fn s13_a_hidden_router_answers_as_axum_does_for_an_unknown_path() {
    let with = Server::start(Router::new().merge(router_with(layer()))).await;
    let without = Server::start(Router::new()).await;
    // For HEAD, axum sends the length of an empty body where it has a route.
    for request in requests(&METHODS[..5]) {
        let (with, without) = (with.send(request.clone()).await, without.send(request).await);
        assert_eq!(with.without_date(), without.without_date(), "{with}\n{without}");
    }
}

#[tokio::test]
async fn s13_slowly_read_body_arrives_complete() {
    let read = async |body: Body| {
        let bytes = axum::body::to_bytes(body, 1 << 20).await.unwrap();
        format!("{} bytes", bytes.len())
    };
    let server = Server::start(Router::new().fallback(read).layer(layer())).await;
    let mut connection = Connection::open(server.address()).await;
    connection.send_head(Request::new("POST", "/debug/memory").header("content-length", "30000")).await;
    for _ in 0..3 {
        connection.send("x".repeat(10_000)).await;
        tokio::task::yield_now().await;
    }
    assert_eq!(connection.receive().await.text(), "30000 bytes");
}
