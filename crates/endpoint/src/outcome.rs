//! The answer that is there at once, or will be when a collection ends.

use std::pin::Pin;
use std::task::{Context, Poll, ready};

use futures_channel::oneshot;

use crate::format::Format;
use crate::problem::Problem;
use crate::reply::Reply;

/// A future of the [`Reply`] that needs no runtime: it is woken by the collecting thread.
///
/// Dropping it withdraws the request, not the collection.
#[derive(Debug)]
#[must_use = "futures do nothing unless polled"]
pub struct Outcome {
    state: State,
    is_for_application: bool,
}

#[derive(Debug)]
enum State {
    Ready(Box<Reply>),
    Waiting { receiver: oneshot::Receiver<Result<Reply, Problem>>, format: Format },
    Done,
}

impl Outcome {
    pub(crate) fn ready(reply: Reply) -> Self {
        Self { state: State::Ready(Box::new(reply)), is_for_application: false }
    }

    /// The status of the reply, if it is ours and there already.
    pub(crate) fn status(&self) -> Option<u16> {
        match &self.state {
            State::Ready(reply) if !self.is_for_application => Some(reply.status),
            _ => None,
        }
    }

    /// The answer once it, or the reason why there is none, arrives; the reason in `format`.
    pub(crate) fn waiting(receiver: oneshot::Receiver<Result<Reply, Problem>>, format: Format) -> Self {
        Self { state: State::Waiting { receiver, format }, is_for_application: false }
    }

    /// The application's own answer, or an empty 404 where there is no application.
    pub(crate) fn hidden() -> Self {
        Self { is_for_application: true, ..Self::ready(Reply::not_found()) }
    }

    /// Whether the application has to answer the request, as if there were no memory page: only if the endpoint
    /// [hides](crate::Endpoint::hide). An adapter that has no application to give the request to awaits the reply
    /// instead, which is an empty 404.
    #[must_use]
    pub fn is_for_application(&self) -> bool {
        self.is_for_application
    }
}

impl Future for Outcome {
    type Output = Reply;

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Reply> {
        if let State::Waiting { receiver, format } = &mut self.state {
            let format = *format;
            // A sender dropped without a word means that its thread panicked outside of the collector.
            let answer = ready!(Pin::new(receiver).poll(context)).unwrap_or(Err(Problem::CollectorPanicked));
            self.state = State::Done;
            return Poll::Ready(answer.unwrap_or_else(|problem| Reply::problem(&problem, format)));
        }
        match std::mem::replace(&mut self.state, State::Done) {
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
