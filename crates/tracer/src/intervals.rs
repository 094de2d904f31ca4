//! How many intervals are open, and how long all intervals lasted until now, without a list of them.

use std::sync::atomic::{AtomicU64, Ordering};

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

impl Intervals {
    #[inline]
    pub(crate) fn begin(&self, now: u64) {
        self.fine.fetch_add(now & FINE, Ordering::Relaxed);
        self.coarse.fetch_add((now & !FINE) + 1, Ordering::Relaxed);
    }

    /// Ends one of the open intervals. It does not matter which.
    #[inline]
    pub(crate) fn end(&self, now: u64) {
        self.fine.fetch_sub(now & FINE, Ordering::Relaxed);
        self.coarse.fetch_sub((now & !FINE) + 1, Ordering::Relaxed);
    }

    /// The number of open intervals, and the time of all intervals until `now`.
    pub(crate) fn read(&self, now: u64) -> (u64, u64) {
        let coarse = self.coarse.load(Ordering::Relaxed);
        let fine = self.fine.load(Ordering::Relaxed);
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

    #[test]
    fn intervals_last_until_their_end_or_until_now() {
        let intervals = Intervals::default();
        assert_eq!(intervals.read(5), (0, 0));
        intervals.begin(1_000_000_000);
        intervals.begin(1_500_000_001);
        assert_eq!(intervals.read(2_000_000_000), (2, 1_499_999_999));
        intervals.end(3_000_000_007);
        // 1 s to 3.000000007 s and 1.500000001 s to 4 s, or the other way round: the sum is the same.
        assert_eq!(intervals.read(4_000_000_000), (1, 4_500_000_006));
        intervals.end(5_000_000_000);
        assert_eq!(intervals.read(9_000_000_000), (0, 5_500_000_006));
    }

    #[test]
    fn a_hundred_thousand_open_intervals_of_a_year_fit() {
        let year = 365 * 24 * 3_600 * 1_000_000_000_u64;
        let intervals = Intervals::default();
        for begin in 0..100_000 {
            intervals.begin(begin);
        }
        let (open, total) = intervals.read(year / 1_000);
        assert_eq!((open, total), (100_000, 100_000 * (year / 1_000) - (0..100_000).sum::<u64>()));
    }

    #[test]
    fn a_reading_from_before_a_beginning_is_not_negative() {
        let intervals = Intervals::default();
        intervals.begin(100);
        assert_eq!(intervals.read(90), (1, 0));
    }

    #[test]
    fn an_end_before_its_beginning_changes_no_other_interval() {
        let intervals = Intervals::default();
        intervals.begin(1 << 30);
        intervals.end(1 << 40);
        let before = intervals.read(1 << 50);
        intervals.end(1 << 41);
        assert_eq!(intervals.read(1 << 41), before);
        intervals.begin(1 << 41);
        assert_eq!(intervals.read(1 << 50), before);
    }

    #[test]
    fn threads_lose_nothing() {
        let intervals = Intervals::default();
        std::thread::scope(|scope| {
            for thread in 0..4 {
                let intervals = &intervals;
                scope.spawn(move || {
                    for step in 0..10_000_u64 {
                        intervals.begin(step << 20 | thread);
                        intervals.end((step + 1) << 20 | thread);
                    }
                });
            }
        });
        assert_eq!(intervals.read(1 << 60), (0, 40_000 << 20));
    }
}
