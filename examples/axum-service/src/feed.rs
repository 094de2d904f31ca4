//! The feed: what happens in the shop, told to everyone who listens, as server-sent events.

use std::collections::VecDeque;
use std::convert::Infallible;
use std::sync::{Arc, Mutex, MutexGuard};

use axum::Router;
use axum::extract::State;
use axum::http::HeaderMap;
use axum::response::Sse;
use axum::response::sse::{Event, KeepAlive, KeepAliveStream};
use axum::routing::get;
use futures_channel::mpsc::{Receiver, Sender, channel};

/// Messages kept for listeners that come back after a broken connection.
const HISTORY: usize = 16_384;

/// Messages a listener may lag behind before it is let go.
const BUFFER: usize = 64;

/// A stream of events, in the form [`Sse`] wants it.
type Events = Receiver<Result<Event, Infallible>>;

/// Fans messages out to all listeners and remembers the latest of them.
#[derive(Debug, Default)]
pub(crate) struct Feed {
    channel: Mutex<Channel>,
}

#[derive(Debug, Default)]
struct Channel {
    last_id: u64,
    history: VecDeque<Message>,
    listeners: Vec<Sender<Result<Event, Infallible>>>,
    closed: bool,
}

#[derive(Debug)]
struct Message {
    id: u64,
    topic: &'static str,
    text: String,
}

impl Feed {
    /// Tells every listener `text`, under `topic`.
    pub(crate) fn publish(&self, topic: &'static str, text: String) {
        let mut channel = self.channel();
        channel.last_id += 1;
        let message = Message { id: channel.last_id, topic, text };
        // A listener with a full buffer is let go rather than waited for: it comes back with `Last-Event-ID` and
        // gets the rest from the history.
        channel.listeners.retain_mut(|listener| listener.try_send(Ok(message.to_event())).is_ok());
        if channel.history.len() == HISTORY {
            channel.history.pop_front();
        }
        channel.history.push_back(message);
    }

    /// Ends all streams, now and in future, so that the server can finish its connections.
    pub(crate) fn close(&self) {
        let mut channel = self.channel();
        channel.closed = true;
        channel.listeners.clear();
    }

    /// The messages after the one with the id `last_seen`, as far as they are remembered, and all that follow; only
    /// those that follow if `last_seen` is `None`.
    fn subscribe(&self, last_seen: Option<u64>) -> Events {
        let mut channel = self.channel();
        let missed = match last_seen {
            Some(id) => channel.history.partition_point(|message| message.id <= id),
            None => channel.history.len(),
        };
        let missed: Vec<Event> = channel.history.range(missed..).map(Message::to_event).collect();
        let (mut listener, events) = self::channel(BUFFER + missed.len());
        // The receiver is at hand and the buffer is large enough, so every event is taken.
        let caught_up = missed.into_iter().all(|event| listener.try_send(Ok(event)).is_ok());
        if caught_up && !channel.closed {
            channel.listeners.push(listener);
        }
        events
    }

    fn channel(&self) -> MutexGuard<'_, Channel> {
        self.channel.lock().expect("nothing panics while it holds the lock")
    }
}

impl Message {
    fn to_event(&self) -> Event {
        Event::default().id(self.id.to_string()).event(self.topic).data(&self.text)
    }
}

/// `GET /`: the stream. `Last-Event-ID` resumes it, as browsers do on their own.
pub(crate) fn router(feed: Arc<Feed>) -> Router {
    Router::new().route("/", get(listen)).with_state(feed)
}

async fn listen(State(feed): State<Arc<Feed>>, headers: HeaderMap) -> Sse<KeepAliveStream<Events>> {
    let last_seen = headers.get("last-event-id").and_then(|id| id.to_str().ok()?.parse().ok());
    Sse::new(feed.subscribe(last_seen)).keep_alive(KeepAlive::default())
}

#[cfg(test)]
mod tests {
    use super::*;

    /// How many events wait in the stream, and whether it has ended.
    fn drain(events: &mut Events) -> (usize, bool) {
        let mut count = 0;
        loop {
            match events.try_recv() {
                Ok(_) => count += 1,
                Err(error) => return (count, error.is_closed()),
            }
        }
    }

    #[test]
    fn every_listener_hears_every_message_published_after_it_came() {
        let feed = Feed::default();
        feed.publish("job", "before".to_owned());
        let mut first = feed.subscribe(None);
        feed.publish("job", "one".to_owned());
        let mut second = feed.subscribe(None);
        feed.publish("job", "two".to_owned());
        assert_eq!(drain(&mut first), (2, false));
        assert_eq!(drain(&mut second), (1, false));
    }

    #[test]
    fn a_returning_listener_gets_what_it_missed() {
        let feed = Feed::default();
        for number in 0..10 {
            feed.publish("job", number.to_string());
        }
        assert_eq!(drain(&mut feed.subscribe(Some(7))), (3, false));
        assert_eq!(drain(&mut feed.subscribe(Some(99))), (0, false));
    }

    #[test]
    fn the_history_is_bounded() {
        let feed = Feed::default();
        for number in 0..HISTORY + 10 {
            feed.publish("job", number.to_string());
        }
        assert_eq!(drain(&mut feed.subscribe(Some(0))), (HISTORY, false));
    }

    #[test]
    fn a_listener_that_does_not_read_is_let_go() {
        let feed = Feed::default();
        let mut events = feed.subscribe(None);
        for number in 0..2 * BUFFER {
            feed.publish("job", number.to_string());
        }
        let (received, ended) = drain(&mut events);
        assert!(ended && received < 2 * BUFFER, "{received} events, ended: {ended}");
    }

    #[test]
    fn closing_ends_present_and_future_streams() {
        let feed = Feed::default();
        let mut present = feed.subscribe(None);
        feed.close();
        assert_eq!(drain(&mut present), (0, true));
        assert_eq!(drain(&mut feed.subscribe(None)), (0, true));
    }
}
