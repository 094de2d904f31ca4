//! Additions to numbers, alone or beside other threads.

use crate::sync::{AtomicU64, Ordering};

/// Whether other threads add to a number at the same time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Adding {
    /// Only this thread does, which is several times cheaper than an atomic addition. Others read.
    Alone,
    Shared,
}

impl Adding {
    #[inline]
    pub(crate) fn add(self, number: &AtomicU64, amount: u64) {
        match self {
            Self::Alone => {
                number.store(number.load(Ordering::Relaxed).wrapping_add(amount), Ordering::Relaxed);
            }
            Self::Shared => {
                number.fetch_add(amount, Ordering::Relaxed);
            }
        }
    }

    #[inline]
    pub(crate) fn raise(self, number: &AtomicU64, value: u64) {
        // Most values are not the largest, and a load is cheaper than an atomic maximum.
        if value > number.load(Ordering::Relaxed) {
            match self {
                Self::Alone => number.store(value, Ordering::Relaxed),
                Self::Shared => {
                    number.fetch_max(value, Ordering::Relaxed);
                }
            }
        }
    }
}
