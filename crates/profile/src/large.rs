//! Large objects: the bytes that jemalloc 5.3.1 counts for them, and the bytes that they occupy.
//!
//! With `opt.disable_large_size_classes` (on by default) the usable size of a large object is its size rounded up to
//! a page. The profile counts the next size class instead (`prof_unbias_map_init` in `src/prof_data.c`), which is up
//! to a quarter more. A dump does not contain the true sizes. But jemalloc knows the sum over all large objects. So
//! every size is assumed to lie below its class by the same fraction of the distance to the next lower class, the
//! fraction that yields this sum. The error of a row includes the error of this assumption.

use serde::{Deserialize, Serialize};

use crate::amount::Amount;
use crate::sample::{Estimate, Sample, SampleRate};
use crate::size_class::size_class;

/// Up to this many pages, size classes are one page apart, so no size is rounded up (`USIZE_GROW_SLOW_THRESHOLD` in
/// `sz.h`).
const PAGES_WITHOUT_ROUNDING: u64 = 8;

/// All live large objects of a process whose sizes were rounded up, that is, of all objects above 8 pages.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct LargeObjects {
    page_bytes: u64,
    /// Bytes that they occupy, a multiple of a page.
    usable_bytes: u64,
    /// Sum of their size classes.
    class_bytes: u64,
    /// Sum of the distances from these classes to the next lower classes.
    gap_bytes: u64,
}

/// Turns samples into estimates.
#[derive(Clone, Copy, Debug)]
pub struct Estimator {
    rate: SampleRate,
    large: Option<LargeObjects>,
}

impl LargeObjects {
    /// Takes the sum over all large objects (`stats.arenas.<all>.large.allocated`), and the size classes with their
    /// numbers of live objects. Without classes, every size is assumed to be half-way between two classes.
    pub fn new(page_bytes: u64, all_bytes: u64, classes: impl IntoIterator<Item = (u64, u64)>) -> Self {
        let mut large = Self { page_bytes, usable_bytes: all_bytes, class_bytes: 0, gap_bytes: 0 };
        for (size, live) in classes {
            let bytes = size.saturating_mul(live);
            if large.is_rounded(size) {
                large.class_bytes = large.class_bytes.saturating_add(bytes);
                large.gap_bytes = large.gap_bytes.saturating_add(gap_below(size).saturating_mul(live));
            } else {
                large.usable_bytes = large.usable_bytes.saturating_sub(bytes);
            }
        }
        large
    }

    fn is_rounded(self, size: u64) -> bool {
        size > self.page_bytes.saturating_mul(PAGES_WITHOUT_ROUNDING)
    }

    /// Whether these sums cover at least twice as much as `other`. Assumed sizes should not change while little else
    /// does, or rows would fluctuate from page to page.
    pub fn outweigh(self, other: Self) -> bool {
        self.class_bytes / 2 >= other.class_bytes && self.class_bytes > 0
    }

    /// The likely distance of a size from its class, in millionths of the distance to the next lower class. At least 1,
    /// because 0 means that sizes were not corrected.
    pub(crate) fn millionths_of_gap(self) -> u32 {
        (self.part_of_gap() * 1e6).round().max(1.0) as u32
    }

    /// The likely distance of a size from its class, as a fraction of the distance to the next lower class.
    fn part_of_gap(self) -> f64 {
        if self.gap_bytes == 0 {
            return 0.5;
        }
        let below = self.class_bytes.saturating_sub(self.usable_bytes);
        (below as f64 / self.gap_bytes as f64).min(1.0)
    }
}

/// The number of bytes by which an amount of large objects changes if their assumed sizes shrink by this many
/// millionths of the distance to the next lower class.
pub(crate) fn bytes_of_gap(millionths: u32, amount: Amount) -> f64 {
    let size = amount.bytes.unsigned_abs().checked_div(amount.objects.unsigned_abs()).unwrap_or(0);
    if !is_probably_rounded(size) {
        return 0.0;
    }
    f64::from(millionths) / 1e6 * gap_below(size) as f64 * amount.objects.unsigned_abs() as f64
}

/// Estimates what one stack of a symbolized profile holds. `below` is the assumed distance of its large objects from
/// their classes, in millionths; 0 if their sizes were not corrected.
pub(crate) fn estimate(live: Amount, below: u32, rate: SampleRate) -> Estimate {
    let mut estimate = live.estimate(rate);
    let size = live.bytes.unsigned_abs().checked_div(live.objects.unsigned_abs()).unwrap_or(0);
    if below > 0 && is_probably_rounded(size) {
        add_size_error(&mut estimate, size as f64, f64::from(below) / 1e6, rate);
    }
    estimate
}

/// Adds the error of the assumed size, `likely`, which lies `part` of the gap below its class. The objects of one stack
/// probably have one size.
fn add_size_error(estimate: &mut Estimate, likely: f64, part: f64, rate: SampleRate) {
    // One standard error around the likely size, for a size anywhere between the classes.
    let gap = gap_below(likely as u64) as f64;
    let size_stderr = gap * (1.0 / 12.0 + (part - 0.5).powi(2)).sqrt();
    // How fast the sampling probability grows with the size, relative to the probability. The larger it is, the fewer
    // objects there are.
    let chance = chance(likely, rate);
    let slope = if rate.is_exact() { 0.0 } else { (1.0 - chance) / rate.bytes() as f64 / chance };
    estimate.objects_variance += (estimate.objects * slope * size_stderr).powi(2);
    estimate.bytes_variance += (estimate.objects * (1.0 - likely * slope) * size_stderr).powi(2);
}

/// The probability that an object of `size` bytes is sampled.
fn chance(size: f64, rate: SampleRate) -> f64 {
    if rate.is_exact() { 1.0 } else { -(-size / rate.bytes() as f64).exp_m1() }
}

/// The page size is not known here. Usually it is small; with larger pages the error is an overestimate.
fn is_probably_rounded(size: u64) -> bool {
    size > PAGES_WITHOUT_ROUNDING * 4096
}

/// The distance from a class of large objects to the next lower class. Each doubling has four classes.
fn gap_below(class: u64) -> u64 {
    (size_class(class) / 8).next_power_of_two()
}

impl Estimator {
    pub(crate) fn new(rate: SampleRate, large: Option<LargeObjects>) -> Self {
        Self { rate, large }
    }

    /// Estimates what one stack holds from its recorded numbers.
    ///
    /// See [`SampleRate::unbias`]. For large objects the surplus of the size class is subtracted, with the mean object
    /// for all objects of the stack. The error then includes that their size is only known to lie between two classes.
    pub fn estimate(self, sample: Sample) -> Estimate {
        let counted = self.rate.unbias(sample);
        let Some((large, size)) = self.large.zip(sample.bytes.checked_div(sample.objects)) else {
            return counted;
        };
        if !large.is_rounded(size) {
            return counted;
        }
        let (class, part) = (size as f64, large.part_of_gap());
        let likely = class - part * gap_below(size) as f64;
        // jemalloc samples by the usable size, and un-biases by the class.
        let objects = chance(class, self.rate) / chance(likely, self.rate);
        let bytes = objects * likely / class;
        let mut estimate = Estimate {
            objects: counted.objects * objects,
            bytes: counted.bytes * bytes,
            objects_variance: counted.objects_variance * objects.powi(2),
            bytes_variance: counted.bytes_variance * bytes.powi(2),
        };
        add_size_error(&mut estimate, likely, part, self.rate);
        estimate
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const KIB: u64 = 1024;

    /// An estimator for a process whose large objects occupy `usable` bytes in total: `live` objects of one class.
    fn estimator(rate: u64, usable: u64, class: u64, live: u64) -> Estimator {
        let large = LargeObjects::new(4 * KIB, usable, [(class, live)]);
        Estimator::new(SampleRate::from_bytes(rate), Some(large))
    }

    fn close(a: f64, b: f64) -> bool {
        (a / b - 1.0).abs() < 1e-9
    }

    #[test]
    fn leaves_unrounded_sizes_alone() {
        for size in [8, 14_336, 20 * KIB, 32 * KIB] {
            let sample = Sample { objects: 5, bytes: 5 * size };
            for rate in [1, 524_288] {
                let plain = SampleRate::from_bytes(rate).unbias(sample);
                assert_eq!(estimator(rate, 36 * KIB, 40 * KIB, 1).estimate(sample), plain, "{size}");
            }
        }
        let large = Sample { objects: 5, bytes: 5 << 20 };
        let rate = SampleRate::from_bytes(1);
        assert_eq!(Estimator::new(rate, None).estimate(large), rate.unbias(large));
        assert_eq!(estimator(1, 1, 1, 1).estimate(Sample::default()), Estimate::default());
    }

    #[test]
    fn scales_rows_by_the_sum_over_all_large_objects() {
        // A map of 1,069,056 bytes counts as 1.25 MiB; the class below is 1 MiB.
        let (map, class, gap) = (1_069_056, 1_310_720, 262_144.0);
        let sample = Sample { objects: 1, bytes: class };
        let bytes = |usable| estimator(1, usable, class, 1).estimate(sample).bytes;
        assert!(close(bytes(map), map as f64));
        // No size is below the next lower class or above its own.
        assert!(close(bytes(7), 1_048_576.0) && close(bytes(class * 2), class as f64));
        // Together with other objects, its relative distance from its class equals the distance of the others.
        let large =
            LargeObjects::new(4 * KIB, 3 * 64 * KIB - 6 * KIB + 20 * KIB, [(64 * KIB, 3), (20 * KIB, 1)]);
        let among = Estimator::new(SampleRate::from_bytes(1), Some(large)).estimate(sample);
        assert!(close(among.bytes, 1_310_720.0 - gap / 4.0), "{among:?}");
        assert_eq!(among.objects, 1.0);
        // Without a sum, sizes are half-way between two classes.
        let none = LargeObjects::new(4 * KIB, 0, []);
        let half = Estimator::new(SampleRate::from_bytes(1), Some(none)).estimate(sample);
        assert!(close(half.bytes, 1_179_648.0) && close(half.bytes_stderr(), gap / 12_f64.sqrt()));
    }

    #[test]
    fn prefers_sums_over_twice_as_much() {
        let sums = |live| LargeObjects::new(4 * KIB, live * 60 * KIB, [(64 * KIB, live)]);
        assert!(sums(2).outweigh(sums(1)) && sums(1).outweigh(sums(0)));
        assert!(!sums(3).outweigh(sums(2)) && !sums(1).outweigh(sums(2)) && !sums(0).outweigh(sums(0)));
    }

    #[test]
    fn a_symbolized_stack_has_the_error_of_the_profile() {
        for (rate, usable, class) in
            [(524_288, 36, 40), (524_288, 40, 40), (1, 1044, 1280), (524_288, 1280, 1280)]
        {
            let (usable, class) = (usable * KIB, class * KIB);
            let large = LargeObjects::new(4 * KIB, usable, [(class, 1)]);
            let rate = SampleRate::from_bytes(rate);
            let direct =
                Estimator::new(rate, Some(large)).estimate(Sample { objects: 5_000, bytes: 5_000 * class });
            let kept = estimate(Amount::from(direct), large.millionths_of_gap(), rate);
            assert!((kept.bytes_stderr() / direct.bytes_stderr() - 1.0).abs() < 0.01, "{kept:?} {direct:?}");
            assert!(kept.objects_stderr() >= direct.objects_stderr() * 0.99, "{kept:?} {direct:?}");
        }
        let small = Amount { objects: 9, bytes: 9 * 1024 };
        let rate = SampleRate::from_bytes(524_288);
        assert_eq!(estimate(small, 500_000, rate), small.estimate(rate));
    }

    #[test]
    fn assumed_sizes_change_bytes_by_their_part_of_the_gap() {
        let amount = |objects, bytes| Amount { objects, bytes };
        assert_eq!(bytes_of_gap(500_000, amount(3, 3 << 20)), 3.0 * 64.0 * 1024.0);
        assert_eq!(bytes_of_gap(500_000, amount(-3, -3 << 20)), 3.0 * 64.0 * 1024.0);
        assert_eq!(bytes_of_gap(500_000, amount(3, 3 << 10)), 0.0);
        assert_eq!(bytes_of_gap(500_000, amount(0, 3 << 20)), 0.0);
    }

    #[test]
    fn error_covers_any_size_between_two_classes() {
        for (class, gap) in
            [(40 * KIB, 8 * KIB), (64 * KIB, 8 * KIB), (80 * KIB, 16 * KIB), (1 << 20, 128 * KIB)]
        {
            for (below, share) in [(0.5, 1.0 / 12_f64), (0.0, 1.0 / 3.0), (0.25, 1.0 / 12.0 + 1.0 / 16.0)] {
                let usable = class - (gap as f64 * below) as u64;
                let estimate = estimator(1, usable, class, 1).estimate(Sample { objects: 1, bytes: class });
                assert!(close(estimate.bytes_stderr(), gap as f64 * share.sqrt()), "{class} {below}");
            }
        }
    }

    /// Objects that are sampled by one size and un-biased by their class, as jemalloc does it.
    #[test]
    fn corrects_sampling_by_one_size_and_unbiasing_by_another() {
        let rate = 524_288;
        for (usable, class) in [(36 * KIB, 40 * KIB), (264 * KIB, 320 * KIB), (1_044 * KIB, 1_280 * KIB)] {
            let p = |size: u64| -(-(size as f64) / rate as f64).exp_m1();
            let (objects, samples) = (1e6, 1e6 * p(usable));
            // jemalloc writes `samples / p(class)` objects, which is un-biased again.
            let sample = Sample { objects: samples as u64, bytes: samples as u64 * class };
            let estimate = estimator(rate, usable, class, 1).estimate(sample);
            assert!((estimate.objects / objects - 1.0).abs() < 1e-4, "{usable}: {estimate:?}");
            assert!(
                (estimate.bytes / (objects * usable as f64) - 1.0).abs() < 1e-4,
                "{usable}: {estimate:?}"
            );
        }
    }

    #[test]
    fn bytes_far_below_the_rate_hardly_depend_on_object_size() {
        let sample = Sample { objects: 1_000_000, bytes: 1_000_000 * 40 * KIB };
        let far = estimator(1 << 30, 36 * KIB, 40 * KIB, 1).estimate(sample);
        let (sampling, all) =
            (SampleRate::from_bytes(1 << 30).unbias(sample), far.bytes_stderr() / far.bytes);
        assert!((far.bytes / sampling.bytes - 1.0).abs() < 1e-3, "{far:?}");
        assert!((all / (sampling.bytes_stderr() / sampling.bytes) - 1.0).abs() < 0.01);
        let near = estimator(1, 36 * KIB, 40 * KIB, 1).estimate(sample);
        assert!(near.bytes_stderr() / near.bytes > 0.05);
    }

    proptest::proptest! {
        #[test]
        fn estimates_are_finite_and_not_negative(
            objects in 0_u64.., bytes in 0_u64.., rate in 0_u64..1 << 40, usable: u64, class: u64, live: u64, page: u64,
        ) {
            let large = LargeObjects::new(page, usable, [(class, live)]);
            let estimate = Estimator::new(SampleRate::from_bytes(rate), Some(large)).estimate(Sample { objects, bytes });
            for number in [estimate.objects, estimate.bytes, estimate.objects_variance, estimate.bytes_variance] {
                proptest::prop_assert!(number.is_finite() && number >= 0.0, "{estimate:?}");
            }
        }
    }
}
