//! Waits for a future on a thread without a runtime.

use std::pin::pin;
use std::sync::Arc;
use std::task::{Context, Poll, Wake, Waker};
use std::thread::{self, Thread};
use std::time::Instant;

struct Unpark(Thread);

impl Wake for Unpark {
    fn wake(self: Arc<Self>) {
        self.0.unpark();
    }
}

/// Waits for the output of `future` until `end`, or forever without an `end`. `None` if it is not ready in time.
pub fn wait<T>(future: impl Future<Output = T>, end: Option<Instant>) -> Option<T> {
    let waker = Waker::from(Arc::new(Unpark(thread::current())));
    let mut context = Context::from_waker(&waker);
    let mut future = pin!(future);
    loop {
        if let Poll::Ready(value) = future.as_mut().poll(&mut context) {
            return Some(value);
        }
        match end {
            None => thread::park(),
            Some(end) => thread::park_timeout(end.checked_duration_since(Instant::now())?),
        }
    }
}

#[cfg(test)]
mod tests {
    use std::future::{pending, ready};
    use std::time::Duration;

    use super::*;

    #[test]
    fn a_ready_future_gives_its_output_and_an_endless_future_is_given_up() {
        assert_eq!(wait(ready(7), Some(Instant::now())), Some(7));
        assert_eq!(wait(pending::<()>(), Some(Instant::now() + Duration::from_millis(10))), None);
    }

    #[test]
    fn a_value_from_another_thread_wakes_the_waiting_thread() {
        let (sender, receiver) = futures_channel::oneshot::channel();
        let other = thread::spawn(move || sender.send(7));
        assert_eq!(wait(receiver, None), Some(Ok(7)));
        other.join().unwrap().unwrap();
    }
}
