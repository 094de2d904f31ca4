//! Counts the time and the bytes of requests by route.

use std::cell::OnceCell;
use std::future::{Ready, ready};
use std::task::{Context, Poll};

use actix_web::Error;
use actix_web::dev::{Service, ServiceRequest, ServiceResponse, Transform};
use memory_debug_endpoint::exports::tracer::{RouteFuture, RouteLabel, Tracer};

/// Lets a tracer count requests by route: how many, how long, and how many bytes they allocated.
///
/// A request is a call below the name of its route: its method and the pattern of its resource, never its path, which
/// may hold secrets. While the tracer does not count, a request costs a few instructions and no allocation. While it
/// counts, actix-web makes a string of the pattern for each request, before the request begins to count.
///
/// While live samples are recorded, what the request allocates also has its route there, whether the tracer counts or not.
/// actix-web makes the string then as well. See [`inherit_route`](memory_debug_endpoint::exports::tracer::inherit_route) for
/// tasks.
///
/// # What is counted
///
/// A request begins when the service is called, and ends when its response is ready, or its future is dropped. The
/// **body** of the response is not counted: a body that is streamed allocates later, while the server sends it. What
/// the handler starts with `.traced("…")`, or in a span, still counts below the route after the response is ready.
///
/// All requests that reach this middleware are counted. Requests without a route are `GET (no route)`, and so is the
/// page itself, if this middleware is outside of it. Middleware that is wrapped later is outside.
///
/// # Examples
///
/// ```
/// use actix_web::{App, web};
/// use memory_debug_actix::TraceRoutes;
/// use memory_debug_actix::tracer::Tracer;
///
/// let tracer = Tracer::new();
/// let app = App::new().wrap(TraceRoutes::new(&tracer)).route("/orders/{id}", web::get().to(async || "order"));
/// # let _ = app;
/// ```
#[derive(Clone, Debug)]
#[must_use]
pub struct TraceRoutes {
    tracer: Tracer,
}

/// A service whose requests a tracer counts. Made by [`TraceRoutes`].
#[derive(Clone, Debug)]
pub struct TraceRoutesMiddleware<S> {
    inner: S,
    tracer: Tracer,
}

impl TraceRoutes {
    /// Counts requests by the patterns of the application.
    pub fn new(tracer: &Tracer) -> Self {
        Self { tracer: tracer.clone() }
    }
}

impl<S, B> Transform<S, ServiceRequest> for TraceRoutes
where
    S: Service<ServiceRequest, Response = ServiceResponse<B>, Error = Error>,
{
    type Response = ServiceResponse<B>;
    type Error = Error;
    type Transform = TraceRoutesMiddleware<S>;
    type InitError = ();
    type Future = Ready<Result<Self::Transform, ()>>;

    fn new_transform(&self, inner: S) -> Self::Future {
        ready(Ok(TraceRoutesMiddleware { inner, tracer: self.tracer.clone() }))
    }
}

impl<S, B> Service<ServiceRequest> for TraceRoutesMiddleware<S>
where
    S: Service<ServiceRequest, Response = ServiceResponse<B>, Error = Error>,
{
    type Response = ServiceResponse<B>;
    type Error = Error;
    type Future = RouteFuture<S::Future>;

    fn poll_ready(&self, context: &mut Context<'_>) -> Poll<Result<(), Error>> {
        self.inner.poll_ready(context)
    }

    fn call(&self, request: ServiceRequest) -> Self::Future {
        let pattern = OnceCell::new();
        let label = || {
            let pattern = pattern.get_or_init(|| request.match_pattern());
            RouteLabel::new(request.method().as_str(), pattern.as_deref())
        };
        let mut route = None;
        let _entered = self.tracer.enter_route(label, &mut route);
        RouteFuture::new(self.inner.call(request), route)
    }
}

#[cfg(test)]
mod tests {
    use actix_web::http::Method;
    use actix_web::test::{TestRequest, call_service, init_service};
    use actix_web::{App, web};
    use memory_debug_endpoint::exports::{Credentials, generate_password};
    use memory_debug_endpoint::memory_debug_core::{Collector, TraceHandle};

    use super::*;
    use crate::MemoryDebug;

    /// The names of the counted routes. The whole report holds no word of a client.
    fn names(tracer: &Tracer) -> Vec<String> {
        let report = Collector::new().trace_report(Some(&TraceHandle::from(tracer)));
        assert!(!format!("{report:?}").to_lowercase().contains("hunter"), "{report:?}");
        let mut names: Vec<_> = report.trace.unwrap().routes.into_iter().map(|route| route.route).collect();
        names.sort();
        names
    }

    fn installed() -> Tracer {
        let tracer = Tracer::new();
        tracer.install();
        tracer
    }

    #[actix_web::test]
    async fn s61_s68_requests_count_under_the_patterns_of_their_resources() {
        let tracer = installed();
        let orders = web::scope("/orders").route("/{id}", web::get().to(async || "order"));
        let app = App::new()
            .wrap(TraceRoutes::new(&tracer))
            .route("/", web::get().to(async || "home"))
            .route("/mail/{path:.*}", web::get().to(async || "mail"))
            .service(orders)
            .default_service(web::to(async || "lost"));
        let app = init_service(app).await;
        for path in
            ["/", "/mail/hunter1/hunter2", "/orders/hunter3?a=hunter4", "/orders/hunter5/hunter6", "/hunter7"]
        {
            call_service(&app, TestRequest::with_uri(path).to_request()).await;
        }
        for method in [Method::PUT, Method::from_bytes(b"HUNTER8").unwrap()] {
            call_service(&app, TestRequest::with_uri("/orders/hunter9").method(method).to_request()).await;
        }
        let expected = [
            "(other method) /orders/{id}",
            "GET (no route)",
            "GET /",
            "GET /mail/{path:.*}",
            "GET /orders/{id}",
            "PUT /orders/{id}",
        ];
        assert_eq!(names(&tracer), expected);
    }

    #[actix_web::test]
    async fn the_page_counts_only_inside_of_the_middleware() {
        let memory = || MemoryDebug::new(Credentials::new("ops", generate_password().unwrap()).unwrap());
        let tracer = installed();
        let page = || TestRequest::with_uri("/debug/memory/trace").to_request();
        let app = init_service(App::new().wrap(TraceRoutes::new(&tracer)).wrap(memory())).await;
        call_service(&app, page()).await;
        assert_eq!(names(&tracer), [""; 0]);
        let app = init_service(App::new().wrap(memory()).wrap(TraceRoutes::new(&tracer))).await;
        call_service(&app, page()).await;
        assert_eq!(names(&tracer), ["GET (no route)"]);
    }

    #[actix_web::test]
    async fn without_an_installed_tracer_nothing_is_counted() {
        let tracer = Tracer::new();
        let app = init_service(App::new().wrap(TraceRoutes::new(&tracer))).await;
        call_service(&app, TestRequest::default().to_request()).await;
        assert_eq!(names(&tracer), [""; 0]);
    }
}
