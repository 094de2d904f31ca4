//! Live samples: for each sampled allocation that is still live, its size, its age and its label.
//!
//! A dump has sums by stack. Live samples have each allocation on its own. The hash of the stack joins the two.

use std::time::Duration;

use crate::sample::{Estimate, SampleRate};

/// The identity of a stack: a hash of its return addresses, the innermost first.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct StackHash(pub u64);

impl StackHash {
    /// Hashes the return addresses of a stack, as jemalloc records them and as a dump lists them.
    #[inline]
    #[must_use]
    pub fn of(addresses: impl ExactSizeIterator<Item = u64>) -> Self {
        // Length first, so that no stack is a prefix of another. A multiplication per frame; a hook cannot afford more.
        let begin = addresses.len() as u64;
        let hash = addresses
            .fold(begin, |hash, address| (hash.rotate_left(5) ^ address).wrapping_mul(0x517c_c1b7_2722_0a95));
        Self(hash ^ (hash >> 29))
    }
}

/// One sampled allocation that is still live. It has no address: addresses stay in the process.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct LiveSample {
    /// Grows with each recorded allocation of the process, so it is the identity of this one.
    pub sequence: u64,
    /// Bytes that the program asked for.
    pub requested: u64,
    /// Bytes that jemalloc gave it.
    pub usable: u64,
    /// The stack that allocated it.
    pub stack: StackHash,
    /// Time since it was allocated, to a few milliseconds.
    pub age: Duration,
    /// The route that allocated it, as a number that the recorder gave it. 0 is no route.
    pub label: u32,
}

impl LiveSample {
    /// Makes a sample.
    #[must_use]
    pub fn new(
        sequence: u64,
        requested: u64,
        usable: u64,
        stack: StackHash,
        age: Duration,
        label: u32,
    ) -> Self {
        Self { sequence, requested, usable, stack, age, label }
    }

    /// Estimates the memory that the sample stands for, from its true size.
    ///
    /// The variance is the term `z²·k·(k-1)` of the Horvitz-Thompson estimator. Only sampling adds to it: the size is
    /// known.
    pub fn estimate(&self, rate: SampleRate) -> Estimate {
        let (size, k) = (self.usable as f64, rate.weight(self.usable));
        let beyond = k * rate.weight_beyond_one(self.usable);
        Estimate {
            objects: k,
            bytes: size * k,
            objects_variance: beyond,
            bytes_variance: size.powi(2) * beyond,
        }
    }
}

/// All live samples of one moment.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct LiveSamples {
    /// The samples, in no order.
    pub samples: Vec<LiveSample>,
    /// Time since recording began. Older memory has no sample here.
    pub recorded: Duration,
    /// Allocations that found no place in the table. Their memory has no sample here.
    pub dropped: u64,
    /// The name of each label, by its number. The first name belongs to label 0, which is no route.
    pub labels: Vec<String>,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_hash_depends_on_each_address_on_their_order_and_on_their_number() {
        let of = |addresses: &[u64]| StackHash::of(addresses.iter().copied());
        let stacks: [&[u64]; 6] = [&[], &[0], &[0, 0], &[1, 2], &[2, 1], &[1, 2, 3]];
        for (index, one) in stacks.iter().enumerate() {
            for other in &stacks[..index] {
                assert_ne!(of(one), of(other), "{one:?} {other:?}");
            }
            assert_eq!(of(one), of(one));
        }
    }
}
