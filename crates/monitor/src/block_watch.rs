//! The future of a request, whose polls the monitor sees.

use std::fmt;
use std::pin::Pin;
use std::task::{Context, Poll};

use pin_project_lite::pin_project;

use crate::slot::{Label, poll_as};

pin_project! {
    /// A future whose polls the monitor sees under a label. The middleware of the adapters makes it.
    #[must_use = "futures do nothing unless polled"]
    pub struct BlockWatchFuture<F> {
        #[pin]
        future: F,
        label: Label,
    }
}

impl<F> BlockWatchFuture<F> {
    /// Watches the future that `call` returns, and the call itself: some services work before they return their
    /// future.
    pub fn new(label: Label, call: impl FnOnce() -> F) -> Self {
        Self { future: poll_as(label, call), label }
    }
}

impl<F: Future> Future for BlockWatchFuture<F> {
    type Output = F::Output;

    fn poll(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<F::Output> {
        let watched = self.project();
        poll_as(*watched.label, || watched.future.poll(context))
    }
}

impl<F> fmt::Debug for BlockWatchFuture<F> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("BlockWatchFuture").field("label", &self.label).finish_non_exhaustive()
    }
}
