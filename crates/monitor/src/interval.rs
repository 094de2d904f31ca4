//! When to look next.

use std::time::Duration;

/// The shortest time between two looks.
pub(crate) const SHORTEST: Duration = Duration::from_millis(50);

/// How many looks are made on the way from the value to the threshold, if it goes on growing as fast as it did.
const LOOKS_AHEAD: f64 = 4.0;

/// How a value grew in the last minute.
#[derive(Clone, Debug)]
pub(crate) struct Growth {
    /// One for each second of the last minute, at the second modulo their number.
    buckets: [Bucket; SECONDS],
    last: Option<(Duration, u64)>,
}

const SECONDS: usize = 60;

#[derive(Clone, Copy, Debug)]
struct Bucket {
    /// The second, since the monitor started. `u64::MAX` if it is empty.
    second: u64,
    /// The first value in it, and when.
    first: (Duration, u64),
    /// The steepest growth between two looks, per second.
    steepest: f64,
}

const EMPTY: Bucket = Bucket { second: u64::MAX, first: (Duration::ZERO, 0), steepest: 0.0 };

impl Growth {
    pub(crate) const fn new() -> Self {
        Self { buckets: [EMPTY; SECONDS], last: None }
    }

    /// Notes the value of a look. `at` never goes back.
    pub(crate) fn note(&mut self, at: Duration, value: u64) {
        let second = at.as_secs();
        // The remainder is less than 60.
        let bucket = &mut self.buckets[(second % SECONDS as u64) as usize];
        if bucket.second != second {
            *bucket = Bucket { second, first: (at, value), steepest: 0.0 };
        }
        if let Some(rate) = self.last.and_then(|last| per_second(last, (at, value))) {
            bucket.steepest = bucket.steepest.max(rate);
        }
        self.last = Some((at, value));
    }

    /// The steepest growth of the last minute, per second. 0 if the value did not grow.
    pub(crate) fn steepest(&self) -> f64 {
        self.recent().map(|bucket| bucket.steepest).fold(0.0, f64::max)
    }

    /// The growth over the last minute, per second. Negative if the value shrank.
    pub(crate) fn average(&self) -> Option<f64> {
        let oldest = self.recent().min_by_key(|bucket| bucket.second)?;
        per_second(oldest.first, self.last?)
    }

    fn recent(&self) -> impl Iterator<Item = &Bucket> {
        let now = self.last.map_or(0, |(at, _)| at.as_secs());
        self.buckets.iter().filter(move |bucket| bucket.second <= now && now - bucket.second < SECONDS as u64)
    }
}

fn per_second(from: (Duration, u64), to: (Duration, u64)) -> Option<f64> {
    let elapsed = to.0.checked_sub(from.0).filter(|elapsed| !elapsed.is_zero())?;
    Some((to.1 as f64 - from.1 as f64) / elapsed.as_secs_f64())
}

/// When to look again at a value that is `distance` away from the next threshold: early enough that it cannot pass the
/// threshold unseen for long, if it grows as fast as it did at the fastest in the last minute.
pub(crate) fn next_look(distance: u64, steepest: f64, interval: Duration) -> Duration {
    if steepest <= 0.0 {
        return interval;
    }
    let seconds = distance as f64 / (LOOKS_AHEAD * steepest);
    let wait = Duration::try_from_secs_f64(seconds).unwrap_or(interval);
    wait.clamp(SHORTEST.min(interval), interval)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const SECOND: Duration = Duration::from_secs(1);
    const MIB: u64 = 1 << 20;

    fn millis(millis: u64) -> Duration {
        Duration::from_millis(millis)
    }

    #[test]
    fn looks_more_often_the_nearer_and_the_faster() {
        let rate = (100 * MIB) as f64;
        assert_eq!(next_look(400 * MIB, rate, SECOND), SECOND);
        assert_eq!(next_look(50 * MIB, rate, SECOND), millis(125));
        assert_eq!(next_look(0, rate, SECOND), SHORTEST);
        assert_eq!(next_look(0, 0.0, SECOND), SECOND, "nothing grows");
        assert_eq!(next_look(u64::MAX, f64::MIN_POSITIVE, SECOND), SECOND);
        assert_eq!(next_look(0, 1.0, millis(20)), millis(20), "an interval shorter than the shortest");
    }

    #[test]
    fn a_burst_counts_for_a_minute() {
        let mut growth = Growth::new();
        for (at, value) in [(0, 0), (1_000, 10), (1_500, 60), (2_000, 60)] {
            growth.note(millis(at), value);
        }
        assert_eq!(growth.steepest(), 100.0);
        assert_eq!(growth.average(), Some(30.0));
        growth.note(millis(60_900), 60);
        assert_eq!(growth.steepest(), 100.0);
        growth.note(millis(61_000), 60);
        assert_eq!((growth.steepest(), growth.average()), (0.0, Some(0.0)), "the burst is a minute old");
    }

    #[test]
    fn a_value_that_shrinks_has_no_steepest_growth() {
        let mut growth = Growth::new();
        growth.note(millis(0), 100);
        assert_eq!((growth.steepest(), growth.average()), (0.0, None));
        growth.note(millis(2_000), 50);
        assert_eq!((growth.steepest(), growth.average()), (0.0, Some(-25.0)));
    }

    proptest! {
        #[test]
        fn a_steady_leak_is_seen_soon_after_the_threshold(
            rate in 1_u64..400, threshold in 64_u64..4_096,
        ) {
            let (rate, threshold) = (rate * MIB, threshold * MIB);
            let value = |at: Duration| (rate as f64 * at.as_secs_f64()) as u64;
            let (mut growth, mut at) = (Growth::new(), Duration::ZERO);
            growth.note(at, value(at));
            at = SECOND;
            loop {
                growth.note(at, value(at));
                let Some(distance) = threshold.checked_sub(value(at)) else { break };
                at += next_look(distance, growth.steepest(), SECOND);
            }
            let crossed = threshold as f64 / rate as f64;
            // The first growth is known after the first interval. From then on it is at most two looks late.
            prop_assert!(at.as_secs_f64() <= (crossed + 0.11).max(1.0), "{at:?} and not {crossed}");
        }
    }
}
