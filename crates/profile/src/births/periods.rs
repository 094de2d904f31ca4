//! The periods that births are summed by.

use crate::ages::AgeBucket;

/// Most bounds of periods.
pub(super) const MAX_BOUNDS: usize = 56;

/// Most moments of earlier snapshots. The newest count.
const MAX_MOMENTS: usize = 32;

/// Chooses the ends of periods for a recording of this length, in milliseconds: the `moments` of earlier snapshots, the
/// limits of ages, and halves of the longest periods that these leave.
pub(crate) fn bounds(recorded_ms: u64, moments: &[u64]) -> Vec<u64> {
    let newest = moments.len().saturating_sub(MAX_MOMENTS);
    let limits = AgeBucket::limits().filter_map(|limit| recorded_ms.checked_sub(limit.saturating_mul(1000)));
    let mut bounds: Vec<u64> = moments[newest..].iter().copied().chain(limits).collect();
    let is_inside = |bound: &u64| (1..recorded_ms).contains(bound);
    bounds.retain(is_inside);
    bounds.sort_unstable();
    bounds.dedup();
    while bounds.len() < MAX_BOUNDS {
        let ends = bounds.iter().copied().chain([recorded_ms]);
        let starts = [0].into_iter().chain(bounds.iter().copied());
        let longest = starts.zip(ends).enumerate().max_by_key(|(_, (start, end))| end - start);
        let Some((at, (start, end))) = longest.filter(|(_, (start, end))| end - start > 1) else { break };
        bounds.insert(at, start + (end - start) / 2);
    }
    bounds
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn moments_and_limits_of_ages_are_bounds_and_no_period_is_long() {
        let bounds = bounds(7_200_000, &[1_234, 999_999, 7_200_000]);
        for wanted in [1_234, 999_999, 7_199_000, 7_140_000, 6_600_000, 3_600_000] {
            assert!(bounds.contains(&wanted), "{wanted}: {bounds:?}");
        }
        assert!(bounds.is_sorted() && bounds.len() == MAX_BOUNDS, "{bounds:?}");
        let longest = bounds.windows(2).map(|pair| pair[1] - pair[0]).max();
        assert!(longest.unwrap() <= 7_200_000 / 16, "{longest:?}");
    }

    #[test]
    fn many_moments_and_short_recordings_stay_in_bounds() {
        let moments: Vec<u64> = (0..1000).collect();
        let of_many = bounds(2000, &moments);
        assert!(of_many.contains(&968) && of_many.len() <= MAX_BOUNDS, "{of_many:?}");
        assert!(bounds(0, &[5]).is_empty() && bounds(1, &[]).is_empty());
        assert_eq!(bounds(3, &[]), [1, 2]);
    }
}
