//! Questions about pages of the heap: is there an extent, how large is it, and how many regions has it?
//!
//! `experimental.utilization.batch_query` answers for thousands of pages at once, in 7 ns each, and takes no lock. But it
//! reads jemalloc's tree of pages without a check: an address in a part of the address space that jemalloc never used
//! ends the process with SIGSEGV. `arenas.lookup` checks, in 100 ns and under a lock. So each part is confirmed with it
//! once. jemalloc never removes a part from its tree.

use std::ffi::CStr;

use super::{Error, backend};

/// The bits of the addresses in one part. A leaf of jemalloc's tree (`rtree.h` 5.3.1) covers 2^30 bytes if addresses have
/// 48 bits, and 2^27 if they have 57. jemalloc does not tell which, so parts have the smaller size.
const PART_BITS: u32 = 27;

/// `arenas.lookup` (unsigned, rw): the arena of a pointer, or EINVAL if no extent begins, ends or has a region there.
const LOOKUP: &CStr = c"arenas.lookup";
/// `experimental.utilization.batch_query` (array of {size_t nfree, nregs, size}, rw): the extent of each pointer.
const BATCH_QUERY: &CStr = c"experimental.utilization.batch_query";

/// The numbers of an answer: free regions, regions, and bytes of the extent. All 0 if there is no extent.
pub(crate) const NUMBERS: usize = 3;

/// Asks about pages.
#[derive(Debug)]
pub(crate) struct HeapPages {
    lookup: [usize; 2],
    batch_query: [usize; 3],
    /// The parts in which jemalloc has pages, in ascending order.
    parts: Vec<u64>,
    /// The part that was confirmed or found last.
    last: Option<u64>,
}

impl HeapPages {
    /// Looks the names up.
    pub(crate) fn look_up() -> Result<Self, Error> {
        let (mut lookup, mut batch_query) = ([0; 2], [0; 3]);
        backend::name_to_mib(LOOKUP, &mut lookup)?;
        backend::name_to_mib(BATCH_QUERY, &mut batch_query)?;
        Ok(Self { lookup, batch_query, parts: Vec::new(), last: None })
    }

    /// The arena of the extent that begins or ends at the page at `address`, or of the slab that has it. `None` if jemalloc
    /// has no such extent. Takes 100 ns and a lock that only other questions take.
    pub(crate) fn arena_of(&self, address: u64) -> Option<u32> {
        let pointer = usize::try_from(address).ok().filter(|pointer| *pointer != 0)?;
        // SAFETY: `arenas.lookup` reads a pointer and writes an `unsigned` (`arenas_lookup_ctl` in `src/ctl.c` 5.3.1). It
        // looks the pointer up with checks, and never follows it.
        unsafe { backend::exchange_mib(LOOKUP, &self.lookup, pointer) }.ok()
    }

    /// Whether jemalloc has an extent that begins or ends at the page at `address`, or a slab that has it. Takes as long as
    /// [`arena_of`](Self::arena_of).
    pub(crate) fn is_heap(&mut self, address: u64) -> bool {
        let is_heap = self.arena_of(address).is_some();
        if is_heap {
            let part = address >> PART_BITS;
            if let Err(at) = self.parts.binary_search(&part) {
                self.parts.insert(at, part);
            }
            self.last = Some(part);
        }
        is_heap
    }

    /// Asks about the pages at `addresses`, with as many answers of [`NUMBERS`] numbers each. Keeps the addresses in order
    /// and may change addresses in parts where jemalloc has no pages, whose answer is 0. Safe for any address.
    ///
    /// # Errors
    ///
    /// If jemalloc refuses the question, or there are not as many answers as addresses.
    pub(crate) fn query(&mut self, addresses: &mut [u64], answers: &mut [u64]) -> Result<(), Error> {
        if answers.len() != addresses.len().saturating_mul(NUMBERS) {
            return Err(Error::new(BATCH_QUERY, "the answers do not fit the question"));
        }
        let mut from = 0;
        while from < addresses.len() {
            let run = addresses[from..].iter().take_while(|address| self.is_in_known_part(**address)).count();
            if run == 0 {
                answers[from * NUMBERS..(from + 1) * NUMBERS].fill(0);
                from += 1;
                continue;
            }
            let (to, of) = (from + run, from * NUMBERS..(from + run) * NUMBERS);
            // SAFETY: the key reads an array of pointers and writes three `size_t` for each
            // (`experimental_utilization_batch_query_ctl` in `src/ctl.c` 5.3.1); `u64` has this size, because this is built
            // for 64 bits only. It looks the pointers up in jemalloc's tree, and never follows them. The tree has a leaf
            // for each, because `arenas.lookup` found an extent in its part and leaves stay.
            unsafe {
                backend::exchange_slices(
                    BATCH_QUERY,
                    &self.batch_query,
                    &addresses[from..to],
                    &mut answers[of],
                )?;
            }
            from = to;
        }
        Ok(())
    }

    /// Whether jemalloc is known to have pages in the part of an address. Asks if it is not known.
    fn is_in_known_part(&mut self, address: u64) -> bool {
        let part = address >> PART_BITS;
        if self.last == Some(part) {
            return true;
        }
        if self.parts.binary_search(&part).is_ok() {
            self.last = Some(part);
            return true;
        }
        self.is_heap(address)
    }
}

#[cfg(all(feature = "jemalloc", target_pointer_width = "64"))]
#[cfg(test)]
pub(crate) mod tests {
    use super::*;

    /// Allocates with jemalloc, which is not the allocator of the tests. The memory is never freed.
    pub(crate) fn allocate(bytes: usize) -> u64 {
        // SAFETY: the size is not 0, and nothing uses the memory.
        unsafe { tikv_jemalloc_sys::malloc(bytes) as u64 }
    }

    #[test]
    fn tells_slabs_large_objects_and_foreign_memory_apart() {
        let mut pages = HeapPages::look_up().unwrap();
        let (small, large, foreign) = (allocate(48), allocate(100 << 10), &raw const pages as u64);
        assert!(pages.is_heap(small) && pages.is_heap(large));
        assert!(!pages.is_heap(foreign) && !pages.is_heap(0) && !pages.is_heap(!4095));
        let mut answers = [7; 5 * NUMBERS];
        pages.query(&mut [foreign, small, 8, large, u64::MAX], &mut answers).unwrap();
        let [foreign, small, low, large, high] =
            [0, 1, 2, 3, 4].map(|at| <[u64; 3]>::try_from(&answers[at * 3..at * 3 + 3]).unwrap());
        assert_eq!([foreign, low, high], [[0; 3]; 3]);
        assert!(small[1] > 1 && small[0] < small[1] && small[2] >= small[1] * 48, "{small:?}");
        assert!(large[1] == 1 && large[2] >= 100 << 10, "{large:?}");
    }

    #[test]
    fn tells_the_arena_of_an_object() {
        let arena = crate::mallctl::ARENAS_CREATE.read().unwrap();
        let object = std::thread::spawn(move || {
            crate::mallctl::THREAD_ARENA.write(arena).unwrap();
            allocate(100 << 10)
        });
        let (object, other) = (object.join().unwrap(), allocate(100 << 10));
        let pages = HeapPages::look_up().unwrap();
        assert_eq!(pages.arena_of(object), Some(arena));
        assert!(pages.arena_of(other).is_some_and(|other| other != arena));
        assert_eq!((pages.arena_of(0), pages.arena_of(&raw const pages as u64)), (None, None));
    }

    #[test]
    fn answers_must_fit_the_question() {
        let error = HeapPages::look_up().unwrap().query(&mut [8], &mut [0; 4]).unwrap_err();
        assert!(error.to_string().ends_with("the answers do not fit the question"), "{error}");
    }
}
