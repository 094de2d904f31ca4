//! The feed, which tells all listeners what happens in the shop.

use std::collections::VecDeque;
use std::sync::{Mutex, MutexGuard};

use futures_channel::mpsc::{Receiver, Sender, channel};

/// The number of messages kept for listeners that return after a broken connection.
const HISTORY: usize = 16_384;

/// The number of messages by which a listener can lag behind before it is disconnected.
const BUFFER: usize = 64;

/// A stream of messages. It ends when the shop closes or when its reader lags too far behind.
pub type Messages = Receiver<Message>;

/// Sends messages to all listeners and remembers the latest ones.
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

/// A message of the feed.
#[derive(Clone, Debug)]
pub struct Message {
    /// The number of the message, counted from 1.
    pub id: u64,
    /// The topic of the message.
    pub topic: &'static str,
    /// The text of the message.
    pub text: String,
}

impl Feed {
    /// Sends `text` to every listener under `topic`.
    pub(crate) fn publish(&self, topic: &'static str, text: String) {
        let mut channel = self.channel();
        channel.last_id += 1;
        let message = Message { id: channel.last_id, topic, text };
        // A listener with a full buffer is disconnected, because waiting would delay the others. It returns
        // with `Last-Event-ID` and gets the missed messages from the history.
        channel.listeners.retain_mut(|listener| listener.try_send(message.clone()).is_ok());
        if channel.history.len() == HISTORY {
            channel.history.pop_front();
        }
        channel.history.push_back(message);
    }

    /// Ends all current and future streams, so that the server can close its connections.
    pub(crate) fn close(&self) {
        let mut channel = self.channel();
        channel.closed = true;
        channel.listeners.clear();
    }

    /// Returns a stream of new messages. With `last_seen`, it starts with the remembered messages after that
    /// id.
    pub fn subscribe(&self, last_seen: Option<u64>) -> Messages {
        let mut channel = self.channel();
        let missed = match last_seen {
            Some(id) => channel.history.partition_point(|message| message.id <= id),
            None => channel.history.len(),
        };
        let missed: Vec<Message> = channel.history.range(missed..).cloned().collect();
        let (mut listener, messages) = self::channel(BUFFER + missed.len());
        // The receiver still exists and its buffer is large enough, so every message is accepted.
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

    /// The number of messages in the stream, and whether it has ended.
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
    fn every_listener_gets_every_message_published_after_it_subscribed() {
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
    fn a_listener_that_does_not_read_is_disconnected() {
        let feed = Feed::default();
        let mut messages = feed.subscribe(None);
        for number in 0..2 * BUFFER {
            feed.publish("job", number.to_string());
        }
        let (received, ended) = drain(&mut messages);
        assert!(ended && received < 2 * BUFFER, "{received} messages, ended: {ended}");
    }

    #[test]
    fn closing_ends_current_and_future_streams() {
        let feed = Feed::default();
        let mut present = feed.subscribe(None);
        feed.close();
        assert_eq!(drain(&mut present), (0, true));
        assert_eq!(drain(&mut feed.subscribe(None)), (0, true));
    }
}
