//! The response future: either a future of the inner service or the memory page.

use std::fmt;
use std::future::poll_fn;
use std::marker::PhantomData;
use std::pin::{Pin, pin};
use std::task::{Context, Poll, ready};

use bytes::{Buf, Bytes};
use http::{HeaderName, HeaderValue, Response, StatusCode};
use http_body::Body;
use memory_debug_endpoint::{Reply, ReplyFuture};
use pin_project_lite::pin_project;

use crate::body::{AnyBody, BodyKind};

pin_project! {
    /// The future of [`MemoryDebug`](crate::MemoryDebug). Adds no allocation to the inner future.
    #[must_use = "futures do nothing unless polled"]
    pub struct ResponseFuture<F, K = AnyBody> {
        #[pin]
        kind: Kind<F>,
        body: PhantomData<fn() -> K>,
    }
}

pin_project! {
    #[project = KindProjection]
    enum Kind<F> {
        Inner { #[pin] future: F },
        // Boxed as a trait object, so that the code that drops an inner future stays short.
        Page { reply: Pin<Box<dyn Future<Output = Reply> + Send>> },
    }
}

impl<F, K> ResponseFuture<F, K> {
    #[inline]
    pub(crate) fn inner(future: F) -> Self {
        Self { kind: Kind::Inner { future }, body: PhantomData }
    }

    /// Makes the future of a request for the page. Drops the request body unread, unless the reply depends on it.
    pub(crate) fn page<B: Body + Send + 'static>(reply: ReplyFuture, body: B) -> Self {
        let reply: Pin<Box<dyn Future<Output = Reply> + Send>> =
            if reply.needs_body() { Box::pin(with_body(reply, body)) } else { Box::pin(reply) };
        Self { kind: Kind::Page { reply }, body: PhantomData }
    }
}

impl<F, K> fmt::Debug for ResponseFuture<F, K> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ResponseFuture").finish_non_exhaustive()
    }
}

impl<F, K, B, E> Future for ResponseFuture<F, K>
where
    F: Future<Output = Result<Response<B>, E>>,
    K: BodyKind<B>,
{
    type Output = Result<Response<K::Body>, E>;

    #[inline]
    fn poll(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Self::Output> {
        match self.project().kind.project() {
            KindProjection::Inner { future } => K::passed(future.poll(context)),
            KindProjection::Page { reply } => poll_page::<K, B, E>(reply.as_mut(), context),
        }
    }
}

async fn with_body<B: Body>(mut reply: ReplyFuture, body: B) -> Reply {
    let mut body = pin!(body);
    poll_fn(|context| reply.poll_with_body(context, |context| poll_data(body.as_mut(), context))).await
}

/// Polls the next data frame of the body. Skips trailers.
fn poll_data<B: Body>(
    mut body: Pin<&mut B>,
    context: &mut Context<'_>,
) -> Poll<Option<Result<Bytes, B::Error>>> {
    loop {
        let Some(frame) = ready!(body.as_mut().poll_frame(context)) else { return Poll::Ready(None) };
        match frame.map(|frame| frame.into_data()) {
            Ok(Ok(mut data)) => return Poll::Ready(Some(Ok(data.copy_to_bytes(data.remaining())))),
            Ok(Err(_trailers)) => {}
            Err(error) => return Poll::Ready(Some(Err(error))),
        }
    }
}

/// Polls the page, out of line, so that the code that polls an inner future stays short.
#[cold]
#[inline(never)]
fn poll_page<K: BodyKind<B>, B, E>(
    reply: Pin<&mut (dyn Future<Output = Reply> + Send)>,
    context: &mut Context<'_>,
) -> Poll<Result<Response<K::Body>, E>> {
    reply.poll(context).map(|reply| Ok(response(reply, K::page)))
}

fn response<B>(reply: Reply, body: fn(Bytes) -> B) -> Response<B> {
    let mut response = Response::new(body(reply.body));
    *response.status_mut() =
        StatusCode::from_u16(reply.status).expect("the endpoint uses registered status codes");
    for (name, value) in reply.headers {
        let value =
            HeaderValue::try_from(&*value).expect("the endpoint writes visible ASCII into header values");
        response.headers_mut().insert(HeaderName::from_static(name), value);
    }
    response
}
