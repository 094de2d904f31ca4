//! The response body: either a body of the inner service or the memory page.

use std::pin::Pin;
use std::task::{Context, Poll};

use bytes::{Buf, Bytes};
use http::Response;
use http_body::{Body, Frame, SizeHint};
use pin_project_lite::pin_project;

use self::sealed::Sealed;

pin_project! {
    /// The response body with [`AnyBody`]: either a body of the inner service or the memory page.
    ///
    /// Adds one comparison for each frame and no allocation. Frames of the inner service pass through unchanged.
    #[derive(Debug)]
    pub struct ResponseBody<B> {
        #[pin]
        kind: Kind<B>,
    }
}

pin_project! {
    #[derive(Debug)]
    #[project = KindProjection]
    enum Kind<B> {
        Inner { #[pin] body: B },
        // Empty after the page was sent.
        Page { page: Bytes },
    }
}

impl<B> ResponseBody<B> {
    /// Wraps a body of the application.
    ///
    /// Use it in a service that has the layer in only some configurations, but one response type in all of them.
    pub fn new(body: B) -> Self {
        Self { kind: Kind::Inner { body } }
    }
}

impl<B> From<Bytes> for ResponseBody<B> {
    fn from(page: Bytes) -> Self {
        Self { kind: Kind::Page { page } }
    }
}

impl<B> Body for ResponseBody<B>
where
    B: Body,
    B::Data: From<Bytes>,
{
    type Data = B::Data;
    type Error = B::Error;

    #[inline]
    fn poll_frame(
        self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<B::Data>, B::Error>>> {
        match self.project().kind.project() {
            KindProjection::Inner { body } => body.poll_frame(context),
            KindProjection::Page { page } if page.is_empty() => Poll::Ready(None),
            KindProjection::Page { page } => Poll::Ready(Some(Ok(Frame::data(std::mem::take(page).into())))),
        }
    }

    #[inline]
    fn is_end_stream(&self) -> bool {
        match &self.kind {
            Kind::Inner { body } => body.is_end_stream(),
            Kind::Page { page } => page.is_empty(),
        }
    }

    #[inline]
    fn size_hint(&self) -> SizeHint {
        match &self.kind {
            Kind::Inner { body } => body.size_hint(),
            Kind::Page { page } => SizeHint::with_exact(page.remaining() as u64),
        }
    }
}

/// Decides the type of the response body, for a service whose own responses have the body `B`.
///
/// [`AnyBody`] and [`SameBody`] implement it.
#[diagnostic::on_unimplemented(
    message = "the memory page cannot be sent with the body `{B}`",
    label = "this layer cannot wrap a service whose response body is `{B}`",
    note = "`MemoryDebugLayer` of memory-debug-tower accepts every `http_body::Body` whose `Data` is `Bytes`",
    note = "to keep the type of the body (`SameBody`, as in memory-debug-axum), the body needs `From<Bytes>`",
    note = "otherwise convert the body first, for example with `ServiceExt::map_response` and `http_body_util::BodyExt`"
)]
pub trait BodyKind<B>: Sealed {
    /// The body of all responses.
    type Body;

    #[doc(hidden)]
    fn passed<E>(answer: Poll<Result<Response<B>, E>>) -> Poll<Result<Response<Self::Body>, E>>;

    #[doc(hidden)]
    fn page(page: Bytes) -> Self::Body;
}

/// Accepts a service with a response body of any type, and wraps that body in [`ResponseBody`].
///
/// The layer need not construct the inner body, so this works with `BoxBody`, `UnsyncBoxBody`, `Either`, `Incoming`,
/// `StreamBody` and tonic's body. The `Data` of the inner body must implement `From<Bytes>`. Usually it is [`Bytes`]
/// itself.
#[derive(Clone, Copy, Debug)]
pub struct AnyBody;

impl<B> BodyKind<B> for AnyBody
where
    B: Body,
    B::Data: From<Bytes>,
{
    type Body = ResponseBody<B>;

    #[inline]
    fn passed<E>(answer: Poll<Result<Response<B>, E>>) -> Poll<Result<Response<ResponseBody<B>>, E>> {
        answer.map_ok(|response| response.map(ResponseBody::new))
    }

    fn page(page: Bytes) -> ResponseBody<B> {
        page.into()
    }
}

/// Keeps the type of the inner service's body, which must implement `From<Bytes>`: axum's, reqwest's, `Full<Bytes>`.
///
/// `memory_debug_axum::MemoryDebugLayer` uses it, because axum boxes every response body that is not of axum's own
/// type.
#[derive(Clone, Copy, Debug)]
pub struct SameBody;

impl<B: From<Bytes>> BodyKind<B> for SameBody {
    type Body = B;

    #[inline]
    fn passed<E>(answer: Poll<Result<Response<B>, E>>) -> Poll<Result<Response<B>, E>> {
        answer
    }

    fn page(page: Bytes) -> B {
        B::from(page)
    }
}

mod sealed {
    pub trait Sealed {}

    impl Sealed for super::AnyBody {}
    impl Sealed for super::SameBody {}
}
