//! A lock-free rate limit.

use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

/// Allows one event per interval, without a lock.
#[derive(Debug)]
pub(crate) struct RateLimit {
    start: Instant,
    interval_ms: u64,
    /// Milliseconds from `start` until the next event is allowed.
    next_ms: AtomicU64,
}

impl RateLimit {
    /// Allows the first event immediately.
    pub(crate) fn new(interval: Duration) -> Self {
        Self { start: Instant::now(), interval_ms: millis(interval), next_ms: AtomicU64::new(0) }
    }

    /// Whether an event is allowed now. If several threads ask together, one of them gets `true`.
    pub(crate) fn allows(&self, now: Instant) -> bool {
        let now_ms = millis(now.saturating_duration_since(self.start));
        let next_ms = self.next_ms.load(Ordering::Relaxed);
        let following_ms = now_ms.saturating_add(self.interval_ms);
        now_ms >= next_ms
            && self
                .next_ms
                .compare_exchange(next_ms, following_ms, Ordering::Relaxed, Ordering::Relaxed)
                .is_ok()
    }
}

fn millis(duration: Duration) -> u64 {
    u64::try_from(duration.as_millis()).unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests {
    use std::thread;

    use super::*;

    #[test]
    fn one_event_is_allowed_per_interval() {
        let rate_limit = RateLimit::new(Duration::from_secs(1));
        let after = |millis| rate_limit.start + Duration::from_millis(millis);
        let passed = [0, 1, 999, 1000, 1999, 2500, 3499, 3500].map(|millis| rate_limit.allows(after(millis)));
        assert_eq!(passed, [true, false, false, true, false, true, false, true]);
    }

    #[test]
    fn one_of_many_threads_is_allowed() {
        let rate_limit = RateLimit::new(Duration::from_secs(3600));
        let now = Instant::now();
        let passed: usize = thread::scope(|scope| {
            let threads: Vec<_> =
                (0..8).map(|_| scope.spawn(|| usize::from(rate_limit.allows(now)))).collect();
            threads.into_iter().map(|thread| thread.join().unwrap()).sum()
        });
        assert_eq!(passed, 1);
    }
}
