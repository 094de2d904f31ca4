//! Code that the benches share: the router under the layer, its requests, and the comparison with the peer.

#![forbid(unsafe_code)]

pub mod many_stacks;
pub mod named_stacks;
pub mod shop_load;
pub mod side_by_side;

use std::convert::Infallible;
use std::future::{Future, poll_fn, ready as at_once};
use std::hint::black_box;
use std::pin::pin;
use std::task::{Context, Poll, Waker};

use axum::Router;
use axum::body::{Body, Bytes};
use axum::http::{Request, Response, StatusCode};
use axum::routing::get;
use http_body_util::combinators::BoxBody;
use http_body_util::{BodyExt, Full};
use memory_debug_axum::tracer::Tracer;
use memory_debug_axum::{Credentials, MemoryDebugLayer, TraceRoutesLayer, trace_routes};
use tower::layer::util::Identity;
use tower::{Layer, Service, service_fn};

/// A service with one route, under the layer.
pub fn router_under_layer() -> Router {
    ready(router().layer(MemoryDebugLayer::new(credentials())))
}

/// The service of [`router_under_layer`] under a layer that does nothing. axum boxes the result of any layer, so this
/// is the fair comparison.
pub fn router_under_identity() -> Router {
    ready(router().layer(Identity::new()))
}

fn router() -> Router {
    Router::new().route("/orders", get(|| async { "ok" }))
}

/// Applies the layers once instead of for each request, like `axum::serve` (`Router::into_make_service`).
fn ready(router: Router) -> Router {
    router.with_state(())
}

/// A service with a boxed body, like services on hyper, under the layer for any body.
pub fn boxed_under_layer() -> impl Service<Request<Body>, Response: Answer, Error = Infallible> {
    memory_debug_tower::MemoryDebugLayer::new(credentials()).layer(boxed())
}

/// A service with one route, which `tracer` counts.
pub fn router_under_routes(tracer: &Tracer) -> Router {
    ready(router().layer(trace_routes(tracer)))
}

/// A service whose response is ready after `polls` polls, which `tracer` counts.
pub fn slow_under_routes(tracer: &Tracer, polls: u32) -> impl Slow {
    TraceRoutesLayer::new(tracer).layer(slow(polls))
}

/// The service of [`slow_under_routes`] under a layer that does nothing.
pub fn slow_under_identity(polls: u32) -> impl Slow {
    Identity::new().layer(slow(polls))
}

/// A service that has to be polled several times.
pub trait Slow: Service<Request<Body>, Response = (), Error = Infallible> {}

impl<S: Service<Request<Body>, Response = (), Error = Infallible>> Slow for S {}

fn slow(polls: u32) -> impl Slow {
    service_fn(move |_request| {
        let mut left = polls;
        poll_fn(move |_context| {
            // Otherwise the compiler computes the result of all polls.
            left = black_box(left - 1);
            if left == 0 { Poll::Ready(Ok(())) } else { Poll::Pending }
        })
    })
}

/// Polls the future of one request until it is ready.
pub fn poll_until_ready(mut service: impl Slow) {
    let mut answer = pin!(service.call(application_request()));
    let context = &mut Context::from_waker(Waker::noop());
    while answer.as_mut().poll(context).is_pending() {}
}

/// The service of [`boxed_under_layer`] under a layer that does nothing.
pub fn boxed_under_identity() -> impl Service<Request<Body>, Response: Answer, Error = Infallible> {
    Identity::new().layer(boxed())
}

fn boxed() -> impl Service<Request<Body>, Response = Response<BoxBody<Bytes, Infallible>>, Error = Infallible>
{
    service_fn(|_request| at_once(Ok(Response::new(Full::from("ok").boxed()))))
}

fn credentials() -> Credentials {
    Credentials::new("ops", "tram-ribbon-lunar-58").expect("a strong password")
}

/// The answer of a service, with any body.
pub trait Answer {
    /// The status of the answer.
    fn status(&self) -> StatusCode;
}

impl<B> Answer for Response<B> {
    fn status(&self) -> StatusCode {
        Self::status(self)
    }
}

/// Serves one request without a runtime, because the services never wait.
///
/// # Panics
///
/// If the service waits, or does not answer as it should.
pub fn serve<S>(service: &mut S, request: Request<Body>, expected: StatusCode) -> S::Response
where
    S: Service<Request<Body>, Response: Answer, Error = Infallible>,
{
    let answer = pin!(service.call(request));
    match answer.poll(&mut Context::from_waker(Waker::noop())) {
        Poll::Ready(Ok(response)) => {
            assert_eq!(response.status(), expected);
            response
        }
        Poll::Ready(Err(never)) => match never {},
        Poll::Pending => panic!("the service waits"),
    }
}

/// A request for one of the application's paths.
pub fn application_request() -> Request<Body> {
    Request::builder().uri("/orders").body(Body::empty()).expect("a valid request")
}

/// A request for the memory page with a wrong password.
pub fn refused_request() -> Request<Body> {
    let request = Request::builder().uri("/debug/memory").header("authorization", "Basic b3BzOndyb25n");
    request.body(Body::empty()).expect("a valid request")
}
