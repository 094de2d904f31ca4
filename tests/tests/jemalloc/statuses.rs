//! One reply of every status of the endpoint, for assertions that hold for all of them.

use std::time::Duration;

use axum::Router;
use memory_debug_axum::{
    Collect, Collected, Credentials, Limits, MemoryDebugLayer, Resource, Role, Scope, Shortage,
};
use memory_debug_tests::{CountingCollector, GatedCollector, Request, Response, Server, credentials};

/// A collector without enough memory to collect.
struct WithoutHeadroom;

impl Collect for WithoutHeadroom {
    fn collect(&self, _scope: Scope) -> Collected {
        panic!("there is too little memory")
    }

    fn headroom(&self, _scope: Scope) -> Result<(), Shortage> {
        Err(Shortage { needed_bytes: 64 << 20, available_bytes: 1 << 20, resource: Resource::Memory })
    }
}

/// Serves the memory page alone.
pub(crate) async fn serve(layer: MemoryDebugLayer) -> Server {
    Server::start(Router::new().layer(layer)).await
}

/// Serves the memory page of a collector that answers immediately. Every page is collected, including
/// statistics.
pub(crate) async fn serve_counting() -> (Server, CountingCollector) {
    let collector = CountingCollector::default();
    let layer =
        MemoryDebugLayer::new(credentials()).configure(|endpoint| endpoint.collect_with(collector.clone()));
    (
        serve(layer.configure(|endpoint| endpoint.limits(Limits::default().cache_stats_for(Duration::ZERO))))
            .await,
        collector,
    )
}

/// One reply of each status 200, 400, 401, 403, 404, 405, 406, 429, 500, 503 and 504, over real sockets.
pub(crate) async fn one_of_each() -> Vec<Response> {
    let (server, _) = serve_counting().await;
    let page = || Request::get("/debug/memory").authorized();
    let mut replies = Vec::new();
    for (expected, request) in [
        (200, page()),
        (200, page().header("accept", "application/json")),
        (200, Request::new("HEAD", "/debug/memory").authorized()),
        (400, Request::get("/debug/memory?sort=bytes").authorized()),
        (400, Request::get("/debug/memory/types?sort=x&format=json").authorized()),
        (401, Request::get("/debug/memory")),
        (404, Request::get("/debug/memory/unknown").authorized()),
        (405, Request::new("DELETE", "/debug/memory").authorized()),
        (406, page().header("accept", "image/png")),
    ] {
        let reply = server.send(request).await;
        assert_eq!(reply.status, expected, "{reply}");
        replies.push(reply);
    }

    let read_only = MemoryDebugLayer::new(credentials().role(Role::Read));
    let read_only = serve(read_only.configure(|endpoint| endpoint.role_for_types(Role::Profile))).await;
    let forbidden = read_only.send(page()).await;
    assert_eq!(forbidden.status, 403, "{forbidden}");
    replies.push(forbidden);

    let require_tls = MemoryDebugLayer::new(credentials()).configure(|endpoint| endpoint.require_tls());
    replies.push(serve(require_tls).await.send(page()).await);

    let weak = MemoryDebugLayer::new(Credentials::allow_weak("ops", "x").unwrap());
    let weak = serve(weak).await;
    let mut throttled = weak.send(page()).await;
    // The address is unknown here, so only the limit of all addresses together applies.
    while throttled.status == 401 {
        throttled = weak.send(page()).await;
    }
    replies.push(throttled);

    let short =
        MemoryDebugLayer::new(credentials()).configure(|endpoint| endpoint.collect_with(WithoutHeadroom));
    replies.push(serve(short).await.send(page()).await);

    let statuses: Vec<_> = replies.iter().rev().take(3).rev().map(|reply| reply.status).collect();
    assert_eq!(statuses, [403, 429, 503]);

    let no_waiters = Limits::default().max_waiters(0);
    let full =
        serve(MemoryDebugLayer::new(credentials()).configure(|endpoint| endpoint.limits(no_waiters))).await;
    replies.push(full.send(page()).await);

    let (collector, keeper) = GatedCollector::new();
    let panicking =
        serve(MemoryDebugLayer::new(credentials()).configure(|endpoint| endpoint.collect_with(collector)))
            .await;
    keeper.let_panic();
    replies.push(panicking.send(page()).await);

    let (collector, keeper) = GatedCollector::new();
    let layer = MemoryDebugLayer::new(credentials()).configure(|endpoint| endpoint.collect_with(collector));
    let late =
        serve(layer.configure(|endpoint| endpoint.limits(Limits::default().deadline(Duration::ZERO)))).await;
    replies.push(late.send(page()).await);
    replies.push(late.send(page()).await);
    drop(keeper);

    let statuses: Vec<_> = replies.iter().rev().take(4).rev().map(|reply| reply.status).collect();
    assert_eq!(statuses, [429, 500, 504, 503]);
    replies
}
