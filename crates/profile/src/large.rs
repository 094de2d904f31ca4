//! Large objects: what jemalloc 5.3.1 counts for them, and what they take.
//!
//! With `opt.disable_large_size_classes`, which is on by default, the usable size of a large object is its size rounded up
//! to a page. The profile counts the size class above instead (`prof_unbias_map_init` in `src/prof_data.c`): up to a
//! quarter more. Which size below the class it was, no dump says. jemalloc knows the sum of all large objects, though, so
//! all of them are scaled by what that sum is of the classes. What a single row may be off by is in its error.

use serde::{Deserialize, Serialize};

use crate::sample::{Estimate, Sample, SampleRate};
use crate::size_class::size_class;

/// Classes up to this many pages are one page apart, so that nothing is rounded to them
/// (`USIZE_GROW_SLOW_THRESHOLD` in `sz.h`).
const PAGES_WITHOUT_ROUNDING: u64 = 8;

/// All live large objects of a process whose sizes were rounded: those above 8 pages.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct LargeObjects {
    /// Size of a page, in bytes.
    pub page_bytes: u64,
    /// What they take: multiples of a page.
    pub usable_bytes: u64,
    /// What their size classes come to.
    pub class_bytes: u64,
}

/// Turns samples into estimates.
#[derive(Clone, Copy, Debug)]
pub struct Estimator {
    rate: SampleRate,
    large: Option<LargeObjects>,
}

impl LargeObjects {
    /// The size above which objects count as more than they take, in bytes.
    pub fn threshold_bytes(page_bytes: u64) -> u64 {
        page_bytes.saturating_mul(PAGES_WITHOUT_ROUNDING)
    }

    /// The likely size of an object that counts as `class`, where the class below is `gap` smaller.
    fn likely_size(self, class: f64, gap: f64) -> f64 {
        if self.class_bytes == 0 {
            return class - gap / 2.0;
        }
        let size = class * self.usable_bytes as f64 / self.class_bytes as f64;
        size.clamp(class - gap, class)
    }
}

impl Estimator {
    pub(crate) fn new(rate: SampleRate, large: Option<LargeObjects>) -> Self {
        Self { rate, large }
    }

    /// Estimates what one stack holds from what was recorded for it.
    ///
    /// See [`SampleRate::unbias`]. A stack of large objects is corrected for what they count too much, taking its mean
    /// object for all of them, and its error includes that their size is only known to lie between two classes.
    pub fn estimate(self, sample: Sample) -> Estimate {
        let counted = self.rate.unbias(sample);
        let Some((large, size)) = self.large.zip(sample.bytes.checked_div(sample.objects)) else {
            return counted;
        };
        if size <= LargeObjects::threshold_bytes(large.page_bytes) {
            return counted;
        }
        let class = size as f64;
        // Four classes for each doubling.
        let gap = (size_class(size) / 8).next_power_of_two() as f64;
        let likely = large.likely_size(class, gap);
        let chance =
            |size: f64| if self.rate.is_exact() { 1.0 } else { -(-size / self.rate.bytes() as f64).exp_m1() };
        // jemalloc samples by the usable size and un-biases by the class.
        let objects = chance(class) / chance(likely);
        let bytes = objects * likely / class;
        let mut estimate = Estimate {
            objects: counted.objects * objects,
            bytes: counted.bytes * bytes,
            objects_variance: counted.objects_variance * objects.powi(2),
            bytes_variance: counted.bytes_variance * bytes.powi(2),
        };
        // One standard error of a size anywhere between the classes, which all objects of a stack are likely to share.
        let size_stderr = gap / 12_f64.sqrt();
        // How the chance of a sample grows with the size, as a share of the chance: the larger, the fewer objects.
        let slope = if self.rate.is_exact() {
            0.0
        } else {
            (1.0 - chance(likely)) / self.rate.bytes() as f64 / chance(likely)
        };
        estimate.objects_variance += (estimate.objects * slope * size_stderr).powi(2);
        estimate.bytes_variance += (estimate.objects * (1.0 - likely * slope) * size_stderr).powi(2);
        estimate
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const KIB: u64 = 1024;

    fn estimator(rate: u64, usable_bytes: u64, class_bytes: u64) -> Estimator {
        let large = LargeObjects { page_bytes: 4 * KIB, usable_bytes, class_bytes };
        Estimator::new(SampleRate::from_bytes(rate), Some(large))
    }

    fn close(a: f64, b: f64) -> bool {
        (a / b - 1.0).abs() < 1e-9
    }

    #[test]
    fn what_is_not_rounded_is_left_alone() {
        for size in [8, 14_336, 20 * KIB, 32 * KIB] {
            let sample = Sample { objects: 5, bytes: 5 * size };
            for rate in [1, 524_288] {
                let plain = SampleRate::from_bytes(rate).unbias(sample);
                assert_eq!(estimator(rate, 80, 100).estimate(sample), plain, "{size}");
            }
        }
        let large = Sample { objects: 5, bytes: 5 << 20 };
        let rate = SampleRate::from_bytes(1);
        assert_eq!(Estimator::new(rate, None).estimate(large), rate.unbias(large));
        assert_eq!(estimator(1, 1, 1).estimate(Sample::default()), Estimate::default());
    }

    #[test]
    fn rows_of_large_objects_are_scaled_by_what_all_of_them_take() {
        // A map of 1,069,056 bytes counts as 1.25 MiB.
        let sample = Sample { objects: 1, bytes: 1_310_720 };
        let one = estimator(1, 1_069_056, 1_310_720).estimate(sample);
        assert!(close(one.bytes, 1_069_056.0), "{one:?}");
        assert_eq!(one.objects, 1.0);
        // The class below is 1 MiB.
        assert!(close(one.bytes_stderr(), 262_144.0 / 12_f64.sqrt()));
        // No size is below the class below, or above the class.
        assert!(close(estimator(1, 1, 2).estimate(sample).bytes, 1_048_576.0));
        assert!(close(estimator(1, 2, 1).estimate(sample).bytes, 1_310_720.0));
        // Without a sum, half-way.
        assert!(close(estimator(1, 0, 0).estimate(sample).bytes, 1_179_648.0));
    }

    #[test]
    fn the_gap_is_that_of_the_size_classes() {
        for (class, gap) in
            [(40 * KIB, 8 * KIB), (64 * KIB, 8 * KIB), (80 * KIB, 16 * KIB), (1 << 20, 128 * KIB)]
        {
            let estimate = estimator(1, 1, 1).estimate(Sample { objects: 1, bytes: class });
            assert!(close(estimate.bytes_stderr(), gap as f64 / 12_f64.sqrt()), "{class}");
        }
    }

    /// Objects of a size, sampled by it and un-biased by their class, as jemalloc does.
    #[test]
    fn what_was_sampled_by_one_size_and_unbiased_by_another_comes_out_right() {
        let rate = 524_288;
        for (usable, class) in [(36 * KIB, 40 * KIB), (264 * KIB, 320 * KIB), (1_044 * KIB, 1_280 * KIB)] {
            let p = |size: u64| -(-(size as f64) / rate as f64).exp_m1();
            let (objects, samples) = (1e6, 1e6 * p(usable));
            // What jemalloc writes comes to `samples / p(class)` objects, un-biased again.
            let sample = Sample { objects: samples as u64, bytes: samples as u64 * class };
            let estimate = estimator(rate, usable, class).estimate(sample);
            assert!((estimate.objects / objects - 1.0).abs() < 1e-4, "{usable}: {estimate:?}");
            assert!(
                (estimate.bytes / (objects * usable as f64) - 1.0).abs() < 1e-4,
                "{usable}: {estimate:?}"
            );
        }
    }

    #[test]
    fn the_bytes_of_objects_far_below_the_rate_hardly_depend_on_their_size() {
        let sample = Sample { objects: 1_000_000, bytes: 1_000_000 * 40 * KIB };
        let far = estimator(1 << 30, 36, 40).estimate(sample);
        let (sampling, all) =
            (SampleRate::from_bytes(1 << 30).unbias(sample), far.bytes_stderr() / far.bytes);
        assert!((far.bytes / sampling.bytes - 1.0).abs() < 1e-3, "{far:?}");
        assert!((all / (sampling.bytes_stderr() / sampling.bytes) - 1.0).abs() < 0.01);
        let near = estimator(1, 36, 40).estimate(sample);
        assert!(near.bytes_stderr() / near.bytes > 0.05);
    }

    proptest::proptest! {
        #[test]
        fn estimates_are_finite_and_not_negative(
            objects in 0_u64.., bytes in 0_u64.., rate in 0_u64..1 << 40, usable: u64, class: u64, page in 0_u64..1 << 20,
        ) {
            let large = LargeObjects { page_bytes: page, usable_bytes: usable, class_bytes: class };
            let estimate = Estimator::new(SampleRate::from_bytes(rate), Some(large)).estimate(Sample { objects, bytes });
            for number in [estimate.objects, estimate.bytes, estimate.objects_variance, estimate.bytes_variance] {
                proptest::prop_assert!(number.is_finite() && number >= 0.0, "{estimate:?}");
            }
        }
    }
}
