//! What the benches share: the router whose requests pass through, and its requests; measuring beside the peer.

#![forbid(unsafe_code)]

pub mod many_stacks;
pub mod named_stacks;
pub mod side_by_side;

use std::future::Future;
use std::pin::pin;
use std::task::{Context, Poll, Waker};

use axum::Router;
use axum::body::Body;
use axum::http::{Request, Response, StatusCode};
use axum::routing::get;
use memory_debug_axum::{Credentials, MemoryDebugLayer};
use tower::Service;
use tower::layer::util::Identity;

/// A service of one route, under the layer.
pub fn router_under_layer() -> Router {
    ready(router().layer(MemoryDebugLayer::new(credentials())))
}

/// The same service under a layer that does nothing. axum boxes what any layer makes, so this is what to compare with.
pub fn router_under_identity() -> Router {
    ready(router().layer(Identity::new()))
}

fn router() -> Router {
    Router::new().route("/orders", get(|| async { "ok" }))
}

/// As `axum::serve` does once (`Router::into_make_service`): layers are applied now rather than for each request.
fn ready(router: Router) -> Router {
    router.with_state(())
}

fn credentials() -> Credentials {
    Credentials::new("ops", "tram-ribbon-lunar-58").expect("a strong password")
}

/// Serves one request to the end without a runtime: nothing in it waits.
///
/// # Panics
///
/// If the service waits, or does not answer as it should.
pub fn serve(router: &mut Router, request: Request<Body>, expected: StatusCode) -> Response<Body> {
    let answer = pin!(Service::<Request<Body>>::call(router, request));
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
