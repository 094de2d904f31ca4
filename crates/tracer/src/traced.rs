//! Futures that are counted.

use std::fmt;
use std::pin::Pin;
use std::task::{Context, Poll};

use memory_debug_core::__private::RouteLabel as LiveLabel;
use pin_project_lite::pin_project;

use crate::call::Call;

/// Gives futures a name under which a tracer counts them.
pub trait TraceExt: Future + Sized {
    /// Counts this future under `name`, below the call in which this method is called, which need not be the call that
    /// polls the future. It costs one relaxed load if nothing counts, and then the future is not counted later either.
    ///
    /// What the future allocates counts for the route of that call in live samples, as with
    /// [`inherit_route`](crate::inherit_route).
    ///
    /// ```
    /// use memory_debug_tracer::TraceExt;
    ///
    /// async fn load(id: u64) -> Vec<u8> {
    ///     async { vec![0; 1024] }.traced("load").await
    /// }
    /// ```
    #[track_caller]
    #[inline]
    fn traced(self, name: &'static str) -> Traced<Self> {
        Traced { future: self, label: LiveLabel::current(), call: Call::begin(name) }
    }
}

impl<F: Future> TraceExt for F {}

pin_project! {
    /// A future that a tracer counts, from [`TraceExt::traced`].
    #[must_use = "futures do nothing unless polled"]
    pub struct Traced<F> {
        #[pin]
        future: F,
        label: Option<LiveLabel>,
        // After the future: what the future drops is part of the call.
        call: Call,
    }
}

impl<F: Future> Future for Traced<F> {
    type Output = F::Output;

    #[inline]
    fn poll(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<F::Output> {
        let traced = self.project();
        if traced.call.is_open() | traced.label.is_some() {
            return poll_followed(traced.future, context, traced.call, *traced.label);
        }
        traced.future.poll(context)
    }
}

/// Apart, so that a poll which is not followed saves no registers.
#[inline(never)]
fn poll_followed<F: Future>(
    future: Pin<&mut F>,
    context: &mut Context<'_>,
    call: &mut Call,
    label: Option<LiveLabel>,
) -> Poll<F::Output> {
    let guard = call.enter_labelled(label);
    let polled = future.poll(context);
    if polled.is_ready() {
        guard.complete();
    }
    polled
}

impl<F> fmt::Debug for Traced<F> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Traced").field("call", &self.call).finish_non_exhaustive()
    }
}
