//! A set of small numbers.

/// A set of numbers, one bit each.
#[derive(Debug, Default)]
pub(crate) struct Bits {
    words: Vec<u64>,
    count: usize,
}

impl Bits {
    /// Adds a number. Returns whether it is new.
    pub(crate) fn insert(&mut self, number: u32) -> bool {
        let (word, bit) = (number as usize / 64, 1 << (number % 64));
        if word >= self.words.len() {
            self.words.resize(word + 1, 0);
        }
        let Some(word) = self.words.get_mut(word) else { return false };
        let is_new = *word & bit == 0;
        *word |= bit;
        self.count += usize::from(is_new);
        is_new
    }

    /// Removes the first number that is at least `from`.
    pub(crate) fn take_from(&mut self, from: u32) -> Option<u32> {
        if self.count == 0 {
            return None;
        }
        let first = from as usize / 64;
        for (at, word) in self.words.iter_mut().enumerate().skip(first) {
            let mask = if at == first { u64::MAX << (from % 64) } else { u64::MAX };
            let candidates = *word & mask;
            if candidates != 0 {
                let bit = candidates.trailing_zeros();
                *word &= !(1 << bit);
                self.count -= 1;
                return u32::try_from(at * 64).ok().map(|start| start + bit);
            }
        }
        None
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.count == 0
    }

    /// Bytes of memory.
    pub(crate) fn bytes(&self) -> usize {
        self.words.capacity() * 8
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_leave_in_ascending_order_from_a_start() {
        let mut bits = Bits::default();
        for number in [700, 3, 64, 3, 0] {
            bits.insert(number);
        }
        assert!(!bits.insert(64));
        assert_eq!(bits.take_from(4), Some(64));
        assert_eq!(bits.take_from(0), Some(0));
        assert_eq!(bits.take_from(1), Some(3));
        assert_eq!(bits.take_from(701), None);
        assert!(!bits.is_empty());
        assert_eq!(bits.take_from(700), Some(700));
        assert!(bits.is_empty() && bits.take_from(0).is_none());
    }
}
