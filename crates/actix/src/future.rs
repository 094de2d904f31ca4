//! The response future: either a future of the application or the memory page.

use std::fmt;
use std::pin::Pin;
use std::task::{Context, Poll};

use actix_web::Error;
use actix_web::body::EitherBody;
use actix_web::dev::{ServiceRequest, ServiceResponse};
use memory_debug_endpoint::ReplyFuture;
use pin_project_lite::pin_project;

use crate::reply::Answer;

pin_project! {
    /// The future of [`MemoryDebugMiddleware`](crate::MemoryDebugMiddleware). Adds no allocation to the inner future.
    #[must_use = "futures do nothing unless polled"]
    pub struct ResponseFuture<F> {
        #[pin]
        kind: Kind<F>,
    }
}

pin_project! {
    #[project = KindProjection]
    enum Kind<F> {
        Inner { #[pin] future: F },
        Page { answer: Box<Answer> },
    }
}

impl<F> ResponseFuture<F> {
    pub(crate) fn inner(future: F) -> Self {
        Self { kind: Kind::Inner { future } }
    }

    pub(crate) fn page(request: ServiceRequest, outcome: ReplyFuture) -> Self {
        Self { kind: Kind::Page { answer: Box::new(Answer::new(request, outcome)) } }
    }
}

impl<F> fmt::Debug for ResponseFuture<F> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ResponseFuture").finish_non_exhaustive()
    }
}

impl<F, B> Future for ResponseFuture<F>
where
    F: Future<Output = Result<ServiceResponse<B>, Error>>,
{
    type Output = Result<ServiceResponse<EitherBody<B>>, Error>;

    fn poll(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Self::Output> {
        match self.project().kind.project() {
            KindProjection::Inner { future } => {
                future.poll(context).map_ok(|response| response.map_into_left_body())
            }
            KindProjection::Page { answer } => {
                Pin::new(answer).poll(context).map(|response| Ok(response.map_into_right_body()))
            }
        }
    }
}
