//! The future reply: ready at once, after a collection, or after the request's body has arrived.

use std::convert::Infallible;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};

use bytes::Bytes;
use memory_debug_core::InstanceId;

use crate::auth::Authorized;
use crate::flight::{Flights, Growth, Waiting};
use crate::html::Site;
use crate::problem_form::ProblemForm;
use crate::reply::Format;
use crate::reply::Problem;
use crate::reply::Reply;
use crate::request::{Head, Query};
use crate::request_body::RequestBody;
use crate::route::ReadBody;
use crate::view::{Kind, RenderRequest};

/// A future [`Reply`]. It needs no runtime, because the collecting thread wakes it.
///
/// Dropping the future withdraws the request and frees its permit at once. Work that no other request asked for is
/// then skipped, except a collection that has already begun. For growth, the second collection is skipped unless it
/// has begun.
#[derive(Debug)]
#[must_use = "futures do nothing unless polled"]
pub struct ReplyFuture {
    state: State,
    is_for_application: bool,
    /// The id of this process, which the reply names to authorized clients.
    instance: Option<InstanceId>,
}

#[derive(Debug)]
enum State {
    Ready(Box<Reply>),
    Reading(Box<Reading>),
    Waiting { waiting: Waiting, form: ProblemForm },
    Growing { growth: Growth, form: ProblemForm },
    Done,
}

/// A request whose body has not arrived yet.
#[derive(Debug)]
pub(crate) struct Draft {
    /// Reads the body.
    pub(crate) read: ReadBody,
    /// The parameters in the address.
    pub(crate) query: Query,
    pub(crate) head: Head,
    pub(crate) kind: Kind,
    pub(crate) format: Format,
    pub(crate) force: bool,
    pub(crate) shows_host: bool,
    pub(crate) site: Option<Site>,
}

/// A request whose body is being read, with everything needed to answer it afterwards.
#[derive(Debug)]
pub(crate) struct Reading {
    pub(crate) body: RequestBody,
    pub(crate) draft: Draft,
    /// The form of a problem.
    pub(crate) form: ProblemForm,
    pub(crate) flights: Arc<Flights>,
    pub(crate) proof: Authorized,
}

impl ReplyFuture {
    fn new(state: State) -> Self {
        Self { state, is_for_application: false, instance: None }
    }

    /// Adds the id of the answering instance to the reply.
    pub(crate) fn with_instance(self, instance: InstanceId) -> Self {
        Self { instance: Some(instance), ..self }
    }

    pub(crate) fn ready(reply: Reply) -> Self {
        Self::new(State::Ready(Box::new(reply)))
    }

    /// The status of the reply, if the endpoint answers and the reply is ready.
    pub(crate) fn status(&self) -> Option<u16> {
        match &self.state {
            State::Ready(reply) if !self.is_for_application => Some(reply.status),
            _ => None,
        }
    }

    /// The reply that `waiting` resolves to. A problem is written in `form`.
    pub(crate) fn waiting(waiting: Waiting, form: ProblemForm) -> Self {
        Self::new(State::Waiting { waiting, form })
    }

    /// The reply to a request whose body must be read first.
    pub(crate) fn reading(reading: Reading) -> Self {
        Self::new(State::Reading(Box::new(reading)))
    }

    /// The reply with the growth of the heap. A problem is written in `form`.
    pub(crate) fn growing(growth: Growth, form: ProblemForm) -> Self {
        Self::new(State::Growing { growth, form })
    }

    /// The application's own answer, or an empty 404 where there is no application.
    pub(crate) fn hidden() -> Self {
        Self { is_for_application: true, ..Self::ready(Reply::not_found()) }
    }

    /// Whether the application must answer the request, as if there were no memory page. Only true if the endpoint
    /// [hides](crate::Endpoint::hide). An adapter without an application to pass the request to awaits the reply
    /// instead, which is an empty 404.
    #[must_use]
    pub fn is_for_application(&self) -> bool {
        self.is_for_application
    }

    /// Whether the reply depends on the request's body.
    ///
    /// For nearly all requests it does not: the adapter then drops the body unread and awaits the reply. Otherwise
    /// the adapter polls with [`poll_with_body`](Self::poll_with_body).
    #[must_use]
    pub fn needs_body(&self) -> bool {
        matches!(self.state, State::Reading(_))
    }

    /// Polls for the reply and reads the request's body if [`needs_body`](Self::needs_body).
    ///
    /// `next` polls for the next part of the body, as HTTP frames it. It is called only while the body is needed. It is
    /// not called again after it returned the end (`None`) or an error, or after the body became too long.
    ///
    /// This method decides how much is read and for how long. The server must deal with the part of the body that was
    /// not read before the reply.
    pub fn poll_with_body<E>(
        &mut self,
        context: &mut Context<'_>,
        next: impl FnMut(&mut Context<'_>) -> Poll<Option<Result<Bytes, E>>>,
    ) -> Poll<Reply> {
        if let State::Reading(reading) = &mut self.state {
            let body = ready!(reading.body.poll_read(context, next));
            if let State::Reading(reading) = std::mem::replace(&mut self.state, State::Done) {
                self.state = reading.finish(body);
            }
        }
        let reply = ready!(self.poll_reply(context));
        Poll::Ready(match self.instance {
            Some(instance) => reply.with_header("memory-instance", instance.to_string()),
            None => reply,
        })
    }

    fn poll_reply(&mut self, context: &mut Context<'_>) -> Poll<Reply> {
        let (answer, form) = match &mut self.state {
            State::Waiting { waiting, form } => (ready!(Pin::new(waiting).poll(context)), form),
            State::Growing { growth, form } => (ready!(Pin::new(growth).poll(context)), form),
            State::Ready(_) | State::Reading(_) | State::Done => {
                return match std::mem::replace(&mut self.state, State::Done) {
                    State::Ready(reply) => Poll::Ready(*reply),
                    // Polled after completion; the contract of `Future` does not say what happens then.
                    _ => Poll::Pending,
                };
            }
        };
        let reply = answer.unwrap_or_else(|problem| form.reply(&problem));
        self.state = State::Done;
        Poll::Ready(reply)
    }
}

impl Draft {
    /// Parses the body, which completes the request.
    fn complete(self, body: &[u8], proof: &Authorized) -> Result<RenderRequest, Problem> {
        let Self { read, query, head, kind, format, force, shows_host, site } = self;
        let page = read.page(body, query, &head, proof)?;
        let kind = page.kind(kind);
        Ok(RenderRequest { page, kind, format, force, shows_host, site })
    }
}

impl Reading {
    /// The next state, after the body has arrived or failed to arrive.
    fn finish(self, body: Result<Vec<u8>, Problem>) -> State {
        let Self { draft, form, flights, proof, .. } = self;
        let joined = body.and_then(|body| flights.join(draft.complete(&body, &proof)?, &proof));
        match joined {
            Ok(waiting) => State::Waiting { waiting, form },
            Err(problem) => State::Ready(Box::new(form.reply(&problem))),
        }
    }
}

/// Polls as if the request had no body.
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
    fn s42_reply_futures_are_send_and_static() {
        fn assert_send<T: Send + 'static>() {}
        assert_send::<ReplyFuture>();
    }

    #[tokio::test]
    async fn s47_a_lost_sender_is_an_error_not_a_hang() {
        let (sender, receiver) = futures_channel::oneshot::channel();
        drop(sender);
        assert_eq!(
            ReplyFuture::waiting(Waiting::answered_by(receiver), Format::Text.into()).await.status,
            500
        );
    }
}
