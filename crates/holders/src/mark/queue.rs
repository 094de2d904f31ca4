//! Regions that were reached and are still to be read.

use crate::bits::Bits;
use crate::page_map::PageMap;

/// Entries that the queue holds. Further ones are kept as one bit each, so that a wide heap does not need a large queue.
const MAX_ENTRIES: usize = 1 << 16;

/// A region in the order of addresses: the index of its extent, then its number in the extent.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Entry {
    pub(super) extent: u32,
    /// For a large object the number of its next part.
    pub(super) number: u32,
}

/// Regions to read, level by level.
#[derive(Debug, Default)]
pub(super) struct Queue {
    next: Vec<Entry>,
    overflow: Bits,
    cursor: u32,
}

impl Queue {
    /// Adds a region.
    pub(super) fn push(&mut self, map: &PageMap, extent: u32, region: u32) {
        if self.is_full() {
            self.overflow.insert(region);
        } else if let Some(found) = map.extent(extent) {
            self.next.push(Entry { extent, number: region - found.first });
        }
    }

    pub(super) fn is_full(&self) -> bool {
        self.next.len() >= MAX_ENTRIES
    }

    /// Takes the next level, in the order of addresses. Empty at the end.
    pub(super) fn take_level(&mut self, map: &PageMap, level: &mut Vec<Entry>) {
        if self.next.is_empty() && !self.overflow.is_empty() {
            while !self.is_full() {
                let found = self.overflow.take_from(self.cursor).or_else(|| self.overflow.take_from(0));
                let Some(region) = found else { break };
                self.cursor = region;
                if let Some(extent) = map.extent_of(region) {
                    self.push(map, extent, region);
                }
            }
        }
        level.clear();
        std::mem::swap(&mut self.next, level);
        level.sort_unstable();
    }

    /// Bytes of memory.
    pub(super) fn bytes(&self) -> usize {
        // The level that is read has as many entries.
        2 * self.next.capacity() * size_of::<Entry>() + self.overflow.bytes()
    }
}
