//! A table that grows up to a limit, and whose parts never move.

use std::sync::OnceLock;

/// Values by number, made with their default when their chunk is first used.
#[derive(Debug)]
pub(crate) struct Chunks<T> {
    chunks: Box<[OnceLock<Box<[T]>>]>,
    bits: u32,
}

impl<T: Default> Chunks<T> {
    /// A table of at least `most` values, in chunks of 2 to the power of `bits`.
    pub(crate) fn new(most: usize, bits: u32) -> Self {
        let chunks = most.div_ceil(1 << bits);
        Self { chunks: (0..chunks).map(|_| OnceLock::new()).collect(), bits }
    }

    /// The value with this number, if its chunk exists.
    #[inline]
    pub(crate) fn get(&self, number: u32) -> Option<&T> {
        let chunk = self.chunks.get((number >> self.bits) as usize)?.get()?;
        chunk.get((number & ((1 << self.bits) - 1)) as usize)
    }

    /// The value with this number. `None` beyond the limit. Allocates a chunk at its first use. Threads that need it at
    /// the same time all make one, and one is kept: no thread waits for another.
    pub(crate) fn get_or_make(&self, number: u32) -> Option<&T> {
        let chunk = self.chunks.get((number >> self.bits) as usize)?;
        if chunk.get().is_none() {
            // An error says that another thread was first.
            let _ = chunk.set((0..1_usize << self.bits).map(|_| T::default()).collect());
        }
        self.get(number)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_exist_from_the_first_use_of_their_chunk() {
        let chunks: Chunks<OnceLock<u32>> = Chunks::new(100, 4);
        assert!(chunks.get(17).is_none());
        chunks.get_or_make(17).unwrap().set(7).unwrap();
        assert_eq!(chunks.get(17).unwrap().get(), Some(&7));
        assert_eq!(chunks.get(16).unwrap().get(), None);
        assert!(chunks.get_or_make(111).is_some() && chunks.get_or_make(112).is_none());
    }
}
