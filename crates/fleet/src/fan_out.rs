//! Asks many instances, a limited number at a time, until a deadline.

use std::fmt;
use std::io;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::{Arc, Mutex, PoisonError, mpsc};
use std::time::{Duration, Instant};

use memory_debug_report::MissingReason;

use crate::deadline::time_left;
use crate::missing::Missing;

/// The work of a thread.
pub type Work = Box<dyn FnOnce() + Send>;

/// The way to ask one instance.
pub trait Ask: Send + Sync + 'static {
    /// An instance to ask.
    type Instance: Send + 'static;

    /// The outcome of asking an instance, whether it succeeded or failed.
    type Answer: Send + 'static;

    /// Asks `instance`. Must return by `end`, which is the deadline of this instance alone.
    fn ask(&self, instance: &Self::Instance, end: Instant) -> Self::Answer;

    /// The answer for an `instance` that was not asked, or for which asking panicked.
    fn unanswered(&self, instance: &Self::Instance, why: Unanswered) -> Self::Answer;
}

/// The reason why [`Ask::ask`] gave no answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Unanswered {
    /// The deadline passed before the instance was asked.
    Late,
    /// Asking panicked.
    Panicked,
}

impl From<Unanswered> for Missing {
    fn from(why: Unanswered) -> Self {
        match why {
            Unanswered::Late => {
                Self::new(MissingReason::Deadline, "it was not asked: other instances took all the time")
            }
            Unanswered::Panicked => {
                Self::new(MissingReason::NoReport, "asking it failed; the log of the service says why")
            }
        }
    }
}

/// The limits for asking many instances.
#[derive(Clone, Copy, Debug)]
pub struct FanOut {
    /// Maximum number of instances that are asked at once, each on a thread.
    pub at_once: usize,
    /// Maximum time for one instance, if it is shorter than the time until `end`.
    pub for_one: Option<Duration>,
    /// The deadline for all answers. No instance is asked later.
    pub end: Instant,
}

/// The error that no thread could be created, so no instance was asked.
pub struct NoThread<I> {
    /// The instances that were to be asked.
    pub instances: Vec<I>,
    /// The error from the system.
    pub error: io::Error,
}

impl FanOut {
    /// Asks all `instances` on threads that `spawn` creates. Passes each answer to `answered` on this thread as soon
    /// as it arrives, so that few answers are in memory at once.
    ///
    /// # Errors
    ///
    /// If no thread can be created. With fewer threads than wanted, asking only takes longer.
    pub fn ask_all<A: Ask>(
        self,
        instances: Vec<A::Instance>,
        ask: A,
        mut spawn: impl FnMut(Work) -> io::Result<()>,
        mut answered: impl FnMut(A::Instance, A::Answer),
    ) -> Result<(), NoThread<A::Instance>> {
        let threads = instances.len().min(self.at_once);
        let queue = Arc::new(Mutex::new(instances.into_iter()));
        let ask = Arc::new(ask);
        let (sender, answers) = mpsc::sync_channel(0);
        for number in 0..threads {
            let work = {
                let (queue, ask, sender) = (Arc::clone(&queue), Arc::clone(&ask), sender.clone());
                move || {
                    // Not in the condition of the loop, because the queue would stay locked.
                    let next = || queue.lock().unwrap_or_else(PoisonError::into_inner).next();
                    while let Some(instance) = next() {
                        let answer = self.ask_one(&*ask, &instance);
                        if sender.send((instance, answer)).is_err() {
                            return;
                        }
                    }
                }
            };
            if let Err(error) = spawn(Box::new(work))
                && number == 0
            {
                let instances = queue.lock().unwrap_or_else(PoisonError::into_inner).by_ref().collect();
                return Err(NoThread { instances, error });
            }
        }
        drop(sender);
        answers.into_iter().for_each(|(instance, answer)| answered(instance, answer));
        Ok(())
    }

    fn ask_one<A: Ask>(self, ask: &A, instance: &A::Instance) -> A::Answer {
        if time_left(self.end).is_none() {
            return ask.unanswered(instance, Unanswered::Late);
        }
        let end = self.for_one.map_or(self.end, |time| self.end.min(Instant::now() + time));
        // Otherwise an instance whose thread panics would be neither in the sums nor missing.
        catch_unwind(AssertUnwindSafe(|| ask.ask(instance, end)))
            .unwrap_or_else(|_panic| ask.unanswered(instance, Unanswered::Panicked))
    }
}

impl<I> fmt::Debug for NoThread<I> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("NoThread").field("error", &self.error).finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicUsize, Ordering};
    use std::thread;

    use super::*;

    /// Panics for odd numbers.
    struct Panics;

    impl Ask for Panics {
        type Instance = u32;
        type Answer = Option<MissingReason>;

        fn ask(&self, instance: &u32, _: Instant) -> Self::Answer {
            assert!(instance.is_multiple_of(2), "a bug");
            None
        }

        fn unanswered(&self, _: &u32, why: Unanswered) -> Self::Answer {
            Some(Missing::from(why).reason)
        }
    }

    fn spawn(work: Work) -> io::Result<()> {
        thread::Builder::new().spawn(work).map(drop)
    }

    fn until(end: Instant) -> FanOut {
        FanOut { at_once: 8, for_one: None, end }
    }

    fn soon() -> FanOut {
        until(Instant::now() + Duration::from_secs(60))
    }

    /// The missing instances with the reasons, and the number of all answers.
    type Outcome = Result<(Vec<(u32, MissingReason)>, usize), NoThread<u32>>;

    /// Asks `instances`.
    fn missing(fan_out: FanOut, instances: Vec<u32>, spawn: impl FnMut(Work) -> io::Result<()>) -> Outcome {
        let mut missing = Vec::new();
        let mut answers = 0;
        fan_out.ask_all(instances, Panics, spawn, |instance, reason| {
            answers += 1;
            missing.extend(reason.map(|reason| (instance, reason)));
        })?;
        missing.sort();
        Ok((missing, answers))
    }

    #[test]
    fn a_panic_makes_only_the_asked_instance_missing() {
        let (missing, _) = missing(soon(), (0..9).collect(), spawn).unwrap();
        assert_eq!(missing, [1, 3, 5, 7].map(|odd| (odd, MissingReason::NoReport)));
    }

    #[test]
    fn an_instance_that_is_not_asked_in_time_is_missing() {
        // Both would panic if they were asked.
        let (missing, _) = missing(until(Instant::now()), vec![1, 3], spawn).unwrap();
        assert_eq!(missing, [1, 3].map(|late| (late, MissingReason::Deadline)));
    }

    #[test]
    fn one_thread_is_enough_to_ask_all_instances() {
        for (threads, expected) in [(1, Some((10, 20))), (0, None)] {
            let mut left = threads;
            let spawn = |work: Work| {
                if left == 0 {
                    return Err(io::ErrorKind::OutOfMemory.into());
                }
                left -= 1;
                spawn(work)
            };
            match missing(soon(), (0..20).collect(), spawn) {
                Ok((missing, answers)) => assert_eq!(Some((missing.len(), answers)), expected),
                Err(NoThread { instances, .. }) => {
                    assert_eq!((expected, instances), (None, (0..20).collect()));
                }
            }
        }
    }

    #[test]
    fn asking_no_instances_succeeds() {
        assert_eq!(missing(until(Instant::now()), Vec::new(), spawn).unwrap(), (Vec::new(), 0));
    }

    /// Counts how many instances are asked at once.
    #[derive(Default)]
    struct Counts {
        now: AtomicUsize,
        most: AtomicUsize,
    }

    impl Ask for Arc<Counts> {
        type Instance = u32;
        type Answer = bool;

        fn ask(&self, _: &u32, _: Instant) -> bool {
            self.most.fetch_max(self.now.fetch_add(1, Ordering::SeqCst) + 1, Ordering::SeqCst);
            thread::yield_now();
            self.now.fetch_sub(1, Ordering::SeqCst);
            true
        }

        fn unanswered(&self, _: &u32, _: Unanswered) -> bool {
            false
        }
    }

    #[test]
    fn every_instance_is_asked_once_and_never_too_many_at_a_time() {
        let counts = Arc::new(Counts::default());
        let mut asked = Vec::new();
        let fan_out = FanOut { at_once: 4, ..soon() };
        fan_out
            .ask_all((1..=50).collect(), Arc::clone(&counts), spawn, |instance, answer| {
                assert!(answer);
                asked.push(instance);
            })
            .unwrap();
        asked.sort_unstable();
        assert_eq!(asked, (1..=50).collect::<Vec<_>>());
        assert!(counts.most.load(Ordering::SeqCst) <= 4);
    }
}
