//! The table of live samples: which sampled allocations were not freed yet.
//!
//! It is bounded, takes no lock, allocates nothing and has no panic, because jemalloc adds and removes entries in the
//! middle of an allocation.

#[cfg(any(test, feature = "fuzzing"))]
mod fixture;
#[cfg(feature = "fuzzing")]
mod fuzzing;
#[cfg(all(feature = "jemalloc", target_os = "linux", not(memory_debug_loom)))]
pub(super) mod storage;
mod sync;
mod tier;

#[cfg(feature = "fuzzing")]
pub use self::fuzzing::SmallTable;
use self::sync::{AtomicU64, Ordering};
pub(super) use self::tier::Entry;
use self::tier::{Slot, Tier};

/// How often a removal searches before it takes the allocation for one that was never added.
///
/// A search looks at one slot after another. If another thread adds and removes an allocation at the same address
/// meanwhile, it removes the older entry, and its own may be in a slot that this search has passed. The next search finds
/// it, unless this happens again.
const SEARCHES: u32 = 3;

/// What jemalloc says about one sampled allocation, and what we add.
#[derive(Clone, Copy)]
pub(super) struct Allocation {
    pub(super) address: u64,
    pub(super) requested: u64,
    pub(super) usable: u64,
    pub(super) stack: u64,
    pub(super) birth: u64,
}

/// What the table counts.
#[derive(Default)]
#[repr(align(64))]
pub(super) struct Counters {
    /// Allocations so far, which is also the sequence of the last one.
    sequence: AtomicU64,
    /// Allocations that found no free slot.
    dropped: AtomicU64,
    /// Allocations that were freed and had no entry.
    orphan_frees: AtomicU64,
}

impl Counters {
    /// Counters at zero, for a static.
    #[cfg(all(feature = "jemalloc", target_os = "linux", not(memory_debug_loom)))]
    pub(super) const fn new() -> Self {
        Self { sequence: AtomicU64::new(0), dropped: AtomicU64::new(0), orphan_frees: AtomicU64::new(0) }
    }
}

/// Borrowed tiers, the smallest first. An allocation goes to the first tier with a free slot in its window. So a small heap
/// uses few pages, and a large heap has many slots.
#[derive(Clone, Copy)]
pub(super) struct Table<'a, const TIERS: usize> {
    tiers: [Tier<'a>; TIERS],
    counters: &'a Counters,
}

impl<'a, const TIERS: usize> Table<'a, TIERS> {
    /// Adds an allocation.
    #[inline]
    pub(super) fn insert(&self, allocation: Allocation) {
        let Allocation { address, requested, usable, stack, birth } = allocation;
        let sequence = self.counters.sequence.fetch_add(1, Ordering::Relaxed).wrapping_add(1);
        let entry = Entry { sequence, requested, usable, stack, birth };
        if !self.tiers.iter().any(|tier| tier.insert(address, entry)) {
            self.counters.dropped.fetch_add(1, Ordering::Relaxed);
        }
    }

    /// Removes the allocation of `usable` bytes at `address`.
    ///
    /// There can be several at one address, because jemalloc reports a `realloc` in place as an allocation and then a free.
    /// When it moves an object, it frees the old memory before it reports that, and another thread may get the memory first.
    /// Removes the oldest of equal size, or else the oldest.
    #[inline]
    pub(super) fn remove(&self, address: u64, usable: u64) {
        let mut searches = 0;
        while searches < SEARCHES {
            match self.oldest(address, usable) {
                // If another thread was faster, there is another entry for this one.
                Some((slot, sequence)) if slot.empty(sequence) => return,
                Some(_) => {}
                None => searches += 1,
            }
        }
        self.counters.orphan_frees.fetch_add(1, Ordering::Relaxed);
    }

    /// The entry to remove, with its sequence. Loops instead of a chain of iterators, which takes eight times as long.
    #[inline]
    fn oldest(&self, address: u64, usable: u64) -> Option<(Slot<'a>, u64)> {
        let mut oldest = None;
        let mut least = (true, u64::MAX);
        for tier in &self.tiers {
            if !tier.is_used() {
                continue;
            }
            for slot in tier.window(address) {
                if let Some((sequence, bytes)) = slot.entry_of(address) {
                    let rank = (bytes != usable, sequence);
                    if rank < least {
                        least = rank;
                        oldest = Some((slot, sequence));
                    }
                }
            }
        }
        oldest
    }

    /// All entries with their addresses, in no order. An entry that is added or removed meanwhile may be missing.
    pub(super) fn entries(self) -> impl Iterator<Item = (u64, Entry)> + use<'a, TIERS> {
        self.tiers.into_iter().flat_map(Tier::entries)
    }

    /// Whether the allocation is still in the table.
    pub(super) fn contains(&self, address: u64, sequence: u64) -> bool {
        self.tiers
            .iter()
            .filter(|tier| tier.is_used())
            .flat_map(|tier| tier.window(address))
            .any(|slot| slot.entry_of(address).is_some_and(|(found, _)| found == sequence))
    }

    /// The sequence of the newest allocation.
    pub(super) fn newest(&self) -> u64 {
        self.counters.sequence.load(Ordering::Relaxed)
    }

    /// Allocations that found no free slot.
    pub(super) fn dropped(&self) -> u64 {
        self.counters.dropped.load(Ordering::Relaxed)
    }

    /// Allocations that were freed and had no entry.
    pub(super) fn orphan_frees(&self) -> u64 {
        self.counters.orphan_frees.load(Ordering::Relaxed)
    }
}

#[cfg(all(test, memory_debug_loom))]
mod models;
#[cfg(all(test, not(memory_debug_loom)))]
mod tests;
