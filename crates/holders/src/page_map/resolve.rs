//! Corrects the map while the heap changes.

use super::{Extent, NO_EXTENT, PageMap};
use crate::memory::{Memory, PageUse};

/// Pages to the left that are searched for the start of an extent: 4 MiB of 4 KiB pages.
const MAX_STEPS: u64 = 1024;

impl PageMap {
    /// Whether the allocator still describes an extent in the same way. `hit` is an address in it. If not, forgets the
    /// extent: its pages are unknown again.
    pub(crate) fn verify<M: Memory + ?Sized>(&mut self, memory: &mut M, index: u32, hit: u64) -> bool {
        let Some(extent) = self.extent(index) else { return false };
        let pages = extent.bytes >> self.page_shift;
        let (hit, last) = (self.page_of(hit), extent.page + pages.saturating_sub(1));
        let asked = if extent.is_slab() || hit == last { hit } else { extent.page };
        let mut is_same = self.ask(memory, asked).is_some_and(|found| extent.is_described_by(found));
        // The allocator knows nothing of inner pages. If it knows one, then an extent begins or ends there.
        if is_same && !extent.is_slab() && hit != extent.page && hit != last {
            is_same = self.ask(memory, hit).is_some_and(|found| found.bytes == 0);
        }
        if !is_same {
            self.forget(index);
        }
        is_same
    }

    /// Makes the pages of an extent unknown.
    pub(crate) fn forget(&mut self, index: u32) {
        let Some(extent) = self.extent(index) else { return };
        for page in extent.page..extent.page + (extent.bytes >> self.page_shift) {
            if self.get(page) == Some(index + 1) {
                self.set(page, 0);
            }
        }
    }

    /// Asks about a page that was unknown. Returns the index of its extent. The answer is remembered, so that each page
    /// is asked about once.
    pub(crate) fn resolve<M: Memory + ?Sized>(&mut self, memory: &mut M, address: u64) -> Option<u32> {
        let page = self.page_of(address);
        self.lookups_left = self.lookups_left.checked_sub(1)?;
        let found = self.ask(memory, page)?;
        let added = match found.regions {
            _ if found.bytes == 0 => self.resolve_inner(memory, page),
            0 => None,
            1 => self.resolve_object(memory, page, found),
            _ => self.resolve_slab(memory, page, found),
        };
        if added.is_none() && self.get(page) == Some(0) {
            self.set(page, NO_EXTENT);
        }
        // The extent can begin after the page if the heap changed between two questions.
        added.filter(|index| self.get(page) == Some(index + 1))
    }

    /// An inner page: the extent begins to the left.
    fn resolve_inner<M: Memory + ?Sized>(&mut self, memory: &mut M, page: u64) -> Option<u32> {
        for start in (page.saturating_sub(MAX_STEPS)..page).rev() {
            if self.get(start) != Some(0) {
                return None;
            }
            self.lookups_left = self.lookups_left.checked_sub(1)?;
            let found = self.ask(memory, start)?;
            if found.bytes > 0 {
                let reaches = found.regions == 1 && start + (found.bytes >> self.page_shift) > page;
                return if reaches { self.add_new(memory, start, found) } else { None };
            }
        }
        None
    }

    /// The first or the last page of an object.
    fn resolve_object<M: Memory + ?Sized>(
        &mut self,
        memory: &mut M,
        page: u64,
        found: PageUse,
    ) -> Option<u32> {
        let others = (found.bytes >> self.page_shift).checked_sub(1)?;
        if others == 0 {
            return self.add_new(memory, page, found);
        }
        let is_same = |other: PageUse| (other.bytes, other.regions) == (found.bytes, found.regions);
        if self.ask(memory, page.checked_add(others)?).is_some_and(is_same) {
            return self.add_new(memory, page, found);
        }
        let start = page.checked_sub(others)?;
        if self.ask(memory, start).is_some_and(is_same) { self.add_new(memory, start, found) } else { None }
    }

    /// A page of a slab. Neighbours with the same answer are slabs of the same kind, so their number tells where the
    /// slab begins.
    fn resolve_slab<M: Memory + ?Sized>(&mut self, memory: &mut M, page: u64, found: PageUse) -> Option<u32> {
        let pages = found.bytes >> self.page_shift;
        let mut start = page;
        while pages > 1 && page - start < MAX_STEPS {
            let left = start.checked_sub(1)?;
            if self.get(left) != Some(0) {
                break;
            }
            self.lookups_left = self.lookups_left.checked_sub(1)?;
            let other = self.ask(memory, left)?;
            if (other.bytes, other.regions) != (found.bytes, found.regions) {
                break;
            }
            start = left;
        }
        let start = start + (page - start) / pages.max(1) * pages;
        self.add_new(memory, start, found)
    }

    /// Adds an extent that is newer than the map.
    fn add_new<M: Memory + ?Sized>(&mut self, memory: &mut M, start: u64, found: PageUse) -> Option<u32> {
        let index = self.add(memory, start, found)?;
        // The samples are older than this extent, so a large one without a sample is not known to be free.
        if let Some(extent) = self.extents.get_mut(index as usize) {
            extent.is_dead = false;
        }
        Some(index)
    }
}

impl Extent {
    /// Whether the allocator's answer about a page is the answer that this extent gave.
    pub(crate) fn is_described_by(&self, found: PageUse) -> bool {
        (found.bytes, found.regions) == (self.bytes, u64::from(self.regions))
    }
}
