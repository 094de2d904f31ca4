//! The answer that is there at once, or will be when a collection ends, or when the request's body is there.

use std::convert::Infallible;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};

use bytes::Bytes;
use memory_debug_core::InstanceId;

use crate::auth::Authorized;
use crate::flight::{Flights, Growth, Waiting};
use crate::reply::Format;
use crate::reply::Problem;
use crate::reply::Reply;
use crate::request::IfMatch;
use crate::request_body::RequestBody;
use crate::route::ReadBody;
use crate::view::{Kind, RenderRequest};

/// A future of the [`Reply`] that needs no runtime: it is woken by the collecting thread.
///
/// Dropping it withdraws the request: its place is free at once, and what no other request asked for is not written, nor done.
/// A collection that has begun goes on; of a growth, the one that has not begun is not made.
#[derive(Debug)]
#[must_use = "futures do nothing unless polled"]
pub struct ReplyFuture {
    state: State,
    is_for_application: bool,
    /// Told to whoever is authorized.
    instance: Option<InstanceId>,
}

#[derive(Debug)]
enum State {
    Ready(Box<Reply>),
    Reading(Box<Reading>),
    Waiting { waiting: Waiting, format: Format },
    Growing { growth: Growth, format: Format },
    Done,
}

/// A request that lacks its body.
#[derive(Debug)]
pub(crate) struct Draft {
    /// Reads the body.
    pub(crate) read: ReadBody,
    pub(crate) if_match: IfMatch,
    pub(crate) kind: Kind,
    pub(crate) format: Format,
    pub(crate) shows_host: bool,
}

/// A request whose body is on its way, and what it takes to go on then.
#[derive(Debug)]
pub(crate) struct Reading {
    pub(crate) body: RequestBody,
    pub(crate) draft: Draft,
    pub(crate) flights: Arc<Flights>,
    pub(crate) proof: Authorized,
}

impl ReplyFuture {
    fn new(state: State) -> Self {
        Self { state, is_for_application: false, instance: None }
    }

    /// The same, with the name of who answers.
    pub(crate) fn of_instance(self, instance: InstanceId) -> Self {
        Self { instance: Some(instance), ..self }
    }

    pub(crate) fn ready(reply: Reply) -> Self {
        Self::new(State::Ready(Box::new(reply)))
    }

    /// The status of the reply, if it is ours and there already.
    pub(crate) fn status(&self) -> Option<u16> {
        match &self.state {
            State::Ready(reply) if !self.is_for_application => Some(reply.status),
            _ => None,
        }
    }

    /// The answer once it, or the reason why there is none, arrives; the reason in `format`.
    pub(crate) fn waiting(waiting: Waiting, format: Format) -> Self {
        Self::new(State::Waiting { waiting, format })
    }

    /// The answer to what the body asks for.
    pub(crate) fn reading(reading: Reading) -> Self {
        Self::new(State::Reading(Box::new(reading)))
    }

    /// The answer once it has been seen what grows, or why that could not be; the reason in `format`.
    pub(crate) fn growing(growth: Growth, format: Format) -> Self {
        Self::new(State::Growing { growth, format })
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

    /// Whether the answer depends on the request's body. If not, as for nearly all requests, an adapter drops the body
    /// unread, and awaits the reply; if so, it asks with [`poll_with_body`](Self::poll_with_body).
    #[must_use]
    pub fn needs_body(&self) -> bool {
        matches!(self.state, State::Reading(_))
    }

    /// Polls for the reply where [`needs_body`](Self::needs_body). `next` polls for the next part of the body, as it is
    /// framed by HTTP; it is called as long as the body is needed, and never again once it has told of the end
    /// (`None`), of an error, or of more than a body may have.
    ///
    /// How much is read and for how long is decided here. Whatever is not read by the time of the reply is the server's
    /// to deal with.
    pub fn poll_with_body<E>(
        &mut self,
        context: &mut Context<'_>,
        next: impl FnMut(&mut Context<'_>) -> Poll<Option<Result<Bytes, E>>>,
    ) -> Poll<Reply> {
        if let State::Reading(reading) = &mut self.state {
            let body = ready!(reading.body.poll_read(context, next));
            if let State::Reading(reading) = std::mem::replace(&mut self.state, State::Done) {
                self.state = reading.end(body);
            }
        }
        let reply = ready!(self.poll_reply(context));
        Poll::Ready(match self.instance {
            Some(instance) => reply.with_header("memory-instance", instance.to_string()),
            None => reply,
        })
    }

    fn poll_reply(&mut self, context: &mut Context<'_>) -> Poll<Reply> {
        let (answer, format) = match &mut self.state {
            State::Waiting { waiting, format } => (ready!(Pin::new(waiting).poll(context)), *format),
            State::Growing { growth, format } => (ready!(Pin::new(growth).poll(context)), *format),
            State::Ready(_) | State::Reading(_) | State::Done => {
                return match std::mem::replace(&mut self.state, State::Done) {
                    State::Ready(reply) => Poll::Ready(*reply),
                    // Polled after completion, which the contract of `Future` leaves open.
                    _ => Poll::Pending,
                };
            }
        };
        self.state = State::Done;
        Poll::Ready(answer.unwrap_or_else(|problem| Reply::problem(&problem, format)))
    }
}

impl Draft {
    /// The request, now that its body has arrived.
    fn complete(self, body: &[u8], proof: &Authorized) -> Result<RenderRequest, Problem> {
        let Self { read, if_match, kind, format, shows_host } = self;
        let page = read(body, if_match, proof)?;
        let kind = page.kind(kind);
        Ok(RenderRequest { page, kind, format, force: false, shows_host })
    }
}

impl Reading {
    /// What comes after the body, or instead of it.
    fn end(self, body: Result<Vec<u8>, Problem>) -> State {
        let Self { draft, flights, proof, .. } = self;
        let format = draft.format;
        let joined = body.and_then(|body| flights.join(draft.complete(&body, &proof)?, &proof));
        match joined {
            Ok(waiting) => State::Waiting { waiting, format },
            Err(problem) => State::Ready(Box::new(Reply::problem(&problem, format))),
        }
    }
}

/// As if the request had no body.
impl Future for ReplyFuture {
    type Output = Reply;

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Reply> {
        self.poll_with_body(context, |_| Poll::Ready(None::<Result<Bytes, Infallible>>))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn s42_outcomes_are_send_and_static() {
        fn assert_send<T: Send + 'static>() {}
        assert_send::<ReplyFuture>();
    }

    #[tokio::test]
    async fn s47_a_lost_sender_is_an_error_not_a_hang() {
        let (sender, receiver) = futures_channel::oneshot::channel();
        drop(sender);
        assert_eq!(ReplyFuture::waiting(Waiting::of(receiver), Format::Text).await.status, 500);
    }
}
