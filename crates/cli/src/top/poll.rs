//! Polls each instance on a separate thread, so that a slow instance does not delay the others.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::sync::{Arc, Condvar, Mutex, PoisonError};
use std::thread;
use std::time::{Duration, Instant};

use memory_debug_report::{MemoryReport, MissingReason};

use crate::client::Client;
use crate::failure::Failure;
use crate::login::Login;
use crate::target::Target;

/// The longest report. A usual report has some hundred KiB, and many threads may hold one at the same time.
const MAX_BODY_BYTES: u64 = 16 << 20;

/// A request to an instance, or its answer.
#[derive(Debug)]
pub(crate) enum News {
    Asked { index: usize, at: Instant },
    Answered { index: usize, at: Instant, answer: Box<Result<MemoryReport, Failure>> },
}

/// The threads that poll. They end with the program, or when the receiver is dropped.
#[derive(Debug)]
pub(super) struct Poller {
    gate: Arc<Gate>,
}

/// Stops all polling threads while it is closed.
#[derive(Debug, Default)]
struct Gate {
    is_closed: Mutex<bool>,
    opened: Condvar,
}

impl Poller {
    /// Polls `number` instances with `ask`. Requests to one instance begin an `interval` apart, or later if an answer
    /// takes longer.
    pub(super) fn start(
        number: usize,
        interval: Duration,
        ask: impl Fn(usize) -> Result<MemoryReport, Failure> + Send + Sync + 'static,
    ) -> (Self, Receiver<News>) {
        // A thread blocks while the queue is full, so the queue stays short.
        let (sender, news) = sync_channel(2 * number);
        let ask = Arc::new(ask);
        let gate = Arc::new(Gate::default());
        for index in 0..number {
            let ask = Arc::clone(&ask);
            let gate = Arc::clone(&gate);
            let news = sender.clone();
            let work =
                move || while gate.pass().is_some() && turn(index, interval, &*ask, &news).is_some() {};
            if thread::Builder::new().name("ask".into()).stack_size(512 << 10).spawn(work).is_err() {
                let failure = Failure::local("cannot start a thread for this instance");
                // Cannot fail: the queue has room for every instance.
                let _ = sender.try_send(answered(index, Err(failure)));
            }
        }
        (Self { gate }, news)
    }

    /// Sends no request while paused. Answers to earlier requests may still arrive.
    pub(super) fn pause(&self, is_paused: bool) {
        *self.gate.is_closed.lock().unwrap_or_else(PoisonError::into_inner) = is_paused;
        self.gate.opened.notify_all();
    }
}

impl Gate {
    /// Waits until the gate is open.
    fn pass(&self) -> Option<()> {
        let closed = self.is_closed.lock().unwrap_or_else(PoisonError::into_inner);
        let _open =
            self.opened.wait_while(closed, |is_closed| *is_closed).unwrap_or_else(PoisonError::into_inner);
        Some(())
    }
}

/// Sends one request and waits for the next turn. `None` if the receiver was dropped.
fn turn(
    index: usize,
    interval: Duration,
    ask: &dyn Fn(usize) -> Result<MemoryReport, Failure>,
    news: &SyncSender<News>,
) -> Option<()> {
    let asked = Instant::now();
    news.send(News::Asked { index, at: asked }).ok()?;
    // If the thread died, the instance would look slow.
    let answer = catch_unwind(AssertUnwindSafe(|| ask(index))).unwrap_or_else(|_| {
        Err(Failure::local("the request panicked, which is a defect of this command; please report it"))
    });
    news.send(answered(index, answer)).ok()?;
    thread::sleep(interval.saturating_sub(asked.elapsed()));
    Some(())
}

fn answered(index: usize, answer: Result<MemoryReport, Failure>) -> News {
    News::Answered { index, at: Instant::now(), answer: Box::new(answer) }
}

/// Requests the full report of an instance.
///
/// # Errors
///
/// If the request fails, or the report has another version.
pub(super) fn report(client: &Client, target: &Target, login: &Login) -> Result<MemoryReport, Failure> {
    let report = client.clone().max_body_bytes(MAX_BODY_BYTES).report(target, login)?;
    let of_version = report.require_schema().map_err(|message| format!("its report {message}"));
    of_version.map_err(|message| Failure::new(MissingReason::NoReport, message).at(target))?;
    Ok(report)
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicUsize, Ordering};

    use super::super::fixture::report;
    use super::*;

    const SHORT: Duration = Duration::from_millis(1);

    #[test]
    fn instance_that_does_not_answer_delays_no_other() {
        static STUCK: Mutex<()> = Mutex::new(());
        let _hold = STUCK.lock().unwrap();
        let (_poller, news) = Poller::start(2, SHORT, move |index| {
            if index == 0 {
                drop(STUCK.lock());
            }
            Ok(report(index as u64, Vec::new()))
        });
        let answers = news.iter().filter(|news| matches!(news, News::Answered { .. })).take(20);
        assert!(answers.into_iter().all(|news| matches!(news, News::Answered { index: 1, .. })));
    }

    #[test]
    fn requests_to_one_instance_never_overlap() {
        static NOW: AtomicUsize = AtomicUsize::new(0);
        let (_poller, news) = Poller::start(1, SHORT, |_| {
            assert_eq!(NOW.fetch_add(1, Ordering::SeqCst), 0);
            thread::yield_now();
            NOW.fetch_sub(1, Ordering::SeqCst);
            Ok(report(1, Vec::new()))
        });
        let mut is_asked = false;
        for news in news.iter().take(40) {
            assert_ne!(is_asked, matches!(news, News::Asked { .. }));
            is_asked = !is_asked;
            assert!(!matches!(news, News::Answered { answer, .. } if answer.is_err()));
        }
    }

    #[test]
    fn panic_becomes_a_failed_answer() {
        let (_poller, news) = Poller::start(1, SHORT, |_| panic!("a defect"));
        let failed =
            news.iter().filter(|news| matches!(news, News::Answered { answer, .. } if answer.is_err()));
        assert_eq!(failed.take(3).count(), 3);
    }

    #[test]
    fn no_request_is_sent_while_paused() {
        let (poller, news) = Poller::start(1, SHORT, |_| Ok(report(1, Vec::new())));
        poller.pause(true);
        // Pending answers still arrive. Then nothing arrives until the pause ends.
        while news.recv_timeout(Duration::from_millis(100)).is_ok() {}
        assert!(news.try_recv().is_err());
        poller.pause(false);
        assert!(news.recv().is_ok());
    }
}
