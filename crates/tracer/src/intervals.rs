//! How many intervals are open, and how long all intervals lasted until now, without a list of them.

use crate::adding::Adding;
use crate::sync::{AtomicU64, Ordering};

/// The bits of a time that are counted apart, so that a number of open intervals fits beside the other bits.
const FINE: u64 = (1 << 24) - 1;

/// Intervals of time, in nanoseconds.
///
/// The sum of all beginnings minus the sum of all ends tells the whole length, if the present counts as the end of the
/// open intervals. One word holds the number of open intervals (24 bits) and the coarse part of that sum (40 bits), so
/// that both are read at one moment. The other word holds the fine part. A reader between the two steps of a writer is
/// wrong by less than 17 ms, and the next reading is right again. All sums wrap.
#[derive(Debug, Default)]
pub(crate) struct Intervals {
    coarse: AtomicU64,
    fine: AtomicU64,
}

/// The sum of several [`Intervals`]: one can begin in one of them, and end in another.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct IntervalSum {
    coarse: u64,
    fine: u64,
}

impl Intervals {
    #[inline]
    pub(crate) fn begin(&self, adding: Adding, now: u64) {
        adding.add(&self.fine, now & FINE);
        adding.add(&self.coarse, (now & !FINE) + 1);
    }

    /// Ends one of the open intervals. It does not matter which.
    #[inline]
    pub(crate) fn end(&self, adding: Adding, now: u64) {
        adding.add(&self.fine, (now & FINE).wrapping_neg());
        adding.add(&self.coarse, ((now & !FINE) + 1).wrapping_neg());
    }

    pub(crate) fn add_to(&self, sum: &mut IntervalSum) {
        sum.coarse = sum.coarse.wrapping_add(self.coarse.load(Ordering::Relaxed));
        sum.fine = sum.fine.wrapping_add(self.fine.load(Ordering::Relaxed));
    }
}

impl IntervalSum {
    /// The number of open intervals, and the time of all intervals until `now`.
    ///
    /// Several parts are read one after the other. An interval that begins or ends meanwhile may be missing in one of
    /// them, which changes the time by no more than the reading takes.
    pub(crate) fn at(self, now: u64) -> (u64, u64) {
        let Self { coarse, fine } = self;
        // The number of open intervals has a sign, because threads can end an interval before they begin it.
        let open = (coarse << 40).cast_signed() >> 40;
        let total =
            open.wrapping_mul(now.cast_signed()).wrapping_sub(coarse.cast_signed()).wrapping_add(open);
        let total = total.wrapping_sub(fine.cast_signed());
        // Another thread can have begun after `now` was read, which makes the sum negative.
        (open.max(0).cast_unsigned(), total.max(0).cast_unsigned())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(intervals: &Intervals, now: u64) -> (u64, u64) {
        let mut sum = IntervalSum::default();
        intervals.add_to(&mut sum);
        sum.at(now)
    }

    #[test]
    fn intervals_last_until_their_end_or_until_now() {
        let intervals = Intervals::default();
        assert_eq!(read(&intervals, 5), (0, 0));
        intervals.begin(Adding::Shared, 1_000_000_000);
        intervals.begin(Adding::Shared, 1_500_000_001);
        assert_eq!(read(&intervals, 2_000_000_000), (2, 1_499_999_999));
        intervals.end(Adding::Shared, 3_000_000_007);
        // 1 s to 3.000000007 s and 1.500000001 s to 4 s, or the other way round: the sum is the same.
        assert_eq!(read(&intervals, 4_000_000_000), (1, 4_500_000_006));
        intervals.end(Adding::Shared, 5_000_000_000);
        assert_eq!(read(&intervals, 9_000_000_000), (0, 5_500_000_006));
    }

    #[test]
    fn a_hundred_thousand_open_intervals_of_a_year_fit() {
        let year = 365 * 24 * 3_600 * 1_000_000_000_u64;
        let intervals = Intervals::default();
        for begin in 0..100_000 {
            intervals.begin(Adding::Shared, begin);
        }
        let (open, total) = read(&intervals, year / 1_000);
        assert_eq!((open, total), (100_000, 100_000 * (year / 1_000) - (0..100_000).sum::<u64>()));
    }

    #[test]
    fn a_reading_from_before_a_beginning_is_not_negative() {
        let intervals = Intervals::default();
        intervals.begin(Adding::Shared, 100);
        assert_eq!(read(&intervals, 90), (1, 0));
    }

    #[test]
    fn an_end_before_its_beginning_changes_no_other_interval() {
        let intervals = Intervals::default();
        intervals.begin(Adding::Shared, 1 << 30);
        intervals.end(Adding::Shared, 1 << 40);
        let before = read(&intervals, 1 << 50);
        intervals.end(Adding::Shared, 1 << 41);
        assert_eq!(read(&intervals, 1 << 41), before);
        intervals.begin(Adding::Shared, 1 << 41);
        assert_eq!(read(&intervals, 1 << 50), before);
    }

    #[test]
    fn threads_lose_nothing() {
        let intervals = Intervals::default();
        std::thread::scope(|scope| {
            for thread in 0..4 {
                let intervals = &intervals;
                scope.spawn(move || {
                    for step in 0..10_000_u64 {
                        intervals.begin(Adding::Shared, step << 20 | thread);
                        intervals.end(Adding::Shared, (step + 1) << 20 | thread);
                    }
                });
            }
        });
        assert_eq!(read(&intervals, 1 << 60), (0, 40_000 << 20));
    }

    #[test]
    fn an_interval_can_begin_in_one_part_and_end_in_another() {
        let parts = [Intervals::default(), Intervals::default()];
        parts[0].begin(Adding::Alone, 1 << 40);
        parts[1].end(Adding::Alone, (1 << 40) + 5);
        parts[1].begin(Adding::Alone, (1 << 41) + 1);
        let mut sum = IntervalSum::default();
        parts.iter().for_each(|part| part.add_to(&mut sum));
        assert_eq!(sum.at((1 << 41) + 8), (1, 12));
    }
}
