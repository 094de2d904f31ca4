//! The service: ours or the application's, by the path.

use std::sync::Arc;
use std::task::{Context, Poll};

use bytes::Bytes;
use http::{HeaderValue, Request, Response};
use memory_debug_endpoint::{Endpoint, Outcome, RequestParts};
use tower_service::Service;

use crate::future::ResponseFuture;

/// A service with the memory page in front. Made by [`MemoryDebugLayer`](crate::MemoryDebugLayer).
///
/// Requests for other paths reach the inner service as they came, at the price of one comparison. Requests for the
/// page never reach it: their body is dropped unread. The readiness that the inner service granted for such a request
/// is kept for the next one, as with every middleware that answers by itself; dropping this service gives it back.
#[derive(Clone, Debug)]
pub struct MemoryDebug<S> {
    inner: S,
    endpoint: Arc<Endpoint>,
}

impl<S> MemoryDebug<S> {
    pub(crate) fn new(inner: S, endpoint: Arc<Endpoint>) -> Self {
        Self { inner, endpoint }
    }
}

impl<S, RequestBody, ResponseBody> Service<Request<RequestBody>> for MemoryDebug<S>
where
    S: Service<Request<RequestBody>, Response = Response<ResponseBody>>,
    ResponseBody: From<Bytes>,
{
    type Response = S::Response;
    type Error = S::Error;
    type Future = ResponseFuture<S::Future>;

    #[inline]
    fn poll_ready(&mut self, context: &mut Context<'_>) -> Poll<Result<(), S::Error>> {
        self.inner.poll_ready(context)
    }

    #[inline]
    fn call(&mut self, request: Request<RequestBody>) -> Self::Future {
        if self.endpoint.matches(request.uri().path()) {
            ResponseFuture::ours(handle(&self.endpoint, request))
        } else {
            ResponseFuture::inner(self.inner.call(request))
        }
    }
}

/// Out of line, so that the path of the application's requests stays short, and by value, so that they are not copied.
#[cold]
fn handle<B>(endpoint: &Endpoint, request: Request<B>) -> Outcome {
    endpoint.handle(RequestParts {
        method: request.method().as_str(),
        path: request.uri().path(),
        query: request.uri().query(),
        headers: &|name| request.headers().get_all(name).iter().map(HeaderValue::as_bytes).collect(),
    })
}
