//! Runs code of the application, which may panic or hang, on threads of its own.

use std::any::Any;
use std::collections::VecDeque;
use std::fmt;
use std::io;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread::Builder;
use std::time::Duration;

use memory_debug_core::{spawn_collecting, spawn_thread};

use crate::clock::Clock;

/// After this many panics, a lane is switched off.
const MAX_PANICS: u32 = 3;

/// A job that takes longer hangs.
const HANGS_AFTER: Duration = Duration::from_secs(10);

/// The most jobs that wait.
const MAX_WAITING: usize = 32;

/// Runs jobs one after the other, on a thread that exists only while there are jobs.
///
/// Lanes do not wait for each other, so a job that hangs stops its own lane only.
#[derive(Clone, Debug)]
pub(crate) struct Lane {
    /// What it runs, for people.
    name: Arc<str>,
    thread: LaneThread,
    clock: Clock,
    state: Arc<Mutex<State>>,
    /// Panics of all lanes.
    panics: Arc<AtomicU64>,
}

/// The thread of a lane.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum LaneThread {
    /// An ordinary thread.
    Ordinary,
    /// A thread whose own memory stays out of the heap profile.
    Collecting,
}

#[derive(Debug, Default)]
struct State {
    waiting: VecDeque<Job>,
    /// Since when the running job runs.
    running_since: Option<Duration>,
    /// Whether it was reported that the running job hangs.
    is_reported: bool,
    panics: u32,
}

/// Work, and what to do if it fails.
pub(crate) struct Job {
    work: Box<dyn FnOnce() + Send>,
    failed: Box<dyn FnOnce(String) + Send>,
}

/// The reason why a job is not run.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Refused {
    /// The lane is off, because its jobs panicked.
    Off,
    /// The running job does not return.
    Hangs(Duration),
    /// Too many jobs wait.
    Full,
    /// There is no thread.
    NoThread(io::ErrorKind),
}

impl Job {
    /// A job. `failed` gets a text if the work panics.
    pub(crate) fn new(
        work: impl FnOnce() + Send + 'static,
        failed: impl FnOnce(String) + Send + 'static,
    ) -> Self {
        Self { work: Box::new(work), failed: Box::new(failed) }
    }
}

impl Lane {
    pub(crate) fn new(name: &str, thread: LaneThread, clock: Clock, panics: Arc<AtomicU64>) -> Self {
        Self { name: name.into(), thread, clock, state: Arc::default(), panics }
    }

    pub(crate) fn name(&self) -> &str {
        &self.name
    }

    /// How long the running job has run, if it hangs and this was not asked since it does.
    pub(crate) fn new_hang(&self, at: Duration) -> Option<Duration> {
        let mut state = self.lock();
        let running = at.saturating_sub(state.running_since?);
        if running <= HANGS_AFTER || std::mem::replace(&mut state.is_reported, true) {
            return None;
        }
        Some(running)
    }

    /// Whether it runs nothing, and nothing waits.
    pub(crate) fn is_idle(&self) -> bool {
        self.lock().running_since.is_none()
    }

    /// Runs `job` after the jobs that wait.
    ///
    /// # Errors
    ///
    /// If the job will not run. It was dropped then.
    pub(crate) fn send(&self, job: Job) -> Result<(), Refused> {
        let now = self.clock.now().at;
        let mut state = self.lock();
        if state.panics >= MAX_PANICS {
            return Err(Refused::Off);
        }
        if let Some(since) = state.running_since {
            let running = now.saturating_sub(since);
            if running > HANGS_AFTER {
                return Err(Refused::Hangs(running));
            }
            if state.waiting.len() >= MAX_WAITING {
                return Err(Refused::Full);
            }
            state.waiting.push_back(job);
            return Ok(());
        }
        state.waiting.push_back(job);
        state.running_since = Some(now);
        drop(state);
        let lane = self.clone();
        let run = move || lane.run();
        let spawned = match self.thread {
            LaneThread::Ordinary => spawn_thread(Builder::new().name("memory-debug".into()), run),
            LaneThread::Collecting => spawn_collecting(run),
        };
        spawned.map(drop).map_err(|error| {
            let mut state = self.lock();
            state.waiting.clear();
            state.running_since = None;
            Refused::NoThread(error.kind())
        })
    }

    fn run(&self) {
        while let Some(Job { work, failed }) = self.next() {
            let Err(panic) = catch_unwind(AssertUnwindSafe(work)) else { continue };
            self.panics.fetch_add(1, Ordering::Relaxed);
            let left = {
                let mut state = self.lock();
                state.panics += 1;
                MAX_PANICS.saturating_sub(state.panics)
            };
            let then = if left == 0 { "; it is switched off now" } else { "" };
            failed(format!("it panicked: {}{then}", message(&*panic)));
            // What the application threw may panic when it is dropped.
            let _ = catch_unwind(AssertUnwindSafe(|| drop(panic)));
        }
    }

    fn next(&self) -> Option<Job> {
        let mut state = self.lock();
        if state.panics >= MAX_PANICS {
            state.waiting.clear();
        }
        let job = state.waiting.pop_front();
        state.running_since = job.as_ref().map(|_| self.clock.now().at);
        state.is_reported = false;
        job
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The text of a panic.
fn message(panic: &(dyn Any + Send)) -> &str {
    let text = panic.downcast_ref::<&str>().copied();
    text.or_else(|| panic.downcast_ref::<String>().map(String::as_str)).unwrap_or("without a text")
}

impl fmt::Debug for Job {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Job")
    }
}

impl fmt::Display for Refused {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Off => f.write_str("it is switched off after three panics"),
            Self::Hangs(running) => write!(f, "the call before has not returned for {} s", running.as_secs()),
            Self::Full => f.write_str("too many calls wait"),
            Self::NoThread(kind) => write!(f, "there is no thread for it: {kind}"),
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::mpsc::{Sender, channel};

    use super::*;

    fn lane() -> Lane {
        Lane::new("test", LaneThread::Ordinary, Clock::start(), Arc::default())
    }

    fn sending(sender: &Sender<String>, text: &'static str) -> Job {
        let (sent, failed) = (sender.clone(), sender.clone());
        Job::new(move || sent.send(text.into()).unwrap(), move |text| failed.send(text).unwrap())
    }

    fn panicking(sender: &Sender<String>) -> Job {
        let failed = sender.clone();
        Job::new(|| panic!("expected by the test"), move |text| failed.send(text).unwrap())
    }

    #[test]
    fn jobs_run_in_turn_and_the_thread_ends() {
        let (lane, (sender, results)) = (lane(), channel());
        for text in ["a", "b", "c"] {
            lane.send(sending(&sender, text)).unwrap();
        }
        drop(sender);
        assert_eq!(results.iter().collect::<Vec<_>>(), ["a", "b", "c"]);
    }

    #[test]
    fn m5_a_panic_is_caught_and_counted_and_after_three_the_lane_is_off() {
        let (lane, (sender, results)) = (lane(), channel());
        lane.send(panicking(&sender)).unwrap();
        assert_eq!(results.recv().unwrap(), "it panicked: expected by the test");
        lane.send(sending(&sender, "a")).unwrap();
        assert_eq!(results.recv().unwrap(), "a");
        lane.send(panicking(&sender)).unwrap();
        assert_eq!(results.recv().unwrap(), "it panicked: expected by the test");
        lane.send(panicking(&sender)).unwrap();
        assert_eq!(results.recv().unwrap(), "it panicked: expected by the test; it is switched off now");
        assert_eq!(lane.send(sending(&sender, "a")), Err(Refused::Off));
        assert_eq!(lane.panics.load(Ordering::Relaxed), 3);
    }

    #[test]
    fn m5_a_hang_suppresses_further_jobs_of_its_lane_only() {
        let (release, hang) = channel::<()>();
        let (first, other, (sender, results)) = (lane(), lane(), channel());
        let (begin, begun) = channel();
        let hangs = move || {
            begin.send(()).unwrap();
            let _ = hang.recv();
        };
        first.send(Job::new(hangs, |_| ())).unwrap();
        begun.recv().unwrap();
        for _ in 0..MAX_WAITING {
            first.send(sending(&sender, "first")).unwrap();
        }
        assert_eq!(first.send(sending(&sender, "first")), Err(Refused::Full));
        first.lock().running_since = Some(Duration::ZERO);
        let later = HANGS_AFTER + Duration::from_secs(1);
        assert_eq!(first.new_hang(HANGS_AFTER), None);
        assert_eq!((first.new_hang(later), first.new_hang(later)), (Some(later), None), "reported once");
        let late = Lane { clock: Clock::started_before(later), ..first.clone() };
        let refused = late.send(sending(&sender, "late"));
        assert!(matches!(refused, Err(Refused::Hangs(running)) if running > HANGS_AFTER), "{refused:?}");
        other.send(sending(&sender, "other")).unwrap();
        assert_eq!(results.recv().unwrap(), "other");
        // The call returns after all, and what waited runs.
        drop(release);
        assert_eq!(results.iter().take(MAX_WAITING).filter(|text| text == "first").count(), MAX_WAITING);
    }
}
