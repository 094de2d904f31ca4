//! Gives up for a while on collections that keep failing.

use std::time::{Duration, Instant};

/// Failures in a row that open it.
pub(super) const MAX_FAILURES: u32 = 5;

/// How long it then stays open.
pub(super) const PAUSE: Duration = Duration::from_secs(60);

/// Counts failures in a row. After too many it is open: nothing is tried. After a pause one collection may try, and
/// decides whether it closes or stays open for another pause.
#[derive(Debug, Default)]
pub(super) struct Breaker {
    failures: u32,
    open_until: Option<Instant>,
}

impl Breaker {
    /// Whether a collection may be tried; if not, how long it is until one may.
    pub(super) fn check(&self, now: Instant) -> Result<(), Duration> {
        match self.open_until.and_then(|until| until.checked_duration_since(now)) {
            None | Some(Duration::ZERO) => Ok(()),
            Some(wait) => Err(wait),
        }
    }

    pub(super) fn succeeded(&mut self) {
        *self = Self::default();
    }

    pub(super) fn failed(&mut self, now: Instant) {
        self.failures = self.failures.saturating_add(1);
        if self.failures >= MAX_FAILURES {
            self.open_until = Some(now + PAUSE);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn after(breaker: &mut Breaker, now: Instant, failures: u32) -> Result<(), Duration> {
        (0..failures).for_each(|_| breaker.failed(now));
        breaker.check(now)
    }

    #[test]
    fn s43_five_failures_in_a_row_open_the_breaker_for_a_minute() {
        let (mut breaker, now) = (Breaker::default(), Instant::now());
        assert_eq!(after(&mut breaker, now, 4), Ok(()));
        assert_eq!(after(&mut breaker, now, 1), Err(Duration::from_secs(60)));
        assert_eq!(breaker.check(now + Duration::from_secs(59)), Err(Duration::from_secs(1)));
        assert_eq!(breaker.check(now + Duration::from_secs(60)), Ok(()));
    }

    #[test]
    fn s43_a_success_in_between_counts_from_the_beginning() {
        let (mut breaker, now) = (Breaker::default(), Instant::now());
        assert_eq!(after(&mut breaker, now, 4), Ok(()));
        breaker.succeeded();
        assert_eq!(after(&mut breaker, now, 4), Ok(()));
    }

    #[test]
    fn s43_half_open_one_try_decides() {
        let (mut breaker, now) = (Breaker::default(), Instant::now());
        assert!(after(&mut breaker, now, 5).is_err());
        let later = now + PAUSE;
        assert_eq!(after(&mut breaker, later, 1), Err(PAUSE), "one failure opens it again");
        breaker.succeeded();
        assert_eq!(after(&mut breaker, later, 4), Ok(()), "one success closes it");
    }
}
