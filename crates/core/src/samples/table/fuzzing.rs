//! The table of live samples as the fuzz target sees it.

use super::fixture::{OwnedTable, allocation, assert_whole};

/// A table of three tiers, small enough that windows overlap and fill up.
pub struct SmallTable(OwnedTable<3>);

impl std::fmt::Debug for SmallTable {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("SmallTable")
    }
}

impl Default for SmallTable {
    fn default() -> Self {
        Self(OwnedTable::new([4, 40, 56]))
    }
}

impl SmallTable {
    /// Adds an allocation. Returns its sequence, or `None` if it found no place.
    pub fn insert(&self, address: u64, usable: u64) -> Option<u64> {
        let table = self.0.table();
        let dropped = table.dropped();
        table.insert(allocation(address, usable));
        (table.dropped() == dropped).then(|| table.newest())
    }

    /// Removes an allocation. Returns whether there was one.
    pub fn remove(&self, address: u64, usable: u64) -> bool {
        let table = self.0.table();
        let orphans = table.orphan_frees();
        table.remove(address, usable);
        table.orphan_frees() == orphans
    }

    /// Whether the allocation is in the table.
    pub fn contains(&self, address: u64, sequence: u64) -> bool {
        self.0.table().contains(address, sequence)
    }

    /// The address, the sequence and the usable size of each entry, sorted.
    ///
    /// # Panics
    ///
    /// If an entry is a mixture of two.
    pub fn live(&self) -> Vec<(u64, u64, u64)> {
        let entries = self.0.table().entries().map(|(address, entry)| {
            assert_whole(address, entry);
            (address, entry.sequence, entry.usable)
        });
        let mut live: Vec<_> = entries.collect();
        live.sort_unstable();
        live
    }
}
