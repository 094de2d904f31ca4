//! Makes the map: asks the allocator about each page of each mapping, in ascending order.

use std::collections::BTreeMap;

use super::{CHUNK_SHIFT, Found, MAX_CHUNKS, NO_EXTENT, PageMap};
use crate::input::ScanInput;
use crate::memory::{Hidden, Memory, PageUse, Span};

/// Pages of one question. Their answers take 96 KiB.
const WINDOW: u64 = 4096;

impl PageMap {
    /// Makes the map. Returns it, and whether time was enough for all of it.
    pub(crate) fn build<M: Memory + ?Sized>(input: &ScanInput, memory: &mut M) -> (Self, bool) {
        let mut map = Self::new(input);
        if !(4..CHUNK_SHIFT).contains(&map.page_shift) {
            return (map, true);
        }
        map.find_chunks(input, memory);
        map.exclude(&input.excluded);
        let mut complete = true;
        // An extent can cross the border of two mappings that differ in a flag.
        let mut pages: Vec<(u64, u64)> = input.mappings.iter().map(|span| map.pages_of(*span)).collect();
        pages.sort_unstable();
        pages.dedup_by(|next, last| {
            let is_one = next.0 <= last.1;
            if is_one {
                last.1 = last.1.max(next.1);
            }
            is_one
        });
        map.reserve(memory, &pages);
        for (start, end) in pages {
            complete &= map.walk(memory, start, end);
        }
        map.place_samples(input, memory);
        (map, complete)
    }

    /// The whole pages of a span: the first, and the one after the last.
    fn pages_of(&self, span: Span) -> (u64, u64) {
        let start = span.start.address();
        let end = start.saturating_add(span.bytes);
        (start.div_ceil(self.page_bytes()), self.page_of(end))
    }

    /// The first page after the chunk of a page. A mapping can be terabytes that were reserved and never used, so it must not be
    /// passed page by page.
    fn after_chunk(&self, page: u64) -> u64 {
        let per_chunk = CHUNK_SHIFT - self.page_shift;
        ((page >> per_chunk) + 1) << per_chunk
    }

    /// Finds the chunks that belong to the heap. One that holds a sample does. In others, the allocator must know a page.
    fn find_chunks<M: Memory + ?Sized>(&mut self, input: &ScanInput, memory: &mut M) {
        let shift = CHUNK_SHIFT - self.page_shift;
        let mut chunks: BTreeMap<u64, bool> =
            input.samples.iter().map(|object| (object.address.address() >> CHUNK_SHIFT, true)).collect();
        for span in &input.mappings {
            let (start, end) = self.pages_of(*span);
            let mut page = start;
            while page < end {
                let chunk = page >> shift;
                let next = ((chunk + 1) << shift).min(end);
                let known = chunks.entry(chunk).or_insert(false);
                while page < next && !*known {
                    // The end of time is checked rarely, because a clock is slower than the question.
                    if page % WINDOW == 0 && memory.is_over() {
                        break;
                    }
                    *known = memory.is_heap(self.hidden(page));
                    page += 1;
                }
                page = next;
            }
        }
        chunks.retain(|_, is_heap| *is_heap);
        let Some((&first, _)) = chunks.first_key_value() else { return };
        chunks.retain(|chunk, _| chunk - first < MAX_CHUNKS);
        let Some((&last, _)) = chunks.last_key_value() else { return };
        self.first_chunk = first;
        self.chunks = vec![0; (last - first + 1) as usize];
        for (place, chunk) in chunks.keys().enumerate() {
            if let Some(entry) = self.chunks.get_mut((chunk - first) as usize) {
                *entry = place as u32 + 1;
            }
        }
        self.pages = vec![0; chunks.len() << shift];
    }

    /// Takes whole pages out of the map that a scan must not read.
    fn exclude(&mut self, excluded: &[Span]) {
        for span in excluded {
            let (start, end) = self.pages_of(*span);
            for page in start.max(self.page_of(self.range().0))..end.min(self.limit()) {
                self.set(page, NO_EXTENT);
            }
        }
    }

    /// Makes room for the extents. A vector that grows takes up to three times its memory for a moment, and asking about
    /// each page twice costs a few milliseconds for 1 GiB.
    fn reserve<M: Memory + ?Sized>(&mut self, memory: &mut M, pages: &[(u64, u64)]) {
        let mut extents = 0.0;
        for (start, end) in pages {
            let mut window = Window { start: 0, end: *end, uses: Vec::new(), is_over: false };
            let mut page = *start;
            while page < *end && !window.is_over {
                if self.slot(page).is_none() {
                    page = self.after_chunk(page);
                    continue;
                }
                let found = window.at(self, memory, page);
                let pages = found.bytes >> self.page_shift;
                extents += match found.regions {
                    _ if pages == 0 => 0.0,
                    // Its first and its last page are known.
                    1 => 1.0 / pages.min(2) as f64,
                    _ => 1.0 / pages as f64,
                };
                page += 1;
            }
        }
        self.extents.reserve_exact(extents as usize + 64);
    }

    /// Adds the extents of a mapping. Returns `false` if the time was over.
    fn walk<M: Memory + ?Sized>(&mut self, memory: &mut M, start: u64, end: u64) -> bool {
        let mut window = Window { start: 0, end, uses: Vec::new(), is_over: false };
        let mut page = start;
        while page < end && !window.is_over {
            let next = page + 1;
            match self.get(page) {
                Some(0) => {}
                Some(_) => {
                    page = next;
                    continue;
                }
                None => {
                    page = self.after_chunk(page);
                    continue;
                }
            }
            let found = window.at(self, memory, page);
            let pages = (found.bytes >> self.page_shift).min(end - page);
            let is_same = |other: PageUse| (other.bytes, other.regions) == (found.bytes, found.regions);
            // The allocator knows each page of a slab, but only the first and the last page of another extent.
            let is_whole = match found.regions {
                0 => false,
                1 => pages <= 1 || is_same(window.at(self, memory, page + pages - 1)),
                _ => (page + 1..page + pages).all(|page| is_same(window.at(self, memory, page))),
            };
            let is_added = found.bytes > 0
                && pages << self.page_shift == found.bytes
                && is_whole
                && self.add(memory, page, found).is_some();
            page = if is_added { page + pages } else { next };
        }
        !window.is_over
    }

    /// Connects each sample with its extent.
    fn place_samples<M: Memory + ?Sized>(&mut self, input: &ScanInput, memory: &mut M) {
        for (sample, object) in input.samples.iter().enumerate() {
            let Ok(sample) = u32::try_from(sample) else { return };
            let found = match self.find(object.address.address()) {
                Found::Unknown => self.resolve(memory, object.address.address()),
                Found::Nothing => None,
                Found::Extent(extent) => Some(extent),
            };
            // A sampled object has an extent of its own, even if it is small.
            let own = found.and_then(|index| self.extent(index).map(|extent| (index, extent)));
            if let Some((index, extent)) = own
                && !extent.is_slab()
                && extent.page == self.page_of(object.address.address())
                && object.sample.usable <= extent.bytes
            {
                self.set_sample(index, sample);
            }
        }
    }
}

/// The answers about consecutive pages.
struct Window {
    start: u64,
    end: u64,
    uses: Vec<PageUse>,
    is_over: bool,
}

impl Window {
    /// The answer about a page, and about those that follow it. All zeros outside of the heap.
    fn at<M: Memory + ?Sized>(&mut self, map: &PageMap, memory: &mut M, page: u64) -> PageUse {
        let known = page.checked_sub(self.start).and_then(|at| self.uses.get(at as usize));
        if let Some(found) = known {
            return *found;
        }
        if memory.is_over() {
            self.is_over = true;
            return PageUse::default();
        }
        let pages: Vec<Hidden> = (page..self.end.min(page + WINDOW))
            .take_while(|page| map.slot(*page).is_some())
            .map(|page| map.hidden(page))
            .collect();
        self.start = page;
        self.uses.clear();
        if !pages.is_empty() {
            memory.uses(&pages, &mut self.uses);
        }
        self.uses.first().copied().unwrap_or_default()
    }
}
