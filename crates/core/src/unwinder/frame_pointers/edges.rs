//! The pairs of neighbouring frames that libgcc has confirmed.

use std::sync::atomic::{AtomicU64, Ordering};

/// Places that a pair can be in, beginning with the place of its hash. A longer search costs more than libgcc's next
/// answer for the same stack.
const WINDOW: usize = 8;

/// A set of pairs of return addresses, the inner one first. It only grows, and has `N` places, a power of two.
///
/// It keeps a hash of 64 bits for each pair and no address. Two pairs have the same hash once in 2^64 / N pairs. The
/// code of an unloaded library leaves its pairs behind; new code at its place would need the same two call sites.
#[derive(Debug)]
pub(super) struct Edges<const N: usize>([AtomicU64; N]);

impl<const N: usize> Edges<N> {
    pub(super) const fn new() -> Self {
        const { assert!(N.is_power_of_two() && N >= WINDOW) };
        Self([const { AtomicU64::new(0) }; N])
    }

    /// Whether the pair was added.
    #[inline]
    pub(super) fn contains(&self, inner: usize, outer: usize) -> bool {
        let hash = hash(inner, outer);
        for place in self.places(hash) {
            match place.load(Ordering::Relaxed) {
                0 => return false,
                found if found == hash => return true,
                _ => {}
            }
        }
        false
    }

    /// Adds a pair. Does nothing if its window is full: libgcc then reads the stacks with this pair.
    pub(super) fn insert(&self, inner: usize, outer: usize) {
        let hash = hash(inner, outer);
        for place in self.places(hash) {
            match place.compare_exchange(0, hash, Ordering::Relaxed, Ordering::Relaxed) {
                Ok(_) => return,
                Err(found) if found == hash => return,
                Err(_) => {}
            }
        }
    }

    fn places(&self, hash: u64) -> impl Iterator<Item = &AtomicU64> {
        let first = hash as usize;
        (first..first.wrapping_add(WINDOW)).filter_map(|place| self.0.get(place % N))
    }
}

/// Never 0, which marks a free place.
#[inline]
fn hash(inner: usize, outer: usize) -> u64 {
    // The finalizer of MurmurHash3 (fmix64) over both addresses. It is a bijection, so nothing gets lost but the sum.
    let mut hash = (inner as u64).wrapping_mul(0x9e37_79b9_7f4a_7c15).rotate_left(32) ^ outer as u64;
    hash = (hash ^ (hash >> 33)).wrapping_mul(0xff51_afd7_ed55_8ccd);
    hash = (hash ^ (hash >> 33)).wrapping_mul(0xc4ce_b9fe_1a85_ec53);
    (hash ^ (hash >> 33)).max(1)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn has_the_pairs_that_were_added_in_their_order_only() {
        let edges = Edges::<1024>::new();
        for call in 0..200_usize {
            edges.insert(0x4000 + call * 16, 0x4010 + call * 16);
        }
        for call in 0..200_usize {
            let (inner, outer) = (0x4000 + call * 16, 0x4010 + call * 16);
            assert!(edges.contains(inner, outer));
            assert!(!edges.contains(outer, inner), "the other direction");
            assert!(!edges.contains(inner, outer + 16), "another caller");
        }
        assert!(!edges.contains(0, 0));
    }

    #[test]
    fn a_full_set_keeps_what_it_has() {
        let edges = Edges::<8>::new();
        (0..1000).for_each(|call| edges.insert(call, call + 1));
        let kept = (0..1000).filter(|call| edges.contains(*call, call + 1)).count();
        assert_eq!(kept, 8);
        assert_eq!((1000..2000).filter(|call| edges.contains(*call, call + 1)).count(), 0);
    }

    #[test]
    fn a_pair_takes_one_place() {
        let edges = Edges::<8>::new();
        (0..1000).for_each(|_| edges.insert(7, 8));
        assert_eq!(edges.0.iter().filter(|place| place.load(Ordering::Relaxed) != 0).count(), 1);
    }
}
