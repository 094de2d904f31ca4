//! The service: ours or the application's, by the path.

use std::marker::PhantomData;
use std::task::{Context, Poll};

use http::uri::Authority;
use http::{HeaderValue, Request, Response};
use http_body::Body;
use memory_debug_endpoint::{ReplyFuture, RequestParts};
use tower_service::Service;

use crate::body::{AnyBody, BodyKind};
use crate::future::ResponseFuture;
use crate::layer::Settings;

/// A service with the memory page in front. Made by [`MemoryDebugLayer`](crate::MemoryDebugLayer).
///
/// Requests for other paths reach the inner service as they came, at the price of one comparison. Requests for the
/// page never reach it: their body is dropped unread, but for the one operation that takes one. The readiness that the inner service granted for such a request
/// is kept for the next one, as with every middleware that answers by itself; dropping this service gives it back.
#[derive(Clone, Debug)]
pub struct MemoryDebug<S, K = AnyBody> {
    settings: &'static Settings,
    inner: S,
    body: PhantomData<fn() -> K>,
}

impl<S, K> MemoryDebug<S, K> {
    pub(crate) fn new(inner: S, settings: &'static Settings) -> Self {
        Self { settings, inner, body: PhantomData }
    }
}

// Every request of the service goes through `call`, so its shape was chosen by counting instructions
// (`measure/count-instructions`). A router's future is some hundred bytes. It is written once, where the caller wants
// it, only if `call` and `pass_on` stay functions of their own: inlined together, they build it on the stack and copy.
impl<S, K, RequestBody, ResponseBody> Service<Request<RequestBody>> for MemoryDebug<S, K>
where
    S: Service<Request<RequestBody>, Response = Response<ResponseBody>>,
    K: BodyKind<ResponseBody>,
    RequestBody: Body + Send + 'static,
{
    type Response = Response<K::Body>;
    type Error = S::Error;
    type Future = ResponseFuture<S::Future, K>;

    #[inline]
    fn poll_ready(&mut self, context: &mut Context<'_>) -> Poll<Result<(), S::Error>> {
        self.inner.poll_ready(context)
    }

    #[inline(never)]
    fn call(&mut self, request: Request<RequestBody>) -> Self::Future {
        if self.settings.endpoint.matches(request.uri().path()) {
            return self.answer(request);
        }
        ResponseFuture::inner(pass_on(&mut self.inner, request))
    }
}

impl<S, K> MemoryDebug<S, K> {
    /// Answers a request for the page, or passes it on if the application must answer.
    ///
    /// Takes the request by value, as its callers do. If one of them borrowed it, the request would be copied before the
    /// path is compared.
    #[cold]
    #[inline(never)]
    fn answer<B>(&mut self, request: Request<B>) -> ResponseFuture<S::Future, K>
    where
        S: Service<Request<B>>,
        B: Body + Send + 'static,
    {
        let outcome = handle(self.settings, &request);
        if outcome.is_for_application() {
            return ResponseFuture::inner(pass_on(&mut self.inner, request));
        }
        ResponseFuture::ours(outcome, request.into_body())
    }
}

#[inline(never)]
fn pass_on<S: Service<R>, R>(inner: &mut S, request: R) -> S::Future {
    inner.call(request)
}

fn handle<B>(settings: &Settings, request: &Request<B>) -> ReplyFuture {
    settings.endpoint.handle(RequestParts {
        method: request.method().as_str(),
        authority: request.uri().authority().map(Authority::as_str),
        path: request.uri().path(),
        query: request.uri().query(),
        headers: &|name| request.headers().get_all(name).iter().map(HeaderValue::as_bytes).collect(),
        connection: (settings.connection)(request.extensions()),
    })
}
