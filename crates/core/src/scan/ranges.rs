//! Sets of addresses, as ranges.

use std::ops::Range;

/// The parts of `range` outside of `holes`, in ascending order. The holes are in ascending order of their begins, and may
/// overlap.
pub(super) fn without(range: Range<u64>, holes: &[Range<u64>]) -> Vec<Range<u64>> {
    let mut parts = Vec::new();
    let mut at = range.start;
    for hole in holes {
        if hole.start >= range.end {
            break;
        }
        if at < hole.start {
            parts.push(at..hole.start);
        }
        at = at.max(hole.end);
    }
    if at < range.end {
        parts.push(at..range.end);
    }
    parts
}

/// The part of `range` that is also in `other`.
pub(super) fn common(range: &Range<u64>, other: &Range<u64>) -> Range<u64> {
    let start = range.start.max(other.start);
    start..range.end.min(other.end).max(start)
}

/// Sorts ranges by their begins, and leaves out empty ones.
pub(super) fn sort(ranges: &mut Vec<Range<u64>>) {
    ranges.retain(|range| !range.is_empty());
    ranges.sort_unstable_by_key(|range| range.start);
}

/// The same addresses as sorted ranges that do not touch. The linker can list some twice: constants that it fills in are a
/// part of a writable segment.
pub(super) fn merged(ranges: impl Iterator<Item = Range<u64>>) -> Vec<Range<u64>> {
    let mut ranges: Vec<Range<u64>> = ranges.collect();
    sort(&mut ranges);
    let mut merged: Vec<Range<u64>> = Vec::with_capacity(ranges.len());
    for range in ranges {
        match merged.last_mut() {
            Some(last) if range.start <= last.end => last.end = last.end.max(range.end),
            _ => merged.push(range),
        }
    }
    merged
}

#[cfg(test)]
#[allow(clippy::single_range_in_vec_init, reason = "these are lists of ranges with one entry")]
mod tests {
    use super::*;

    #[test]
    fn holes_at_the_ends_inside_and_outside_are_left_out() {
        assert_eq!(without(10..20, &[]), [10..20]);
        assert_eq!(without(10..20, &[0..5, 12..14, 13..16, 20..30]), [10..12, 16..20]);
        assert_eq!(without(10..20, &[5..12, 18..25]), [12..18]);
        assert_eq!(without(10..20, &[5..25, 6..7]), []);
        assert_eq!(without(10..20, &[30..40]), [10..20]);
    }

    #[test]
    fn merged_ranges_do_not_touch() {
        let ranges = [30..40, 10..20, 15..18, 20..25, 50..50];
        assert_eq!(merged(ranges.into_iter()), [10..25, 30..40]);
    }

    #[test]
    fn ranges_without_common_addresses_have_an_empty_part() {
        assert_eq!(common(&(10..20), &(15..30)), 15..20);
        assert!(common(&(10..20), &(30..40)).is_empty());
        assert!(common(&(30..40), &(10..20)).is_empty());
    }
}
