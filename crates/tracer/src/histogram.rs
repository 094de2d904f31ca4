//! A distribution of bytes in a fixed number of buckets.

use memory_debug_report::BytesPerRequest;

use crate::adding::Adding;
use crate::sync::{AtomicU64, Ordering};

/// Buckets between a power of two and the next. The error is at most one eighth.
const STEPS: u64 = 8;
const STEP_BITS: u32 = STEPS.ilog2();

/// Values below `2 * STEPS` have a bucket of their own. The last bucket holds everything from 2^47.
const BUCKETS: usize = (STEPS * (48 - STEP_BITS as u64)) as usize + 1;

/// How many requests allocated how much. It has 2.9 kB.
#[derive(Debug)]
pub(crate) struct Histogram {
    buckets: [AtomicU64; BUCKETS],
    total: AtomicU64,
    max: AtomicU64,
}

/// The sum of several [`Histogram`]s.
#[derive(Debug, Default)]
pub(crate) struct HistogramSum {
    /// Empty before the first histogram.
    buckets: Vec<u64>,
    total: u64,
    max: u64,
}

impl Default for Histogram {
    fn default() -> Self {
        Self {
            buckets: std::array::from_fn(|_| AtomicU64::new(0)),
            total: AtomicU64::new(0),
            max: AtomicU64::new(0),
        }
    }
}

impl Histogram {
    #[inline]
    pub(crate) fn add(&self, adding: Adding, bytes: u64) {
        adding.add(&self.total, bytes);
        adding.raise(&self.max, bytes);
        adding.add(&self.buckets[bucket(bytes)], 1);
    }

    pub(crate) fn add_to(&self, sum: &mut HistogramSum) {
        let own = self.buckets.iter().map(|count| count.load(Ordering::Relaxed));
        sum.buckets.resize(BUCKETS, 0);
        sum.buckets.iter_mut().zip(own).for_each(|(sum, own)| *sum += own);
        sum.total = sum.total.wrapping_add(self.total.load(Ordering::Relaxed));
        sum.max = sum.max.max(self.max.load(Ordering::Relaxed));
    }
}

impl HistogramSum {
    /// The figures, or `None` before the first value.
    pub(crate) fn figures(&self) -> Option<BytesPerRequest> {
        let Self { buckets: ref counts, total, max } = *self;
        let requests: u64 = counts.iter().sum();
        if requests == 0 {
            return None;
        }
        let mut bytes = BytesPerRequest::default();
        bytes.total = total;
        bytes.mean = total / requests;
        bytes.p50 = quantile(counts, requests.div_ceil(2)).min(max);
        bytes.p99 = quantile(counts, (requests.saturating_mul(99)).div_ceil(100)).min(max);
        bytes.max = max;
        Some(bytes)
    }
}

/// The largest value of the bucket that holds the value number `rank`, counted from 1.
fn quantile(counts: &[u64], rank: u64) -> u64 {
    let mut below = 0;
    for (bucket, count) in counts.iter().enumerate() {
        below += count;
        if below >= rank {
            return last_of(bucket);
        }
    }
    u64::MAX
}

fn bucket(value: u64) -> usize {
    let power = value.max(1).ilog2();
    let bucket = match power.checked_sub(STEP_BITS) {
        None => value,
        // The leading bit and the next three: 8 to 15 in each power of two.
        Some(shift) => u64::from(shift) * STEPS + (value >> shift),
    };
    usize::try_from(bucket).map_or(BUCKETS - 1, |bucket| bucket.min(BUCKETS - 1))
}

fn last_of(bucket: usize) -> u64 {
    let bucket = bucket as u64;
    match (bucket / STEPS).checked_sub(1) {
        None => bucket,
        _ if bucket == BUCKETS as u64 - 1 => u64::MAX,
        Some(shift) => ((bucket % STEPS + STEPS + 1) << shift) - 1,
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn the_error_is_at_most_one_eighth(value in 0_u64..1 << 47) {
            let shown = last_of(bucket(value));
            prop_assert!(shown >= value && shown - value <= value / 8, "{value} is shown as {shown}");
        }

        #[test]
        fn quantiles_are_values_of_the_sorted_list(mut values in prop::collection::vec(0_u64..1 << 40, 1..200)) {
            let parts = [(Histogram::default(), Adding::Alone), (Histogram::default(), Adding::Shared)];
            for (value, (histogram, adding)) in values.iter().zip(parts.iter().cycle()) {
                histogram.add(*adding, *value);
            }
            let mut sum = HistogramSum::default();
            parts.iter().for_each(|(histogram, _)| histogram.add_to(&mut sum));
            let read = sum.figures().unwrap();
            values.sort_unstable();
            let at = |percent: usize| values[(values.len() * percent).div_ceil(100) - 1];
            prop_assert!(read.p50 >= at(50) && read.p50 - at(50) <= at(50) / 8);
            prop_assert!(read.p99 >= at(99) && read.p99 - at(99) <= at(99) / 8);
            prop_assert_eq!((read.total, read.max), (values.iter().sum(), values[values.len() - 1]));
        }
    }

    #[test]
    fn each_bucket_begins_where_the_last_one_ends() {
        for number in 0..BUCKETS - 1 {
            assert_eq!((bucket(last_of(number)), bucket(last_of(number) + 1)), (number, number + 1));
        }
        assert_eq!(bucket(u64::MAX), BUCKETS - 1);
    }

    #[test]
    fn nothing_is_known_before_the_first_value() {
        let mut sum = HistogramSum::default();
        assert_eq!(sum.figures(), None);
        Histogram::default().add_to(&mut sum);
        assert_eq!(sum.figures(), None);
    }
}
