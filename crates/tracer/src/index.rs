//! Finds nodes by their key, and adds them, without a lock.

use crate::sync::{AtomicU32, Ordering};

/// A hash table of numbers with open addressing. Nothing is ever removed.
///
/// No thread waits for another here, so that a fork at any moment leaves the table of the child usable.
#[derive(Debug)]
pub(crate) struct Index {
    /// A number plus 1, or 0.
    buckets: Box<[AtomicU32]>,
}

impl Index {
    /// An index for at most `most` numbers.
    pub(crate) fn new(most: usize) -> Self {
        // At most half full, so that a search ends soon.
        let buckets = most.saturating_mul(2).next_power_of_two();
        Self { buckets: (0..buckets).map(|_| AtomicU32::new(0)).collect() }
    }

    /// Returns the number for which `is` holds, or the number that `add` makes. `add` can return `None` if there is no
    /// room. If threads add one key at the same time, all get the number of one of them, and the numbers of the others
    /// stay without use.
    #[inline]
    pub(crate) fn find_or_add(
        &self,
        hash: u64,
        is: impl Fn(u32) -> bool,
        add: impl FnOnce() -> Option<u32>,
    ) -> Option<u32> {
        let mut add = Some(add);
        let mut added = None;
        let mask = self.buckets.len() - 1;
        // A 32-bit machine uses the lower half.
        let first = hash as usize;
        for step in 0..self.buckets.len() {
            let bucket = &self.buckets[first.wrapping_add(step) & mask];
            // Acquire: what `add` wrote for a number is visible to each thread that finds the number.
            let mut found = bucket.load(Ordering::Acquire);
            if found == 0 {
                if let Some(add) = add.take() {
                    added = Some(add()?);
                }
                let new = added?;
                match bucket.compare_exchange(0, new + 1, Ordering::AcqRel, Ordering::Acquire) {
                    Ok(_) => return Some(new),
                    Err(other) => found = other,
                }
            }
            if is(found - 1) {
                return Some(found - 1);
            }
        }
        None
    }
}

#[cfg(all(test, memory_debug_loom))]
mod models;
