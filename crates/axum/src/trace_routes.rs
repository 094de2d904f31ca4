//! Counts the time and the bytes of requests by route.

use memory_debug_tower::TraceRoutesLayer;
use memory_debug_tower::tracer::Tracer;

use crate::route_pattern::route_pattern;

/// Makes a layer that lets a tracer count requests by route: `GET /orders/{id}`. See [`TraceRoutesLayer`] for what is
/// counted.
///
/// Add it with [`Router::layer`](axum::Router::layer) or [`route_layer`](axum::Router::route_layer), **after** the
/// routes, because the router tells its pattern only to what is inside. Around a router, all requests are
/// `GET (no route)`, and so are requests for a service that `nest_service` mounts. With `route_layer`, requests for the
/// fallback are not counted. Add the layer of the page later, so that the page is not counted.
///
/// A request begins with the first poll of its future ([`from_first_poll`](TraceRoutesLayer::from_first_poll)). A router does
/// nothing before that. Around a router, the call of the router finds the route, which is not counted.
///
/// # Examples
///
/// ```
/// use axum::{Router, routing::get};
/// use memory_debug_axum::trace_routes;
/// use memory_debug_axum::tracer::Tracer;
///
/// let tracer = Tracer::new();
/// let app: Router = Router::new().route("/orders/{id}", get(|| async { "order" })).layer(trace_routes(&tracer));
/// # let _ = app;
/// ```
pub fn trace_routes(tracer: &Tracer) -> TraceRoutesLayer {
    // Inside of a router, the layer is around a `Route`, whose call only makes a future.
    TraceRoutesLayer::new(tracer).pattern(route_pattern).from_first_poll()
}

#[cfg(test)]
mod tests {
    use axum::Router;
    use axum::body::Body;
    use axum::http::Request;
    use axum::routing::get;
    use memory_debug_tower::memory_debug_core::{Collector, TraceHandle};
    use memory_debug_tower::{Credentials, generate_password};
    use tower::{Layer, ServiceExt};

    use super::*;
    use crate::MemoryDebugLayer;

    /// The names of the counted routes. The whole report holds no word of a client.
    fn names(tracer: &Tracer) -> Vec<String> {
        let report = Collector::new().trace_report(Some(&TraceHandle::from(tracer)));
        assert!(!format!("{report:?}").contains("hunter"), "{report:?}");
        let mut names: Vec<_> = report.trace.unwrap().routes.into_iter().map(|route| route.route).collect();
        names.sort();
        names
    }

    /// Routes of each kind: plain, nested, with a fallback of its own, and a service.
    fn router() -> Router {
        let orders = Router::new().route("/{id}", get("order")).fallback(async || "no such order");
        let files = Router::new().route("/{name}", get("file"));
        Router::new()
            .route("/", get("home"))
            .route("/mail/{*path}", get("mail"))
            .nest("/orders", orders)
            .nest_service("/files", files)
    }

    async fn visit(app: &Router) {
        for path in [
            "/",
            "/mail/hunter1/hunter2",
            "/orders/hunter3",
            "/orders/hunter4/hunter5",
            "/files/hunter6",
            "/hunter7",
        ] {
            let request = Request::get(format!("{path}?token=hunter8")).body(Body::empty()).unwrap();
            app.clone().oneshot(request).await.unwrap();
        }
        let request = Request::put("/orders/hunter9").body(Body::empty()).unwrap();
        app.clone().oneshot(request).await.unwrap();
    }

    fn installed() -> Tracer {
        let tracer = Tracer::new();
        tracer.install();
        tracer
    }

    #[tokio::test]
    async fn s61_s68_requests_count_under_the_patterns_of_their_routes() {
        let tracer = installed();
        visit(&router().layer(trace_routes(&tracer))).await;
        let expected =
            ["GET (no route)", "GET /", "GET /mail/{*path}", "GET /orders/{id}", "PUT /orders/{id}"];
        assert_eq!(names(&tracer), expected);

        let tracer = installed();
        visit(&router().route_layer(trace_routes(&tracer))).await;
        assert_eq!(names(&tracer), expected);
    }

    #[tokio::test]
    async fn s61_s68_around_a_router_requests_count_by_method() {
        let tracer = installed();
        let app = trace_routes(&tracer).layer(router());
        let request = Request::get("/orders/hunter2").body(Body::empty()).unwrap();
        app.oneshot(request).await.unwrap();
        assert_eq!(names(&tracer), ["GET (no route)"]);
    }

    #[tokio::test]
    async fn the_page_counts_only_inside_of_the_layer() {
        let credentials = || Credentials::new("ops", generate_password().unwrap()).unwrap();
        let tracer = installed();
        let page = || Request::get("/debug/memory/trace").body(Body::empty()).unwrap();
        let app = router().layer(trace_routes(&tracer)).layer(MemoryDebugLayer::new(credentials()));
        app.oneshot(page()).await.unwrap();
        assert_eq!(names(&tracer), [""; 0]);
        let app = router().layer(MemoryDebugLayer::new(credentials())).layer(trace_routes(&tracer));
        app.oneshot(page()).await.unwrap();
        assert_eq!(names(&tracer), ["GET (no route)"]);
    }
}
