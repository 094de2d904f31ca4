//! Large objects: what jemalloc 5.3.1 counts for them, and what they take.
//!
//! With `opt.disable_large_size_classes`, which is on by default, the usable size of a large object is its size rounded up
//! to a page. The profile counts the size class above instead (`prof_unbias_map_init` in `src/prof_data.c`): up to a
//! quarter more. Which size below the class it was, no dump says. jemalloc knows the sum of all large objects, though, so
//! all sizes are taken to be as far below their classes, as a part of the way to the next lower class, as makes that sum.
//! What a single row may be off by is in its error.

use serde::{Deserialize, Serialize};

use crate::amount::Amount;
use crate::sample::{Estimate, Sample, SampleRate};
use crate::size_class::size_class;

/// Classes up to this many pages are one page apart, so that nothing is rounded to them
/// (`USIZE_GROW_SLOW_THRESHOLD` in `sz.h`).
const PAGES_WITHOUT_ROUNDING: u64 = 8;

/// All live large objects of a process whose sizes were rounded: those above 8 pages.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct LargeObjects {
    page_bytes: u64,
    /// What they take: multiples of a page.
    usable_bytes: u64,
    /// What their size classes come to.
    class_bytes: u64,
    /// How far these classes are from the next lower ones, all together.
    gap_bytes: u64,
}

/// Turns samples into estimates.
#[derive(Clone, Copy, Debug)]
pub struct Estimator {
    rate: SampleRate,
    large: Option<LargeObjects>,
}

impl LargeObjects {
    /// From what all large objects take (`stats.arenas.<all>.large.allocated`), and the size classes with the number of
    /// their live objects. Without these, every size is taken to be half-way between two classes.
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

    /// Whether these sums tell more than `other` do: they are of at least twice as much. What is known of sizes should stay
    /// as it is while little changes, or rows would waver from page to page.
    pub fn outweigh(self, other: Self) -> bool {
        self.class_bytes / 2 >= other.class_bytes && self.class_bytes > 0
    }

    /// How far below its class a size is likely to be, in millionths of the way to the next lower class.
    pub(crate) fn millionths_of_gap(self) -> u32 {
        (self.part_of_gap() * 1e6).round() as u32
    }

    /// How far below its class a size is likely to be, as a part of the way to the next lower class.
    fn part_of_gap(self) -> f64 {
        if self.gap_bytes == 0 {
            return 0.5;
        }
        let below = self.class_bytes.saturating_sub(self.usable_bytes);
        (below as f64 / self.gap_bytes as f64).min(1.0)
    }
}

/// By how many bytes an amount of large objects would change if their sizes were taken to be this many millionths of the way
/// to the next lower class smaller.
pub(crate) fn bytes_of_gap(millionths: u32, amount: Amount) -> f64 {
    let size = amount.bytes.unsigned_abs().checked_div(amount.objects.unsigned_abs()).unwrap_or(0);
    // The page is not known here; a small one is the rule, and with a larger one this is more than it need be.
    if size <= PAGES_WITHOUT_ROUNDING * 4096 {
        return 0.0;
    }
    f64::from(millionths) / 1e6 * gap_below(size) as f64 * amount.objects.unsigned_abs() as f64
}

/// How far a class of large objects is from the next lower one: there are four for each doubling.
fn gap_below(class: u64) -> u64 {
    (size_class(class) / 8).next_power_of_two()
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
        if !large.is_rounded(size) {
            return counted;
        }
        let (class, gap, part) = (size as f64, gap_below(size) as f64, large.part_of_gap());
        let likely = class - part * gap;
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
        // One standard error of a size anywhere between the classes, around the likely one. All objects of a stack are
        // likely to share it.
        let size_stderr = gap * (1.0 / 12.0 + (part - 0.5).powi(2)).sqrt();
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

    /// Where all large objects together take `usable` bytes, and are `live` ones of a class.
    fn estimator(rate: u64, usable: u64, class: u64, live: u64) -> Estimator {
        let large = LargeObjects::new(4 * KIB, usable, [(class, live)]);
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
                assert_eq!(estimator(rate, 36 * KIB, 40 * KIB, 1).estimate(sample), plain, "{size}");
            }
        }
        let large = Sample { objects: 5, bytes: 5 << 20 };
        let rate = SampleRate::from_bytes(1);
        assert_eq!(Estimator::new(rate, None).estimate(large), rate.unbias(large));
        assert_eq!(estimator(1, 1, 1, 1).estimate(Sample::default()), Estimate::default());
    }

    #[test]
    fn rows_of_large_objects_are_scaled_by_what_all_of_them_take() {
        // A map of 1,069,056 bytes counts as 1.25 MiB; the class below is 1 MiB.
        let (map, class, gap) = (1_069_056, 1_310_720, 262_144.0);
        let sample = Sample { objects: 1, bytes: class };
        let bytes = |usable| estimator(1, usable, class, 1).estimate(sample).bytes;
        assert!(close(bytes(map), map as f64));
        // No size is below the class below, or above the class.
        assert!(close(bytes(7), 1_048_576.0) && close(bytes(class * 2), class as f64));
        // Among others, it is as far from its class as they are.
        let large =
            LargeObjects::new(4 * KIB, 3 * 64 * KIB - 6 * KIB + 20 * KIB, [(64 * KIB, 3), (20 * KIB, 1)]);
        let among = Estimator::new(SampleRate::from_bytes(1), Some(large)).estimate(sample);
        assert!(close(among.bytes, 1_310_720.0 - gap / 4.0), "{among:?}");
        assert_eq!(among.objects, 1.0);
        // Without a sum, half-way.
        let none = LargeObjects::new(4 * KIB, 0, []);
        let half = Estimator::new(SampleRate::from_bytes(1), Some(none)).estimate(sample);
        assert!(close(half.bytes, 1_179_648.0) && close(half.bytes_stderr(), gap / 12_f64.sqrt()));
    }

    #[test]
    fn sums_over_twice_as_much_are_worth_more() {
        let sums = |live| LargeObjects::new(4 * KIB, live * 60 * KIB, [(64 * KIB, live)]);
        assert!(sums(2).outweigh(sums(1)) && sums(1).outweigh(sums(0)));
        assert!(!sums(3).outweigh(sums(2)) && !sums(1).outweigh(sums(2)) && !sums(0).outweigh(sums(0)));
    }

    #[test]
    fn other_sizes_change_bytes_by_that_part_of_the_gap() {
        let amount = |objects, bytes| Amount { objects, bytes };
        assert_eq!(bytes_of_gap(500_000, amount(3, 3 << 20)), 3.0 * 64.0 * 1024.0);
        assert_eq!(bytes_of_gap(500_000, amount(-3, -3 << 20)), 3.0 * 64.0 * 1024.0);
        assert_eq!(bytes_of_gap(500_000, amount(3, 3 << 10)), 0.0);
        assert_eq!(bytes_of_gap(500_000, amount(0, 3 << 20)), 0.0);
    }

    #[test]
    fn the_error_is_that_of_a_size_anywhere_between_its_classes() {
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

    /// Objects of a size, sampled by it and un-biased by their class, as jemalloc does.
    #[test]
    fn what_was_sampled_by_one_size_and_unbiased_by_another_comes_out_right() {
        let rate = 524_288;
        for (usable, class) in [(36 * KIB, 40 * KIB), (264 * KIB, 320 * KIB), (1_044 * KIB, 1_280 * KIB)] {
            let p = |size: u64| -(-(size as f64) / rate as f64).exp_m1();
            let (objects, samples) = (1e6, 1e6 * p(usable));
            // What jemalloc writes comes to `samples / p(class)` objects, un-biased again.
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
    fn the_bytes_of_objects_far_below_the_rate_hardly_depend_on_their_size() {
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
