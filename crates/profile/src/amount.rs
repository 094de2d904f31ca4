//! Whole numbers of objects and bytes that add up.

use std::iter::Sum;
use std::ops::{Add, AddAssign, Neg};

use crate::sample::{Estimate, SampleRate};

/// A number of objects and their bytes. Negative numbers mean a decrease.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Amount {
    /// Objects.
    pub objects: i64,
    /// Bytes.
    pub bytes: i64,
}

impl Amount {
    pub(crate) fn is_zero(self) -> bool {
        self == Self::default()
    }

    fn magnitude(self) -> u64 {
        self.objects.unsigned_abs().max(self.bytes.unsigned_abs())
    }

    /// Adds the sampling error at the mean size of the objects (see `sample`). The variance for `n` objects of `z`
    /// bytes is `n·z²·(k-1)`, where each sample stands for `k` objects.
    pub(crate) fn estimate(self, rate: SampleRate) -> Estimate {
        let (objects, bytes) = (self.objects as f64, self.bytes as f64);
        if self.objects == 0 || self.bytes == 0 || rate.is_exact() {
            return Estimate { objects, bytes, ..Estimate::default() };
        }
        let mean = bytes / objects;
        let beyond = 1.0 / (mean.abs() / rate.bytes() as f64).exp_m1();
        Estimate {
            objects,
            bytes,
            objects_variance: (objects * beyond).abs(),
            bytes_variance: (bytes * mean * beyond).abs(),
        }
    }
}

/// The sum of the absolute numbers in a profile.
///
/// Sums saturate. After saturation, `(a + b) - b` is no longer `a`. Profiles that are written or read have totals of
/// at most 2⁶⁰ (an exbibyte). So no sum over seven such profiles saturates, and the order of merging does not matter.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Magnitude {
    live: u64,
    allocated: u64,
}

impl Magnitude {
    pub(crate) const MAX: u64 = 1 << 60;

    pub(crate) fn add(&mut self, live: Amount, allocated: Amount) {
        self.live = self.live.saturating_add(live.magnitude());
        self.allocated = self.allocated.saturating_add(allocated.magnitude());
    }

    pub(crate) fn is_too_large(self) -> bool {
        self.live > Self::MAX || self.allocated > Self::MAX
    }
}

impl From<Estimate> for Amount {
    /// Rounds to the nearest whole numbers. `as` saturates.
    fn from(estimate: Estimate) -> Self {
        Self { objects: estimate.objects.round() as i64, bytes: estimate.bytes.round() as i64 }
    }
}

impl Add for Amount {
    type Output = Self;

    fn add(self, other: Self) -> Self {
        Self {
            objects: self.objects.saturating_add(other.objects),
            bytes: self.bytes.saturating_add(other.bytes),
        }
    }
}

impl AddAssign for Amount {
    fn add_assign(&mut self, other: Self) {
        *self = *self + other;
    }
}

impl Neg for Amount {
    type Output = Self;

    fn neg(self) -> Self {
        Self { objects: self.objects.saturating_neg(), bytes: self.bytes.saturating_neg() }
    }
}

impl Sum for Amount {
    fn sum<I: Iterator<Item = Self>>(amounts: I) -> Self {
        amounts.fold(Self::default(), Add::add)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sample::Sample;

    #[test]
    fn rounding_keeps_the_error() {
        let rate = SampleRate::from_bytes(524_288);
        for (objects, bytes) in [(100, 6400), (3, 3 << 20), (7, 700_000), (1, 8)] {
            let estimate = rate.unbias(Sample { objects, bytes });
            let rounded = Amount::from(estimate).estimate(rate);
            let ratio = |a: f64, b: f64| (a / b - 1.0).abs();
            assert!(ratio(rounded.bytes_variance, estimate.bytes_variance) < 0.2, "{estimate:?} {rounded:?}");
            assert!(ratio(rounded.bytes, estimate.bytes) < 1e-6);
        }
    }

    #[test]
    fn zero_and_exact_numbers_have_no_error() {
        let rate = SampleRate::from_bytes(524_288);
        assert_eq!(Amount::default().estimate(rate), Estimate::default());
        let exact = Amount { objects: 3, bytes: 30 }.estimate(SampleRate::from_bytes(1));
        assert_eq!((exact.bytes, exact.bytes_variance), (30.0, 0.0));
    }
}
