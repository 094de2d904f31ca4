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
    /// The byte of a request's target that [`may_be_page`](Self::may_be_page) looks at.
    probe: usize,
}

impl Settings {
    pub(crate) fn new(endpoint: Endpoint, connection: fn(&Extensions) -> Connection) -> Self {
        // Alias paths are not below the base path. With them, the look at the first byte, always a `/`, tells nothing
        // apart, so the endpoint decides about every request.
        let probe = if endpoint.alias_paths().is_empty() { endpoint.base_path().len() } else { 0 };
        Self { endpoint, connection, probe }
    }

    /// Whether a request for `target`, a path with or without a query, may be for the page. Looks only at the byte after
    /// the base path, which tells apart nearly all paths of an application. The endpoint decides about the others.
    #[inline]
    fn may_be_page(&self, target: &str) -> bool {
        match target.as_bytes().get(self.probe) {
            Some(&byte) => matches!(byte, b'/' | b'?'),
            None => target.len() == self.probe,
        }
    }

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
        let target = request.uri().path_and_query().map_or("", PathAndQuery::as_str);
        if self.settings.may_be_page(target) {
            return self.decide(request);
        }
        ResponseFuture::inner(pass_on(&mut self.inner, request))
    }
}

impl<S, K> MemoryDebug<S, K> {
    /// Asks the endpoint whether a request is for the page, then answers it or passes it on.
    #[cold]
    #[inline(never)]
    fn decide<B>(&mut self, request: Request<B>) -> ResponseFuture<S::Future, K>
    where
        S: Service<Request<B>>,
        B: Body + Send + 'static,
    {
        if self.settings.endpoint.matches(request.uri().path()) {
            return self.answer(request);
        }
        ResponseFuture::inner(pass_on(&mut self.inner, request))
    }

    /// Answers a request for the page, or passes it on if the application must answer.
    ///
    /// Stays out of line, and takes the request by value, as do all its callers. A function that lends the request to
    /// others makes its caller copy the request first. In `call`, the space for that copy would cost every request.
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
pub(crate) fn pass_on<S: Service<R>, R>(inner: &mut S, request: R) -> S::Future {
    inner.call(request)
}

#[cfg(test)]
mod tests {
    use memory_debug_endpoint::Credentials;

    use super::*;

    fn settings(change: impl FnOnce(Endpoint) -> Endpoint) -> Settings {
        let credentials = Credentials::allow_weak("ops", "secret").unwrap();
        Settings::new(change(Endpoint::new(credentials)), |_extensions| Connection::default())
    }

    #[test]
    fn s20_the_first_look_misses_no_path_of_the_page() {
        for base in ["/debug/memory", "/internal", "/debug", "/debug/pprof", "/debug/pprof/heap", "/a/b/c/d"]
        {
            let plain = settings(|endpoint| endpoint.path(base).unwrap());
            let with_aliases = settings(|endpoint| endpoint.path(base).unwrap().pprof_aliases());
            for path in
                [base.to_owned(), format!("{base}/"), format!("{base}/types"), format!("{base}//x/../y")]
            {
                for target in [path.clone(), format!("{path}?top=5")] {
                    assert!(plain.endpoint.matches(&path) && plain.may_be_page(&target), "{target}");
                    assert!(with_aliases.may_be_page(&target), "{target}");
                }
            }
            for path in with_aliases.endpoint.alias_paths() {
                assert!(
                    with_aliases.endpoint.matches(path) && with_aliases.may_be_page(path),
                    "{base} {path}"
                );
                assert!(with_aliases.may_be_page(&format!("{path}?x=1")), "{base} {path}");
            }
        }
    }

    #[test]
    fn s20_the_first_look_tells_apart_most_paths_of_an_application() {
        let settings = settings(|endpoint| endpoint);
        for target in
            ["", "/", "/orders/7", "/orders?x=/debug/memory", "/debug/memoryx", "/debug/memory;x", "*"]
        {
            assert!(!settings.may_be_page(target), "{target}");
        }
    }
}
