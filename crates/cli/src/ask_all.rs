//! Sends one request to many instances, a limited number at the same time.

use std::io;
use std::thread;
use std::time::{Duration, Instant};

use memory_debug_fleet::{Ask, FanOut, NoThread, Unanswered, Work};
use memory_debug_report::MissingReason;

use crate::failure::Failure;
use crate::login::Login;
use crate::target::Target;

/// The stack size of a thread: enough for a request with TLS.
const STACK_BYTES: usize = 512 << 10;

/// An instance and the login for it.
pub(crate) type Asked = (Target, Login);

/// Asks all instances, `parallel` at the same time. Passes each answer to `answered` as soon as it arrives, on the
/// calling thread.
///
/// `ask` gets the time until `end`. After `end` no further instance is asked. So this function returns shortly after
/// `end` if `ask` respects its time.
pub(crate) fn ask_all<T: Send + 'static>(
    instances: Vec<Asked>,
    parallel: usize,
    end: Instant,
    ask: impl Fn(&Target, &Login, Duration) -> Result<T, Failure> + Send + Sync + 'static,
    mut answered: impl FnMut(&Target, Result<T, Failure>),
) {
    let fan_out = FanOut { at_once: parallel, for_one: None, end };
    let asked = fan_out.ask_all(instances, With(ask), spawn, |(target, _), answer| answered(&target, answer));
    if let Err(NoThread { instances, .. }) = asked {
        for (target, _) in instances {
            let message = "cannot start a thread for the request: the system is out of threads or memory";
            answered(&target, Err(Failure::local(message).at(&target)));
        }
    }
}

fn spawn(work: Work) -> io::Result<()> {
    thread::Builder::new().name("ask".into()).stack_size(STACK_BYTES).spawn(work).map(drop)
}

/// Asks an instance by calling a function.
struct With<F>(F);

impl<T, F> Ask for With<F>
where
    T: Send + 'static,
    F: Fn(&Target, &Login, Duration) -> Result<T, Failure> + Send + Sync + 'static,
{
    type Instance = Asked;
    type Answer = Result<T, Failure>;

    fn ask(&self, (target, login): &Asked, end: Instant) -> Self::Answer {
        (self.0)(target, login, end.saturating_duration_since(Instant::now()))
    }

    fn unanswered(&self, (target, _): &Asked, why: Unanswered) -> Self::Answer {
        let failure = match why {
            Unanswered::Late => {
                Failure::new(MissingReason::Deadline, "not asked before the deadline; raise --deadline")
            }
            Unanswered::Panicked => {
                Failure::local("the request panicked, which is a defect of this command; please report it")
            }
        };
        Err(failure.at(target))
    }
}

#[cfg(test)]
mod tests {
    use std::sync::{Arc, Mutex};

    use super::*;

    fn instances(number: usize) -> Vec<Asked> {
        let login = Login::new("ops".into(), "password".into()).unwrap();
        let target = |port| Target::parse(&format!("http://localhost:{port}")).unwrap();
        (1..=number).map(|port| (target(port), login.clone())).collect()
    }

    #[test]
    fn asks_every_instance_once() {
        let asked = Arc::new(Mutex::new(Vec::new()));
        let end = Instant::now() + Duration::from_secs(60);
        let mut answers = 0;
        let ask = {
            let asked = Arc::clone(&asked);
            move |target: &Target, _: &Login, _: Duration| {
                asked.lock().unwrap().push(target.port());
                Ok(())
            }
        };
        ask_all(instances(50), 4, end, ask, |_, answer| answers += usize::from(answer.is_ok()));
        let mut asked = asked.lock().unwrap().clone();
        asked.sort_unstable();
        assert_eq!(asked, (1..=50).collect::<Vec<_>>());
        assert_eq!(answers, 50);
    }

    #[test]
    fn instance_not_asked_in_time_is_missing() {
        let mut late = 0;
        let ask =
            |_: &Target, _: &Login, _: Duration| -> Result<(), Failure> { panic!("asked after the end") };
        ask_all(instances(3), 2, Instant::now(), ask, |_, answer| {
            late += usize::from(answer.is_err_and(|failure| failure.reason == MissingReason::Deadline));
        });
        assert_eq!(late, 3);
    }

    #[test]
    fn panic_is_a_failure_of_one_instance() {
        let end = Instant::now() + Duration::from_secs(60);
        let ask = |_: &Target, _: &Login, _: Duration| -> Result<(), Failure> { panic!("a defect") };
        let mut failed = 0;
        ask_all(instances(3), 2, end, ask, |_, answer| failed += usize::from(answer.is_err()));
        assert_eq!(failed, 3);
    }
}
