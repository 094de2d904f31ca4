//! Futures whose live memory counts for the route that made them.

use std::fmt;
use std::pin::Pin;
use std::task::{Context, Poll};

use memory_debug_core::__private::RouteLabel;
use pin_project_lite::pin_project;

/// Lets live samples count what `future` allocates for the route of the request that this thread runs now. Wrap a task
/// before a request spawns it, with any `spawn`. Otherwise its memory counts for `(no route)`.
///
/// Futures that are [traced](crate::TraceExt::traced) inherit the route as well, and are counted by a tracer besides.
/// Outside of a request, or while no live samples are recorded, the future has no route, and a poll costs a comparison.
///
/// ```
/// use memory_debug_tracer::inherit_route;
///
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() {
/// async fn fill_cache() {}
///
/// tokio::spawn(inherit_route(fill_cache())).await.unwrap();
/// # }
/// ```
#[inline]
pub fn inherit_route<F>(future: F) -> InheritRoute<F> {
    InheritRoute { future, label: RouteLabel::current() }
}

pin_project! {
    /// A future whose live memory counts for the route that made it, from [`inherit_route`].
    #[must_use = "futures do nothing unless polled"]
    pub struct InheritRoute<F> {
        #[pin]
        future: F,
        label: Option<RouteLabel>,
    }
}

impl<F: Future> Future for InheritRoute<F> {
    type Output = F::Output;

    #[inline]
    fn poll(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<F::Output> {
        let this = self.project();
        let _label = this.label.map(RouteLabel::enter);
        this.future.poll(context)
    }
}

impl<F> fmt::Debug for InheritRoute<F> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("InheritRoute").field("has_route", &self.label.is_some()).finish_non_exhaustive()
    }
}
