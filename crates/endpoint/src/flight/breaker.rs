//! A circuit breaker that pauses collections after repeated failures.

use std::time::{Duration, Instant};

/// The number of failures in a row that open the breaker.
pub(super) const MAX_FAILURES: u32 = 5;

/// The time for which the breaker stays open.
pub(super) const PAUSE: Duration = Duration::from_secs(60);

/// Counts failures in a row. After too many the breaker is open, and nothing is tried. After a pause one
/// collection is tried: it closes the breaker or opens it for another pause.
#[derive(Debug, Default)]
pub(super) struct Breaker {
    failures: u32,
    open_until: Option<Instant>,
}

impl Breaker {
    /// Returns an error with the remaining pause if no collection may be tried.
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
        let mut breaker = Breaker::default();
        let now = Instant::now();
        assert_eq!(after(&mut breaker, now, 4), Ok(()));
        assert_eq!(after(&mut breaker, now, 1), Err(Duration::from_secs(60)));
        assert_eq!(breaker.check(now + Duration::from_secs(59)), Err(Duration::from_secs(1)));
        assert_eq!(breaker.check(now + Duration::from_secs(60)), Ok(()));
    }

    #[test]
    fn s43_a_success_resets_the_count() {
        let mut breaker = Breaker::default();
        let now = Instant::now();
        assert_eq!(after(&mut breaker, now, 4), Ok(()));
        breaker.succeeded();
        assert_eq!(after(&mut breaker, now, 4), Ok(()));
    }

    #[test]
    fn s43_after_the_pause_one_attempt_decides() {
        let mut breaker = Breaker::default();
        let now = Instant::now();
        assert!(after(&mut breaker, now, 5).is_err());
        let later = now + PAUSE;
        assert_eq!(after(&mut breaker, later, 1), Err(PAUSE), "one failure opens it again");
        breaker.succeeded();
        assert_eq!(after(&mut breaker, later, 4), Ok(()), "one success closes it");
    }
}
