//! The answer that is there at once, or will be when a collection ends.

use std::pin::Pin;
use std::task::{Context, Poll, ready};

use bytes::Bytes;
use futures_channel::oneshot;

use crate::format::Format;
use crate::problem::Problem;
use crate::reply::Reply;

/// A future of the [`Reply`] that needs no runtime: it is woken by the collecting thread.
///
/// Dropping it withdraws the request, not the collection.
#[derive(Debug)]
#[must_use = "futures do nothing unless polled"]
pub struct Outcome(State);

#[derive(Debug)]
enum State {
    Ready(Box<Reply>),
    Waiting { receiver: oneshot::Receiver<Result<Bytes, Problem>>, format: Format },
    Done,
}

impl Outcome {
    pub(crate) fn ready(reply: Reply) -> Self {
        Self(State::Ready(Box::new(reply)))
    }

    /// The status of the reply, if it is there already.
    pub(crate) fn status(&self) -> Option<u16> {
        match &self.0 {
            State::Ready(reply) => Some(reply.status),
            State::Waiting { .. } | State::Done => None,
        }
    }

    /// The page in `format` once its body, or the reason why there is none, arrives.
    pub(crate) fn waiting(receiver: oneshot::Receiver<Result<Bytes, Problem>>, format: Format) -> Self {
        Self(State::Waiting { receiver, format })
    }
}

impl Future for Outcome {
    type Output = Reply;

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Reply> {
        if let State::Waiting { receiver, format } = &mut self.0 {
            let format = *format;
            // A sender dropped without a word means that its thread panicked outside of the collector.
            let body = ready!(Pin::new(receiver).poll(context)).unwrap_or(Err(Problem::CollectorPanicked));
            self.0 = State::Done;
            return Poll::Ready(match body {
                Ok(body) => Reply::page(format, body),
                Err(problem) => Reply::problem(&problem, format),
            });
        }
        match std::mem::replace(&mut self.0, State::Done) {
            State::Ready(reply) => Poll::Ready(*reply),
            // Polled after completion, which the contract of `Future` leaves open.
            State::Waiting { .. } | State::Done => Poll::Pending,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn s42_outcomes_are_send_and_static() {
        fn assert_send<T: Send + 'static>() {}
        assert_send::<Outcome>();
    }

    #[tokio::test]
    async fn s47_a_lost_sender_is_an_error_not_a_hang() {
        let (sender, receiver) = oneshot::channel();
        drop(sender);
        assert_eq!(Outcome::waiting(receiver, Format::Text).await.status, 500);
    }
}
