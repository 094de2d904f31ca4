//! When and for which route an allocation was made, in one word.

/// Bits of the label. There are fewer labels than this can count.
const LABEL_BITS: u32 = 20;
const LABEL_MASK: u64 = (1 << LABEL_BITS) - 1;

/// Packs a time in milliseconds and a label. Times up to 500 years fit.
#[inline]
pub(super) fn pack(ms: u64, label: u32) -> u64 {
    ms << LABEL_BITS | u64::from(label) & LABEL_MASK
}

/// The time and the label.
pub(super) fn unpack(birth: u64) -> (u64, u32) {
    (birth >> LABEL_BITS, (birth & LABEL_MASK) as u32)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_of_centuries_and_all_labels_survive() {
        let century = 100 * 366 * 86_400_000;
        for (ms, label) in [(0, 0), (1, 1), (century, 4096), (5 * century, (1 << 20) - 1)] {
            assert_eq!(unpack(pack(ms, label)), (ms, label));
        }
    }
}
