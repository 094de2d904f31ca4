//! The page around an application: answers requests for the page and passes on all others.

use std::future::{Ready, ready};
use std::rc::Rc;
use std::task::{Context, Poll};

use actix_web::Error;
use actix_web::body::EitherBody;
use actix_web::dev::{Service, ServiceRequest, ServiceResponse, Transform};
use memory_debug_endpoint::Endpoint;

use crate::future::ResponseFuture;
use crate::memory_debug::MemoryDebug;
use crate::reply::handle;

/// A service with the memory page in front. Made by [`MemoryDebug`] when it is wrapped around an application.
///
/// Requests for other paths reach the inner service unchanged, at the price of one comparison. Requests for the page
/// never reach it. Their body is dropped unread, except for the one operation that takes a body.
#[derive(Debug)]
pub struct MemoryDebugMiddleware<S> {
    /// An application belongs to one thread, so processors do not share this reference count.
    endpoint: Rc<Endpoint>,
    inner: S,
}

impl<S, B> Transform<S, ServiceRequest> for MemoryDebug
where
    S: Service<ServiceRequest, Response = ServiceResponse<B>, Error = Error>,
{
    type Response = ServiceResponse<EitherBody<B>>;
    type Error = Error;
    type Transform = MemoryDebugMiddleware<S>;
    type InitError = ();
    type Future = Ready<Result<Self::Transform, ()>>;

    fn new_transform(&self, inner: S) -> Self::Future {
        self.endpoint.listen();
        ready(Ok(MemoryDebugMiddleware { endpoint: Rc::new(self.endpoint.clone()), inner }))
    }
}

impl<S, B> Service<ServiceRequest> for MemoryDebugMiddleware<S>
where
    S: Service<ServiceRequest, Response = ServiceResponse<B>, Error = Error>,
{
    type Response = ServiceResponse<EitherBody<B>>;
    type Error = Error;
    type Future = ResponseFuture<S::Future>;

    fn poll_ready(&self, context: &mut Context<'_>) -> Poll<Result<(), Error>> {
        self.inner.poll_ready(context)
    }

    fn call(&self, request: ServiceRequest) -> Self::Future {
        if self.endpoint.matches(request.uri().path()) {
            let outcome = handle(&self.endpoint, &request, request.path());
            if !outcome.is_for_application() {
                return ResponseFuture::page(request, outcome);
            }
        }
        ResponseFuture::inner(self.inner.call(request))
    }
}
