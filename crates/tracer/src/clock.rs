//! Time as numbers.

use std::fmt;
use std::sync::Arc;
use std::time::{Duration, Instant};

/// Where a tracer reads the time.
#[derive(Clone)]
pub(crate) enum Clock {
    /// The monotonic clock of the system.
    System,
    /// A clock that a test moves.
    Given(Arc<dyn Fn() -> Duration + Send + Sync>),
}

/// The time since a moment, in nanoseconds.
pub(crate) struct Since {
    clock: Clock,
    instant: Instant,
    given: Duration,
}

impl Clock {
    /// Begins to count at 0.
    pub(crate) fn begin(&self) -> Since {
        let given = match self {
            Self::System => Duration::ZERO,
            Self::Given(read) => read(),
        };
        Since { clock: self.clone(), instant: Instant::now(), given }
    }
}

impl Since {
    #[inline]
    pub(crate) fn now(&self) -> u64 {
        let since = match &self.clock {
            Clock::System => self.instant.elapsed(),
            Clock::Given(read) => read().saturating_sub(self.given),
        };
        nanoseconds(since)
    }
}

/// The nanoseconds of `time`. 584 years fit.
#[inline]
pub(crate) fn nanoseconds(time: Duration) -> u64 {
    time.as_secs().wrapping_mul(1_000_000_000).wrapping_add(u64::from(time.subsec_nanos()))
}

impl fmt::Debug for Clock {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::System => "System",
            Self::Given(_) => "Given",
        })
    }
}
