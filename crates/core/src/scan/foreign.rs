//! The parts of anonymous memory that jemalloc does not have.
//!
//! The kernel merges neighbouring mappings. So an area that has a part of the heap may also have a buffer that the program
//! mapped, and objects that only this buffer holds are not lost. jemalloc's own records are left out: they have pointers to
//! all objects.

use std::ops::Range;
use std::time::Instant;

use super::private_words::PrivateWords;
use super::ranges::without;
use crate::mallctl::{self, HeapPages, NUMBERS};

/// Pages in one question.
const AT_ONCE: usize = 4096;

/// jemalloc maps its own records in blocks of this alignment (`base.c`: `HUGEPAGE`).
const BLOCK_ALIGNMENT: u64 = 2 << 20;

/// Tells jemalloc's pages from others.
pub(super) struct PageWalk {
    heap: HeapPages,
    page_bytes: u64,
    addresses: PrivateWords,
    answers: PrivateWords,
}

/// What jemalloc says about one page.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct PageAnswer {
    pub(super) free: u64,
    pub(super) regions: u64,
    pub(super) bytes: u64,
}

impl PageWalk {
    /// # Errors
    ///
    /// If jemalloc does not know the questions, or no memory can be mapped.
    pub(super) fn new(page_bytes: u64) -> Result<Self, String> {
        let words = |count| PrivateWords::new(count).map_err(|error| error.to_string());
        Ok(Self {
            heap: HeapPages::look_up().map_err(|error| error.to_string())?,
            page_bytes: page_bytes.max(1),
            addresses: words(AT_ONCE)?,
            answers: words(AT_ONCE * NUMBERS)?,
        })
    }

    /// The addresses that the walk uses for itself.
    pub(super) fn own_addresses(&self) -> [Range<u64>; 2] {
        [self.addresses.addresses(), self.answers.addresses()]
    }

    /// Whether jemalloc has an extent that begins or ends at a page, or a slab with the page.
    pub(super) fn is_heap(&mut self, page: u64) -> bool {
        self.heap.is_heap(page)
    }

    /// The arena of the extent that begins at a page.
    pub(super) fn arena_of(&self, page: u64) -> Option<u32> {
        self.heap.arena_of(page)
    }

    /// Asks about pages, and tells each answer in order.
    ///
    /// # Errors
    ///
    /// If jemalloc refused the question.
    pub(super) fn ask(
        &mut self,
        pages: impl Iterator<Item = u64>,
        mut tell: impl FnMut(PageAnswer),
    ) -> Result<(), mallctl::Error> {
        let mut pages = pages.peekable();
        while pages.peek().is_some() {
            let mut count = 0;
            for page in pages.by_ref().take(AT_ONCE) {
                self.addresses[count] = page;
                count += 1;
            }
            let answers = &mut self.answers[..count * NUMBERS];
            self.heap.query(&mut self.addresses[..count], answers)?;
            for answer in answers.chunks_exact(NUMBERS) {
                tell(PageAnswer { free: answer[0], regions: answer[1], bytes: answer[2] });
            }
        }
        Ok(())
    }

    /// The parts of an area that neither have extents of jemalloc nor, as `first_words` of a block shows, its records. What is
    /// not known at the `deadline` is left out: an area can be terabytes that were reserved and never used.
    ///
    /// # Errors
    ///
    /// If jemalloc refused a question.
    pub(super) fn parts(
        &mut self,
        area: Range<u64>,
        first_words: impl FnMut(u64) -> Option<[u64; 2]>,
        deadline: Instant,
    ) -> Result<Vec<Range<u64>>, mallctl::Error> {
        let mut extents: Vec<Range<u64>> = Vec::new();
        let page = self.page_bytes;
        let mut at = area.start;
        while at < area.end && Instant::now() < deadline {
            let count = (area.end - at).div_ceil(page).min(AT_ONCE as u64);
            let mut answers = Vec::with_capacity(count as usize);
            self.ask((0..count).map(|number| at + number * page), |answer| answers.push(answer))?;
            let next = at + count * page;
            for (start, answer) in (0..).map(|number| at + number * page).zip(&answers) {
                let end = start.saturating_add(answer.bytes);
                if answer.bytes == 0 || extents.last().is_some_and(|last| start < last.end) {
                    continue;
                }
                // An extent of one object answers at its first and at its last page. A last page whose first page belonged
                // to something else a moment ago must not hide what lies behind it.
                let last = end.saturating_sub(page);
                let is_whole = answer.regions > 1 || last <= start || self.has_same(last, *answer)?;
                let extent = if is_whole { start..end } else { start..start + page };
                match extents.last_mut() {
                    Some(before) if before.end == extent.start => before.end = extent.end,
                    _ => extents.push(extent),
                }
            }
            // Nothing inside of a large extent needs to be asked about.
            at = extents.last().map_or(next, |last| next.max(last.end / page * page));
        }
        let parts = without(area.start..at.min(area.end), &extents);
        let records = blocks(&parts, first_words);
        Ok(parts.into_iter().flat_map(|part| without(part, &records)).collect())
    }

    fn has_same(&mut self, page: u64, expected: PageAnswer) -> Result<bool, mallctl::Error> {
        let mut is_same = false;
        self.ask(std::iter::once(page), |answer| {
            is_same = (answer.regions, answer.bytes) == (expected.regions, expected.bytes);
        })?;
        Ok(is_same)
    }
}

/// The blocks of jemalloc's records. A block begins with its size and the address of the next block (`base_block_s` in
/// `base.h` 5.3.1); both are multiples of the alignment.
fn blocks(parts: &[Range<u64>], mut first_words: impl FnMut(u64) -> Option<[u64; 2]>) -> Vec<Range<u64>> {
    let mut found = Vec::new();
    for part in parts {
        let mut at = part.start.next_multiple_of(BLOCK_ALIGNMENT);
        while at < part.end {
            let size = first_words(at).filter(|[size, next]| {
                let fits = *size > 0 && *size <= part.end - at;
                fits && [size, next].iter().all(|word| word.is_multiple_of(BLOCK_ALIGNMENT))
            });
            match size {
                Some([size, _]) => {
                    found.push(at..at + size);
                    at += size;
                }
                None => at += BLOCK_ALIGNMENT,
            }
        }
    }
    found
}

#[cfg(test)]
#[allow(clippy::single_range_in_vec_init, reason = "these are lists of ranges with one entry")]
mod tests {
    use super::*;

    const MIB: u64 = 1 << 20;

    #[test]
    fn blocks_of_records_are_recognised_by_their_size_and_next_block() {
        let words = |at: u64| match at / MIB {
            2 => Some([4 * MIB, 0]),
            6 => Some([2 * MIB, 2 * MIB]),
            8 => Some([2 * MIB, 5]),
            10 => Some([64 * MIB, 0]),
            12 => Some([0, 0]),
            _ => None,
        };
        let found = blocks(&[MIB..16 * MIB], words);
        assert_eq!(found, [2 * MIB..6 * MIB, 6 * MIB..8 * MIB]);
        assert_eq!(blocks(&[100..200], |_| panic!("no block fits")), []);
    }

    #[cfg(feature = "jemalloc")]
    #[test]
    fn the_heap_is_left_out_and_foreign_memory_is_not() {
        use memmap2::MmapMut;

        let [small, large] = [64, 3 << 20].map(mallctl::allocate);
        let foreign = MmapMut::map_anon(1 << 16).unwrap();
        let foreign = foreign.as_ptr() as u64;
        let mut walk = PageWalk::new(4096).unwrap();
        let nothing = |_| None;
        let later = Instant::now() + std::time::Duration::from_secs(3600);
        let page = small / 4096 * 4096;
        assert_eq!(walk.parts(page..page + 4096, nothing, later).unwrap(), []);
        assert_eq!(walk.parts(large..large + (3 << 20), nothing, later).unwrap(), []);
        let around = foreign..foreign + (1 << 16);
        assert_eq!(walk.parts(around.clone(), nothing, Instant::now()).unwrap(), []);
        assert_eq!(walk.parts(around.clone(), nothing, later).unwrap(), [around]);
    }
}
