//! Many questions at once, but not too many.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::mpsc;
use std::thread;
use std::time::{Duration, Instant};

use memory_debug_report::MissingReason;

use crate::failure::Failure;
use crate::login::Login;
use crate::target::Target;

/// Asks all, `parallel` at a time, and hands each answer over as soon as it is there, on this thread.
///
/// `ask` is told how much time is left until `end`; whoever was not asked by then has not answered. Nothing is started
/// after `end`, so this returns soon after it, if `ask` keeps to its time.
pub(crate) fn ask_all<T: Send>(
    targets: &[(Target, Login)],
    parallel: usize,
    end: Instant,
    ask: impl Fn(&Target, &Login, Duration) -> Result<T, Failure> + Sync,
    mut answered: impl FnMut(&Target, Result<T, Failure>),
) {
    let next = AtomicUsize::new(0);
    thread::scope(|scope| {
        let (sender, answers) = mpsc::sync_channel(parallel);
        for _ in 0..parallel.min(targets.len()) {
            let (sender, next, ask) = (sender.clone(), &next, &ask);
            let work = move || {
                while let Some((target, login)) = targets.get(next.fetch_add(1, Ordering::Relaxed)) {
                    let left = end.saturating_duration_since(Instant::now());
                    let answer = if left.is_zero() {
                        let message = "the time was over before it was asked; see --deadline";
                        Err(Failure::new(MissingReason::Deadline, message).at(target))
                    } else {
                        ask(target, login, left)
                    };
                    if sender.send((target, answer)).is_err() {
                        return;
                    }
                }
            };
            // Without another thread, those that there are do its work.
            let _ = thread::Builder::new().name("ask".into()).stack_size(512 << 10).spawn_scoped(scope, work);
        }
        drop(sender);
        answers.iter().for_each(|(target, answer)| answered(target, answer));
    });
    // Not a single thread could be made.
    for (target, _) in targets.iter().skip(next.load(Ordering::Relaxed)) {
        let message = "the system gives no thread to ask with";
        answered(target, Err(Failure::local(message).at(target)));
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Mutex;

    use super::*;

    fn targets(number: usize) -> Vec<(Target, Login)> {
        let login = Login::new("ops".into(), "password".into()).unwrap();
        let target = |port| Target::parse(&format!("http://localhost:{port}")).unwrap();
        (1..=number).map(|port| (target(port), login.clone())).collect()
    }

    #[test]
    fn everybody_is_asked_once_and_never_too_many_at_a_time() {
        let (now, most) = (AtomicUsize::new(0), AtomicUsize::new(0));
        let asked = Mutex::new(Vec::new());
        let end = Instant::now() + Duration::from_secs(60);
        let mut answers = 0;
        let ask = |target: &Target, _: &Login, _: Duration| {
            most.fetch_max(now.fetch_add(1, Ordering::SeqCst) + 1, Ordering::SeqCst);
            asked.lock().unwrap().push(target.port());
            thread::yield_now();
            now.fetch_sub(1, Ordering::SeqCst);
            Ok(())
        };
        ask_all(&targets(50), 4, end, ask, |_, answer| answers += usize::from(answer.is_ok()));
        let mut asked = asked.into_inner().unwrap();
        asked.sort_unstable();
        assert_eq!(asked, (1..=50).collect::<Vec<_>>());
        assert_eq!(answers, 50);
        assert!(most.into_inner() <= 4);
    }

    #[test]
    fn who_was_not_asked_in_time_has_not_answered() {
        let mut late = 0;
        let ask =
            |_: &Target, _: &Login, _: Duration| -> Result<(), Failure> { panic!("asked after the end") };
        ask_all(&targets(3), 2, Instant::now(), ask, |_, answer| {
            late += usize::from(answer.is_err_and(|failure| failure.reason == MissingReason::Deadline));
        });
        assert_eq!(late, 3);
    }
}
