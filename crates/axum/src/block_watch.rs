//! Names the routes that block a worker.

use memory_debug_tower::BlockWatchLayer;

use crate::route_pattern::route_pattern;

/// Makes a layer that lets the monitor say which route blocks a worker: `GET /orders/{id}`. See [`BlockWatchLayer`].
///
/// Add it with [`Router::layer`](axum::Router::layer) or [`route_layer`](axum::Router::route_layer), **after** the
/// routes, because the router tells its pattern only to what is inside. Around a router, it labels by method alone.
///
/// # Examples
///
/// ```
/// use axum::{Router, routing::get};
/// use memory_debug_axum::block_watch;
///
/// let app: Router = Router::new().route("/orders/{id}", get(|| async { "order" })).layer(block_watch());
/// # let _ = app;
/// ```
pub fn block_watch() -> BlockWatchLayer {
    BlockWatchLayer::new(route_pattern)
}

#[cfg(test)]
mod tests {
    use axum::Router;
    use axum::body::Body;
    use axum::http::Request;
    use axum::routing::any;
    use http_body_util::BodyExt;
    use memory_debug_tower::memory_debug_endpoint::exports::monitor::__private::polled_route;
    use tower::ServiceExt;

    use super::*;

    async fn seen(app: Router, path: &str) -> String {
        let request = Request::get(path).body(Body::empty()).unwrap();
        let body = app.oneshot(request).await.unwrap().into_body().collect().await.unwrap();
        String::from_utf8(body.to_bytes().into()).unwrap()
    }

    #[tokio::test]
    async fn s61_a_request_is_labelled_by_the_pattern_of_its_route() {
        let handler = any(async || polled_route().unwrap_or_default());
        let inside = Router::new().route("/{id}", handler);
        let app = Router::new().nest("/orders", inside).fallback(async || polled_route().unwrap_or_default());
        assert_eq!(seen(app.clone().layer(block_watch()), "/orders/hunter2?a=b").await, "GET /orders/{id}");
        assert_eq!(seen(app.clone().layer(block_watch()), "/hunter2").await, "GET");
        assert_eq!(seen(app, "/orders/hunter2").await, "");
    }
}
