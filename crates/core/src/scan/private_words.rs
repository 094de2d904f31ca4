//! Memory for plain addresses and for copies of the heap.
//!
//! A scan must not find its own copies: a word that looks like a pointer to an object would keep every leak reachable. So
//! whatever has plain addresses lies in a mapping of its own, which roots leave out and which is gone after the scan.

use std::io;
use std::ops::{Deref, DerefMut, Range};

use memmap2::MmapMut;

/// Words in a private mapping without a file. They begin as 0, and are overwritten before the mapping is removed.
pub(super) struct PrivateWords(MmapMut);

impl PrivateWords {
    /// Maps `count` words, at least one. Untouched pages take no memory.
    pub(super) fn new(count: usize) -> io::Result<Self> {
        MmapMut::map_anon(count.max(1).saturating_mul(size_of::<u64>())).map(Self)
    }

    /// The addresses of the mapping.
    pub(super) fn addresses(&self) -> Range<u64> {
        let start = self.0.as_ptr() as u64;
        // The kernel maps whole pages; the rest of the last page is never touched.
        start..start.saturating_add(self.0.len() as u64)
    }

    pub(super) fn bytes(&self) -> &[u8] {
        &self.0
    }

    pub(super) fn bytes_mut(&mut self) -> &mut [u8] {
        &mut self.0
    }
}

impl Deref for PrivateWords {
    type Target = [u64];

    fn deref(&self) -> &[u64] {
        // SAFETY: every pattern of bits is a `u64`. A mapping is aligned to a page, so no byte is left out in front.
        unsafe { self.0.align_to::<u64>() }.1
    }
}

impl DerefMut for PrivateWords {
    fn deref_mut(&mut self) -> &mut [u64] {
        // SAFETY: as above; and every `u64` is a pattern of bytes.
        unsafe { self.0.align_to_mut::<u64>() }.1
    }
}

/// The kernel gives pages to other processes only after it has cleared them. Overwriting them first means that no copy is
/// left if the mapping cannot be removed.
impl Drop for PrivateWords {
    fn drop(&mut self) {
        // Pages that were never touched stay untouched: they read as zeros, and only other words are written.
        for word in self.iter_mut().filter(|word| **word != 0) {
            *word = 0;
        }
        std::hint::black_box(self.as_ptr());
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_begin_as_zero_and_lie_at_their_addresses() {
        let mut words = PrivateWords::new(1000).unwrap();
        assert_eq!((words.len(), words.iter().sum::<u64>()), (1000, 0));
        words[999] = 7;
        let addresses = words.addresses();
        assert_eq!(addresses.end - addresses.start, 8000);
        assert!(addresses.contains(&(words.as_ptr() as u64)));
        assert_eq!(words.bytes()[7992], 7);
    }
}
