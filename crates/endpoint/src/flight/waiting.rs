//! A request's wait for its answer.

use std::fmt;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};

use futures_channel::oneshot;

use super::{Answer, Shared};
use crate::reply::Problem;
use crate::view::Kind;

/// The future answer to a request. Dropping it cancels the request, and the view too if no other request
/// wants it.
#[derive(Debug)]
pub(crate) struct Waiting {
    receiver: oneshot::Receiver<Answer>,
    /// The entry to remove on drop. `None` after the answer, and for answers that were available at once.
    entry: Option<Entry>,
}

/// The entry of a waiting request.
pub(super) struct Entry {
    pub(super) shared: Arc<Shared>,
    pub(super) kind: Kind,
    pub(super) number: u64,
}

impl Waiting {
    pub(super) fn new(receiver: oneshot::Receiver<Answer>, entry: Option<Entry>) -> Self {
        Self { receiver, entry }
    }

    /// A future that a test answers.
    #[cfg(test)]
    pub(crate) fn answered_by(receiver: oneshot::Receiver<Answer>) -> Self {
        Self::new(receiver, None)
    }
}

impl Future for Waiting {
    type Output = Answer;

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Answer> {
        let answer = ready!(Pin::new(&mut self.receiver).poll(context));
        // The thread that answered has already removed the entry.
        self.entry = None;
        // A sender that was dropped without an answer means that its thread panicked outside the collector.
        Poll::Ready(answer.unwrap_or_else(|dropped| {
            Err(Problem::internal("the collecting thread ended without an answer", &dropped))
        }))
    }
}

impl Drop for Waiting {
    fn drop(&mut self) {
        if let Some(Entry { shared, kind, number }) = self.entry.take() {
            let left = shared.lock().slot(kind).leave(number);
            drop(left);
        }
    }
}

impl fmt::Debug for Entry {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Entry").field("kind", &self.kind).finish_non_exhaustive()
    }
}
