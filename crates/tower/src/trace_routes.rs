//! Counts the time and the bytes of requests by route.

use std::sync::{Arc, OnceLock};
use std::task::{Context, Poll};

use http::{Extensions, Request};
use memory_debug_endpoint::exports::tracer::{DeferredRoute, RouteFuture, RouteLabel, Tracer};
use tower_layer::Layer;
use tower_service::Service;

use crate::route_pattern::RoutePattern;
use crate::service::pass_on;

/// Lets a tracer count requests by route: how many, how long, and how many bytes they allocated.
///
/// A request is a call below the name of its route: its method and the pattern that the router matched, never its path,
/// which may hold secrets. While the tracer does not count, a request costs a few instructions and no allocation.
///
/// While live samples are recorded, what the request allocates also has its route there, whether the tracer counts or not.
/// See [`inherit_route`](memory_debug_endpoint::exports::tracer::inherit_route) for tasks.
///
/// # What is counted
///
/// A request begins when the service is called ([or first polled](Self::from_first_poll)), and ends when its response is
/// ready, or its future is dropped. The **body** of the response is not counted: a body that is streamed allocates later,
/// while the server sends it. What the handler starts with `.traced("…")`, or in a span, still counts below the route
/// after the response is ready.
///
/// All requests that reach this layer are counted, also for the page itself: as `GET (no route)`, if this layer is
/// outside of the layer of the page. Put it inside to leave out the page.
///
/// # Examples
///
/// ```
/// use memory_debug_tower::TraceRoutesLayer;
/// use memory_debug_tower::tracer::Tracer;
/// use tower::ServiceBuilder;
///
/// struct Route(&'static str);
///
/// let tracer = Tracer::new();
/// // The application's router puts its pattern into the extensions of a request.
/// let layer = TraceRoutesLayer::new(&tracer).pattern(|extensions| Some(extensions.get::<Route>()?.0));
/// let service = ServiceBuilder::new().layer(layer);
/// # let _ = service;
/// ```
#[derive(Clone, Debug)]
#[must_use]
pub struct TraceRoutesLayer {
    settings: Settings,
    /// The settings that services use, set when the layer is first applied. They are leaked, for the reason that the
    /// layer of the page has: a router clones a service for each request, and a counter in it would cost every request.
    served: Arc<OnceLock<&'static Settings>>,
}

/// How requests are counted.
#[derive(Clone, Debug)]
struct Settings {
    tracer: Tracer,
    pattern: RoutePattern,
    /// Whether a request begins with the first poll of its future.
    is_deferred: bool,
}

/// A service whose requests a tracer counts. Made by [`TraceRoutesLayer`].
#[derive(Clone, Debug)]
pub struct TraceRoutes<S> {
    inner: S,
    settings: &'static Settings,
}

impl TraceRoutesLayer {
    /// Counts all requests of a method together: `GET (no route)`.
    pub fn new(tracer: &Tracer) -> Self {
        Self::with(Settings { tracer: tracer.clone(), pattern: |_| None, is_deferred: false })
    }

    /// Counts requests by method, and by the pattern that `pattern` finds. Requests without a pattern are
    /// `GET (no route)`.
    pub fn pattern(self, pattern: fn(&Extensions) -> Option<&str>) -> Self {
        Self::with(Settings { pattern, ..self.settings })
    }

    /// Lets a request begin with the first poll of its future instead of the call of the service. A counted request then
    /// takes a third fewer instructions. Use it around services whose call does nothing but make the future, as axum's
    /// routes: what the call does is not counted.
    pub fn from_first_poll(self) -> Self {
        Self::with(Settings { is_deferred: true, ..self.settings })
    }

    fn with(settings: Settings) -> Self {
        Self { settings, served: Arc::default() }
    }
}

impl<S> Layer<S> for TraceRoutesLayer {
    type Service = TraceRoutes<S>;

    fn layer(&self, inner: S) -> TraceRoutes<S> {
        let settings = self.served.get_or_init(|| Box::leak(Box::new(self.settings.clone())));
        TraceRoutes { inner, settings }
    }
}

// Separate functions, for the reason that `MemoryDebug` has: the compiler then writes the future in its final place.
impl<S: Service<Request<B>>, B> Service<Request<B>> for TraceRoutes<S> {
    type Response = S::Response;
    type Error = S::Error;
    type Future = RouteFuture<S::Future>;

    fn poll_ready(&mut self, context: &mut Context<'_>) -> Poll<Result<(), S::Error>> {
        self.inner.poll_ready(context)
    }

    #[inline(never)]
    fn call(&mut self, request: Request<B>) -> Self::Future {
        if !self.settings.tracer.follows_requests() {
            return RouteFuture::deferred(pass_on(&mut self.inner, request), None);
        }
        match self.settings.defer(&request) {
            Some(deferred) => RouteFuture::deferred(pass_on(&mut self.inner, request), Some(deferred)),
            None => self.call_entered(request),
        }
    }
}

impl<S> TraceRoutes<S> {
    #[inline(never)]
    fn call_entered<B>(&mut self, request: Request<B>) -> RouteFuture<S::Future>
    where
        S: Service<Request<B>>,
    {
        let mut route = None;
        let _entered = self.settings.tracer.enter_route(|| self.settings.label(&request), &mut route);
        RouteFuture::new(pass_on(&mut self.inner, request), route)
    }
}

impl Settings {
    /// A request that begins later. `None` if it begins with the call.
    #[inline(never)]
    fn defer<B>(&self, request: &Request<B>) -> Option<DeferredRoute> {
        if self.is_deferred { self.tracer.defer_route(self.label(request)) } else { None }
    }

    #[inline]
    fn label<'a, B>(&self, request: &'a Request<B>) -> RouteLabel<'a> {
        RouteLabel::new(request.method().as_str(), (self.pattern)(request.extensions()))
    }
}

#[cfg(test)]
mod tests {
    use std::convert::Infallible;

    use memory_debug_endpoint::memory_debug_core::{Collector, RouteTrace, TraceHandle};
    use tower::{ServiceBuilder, ServiceExt, service_fn};

    use super::*;

    #[derive(Clone)]
    struct Route(String);

    fn layer(tracer: &Tracer) -> TraceRoutesLayer {
        TraceRoutesLayer::new(tracer).pattern(|extensions| Some(&extensions.get::<Route>()?.0))
    }

    /// Answers `request` below `layer`, after waiting once.
    async fn answer(layer: TraceRoutesLayer, request: Request<()>) {
        let service = service_fn(async |_: Request<()>| {
            tokio::task::yield_now().await;
            Ok::<_, Infallible>(())
        });
        ServiceBuilder::new().layer(layer).service(service).oneshot(request).await.unwrap();
    }

    /// The counted routes. The whole report holds no word of a client.
    fn routes(tracer: &Tracer) -> Vec<RouteTrace> {
        let report = Collector::new().trace_report(Some(&TraceHandle::from(tracer)));
        assert!(!format!("{report:?}").to_lowercase().contains("hunter"), "{report:?}");
        report.trace.unwrap().routes
    }

    fn names(tracer: &Tracer) -> Vec<String> {
        let mut names: Vec<_> = routes(tracer).into_iter().map(|route| route.route).collect();
        names.sort();
        names
    }

    fn request(method: &str, pattern: Option<&str>) -> Request<()> {
        let request = Request::builder().method(method).uri("/orders/hunter2?token=hunter3");
        let mut request = request.header("x-secret", "hunter4").body(()).unwrap();
        request.extensions_mut().extend(pattern.map_or_else(Extensions::new, |pattern| {
            let mut extensions = Extensions::new();
            extensions.insert(Route(pattern.to_owned()));
            extensions
        }));
        request
    }

    #[tokio::test]
    async fn s61_s68_a_request_counts_under_its_method_and_its_pattern() {
        let tracer = Tracer::new();
        tracer.install();
        for method in ["GET", "POST", "HUNTER5"] {
            answer(layer(&tracer), request(method, Some("/orders/{id}"))).await;
        }
        assert_eq!(names(&tracer), ["(other method) /orders/{id}", "GET /orders/{id}", "POST /orders/{id}"]);
    }

    #[tokio::test]
    async fn s61_s68_a_request_that_begins_with_its_first_poll_counts_under_the_same_name() {
        let tracer = Tracer::new();
        tracer.install();
        for method in ["GET", "HUNTER5"] {
            answer(layer(&tracer).from_first_poll(), request(method, Some("/orders/{id}"))).await;
        }
        assert_eq!(names(&tracer), ["(other method) /orders/{id}", "GET /orders/{id}"]);
        assert_eq!((routes(&tracer)[0].requests, routes(&tracer)[0].in_flight), (1, 0));
        let service = service_fn(async |_: Request<()>| Ok::<_, Infallible>(()));
        let mut service = ServiceBuilder::new().layer(layer(&tracer).from_first_poll()).service(service);
        drop(service.call(request("GET", Some("/never"))));
        assert_eq!(names(&tracer).len(), 2);
    }

    #[tokio::test]
    async fn s61_s68_a_request_without_a_pattern_counts_under_its_method() {
        let tracer = Tracer::new();
        tracer.install();
        answer(layer(&tracer), request("GET", None)).await;
        answer(TraceRoutesLayer::new(&tracer), request("GET", Some("/orders/{id}"))).await;
        assert_eq!(names(&tracer), ["GET (no route)"]);
        assert_eq!(routes(&tracer)[0].requests, 2);
    }

    #[tokio::test]
    async fn a_request_is_open_until_its_response_is_ready_or_its_future_is_dropped() {
        let tracer = Tracer::new();
        tracer.install();
        let service = service_fn(|_: Request<()>| std::future::pending::<Result<(), Infallible>>());
        let waiting =
            ServiceBuilder::new().layer(layer(&tracer)).service(service).oneshot(request("GET", None));
        let mut waiting = Box::pin(waiting);
        assert!(waiting.as_mut().poll(&mut Context::from_waker(std::task::Waker::noop())).is_pending());
        assert_eq!((routes(&tracer)[0].requests, routes(&tracer)[0].in_flight), (1, 1));
        drop(waiting);
        assert_eq!((routes(&tracer)[0].requests, routes(&tracer)[0].in_flight), (1, 0));
        answer(layer(&tracer), request("GET", None)).await;
        assert_eq!((routes(&tracer)[0].requests, routes(&tracer)[0].in_flight), (2, 0));
        assert_eq!(routes(&tracer)[0].cancelled, 1);
    }

    #[tokio::test]
    async fn without_an_installed_tracer_nothing_is_counted() {
        let tracer = Tracer::new();
        answer(layer(&tracer), request("GET", None)).await;
        tracer.install();
        tracer.uninstall();
        answer(layer(&tracer), request("GET", None)).await;
        assert_eq!(routes(&tracer), []);
    }
}
