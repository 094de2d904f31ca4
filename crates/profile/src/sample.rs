//! Sample counts as jemalloc writes them, and the estimates that they stand for.
//!
//! jemalloc samples each allocated byte with probability `1/R`. An allocation of `z` bytes is therefore recorded with
//! probability `p = 1 - exp(-z/R)` and stands for `k = 1/p` allocations of its kind. With `prof_unbias` (the default
//! since 5.3) jemalloc corrects every sample by its own size class. Then it writes a count `c` and a sum `s` for each
//! stack, chosen so that a reader who knows only the mean size `s/c` arrives at the same totals (`prof_do_unbias` in
//! jemalloc's `src/prof_data.c`). The correction must be applied per stack, before summing.

use std::ops::{AddAssign, Mul};

use serde::{Deserialize, Serialize};

/// Numbers of one stack as the dump has them, still biased towards large allocations.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Sample {
    /// `c`: number of recorded allocations, adjusted by jemalloc. It is not the number of samples.
    pub objects: u64,
    /// `s`: bytes of the recorded allocations.
    pub bytes: u64,
}

/// Mean number of bytes between two samples: `2^lg_prof_sample`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct SampleRate(u64);

/// An estimate of the memory that the program holds, from the samples.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Estimate {
    /// Expected number of objects.
    pub objects: f64,
    /// Expected number of bytes.
    pub bytes: f64,
    /// Variance of `objects`.
    pub objects_variance: f64,
    /// Variance of `bytes`, in bytes squared.
    pub bytes_variance: f64,
}

impl SampleRate {
    /// A rate of one sample per `bytes` bytes on average. With 1 (or 0, which jemalloc never writes), every
    /// allocation was recorded.
    pub fn from_bytes(bytes: u64) -> Self {
        Self(bytes.max(1))
    }

    /// Mean number of bytes between two samples.
    pub fn bytes(self) -> u64 {
        self.0
    }

    /// Whether every allocation was recorded, so that nothing needs to be estimated.
    pub fn is_exact(self) -> bool {
        self.0 == 1
    }

    /// The number of objects of `size` bytes that one sample stands for.
    pub(crate) fn weight(self, size: u64) -> f64 {
        self.weight_of(size as f64)
    }

    /// The number of objects of `size` bytes, above 0, that one sample stands for.
    pub(crate) fn weight_of(self, size: f64) -> f64 {
        if self.is_exact() || size <= 0.0 { 1.0 } else { -1.0 / (-size / self.0 as f64).exp_m1() }
    }

    /// The weight of a sample of `size` bytes, minus 1. Objects far above the rate have tiny values here, which a
    /// subtraction would lose.
    pub(crate) fn weight_beyond_one(self, size: u64) -> f64 {
        if self.is_exact() || size == 0 { 0.0 } else { 1.0 / (size as f64 / self.0 as f64).exp_m1() }
    }

    /// Estimates what one stack holds from its recorded numbers.
    ///
    /// This is the variance of the Horvitz-Thompson estimator, `Σ z²·k·(k-1)` over the samples of live objects, taken
    /// at the stack's mean size. For objects much smaller than `R` it is about `R·bytes`.
    pub fn unbias(self, sample: Sample) -> Estimate {
        let (count, sum) = (sample.objects as f64, sample.bytes as f64);
        if sample.objects == 0 || sample.bytes == 0 || self.is_exact() {
            return Estimate { objects: count, bytes: sum, ..Estimate::default() };
        }
        let mean = sum / count;
        let k = self.weight_of(mean);
        Estimate {
            objects: count * k,
            bytes: sum * k,
            objects_variance: count * k * (k - 1.0),
            bytes_variance: sum * k * mean * (k - 1.0),
        }
    }
}

impl Estimate {
    /// One standard error of `bytes`, in bytes.
    pub fn bytes_stderr(&self) -> f64 {
        self.bytes_variance.max(0.0).sqrt()
    }

    /// Whether a change of bytes exceeds a threshold in standard errors. Every change of exact numbers does.
    pub fn is_beyond(&self, stderrs: f64) -> bool {
        self.bytes != 0.0 && self.bytes.abs() > stderrs * self.bytes_stderr()
    }

    /// The sum of a row, with the error that few samples have.
    ///
    /// The variance comes from the same samples as the sum. So a sum that is too low by chance also has too low an
    /// error, and two standard errors cover the truth in 91 to 94 % of rows with 4 to 8 samples, instead of 95 %. One
    /// sample more makes up for this, as in the interval of Agresti and Coull. A sample adds about `R²` to the variance,
    /// unless its object is larger than `R`. The variance at most doubles, so large objects stay nearly exact.
    ///
    /// This is for sums that a reader sees. It must not be applied to their parts, nor to differences.
    #[must_use]
    pub fn of_few_samples(self, rate: SampleRate) -> Self {
        if self.bytes_variance <= 0.0 {
            return self;
        }
        let factor = 1.0 + (f64::powi(rate.bytes() as f64, 2) / self.bytes_variance).min(1.0);
        Self {
            objects_variance: self.objects_variance * factor,
            bytes_variance: self.bytes_variance * factor,
            ..self
        }
    }

    /// This estimate minus one of other samples, whose error adds up with its own.
    pub(crate) fn minus(self, other: Self) -> Self {
        Self {
            objects: self.objects - other.objects,
            bytes: self.bytes - other.bytes,
            objects_variance: self.objects_variance + other.objects_variance,
            bytes_variance: self.bytes_variance + other.bytes_variance,
        }
    }

    /// One standard error of `objects`, in objects.
    pub fn objects_stderr(&self) -> f64 {
        self.objects_variance.max(0.0).sqrt()
    }
}

impl Mul<f64> for Estimate {
    type Output = Self;

    /// The part `share` of an estimate, with the samples of that part only.
    fn mul(self, share: f64) -> Self {
        Self {
            objects: self.objects * share,
            bytes: self.bytes * share,
            objects_variance: self.objects_variance * share,
            bytes_variance: self.bytes_variance * share,
        }
    }
}

impl AddAssign for Estimate {
    fn add_assign(&mut self, other: Self) {
        self.objects += other.objects;
        self.bytes += other.bytes;
        self.objects_variance += other.objects_variance;
        self.bytes_variance += other.bytes_variance;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_small_object_stands_for_about_rate_over_size_of_its_kind() {
        let rate = SampleRate::from_bytes(524_288);
        let estimate = rate.unbias(Sample { objects: 100, bytes: 100 * 64 });
        assert!((estimate.bytes / (100.0 * 524_288.0) - 1.0).abs() < 1e-3, "{estimate:?}");
        assert!((estimate.objects / (estimate.bytes / 64.0) - 1.0).abs() < 1e-12);
        // 100 samples: 10 % standard error, and sqrt(R·B) in bytes.
        assert!((estimate.objects_stderr() / estimate.objects - 0.1).abs() < 1e-3);
        assert!((estimate.bytes_stderr() / (524_288.0 * estimate.bytes).sqrt() - 1.0).abs() < 1e-3);
    }

    #[test]
    fn an_object_far_above_the_rate_is_nearly_exact() {
        let estimate = SampleRate::from_bytes(4096).unbias(Sample { objects: 3, bytes: 3 << 20 });
        assert!((estimate.objects - 3.0).abs() < 1e-9);
        assert!(estimate.bytes_stderr() < 1.0);
    }

    #[test]
    fn few_samples_count_as_one_more() {
        let rate = SampleRate::from_bytes(524_288);
        for samples in [1, 2, 5, 100] {
            let sum = rate.unbias(Sample { objects: samples, bytes: samples * 64 });
            let row = sum.of_few_samples(rate);
            assert_eq!((row.objects, row.bytes), (sum.objects, sum.bytes));
            let expected = (1.0 + 1.0 / samples as f64).sqrt();
            assert!((row.bytes_stderr() / sum.bytes_stderr() - expected).abs() < 1e-3, "{samples}: {row:?}");
            assert!(
                (row.objects_stderr() / sum.objects_stderr() - expected).abs() < 1e-3,
                "{samples}: {row:?}"
            );
        }
        let far_above = SampleRate::from_bytes(4096).unbias(Sample { objects: 3, bytes: 3 << 20 });
        assert!(far_above.of_few_samples(SampleRate::from_bytes(4096)).bytes_stderr() < 1.0);
        let exact = Estimate { objects: 7.0, bytes: 56.0, ..Estimate::default() };
        assert_eq!(exact.of_few_samples(SampleRate::from_bytes(1)), exact);
    }

    /// The shares of many rows whose truth lies within one and two standard errors. A row has `objects` of odd sizes.
    fn shares_within(objects: usize, size: impl Fn(f64) -> f64) -> [f64; 2] {
        // Marsaglia's xorshift, so that every run has the same numbers.
        let mut state = 88_172_645_463_325_252_u64;
        let mut random = move || {
            state ^= state << 13;
            state ^= state >> 7;
            state ^= state << 17;
            (state >> 11) as f64 / (1_u64 << 53) as f64
        };
        let rate = SampleRate::from_bytes(524_288);
        let (mut within, mut rows) = ([0, 0], 0);
        for _ in 0..20_000 {
            let (mut sum, mut truth) = (Estimate::default(), 0.0);
            for _ in 0..objects {
                let size = size(random()).round();
                truth += size;
                if random() * rate.weight_of(size) < 1.0 {
                    sum += rate.unbias(Sample { objects: 1, bytes: size as u64 });
                }
            }
            // A row without samples is no row.
            if sum.objects > 0.0 {
                rows += 1;
                let row = sum.of_few_samples(rate);
                for (within, stderrs) in within.iter_mut().zip([1.0, 2.0]) {
                    *within += usize::from((row.bytes - truth).abs() <= stderrs * row.bytes_stderr());
                }
            }
        }
        within.map(|within| within as f64 / f64::from(rows))
    }

    #[test]
    fn errors_of_rows_with_few_samples_cover_the_truth() {
        let odd = |chance: f64| f64::from(14 << 10) * 290.0_f64.powf(chance);
        let large = |chance: f64| f64::from(40 << 10) + chance * f64::from(1260 << 10);
        // The mean numbers of samples are 4, 8, 16 and 32 for both.
        for (odd_sizes, large_sizes) in [(8, 6), (17, 12), (34, 24), (70, 48)] {
            for [one, two] in [shares_within(odd_sizes, odd), shares_within(large_sizes, large)] {
                // A normal distribution has 0.683 and 0.954. Without the correction, 4 samples have 0.689 and 0.915.
                assert!(
                    (0.675..=0.82).contains(&one) && (0.945..=0.965).contains(&two),
                    "{odd_sizes}: {one} {two}"
                );
            }
        }
    }

    #[test]
    fn an_exact_rate_changes_nothing_and_has_no_error() {
        let estimate = SampleRate::from_bytes(1).unbias(Sample { objects: 7, bytes: 56 });
        assert_eq!(estimate, Estimate { objects: 7.0, bytes: 56.0, ..Estimate::default() });
    }

    #[test]
    fn stack_without_live_objects_is_zero_not_nan() {
        for sample in [Sample::default(), Sample { objects: 0, bytes: 9 }, Sample { objects: 9, bytes: 0 }] {
            let estimate = SampleRate::from_bytes(524_288).unbias(sample);
            assert!(estimate.bytes.is_finite() && estimate.objects.is_finite());
            assert_eq!(estimate.bytes_stderr(), 0.0);
        }
    }
}
