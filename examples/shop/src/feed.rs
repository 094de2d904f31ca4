//! The feed: what happens in the shop, told to everyone who listens.

use std::collections::VecDeque;
use std::sync::{Mutex, MutexGuard};

use futures_channel::mpsc::{Receiver, Sender, channel};

/// Messages kept for listeners that come back after a broken connection.
const HISTORY: usize = 16_384;

/// Messages a listener may lag behind before it is let go.
const BUFFER: usize = 64;

/// A stream of messages. It ends when the shop closes, or when its reader lags behind.
pub type Messages = Receiver<Message>;

/// Fans messages out to all listeners and remembers the latest of them.
#[derive(Debug, Default)]
pub struct Feed {
    channel: Mutex<Channel>,
}

#[derive(Debug, Default)]
struct Channel {
    last_id: u64,
    history: VecDeque<Message>,
    listeners: Vec<Sender<Message>>,
    closed: bool,
}

/// Something that happened.
#[derive(Clone, Debug)]
pub struct Message {
    /// Counts messages from 1.
    pub id: u64,
    /// What it is about.
    pub topic: &'static str,
    /// What happened.
    pub text: String,
}

impl Feed {
    /// Tells every listener `text`, under `topic`.
    pub(crate) fn publish(&self, topic: &'static str, text: String) {
        let mut channel = self.channel();
        channel.last_id += 1;
        let message = Message { id: channel.last_id, topic, text };
        // A listener with a full buffer is let go rather than waited for: it comes back with `Last-Event-ID` and
        // gets the rest from the history.
        channel.listeners.retain_mut(|listener| listener.try_send(message.clone()).is_ok());
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
    pub fn subscribe(&self, last_seen: Option<u64>) -> Messages {
        let mut channel = self.channel();
        let missed = match last_seen {
            Some(id) => channel.history.partition_point(|message| message.id <= id),
            None => channel.history.len(),
        };
        let missed: Vec<Message> = channel.history.range(missed..).cloned().collect();
        let (mut listener, messages) = self::channel(BUFFER + missed.len());
        // The receiver is at hand and the buffer is large enough, so every message is taken.
        let caught_up = missed.into_iter().all(|message| listener.try_send(message).is_ok());
        if caught_up && !channel.closed {
            channel.listeners.push(listener);
        }
        messages
    }

    fn channel(&self) -> MutexGuard<'_, Channel> {
        self.channel.lock().expect("nothing panics while it holds the lock")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// How many messages wait in the stream, and whether it has ended.
    fn drain(messages: &mut Messages) -> (usize, bool) {
        let mut count = 0;
        loop {
            match messages.try_recv() {
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
        let mut messages = feed.subscribe(None);
        for number in 0..2 * BUFFER {
            feed.publish("job", number.to_string());
        }
        let (received, ended) = drain(&mut messages);
        assert!(ended && received < 2 * BUFFER, "{received} messages, ended: {ended}");
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
