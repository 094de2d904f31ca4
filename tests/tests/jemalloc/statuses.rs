//! One reply of every status the endpoint has, for tests of what holds for all of them.

use std::time::Duration;

use axum::Router;
use memory_debug_axum::{Limits, MemoryDebugLayer, Role};
use memory_debug_tests::{CountingCollector, GatedCollector, Request, Response, Server, credentials};

/// The memory page and nothing else.
pub(crate) async fn serve(layer: MemoryDebugLayer) -> Server {
    Server::start(Router::new().layer(layer)).await
}

/// The memory page of a collector that answers at once.
pub(crate) async fn serve_counting() -> (Server, CountingCollector) {
    let collector = CountingCollector::default();
    (serve(MemoryDebugLayer::new(credentials()).collect_with(collector.clone())).await, collector)
}

/// Replies with the statuses 200, 400, 401, 403, 404, 405, 406, 429, 500, 503 and 504, over real sockets.
pub(crate) async fn one_of_each() -> Vec<Response> {
    let (server, _) = serve_counting().await;
    let page = || Request::get("/debug/memory").authorized();
    let mut replies = Vec::new();
    for (expected, request) in [
        (200, page()),
        (200, page().header("accept", "application/json")),
        (200, Request::new("HEAD", "/debug/memory").authorized()),
        (400, Request::get("/debug/memory?top=1").authorized()),
        (400, Request::get("/debug/memory/types?sort=x&format=json").authorized()),
        (401, Request::get("/debug/memory")),
        (404, Request::get("/debug/memory/heap").authorized()),
        (405, Request::new("DELETE", "/debug/memory").authorized()),
        (406, page().header("accept", "image/png")),
    ] {
        let reply = server.send(request).await;
        assert_eq!(reply.status, expected, "{reply}");
        replies.push(reply);
    }

    let read_only = MemoryDebugLayer::new(credentials().role(Role::Read));
    let read_only = serve(read_only.configure(|endpoint| endpoint.types_need(Role::Profile))).await;
    let forbidden = read_only.send(page()).await;
    assert_eq!(forbidden.status, 403, "{forbidden}");
    replies.push(forbidden);

    let nobody_may_wait = Limits::default().max_waiters(0);
    let full = serve(MemoryDebugLayer::new(credentials()).limits(nobody_may_wait)).await;
    replies.push(full.send(page()).await);

    let (collector, keeper) = GatedCollector::new();
    let panicking = serve(MemoryDebugLayer::new(credentials()).collect_with(collector)).await;
    keeper.let_panic();
    replies.push(panicking.send(page()).await);

    let (collector, keeper) = GatedCollector::new();
    let layer = MemoryDebugLayer::new(credentials()).collect_with(collector);
    let late = serve(layer.limits(Limits::default().deadline(Duration::ZERO))).await;
    replies.push(late.send(page()).await);
    replies.push(late.send(page()).await);
    drop(keeper);

    let statuses: Vec<_> = replies.iter().rev().take(4).rev().map(|reply| reply.status).collect();
    assert_eq!(statuses, [429, 500, 504, 503]);
    replies
}
