//! A table on the heap, of any size.

use super::sync::{AtomicBool, AtomicU64};
use super::tier::{Entry, Record, Tier};
use super::{Allocation, Counters, Table};

/// A table with `TIERS` tiers.
pub(super) struct OwnedTable<const TIERS: usize> {
    tiers: [Slots; TIERS],
    counters: Counters,
}

struct Slots {
    keys: Vec<AtomicU64>,
    records: Vec<Record>,
    is_used: AtomicBool,
}

impl<const TIERS: usize> OwnedTable<TIERS> {
    /// An empty table with these numbers of slots.
    pub(super) fn new(slots: [usize; TIERS]) -> Self {
        let tiers = slots.map(|slots| Slots {
            keys: (0..slots).map(|_| AtomicU64::default()).collect(),
            records: (0..slots).map(|_| Record::default()).collect(),
            is_used: AtomicBool::default(),
        });
        Self { tiers, counters: Counters::default() }
    }

    pub(super) fn table(&self) -> Table<'_, TIERS> {
        let tiers = self.tiers.each_ref().map(|slots| Tier::new(&slots.keys, &slots.records, &slots.is_used));
        Table { tiers, counters: &self.counters }
    }
}

/// An allocation whose numbers all follow from its address and size, so that a mixture of two is found.
pub(super) fn allocation(address: u64, usable: u64) -> Allocation {
    let both = address ^ usable << 40;
    Allocation { address, usable, requested: both + 1, stack: both + 2, birth: both + 3 }
}

/// Checks that an entry is what [`allocation`] made for its address and size.
#[track_caller]
pub(super) fn assert_whole(address: u64, entry: Entry) {
    let Allocation { requested, stack, birth, .. } = allocation(address, entry.usable);
    assert_eq!((entry.requested, entry.stack, entry.birth), (requested, stack, birth), "a mixture");
    assert_ne!(entry.sequence, 0);
}
