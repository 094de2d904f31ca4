//! The pages of the heap: which extent each one belongs to.
//!
//! The map is made once and then corrected: the program goes on, so pages appear, disappear and change their use.

mod build;
mod resolve;

use crate::input::ScanInput;
use crate::memory::{Hidden, Memory, PageUse, Span};

/// A chunk is the part of the address space that one entry of the directory covers.
const CHUNK_SHIFT: u32 = 30;

/// The most chunks between the first and the last one of the heap: 2^18 of 1 GiB cover 48 bits.
const MAX_CHUNKS: u64 = 1 << 18;

/// The most regions. Larger numbers name roots.
pub(crate) const MAX_REGIONS: u32 = 0xe000_0000;

/// A page that belongs to no extent, and is not asked about again.
const NO_EXTENT: u32 = u32::MAX;

/// Consecutive pages that the allocator manages as one: a slab of equal regions, or one object.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Extent {
    /// Number of its first page. Addresses are never stored: they would keep leaks reachable.
    pub(crate) page: u64,
    pub(crate) bytes: u64,
    /// Bytes of a region of a slab. 0 for one object.
    region_bytes: u32,
    pub(crate) regions: u32,
    /// The identity of its first region. The others follow.
    pub(crate) first: u32,
    /// The sample that it is, plus one. 0 for none.
    sample: u32,
    /// Whether it certainly is free.
    is_dead: bool,
    /// Whether it belongs to the library that scans.
    pub(crate) is_own: bool,
}

impl Extent {
    pub(crate) fn sample(&self) -> Option<usize> {
        self.sample.checked_sub(1).map(|sample| sample as usize)
    }

    pub(crate) fn is_slab(&self) -> bool {
        self.region_bytes != 0
    }
}

/// A part of an extent: a region of a slab, or one object.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Place {
    pub(crate) address: u64,
    pub(crate) bytes: u64,
}

/// What the map says about an address.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Found {
    /// The allocator has not been asked about its page.
    Unknown,
    /// It does not belong to the heap.
    Nothing,
    /// The index of its extent.
    Extent(u32),
}

/// The pages of the heap.
#[derive(Debug)]
pub(crate) struct PageMap {
    page_shift: u32,
    first_chunk: u64,
    /// For each chunk from the first one its place in `pages`, plus one. 0 for a chunk without heap.
    chunks: Vec<u32>,
    /// For each page of each chunk of the heap its extent, plus one, or `NO_EXTENT`. 0 is unknown.
    pages: Vec<u32>,
    pub(crate) extents: Vec<Extent>,
    /// The identity that the next region gets. 0 is no region.
    pub(crate) next_region: u32,
    /// (bytes of a slab, regions, bytes of a region)
    bins: Vec<(u64, u64, u64)>,
    /// Extents without a sample and of at least this many bytes are free. `None` if that is not certain.
    dead_bytes: Option<u64>,
    /// Unknown pages that may still be asked about, which bounds the time that a changing heap costs.
    lookups_left: u32,
    /// Memory near the heap that a scan must not read.
    excluded: Vec<Span>,
    uses: Vec<PageUse>,
}

impl PageMap {
    fn new(input: &ScanInput) -> Self {
        Self {
            page_shift: input.page_bytes.max(1).trailing_zeros(),
            first_chunk: 0,
            chunks: Vec::new(),
            pages: Vec::new(),
            extents: Vec::new(),
            next_region: 1,
            bins: input.bins.iter().map(|bin| (bin.slab_bytes, bin.regions, bin.region_bytes)).collect(),
            // An object of 8·R escapes sampling with a probability of e^-8, one in 3,000.
            dead_bytes: input.complete.then(|| input.sample_bytes.saturating_mul(8)),
            lookups_left: 200_000,
            excluded: input.excluded.clone(),
            uses: Vec::new(),
        }
    }

    pub(crate) fn page_bytes(&self) -> u64 {
        1 << self.page_shift
    }

    pub(crate) fn page_of(&self, address: u64) -> u64 {
        address >> self.page_shift
    }

    pub(crate) fn hidden(&self, page: u64) -> Hidden {
        Hidden::new(page << self.page_shift)
    }

    /// The addresses that can belong to the heap: the first one, and how many follow.
    pub(crate) fn range(&self) -> (u64, u64) {
        (self.first_chunk << CHUNK_SHIFT, (self.chunks.len() as u64) << CHUNK_SHIFT)
    }

    /// The page after the last one that can belong to the heap.
    fn limit(&self) -> u64 {
        let (first, bytes) = self.range();
        self.page_of(first.saturating_add(bytes))
    }

    fn slot(&self, page: u64) -> Option<usize> {
        let per_chunk = CHUNK_SHIFT - self.page_shift;
        let chunk = (page >> per_chunk).wrapping_sub(self.first_chunk);
        let place = self.chunks.get(usize::try_from(chunk).ok()?)?.checked_sub(1)?;
        Some(((place as usize) << per_chunk) | (page & ((1 << per_chunk) - 1)) as usize)
    }

    /// Finds the extent of an address.
    #[inline]
    pub(crate) fn find(&self, address: u64) -> Found {
        match self.slot(self.page_of(address)).and_then(|slot| self.pages.get(slot)) {
            Some(0) => Found::Unknown,
            None | Some(&NO_EXTENT) => Found::Nothing,
            Some(&extent) => Found::Extent(extent - 1),
        }
    }

    /// Whether an address belongs to an extent of the heap.
    pub(crate) fn is_known(&self, address: u64) -> bool {
        matches!(self.find(address), Found::Extent(_))
    }

    pub(crate) fn extent(&self, index: u32) -> Option<Extent> {
        self.extents.get(index as usize).copied()
    }

    /// The region of an extent that an address lies in. `None` beyond the last one.
    #[inline]
    pub(crate) fn region_at(&self, extent: &Extent, address: u64) -> Option<u32> {
        let offset = address.checked_sub(extent.page << self.page_shift)?;
        if !extent.is_slab() {
            return (offset < extent.bytes).then_some(extent.first);
        }
        let index = u32::try_from(offset).ok()? / extent.region_bytes;
        (index < extent.regions).then(|| extent.first + index)
    }

    /// The extent and the region that an address lies in. `None` outside of the heap, and where the map does not know it.
    pub(crate) fn located(&self, address: u64) -> Option<(Extent, u32)> {
        let Found::Extent(index) = self.find(address) else { return None };
        let extent = self.extent(index)?;
        Some((extent, self.region_at(&extent, address)?))
    }

    /// The index of the extent that has a region.
    pub(crate) fn extent_of(&self, region: u32) -> Option<u32> {
        let after = self.extents.partition_point(|extent| extent.first <= region);
        let index = after.checked_sub(1)?;
        let extent = self.extents.get(index)?;
        (region - extent.first < extent.regions).then_some(index as u32)
    }

    /// Where a region lies.
    pub(crate) fn place(&self, extent: &Extent, region: u32) -> Place {
        let start = extent.page << self.page_shift;
        if !extent.is_slab() {
            return Place { address: start, bytes: extent.bytes };
        }
        let bytes = u64::from(extent.region_bytes);
        Place { address: start + u64::from(region.saturating_sub(extent.first)) * bytes, bytes }
    }

    /// Whether a scan must not read some of these bytes.
    pub(crate) fn is_excluded(&self, start: u64, bytes: u64) -> bool {
        let end = start.saturating_add(bytes);
        self.excluded.iter().any(|cut| {
            let from = cut.start.address();
            from < end && start < from.saturating_add(cut.bytes)
        })
    }

    /// Bytes of all extents that can be live.
    pub(crate) fn heap_bytes(&self) -> u64 {
        self.extents.iter().filter(|extent| !extent.is_dead).map(|extent| extent.bytes).sum()
    }

    /// Bytes of memory that the map takes.
    pub(crate) fn own_bytes(&self) -> usize {
        self.chunks.capacity() * 4
            + self.pages.capacity() * 4
            + self.extents.capacity() * size_of::<Extent>()
            + self.uses.capacity() * size_of::<PageUse>()
    }

    fn set(&mut self, page: u64, value: u32) {
        if let Some(slot) = self.slot(page)
            && let Some(entry) = self.pages.get_mut(slot)
        {
            *entry = value;
        }
    }

    fn get(&self, page: u64) -> Option<u32> {
        self.pages.get(self.slot(page)?).copied()
    }

    /// Asks the allocator about one page. `None` outside of the chunks that are known to belong to the heap, where the
    /// question is not safe.
    fn ask<M: Memory + ?Sized>(&mut self, memory: &mut M, page: u64) -> Option<PageUse> {
        self.slot(page)?;
        let mut uses = std::mem::take(&mut self.uses);
        memory.uses(&[self.hidden(page)], &mut uses);
        let found = uses.first().copied();
        self.uses = uses;
        found
    }

    /// Adds an extent and returns its index. `None` if the map is full, a page belongs to another extent, or the
    /// allocator's answer makes no sense.
    fn add<M: Memory + ?Sized>(&mut self, memory: &mut M, page: u64, found: PageUse) -> Option<u32> {
        let pages = found.bytes >> self.page_shift;
        let is_whole = pages > 0 && pages << self.page_shift == found.bytes;
        let region_bytes = if found.regions > 1 { self.region_bytes(found)? } else { 0 };
        let regions = u32::try_from(found.regions.max(1)).ok()?;
        let next = self.next_region.checked_add(regions).filter(|next| *next <= MAX_REGIONS)?;
        if !is_whole || page.checked_add(pages)? > self.limit() {
            return None;
        }
        // Another extent, or memory that must not be read.
        if (page..page + pages).any(|page| self.get(page) != Some(0)) {
            return None;
        }
        let index = u32::try_from(self.extents.len()).ok()?;
        let is_dead = found.regions <= 1 && self.dead_bytes.is_some_and(|dead| found.bytes >= dead);
        let is_own = memory.is_own(self.hidden(page));
        let first = self.next_region;
        self.extents.push(Extent {
            page,
            bytes: found.bytes,
            region_bytes,
            regions,
            first,
            sample: 0,
            is_dead,
            is_own,
        });
        self.next_region = next;
        for page in page..page + pages {
            self.set(page, index + 1);
        }
        Some(index)
    }

    fn region_bytes(&self, found: PageUse) -> Option<u32> {
        let same = |bin: &&(u64, u64, u64)| (bin.0, bin.1) == (found.bytes, found.regions);
        let bytes = self.bins.iter().find(same)?.2;
        let fits = bytes > 0 && bytes.checked_mul(found.regions)? <= found.bytes;
        u32::try_from(bytes).ok().filter(|_| fits)
    }

    pub(crate) fn is_dead(&self, extent: &Extent) -> bool {
        extent.is_dead && extent.sample == 0
    }

    /// Records that an extent is a sample.
    fn set_sample(&mut self, extent: u32, sample: u32) {
        if let Some(extent) = self.extents.get_mut(extent as usize) {
            extent.sample = sample + 1;
            extent.is_dead = false;
        }
    }
}
