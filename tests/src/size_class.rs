//! jemalloc's size classes.

/// The size class that jemalloc uses for an allocation of `bytes` (jemalloc 5.3, "size classes" in the
/// manual). There are four classes per doubling, at least 16 bytes apart. For less than 9 bytes it is 8.
pub const fn size_class(bytes: usize) -> usize {
    if bytes <= 8 {
        return 8;
    }
    let spacing = bytes.next_power_of_two() / 8;
    bytes.next_multiple_of(if spacing < 16 { 16 } else { spacing })
}
