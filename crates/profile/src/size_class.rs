//! jemalloc's size classes.

/// The size class that jemalloc uses for a size: multiples of 16 up to 128, then four classes for each doubling
/// (`size_classes` in jemalloc's manual).
pub(crate) fn size_class(size: u64) -> u64 {
    if size <= 8 {
        return 8;
    }
    let spacing = 1 << (size - 1).ilog2().saturating_sub(2).max(4);
    size.div_ceil(spacing).saturating_mul(spacing)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn size_classes_are_those_of_the_manual() {
        for (size, class) in [
            (1, 8),
            (8, 8),
            (9, 16),
            (17, 32),
            (100, 112),
            (128, 128),
            (129, 160),
            (257, 320),
            (513, 640),
            (4097, 5120),
            (14337, 16384),
            (2_000_000, 2_097_152),
        ] {
            assert_eq!(size_class(size), class, "{size}");
        }
        assert!(size_class(u64::MAX) > 0);
    }
}
