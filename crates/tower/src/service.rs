//! The service: answers requests for the page and passes on all others.

use std::marker::PhantomData;
use std::task::{Context, Poll};

use http::uri::{Authority, PathAndQuery};
use http::{Extensions, HeaderValue, Request, Response};
use http_body::Body;
use memory_debug_endpoint::{Connection, Endpoint, ReplyFuture, RequestParts};
use tower_service::Service;

use crate::body::{AnyBody, BodyKind};
use crate::future::ResponseFuture;

/// What a service needs to answer requests for the page.
#[derive(Clone, Debug)]
pub(crate) struct Settings {
    pub(crate) endpoint: Endpoint,
    pub(crate) connection: fn(&Extensions) -> Connection,
}

impl Settings {
    fn handle<B>(&self, request: &Request<B>) -> ReplyFuture {
        self.endpoint.handle(RequestParts {
            method: request.method().as_str(),
            authority: request.uri().authority().map(Authority::as_str),
            path: request.uri().path(),
            query: request.uri().query(),
            headers: &|name| request.headers().get_all(name).iter().map(HeaderValue::as_bytes).collect(),
            connection: (self.connection)(request.extensions()),
        })
    }
}

/// A service with the memory page in front. Made by [`MemoryDebugLayer`](crate::MemoryDebugLayer).
///
/// Requests for other paths reach the inner service unchanged, at the price of one comparison. Requests for the page
/// never reach it. Their body is dropped unread, except for the one operation that takes a body.
///
/// The inner service may have granted readiness for a request that the page then answers. That readiness is kept for
/// the next request, as in every middleware that answers by itself. Dropping this service gives it back.
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

// Every request of the application goes through `call`, so its shape was chosen by counting instructions
// (`measure/count-instructions`). A router's future is some hundred bytes long. The compiler writes it once, in its
// final place, only if `call` and `pass_on` are separate functions. Inlined, they build it on the stack and copy it.
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
        // `Uri::path` would search the query for every request of the service.
        let target = request.uri().path_and_query().map_or("", PathAndQuery::as_str);
        if self.settings.endpoint.matches(target) {
            return self.answer(request);
        }
        ResponseFuture::inner(pass_on(&mut self.inner, request))
    }
}

impl<S, K> MemoryDebug<S, K> {
    /// Answers a request for the page, or passes it on if the application must answer.
    ///
    /// Takes the request by value, as do all its callers: a borrow further out would copy the request before the path
    /// is compared.
    #[cold]
    #[inline(never)]
    fn answer<B>(&mut self, request: Request<B>) -> ResponseFuture<S::Future, K>
    where
        S: Service<Request<B>>,
        B: Body + Send + 'static,
    {
        let reply = self.settings.handle(&request);
        if reply.is_for_application() {
            return ResponseFuture::inner(pass_on(&mut self.inner, request));
        }
        ResponseFuture::page(reply, request.into_body())
    }
}

#[inline(never)]
fn pass_on<S: Service<R>, R>(inner: &mut S, request: R) -> S::Future {
    inner.call(request)
}
