//! Time as numbers, so that decisions can be tested with times of their own.

use std::time::{Duration, Instant, SystemTime};

use memory_debug_report::__private::timestamp;

/// A moment, by two clocks.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Moment {
    /// Time since the monitor started. Decisions use only this clock, because it never jumps.
    pub(crate) at: Duration,
    /// Milliseconds since 1970 of the wall clock, to show to people.
    pub(crate) unix_ms: u64,
}

impl Moment {
    /// The time of the wall clock at `at`, which is earlier or later than this moment.
    pub(crate) fn unix_ms_at(self, at: Duration) -> u64 {
        if at >= self.at {
            self.unix_ms.saturating_add(millis(at - self.at))
        } else {
            self.unix_ms.saturating_sub(millis(self.at - at))
        }
    }
}

/// The clocks of a monitor.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Clock {
    started: Instant,
}

impl Clock {
    /// Clocks that start now.
    pub(crate) fn start() -> Self {
        Self { started: Instant::now() }
    }

    /// Clocks that started some time ago.
    #[cfg(test)]
    pub(crate) fn started_before(elapsed: Duration) -> Self {
        Self { started: Instant::now().checked_sub(elapsed).unwrap() }
    }

    pub(crate) fn now(&self) -> Moment {
        Moment { at: self.started.elapsed(), unix_ms: unix_ms() }
    }
}

/// The wall clock, in milliseconds since 1970. A clock that is set to a time before 1970 counts as 1970.
fn unix_ms() -> u64 {
    SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).map_or(0, millis)
}

/// A time in milliseconds since 1970 as RFC 3339 in UTC with milliseconds.
pub(crate) fn rfc3339(unix_ms: u64) -> String {
    let time = SystemTime::UNIX_EPOCH.checked_add(Duration::from_millis(unix_ms));
    timestamp::millis(time.unwrap_or(SystemTime::UNIX_EPOCH))
}

/// Whole milliseconds.
pub(crate) fn millis(duration: Duration) -> u64 {
    u64::try_from(duration.as_millis()).unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_wall_clock_of_another_moment_is_as_far_away() {
        let now = Moment { at: Duration::from_secs(100), unix_ms: 1_000_000 };
        assert_eq!(now.unix_ms_at(Duration::from_secs(90)), 990_000);
        assert_eq!(now.unix_ms_at(Duration::from_secs(101)), 1_001_000);
        let young = Moment { at: Duration::from_secs(100), unix_ms: 7 };
        assert_eq!(young.unix_ms_at(Duration::ZERO), 0);
    }

    #[test]
    fn times_are_written_with_milliseconds_and_never_fail() {
        assert_eq!(rfc3339(1_700_000_000_123), "2023-11-14T22:13:20.123Z");
        assert!(!rfc3339(u64::MAX).is_empty());
    }
}
