//! The future of a response: the inner service's own, or ours.

use std::pin::Pin;
use std::task::{Context, Poll};

use bytes::Bytes;
use http::{HeaderName, HeaderValue, Response, StatusCode};
use memory_debug_endpoint::{Outcome, Reply};
use pin_project_lite::pin_project;

pin_project! {
    /// The future of [`MemoryDebug`](crate::MemoryDebug). Adds no allocation to the inner one.
    #[derive(Debug)]
    #[must_use = "futures do nothing unless polled"]
    pub struct ResponseFuture<F> {
        #[pin]
        kind: Kind<F>,
    }
}

pin_project! {
    #[derive(Debug)]
    #[project = KindProjection]
    enum Kind<F> {
        Inner { #[pin] future: F },
        Ours { outcome: Outcome },
    }
}

impl<F> ResponseFuture<F> {
    #[inline]
    pub(crate) fn inner(future: F) -> Self {
        Self { kind: Kind::Inner { future } }
    }

    pub(crate) fn ours(outcome: Outcome) -> Self {
        Self { kind: Kind::Ours { outcome } }
    }
}

impl<F, B, E> Future for ResponseFuture<F>
where
    F: Future<Output = Result<Response<B>, E>>,
    B: From<Bytes>,
{
    type Output = F::Output;

    #[inline]
    fn poll(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<F::Output> {
        match self.project().kind.project() {
            KindProjection::Inner { future } => future.poll(context),
            KindProjection::Ours { outcome } => {
                Pin::new(outcome).poll(context).map(|reply| Ok(response(reply)))
            }
        }
    }
}

fn response<B: From<Bytes>>(reply: Reply) -> Response<B> {
    let mut response = Response::new(B::from(reply.body));
    *response.status_mut() =
        StatusCode::from_u16(reply.status).expect("the endpoint uses registered status codes");
    for (name, value) in reply.headers {
        let value =
            HeaderValue::try_from(&*value).expect("the endpoint writes visible ASCII into header values");
        response.headers_mut().insert(HeaderName::from_static(name), value);
    }
    response
}
