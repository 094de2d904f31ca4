//! jemalloc's size classes.

/// What jemalloc reserves for an allocation of `bytes`: four classes to a doubling, at least 16 bytes apart
/// (jemalloc 5.3, "size classes" in the manual). Smaller than 9 bytes it is 8.
pub const fn size_class(bytes: usize) -> usize {
    if bytes <= 8 {
        return 8;
    }
    let spacing = bytes.next_power_of_two() / 8;
    bytes.next_multiple_of(if spacing < 16 { 16 } else { spacing })
}
