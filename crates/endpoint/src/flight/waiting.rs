//! One request's wait for its answer.

use std::fmt;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};

use futures_channel::oneshot;

use super::{Answer, Shared};
use crate::reply::Problem;
use crate::view::Kind;

/// The answer to a request, once it is there. Dropped before, it takes the request out of those that wait, and with the
/// last of them the view that they wanted.
#[derive(Debug)]
pub(crate) struct Waiting {
    receiver: oneshot::Receiver<Answer>,
    /// `None` from when it is answered, and for an answer that was there at once.
    place: Option<Place>,
}

/// Where a request waits.
pub(super) struct Place {
    pub(super) shared: Arc<Shared>,
    pub(super) kind: Kind,
    pub(super) number: u64,
}

impl Waiting {
    pub(super) fn new(receiver: oneshot::Receiver<Answer>, place: Option<Place>) -> Self {
        Self { receiver, place }
    }

    /// For an answer that comes from a test.
    #[cfg(test)]
    pub(crate) fn of(receiver: oneshot::Receiver<Answer>) -> Self {
        Self::new(receiver, None)
    }
}

impl Future for Waiting {
    type Output = Answer;

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Answer> {
        let answer = ready!(Pin::new(&mut self.receiver).poll(context));
        // Who answered has taken it from there.
        self.place = None;
        // A sender that is dropped without an answer means that its thread panicked outside of the collector.
        Poll::Ready(answer.unwrap_or_else(|dropped| {
            Err(Problem::internal("the collecting thread ended without an answer", &dropped))
        }))
    }
}

impl Drop for Waiting {
    fn drop(&mut self) {
        if let Some(Place { shared, kind, number }) = self.place.take() {
            let left = shared.lock().slot(kind).leave(number);
            drop(left);
        }
    }
}

impl fmt::Debug for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Place").field("kind", &self.kind).finish_non_exhaustive()
    }
}
