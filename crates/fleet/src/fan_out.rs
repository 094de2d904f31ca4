//! Many asked at once, within one time for all.

use std::io;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::{Arc, Mutex, PoisonError, mpsc};
use std::time::{Duration, Instant};

use memory_debug_core::{MemoryReport, MissingReason, spawn_collecting};

use super::exchange::Missing;
use super::timed::left;

/// Most that are asked at once.
const AT_ONCE: usize = 8;

/// Longest time for one to answer.
pub(crate) const FOR_ONE: Duration = Duration::from_secs(2);

/// Longest time for all of them.
pub(crate) const FOR_ALL: Duration = Duration::from_secs(5);

/// When all have to have answered, where what they say is to be told by `deadline` from now on.
pub(crate) fn end(deadline: Duration) -> Instant {
    Instant::now() + FOR_ALL.min(deadline / 4 * 3)
}

/// Asks one after the other.
pub(crate) trait Ask: Send + Sync + 'static {
    /// Somebody to ask.
    type Whom: Send + 'static;

    /// How the fleet names them.
    fn name(whom: &Self::Whom) -> String;

    /// Their report, or why there is none, or nothing if they are no more. Keeps to `end`, which is theirs alone.
    fn ask(&self, whom: &Self::Whom, end: Instant) -> Option<Result<MemoryReport, Missing>>;
}

/// Asks all of them, and hands each answer over as it comes, so that few are held at once.
///
/// # Errors
///
/// If there is not one thread to ask on.
pub(crate) fn ask_all<A: Ask>(
    whom: Vec<A::Whom>,
    ask: A,
    end: Instant,
    answered: impl FnMut(String, Result<MemoryReport, Missing>),
) -> io::Result<()> {
    ask_all_on(|work| spawn_collecting(work).map(drop), whom, ask, end, answered)
}

/// `spawn` makes a thread; a parameter because a test cannot exhaust the threads of the system.
fn ask_all_on<A: Ask>(
    mut spawn: impl FnMut(Box<dyn FnOnce() + Send>) -> io::Result<()>,
    whom: Vec<A::Whom>,
    ask: A,
    end: Instant,
    mut answered: impl FnMut(String, Result<MemoryReport, Missing>),
) -> io::Result<()> {
    let threads = whom.len().min(AT_ONCE);
    let (queue, ask) = (Arc::new(Mutex::new(whom.into_iter())), Arc::new(ask));
    let (sender, answers) = mpsc::sync_channel(0);
    let mut started = Ok(());
    for number in 0..threads {
        let (queue, ask, sender) = (Arc::clone(&queue), Arc::clone(&ask), sender.clone());
        let work = move || {
            // Not in the condition of the loop, where it would stay locked.
            let next = || queue.lock().unwrap_or_else(PoisonError::into_inner).next();
            while let Some(whom) = next() {
                if sender.send((A::name(&whom), ask_one(&*ask, &whom, end))).is_err() {
                    return;
                }
            }
        };
        // With fewer threads it takes longer.
        if let Err(error) = spawn(Box::new(work))
            && number == 0
        {
            started = Err(error);
            break;
        }
    }
    drop(sender);
    started?;
    for (name, answer) in answers {
        if let Some(answer) = answer {
            answered(name, answer);
        }
    }
    Ok(())
}

fn ask_one<A: Ask>(ask: &A, whom: &A::Whom, end: Instant) -> Option<Result<MemoryReport, Missing>> {
    if left(end).is_none() {
        let detail = "it was not asked: the others took all the time there is";
        return Some(Err((MissingReason::Deadline, detail.to_owned())));
    }
    // A thread that ends by a panic would leave the one it asked neither in the sums nor missing.
    let end = end.min(Instant::now() + FOR_ONE);
    let answer = catch_unwind(AssertUnwindSafe(|| ask.ask(whom, end)));
    answer.unwrap_or_else(|_panic| {
        Some(Err((MissingReason::NoReport, "asking it failed; the log of the service says why".to_owned())))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    struct Panics;

    impl Ask for Panics {
        type Whom = u32;

        fn name(whom: &u32) -> String {
            whom.to_string()
        }

        fn ask(&self, whom: &u32, _: Instant) -> Option<Result<MemoryReport, Missing>> {
            assert!(whom.is_multiple_of(2), "a bug");
            None
        }
    }

    /// Whom they answer of, and why there is no report.
    fn missing(
        whom: Vec<u32>,
        ask_all: impl FnOnce(Vec<u32>, &mut dyn FnMut(String, Result<MemoryReport, Missing>)) -> io::Result<()>,
    ) -> io::Result<Vec<(String, MissingReason)>> {
        let mut missing = Vec::new();
        ask_all(whom, &mut |name, answer| missing.push((name, answer.unwrap_err().0)))?;
        missing.sort();
        Ok(missing)
    }

    fn soon() -> Instant {
        Instant::now() + Duration::from_secs(60)
    }

    #[test]
    fn a_panic_while_one_is_asked_makes_that_one_missing_and_no_other() {
        let missing = missing((0..9).collect(), |whom, answered| ask_all(whom, Panics, soon(), answered));
        assert_eq!(
            missing.unwrap(),
            ["1", "3", "5", "7"].map(|odd| (odd.to_owned(), MissingReason::NoReport))
        );
    }

    #[test]
    fn who_is_not_asked_in_time_is_missing() {
        // Asked, they would panic.
        let missing = missing(vec![1, 3], |whom, answered| ask_all(whom, Panics, Instant::now(), answered));
        assert_eq!(missing.unwrap(), ["1", "3"].map(|late| (late.to_owned(), MissingReason::Deadline)));
    }

    #[test]
    fn one_thread_is_enough_to_ask_on_and_none_is_not() {
        for (threads, expected) in [(1, Some(10)), (0, None)] {
            let mut left = threads;
            let spawn = |work: Box<dyn FnOnce() + Send>| {
                if left == 0 {
                    return Err(io::ErrorKind::OutOfMemory.into());
                }
                left -= 1;
                spawn_collecting(work).map(drop)
            };
            let missing = missing((0..20).collect(), |whom, answered| {
                ask_all_on(spawn, whom, Panics, soon(), answered)
            });
            assert_eq!(missing.ok().map(|missing| missing.len()), expected, "{threads}");
        }
    }

    #[test]
    fn nobody_to_ask_is_no_failure() {
        let missing = missing(Vec::new(), |whom, answered| ask_all(whom, Panics, Instant::now(), answered));
        assert_eq!(missing.unwrap(), []);
    }
}
