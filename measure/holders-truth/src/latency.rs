//! How long operations of the program take, with and without a scan.

use std::fmt;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::Duration;

/// Steps for each factor of two: a bound is exact to 9 %.
const STEPS: u32 = 8;
const BUCKETS: usize = 64 * STEPS as usize;

/// Without a scan, and during one.
static HISTOGRAMS: [[AtomicU64; BUCKETS]; 2] = [const { [const { AtomicU64::new(0) }; BUCKETS] }; 2];
static SCANNING: AtomicBool = AtomicBool::new(false);

/// Says whether a scan runs.
pub(crate) fn set_scanning(scanning: bool) {
    SCANNING.store(scanning, Ordering::Relaxed);
}

/// Counts one operation.
pub(crate) fn record(duration: Duration) {
    let nanos = u64::try_from(duration.as_nanos()).unwrap_or(u64::MAX).max(1);
    let histogram = &HISTOGRAMS[usize::from(SCANNING.load(Ordering::Relaxed))];
    histogram[bucket(nanos)].fetch_add(1, Ordering::Relaxed);
}

fn bucket(nanos: u64) -> usize {
    let octave = nanos.ilog2();
    // The three bits below the highest one.
    let step = if octave >= 3 { (nanos >> (octave - 3)) & 7 } else { (nanos << (3 - octave)) & 7 };
    octave as usize * STEPS as usize + step as usize
}

/// The upper bound of a bucket, in nanoseconds.
fn bound(bucket: usize) -> f64 {
    let (octave, step) = (bucket as u32 / STEPS, bucket as u32 % STEPS);
    2_f64.powi(octave as i32) * (1.0 + f64::from(step + 1) / f64::from(STEPS))
}

/// Operations of one kind of time.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Latency {
    pub(crate) operations: u64,
    /// In nanoseconds: of 50 %, 99 %, 99.9 % and all operations.
    pub(crate) quantiles: [f64; 4],
}

/// The operations so far, without a scan or during one. Forgets them.
pub(crate) fn take(scanning: bool) -> Latency {
    let counts: Vec<u64> =
        HISTOGRAMS[usize::from(scanning)].iter().map(|count| count.swap(0, Ordering::Relaxed)).collect();
    summarize(&counts)
}

fn summarize(counts: &[u64]) -> Latency {
    let operations: u64 = counts.iter().sum();
    let quantile = |part: f64| {
        let mut sum = 0;
        let found = counts.iter().position(|count| {
            sum += count;
            sum > 0 && sum as f64 >= part * operations as f64
        });
        found.map_or(0.0, bound)
    };
    Latency { operations, quantiles: [0.5, 0.99, 0.999, 1.0].map(quantile) }
}

impl fmt::Display for Latency {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let [half, p99, p999, max] = self.quantiles.map(|nanos| nanos / 1_000.0);
        write!(
            f,
            "{} operations, p50 {half:.1} µs, p99 {p99:.0} µs, p99.9 {p999:.0} µs, max {max:.0} µs",
            self.operations
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_bucket_holds_its_values() {
        for nanos in [1, 2, 3, 7, 8, 9, 100, 1_000, 123_456_789, u64::MAX / 2] {
            let bucket = bucket(nanos);
            assert!(nanos as f64 <= bound(bucket), "{nanos}");
            assert!(bucket == 0 || nanos as f64 >= bound(bucket - 1) - 1.0, "{nanos}");
        }
    }

    #[test]
    fn quantiles_are_upper_bounds() {
        let mut counts = vec![0; BUCKETS];
        counts[bucket(1_000)] = 999;
        counts[bucket(1_000_000)] = 1;
        let latency = summarize(&counts);
        assert_eq!(latency.operations, 1_000);
        assert!((1_000.0..1_200.0).contains(&latency.quantiles[2]), "{latency:?}");
        assert!((1_000_000.0..1_200_000.0).contains(&latency.quantiles[3]), "{latency:?}");
        assert_eq!(summarize(&[0; BUCKETS]).quantiles, [0.0; 4]);
    }
}
