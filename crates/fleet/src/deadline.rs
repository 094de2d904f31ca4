//! The time that is left until a deadline.

use std::time::{Duration, Instant};

/// The time left until `end`. `None` if the deadline has passed.
#[must_use]
pub fn time_left(end: Instant) -> Option<Duration> {
    between(Instant::now(), end)
}

/// Returns the time from `now` to `end`. Less than a microsecond counts as nothing, because sockets count
/// microseconds and read 0 as "no limit".
fn between(now: Instant, end: Instant) -> Option<Duration> {
    end.checked_duration_since(now).filter(|left| left.as_micros() > 0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn less_than_a_microsecond_is_no_time_left() {
        let now = Instant::now();
        for (nanos, left) in
            [(0, None), (999, None), (1000, Some(1000)), (5_000_000_999, Some(5_000_000_999))]
        {
            assert_eq!(
                between(now, now + Duration::from_nanos(nanos)),
                left.map(Duration::from_nanos),
                "{nanos}"
            );
        }
        assert_eq!(between(now + Duration::from_secs(1), now), None);
    }
}
