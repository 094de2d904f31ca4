//! How a number differs between instances, and which instances stand out.

use serde::{Deserialize, Serialize};

use crate::instance::InstanceId;

/// The test for outliers, in words.
pub(super) const TEST: &str = "an instance stands out if there are at least three and its distance from the median \
                               exceeds 3.5 median absolute deviations (scaled by 1.4826), a fifth of the median, and \
                               4 of its own standard errors";

/// How a number differs between instances.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct Spread {
    /// Lowest value.
    pub min: u64,
    /// Median; for an even number of instances, the mean of the two in the middle.
    pub median: u64,
    /// Highest value.
    pub max: u64,
    /// The instance with the highest value.
    pub max_instance: InstanceId,
    /// Instances that stand out, the furthest first.
    pub outliers: Vec<InstanceId>,
}

/// The number of one instance.
#[derive(Clone, Copy, Debug)]
pub(super) struct Cell {
    pub(super) instance: InstanceId,
    pub(super) value: u64,
    /// One standard error of `value`; 0 if it is exact.
    pub(super) stderr: f64,
}

impl Spread {
    /// The spread of the cells. `None` without cells.
    pub(super) fn of(cells: &[Cell]) -> Option<Self> {
        let mut values: Vec<u64> = cells.iter().map(|cell| cell.value).collect();
        values.sort_unstable();
        let median = median(&values)?;
        // Among equal values the first id wins, so that the result does not depend on the order of answers.
        let most = cells.iter().max_by(|a, b| (a.value, b.instance).cmp(&(b.value, a.instance)))?;
        Some(Self {
            min: *values.first()?,
            median,
            max: most.value,
            max_instance: most.instance,
            outliers: outliers(cells, median),
        })
    }
}

fn outliers(cells: &[Cell], median_value: u64) -> Vec<InstanceId> {
    if cells.len() < 3 {
        return Vec::new();
    }
    let mut deviations: Vec<u64> = cells.iter().map(|cell| cell.value.abs_diff(median_value)).collect();
    deviations.sort_unstable();
    let deviation = median(&deviations).unwrap_or_default() as f64;
    let bound = (3.5 * 1.4826 * deviation).max(0.2 * median_value as f64);
    let mut far: Vec<_> = cells
        .iter()
        .map(|cell| (cell.value.abs_diff(median_value), cell))
        .filter(|(distance, cell)| *distance as f64 > bound.max(4.0 * cell.stderr))
        .collect();
    far.sort_by(|(a, one), (b, other)| b.cmp(a).then(one.instance.cmp(&other.instance)));
    far.into_iter().map(|(_, cell)| cell.instance).collect()
}

/// The median of numbers in ascending order.
fn median(sorted: &[u64]) -> Option<u64> {
    let upper = *sorted.get(sorted.len() / 2)?;
    Some(if sorted.len() % 2 == 1 { upper } else { sorted[sorted.len() / 2 - 1].midpoint(upper) })
}

#[cfg(test)]
mod tests {
    use super::super::tests::id;
    use super::*;

    fn cells(values: &[u64], stderr: f64) -> Vec<Cell> {
        (1..)
            .zip(values)
            .map(|(number, value)| Cell { instance: id(number), value: *value, stderr })
            .collect()
    }

    #[test]
    fn the_middle_is_the_median() {
        assert_eq!(Spread::of(&[]), None);
        for (values, expected) in [
            (vec![7], (7, 7, 7)),
            (vec![3, 9], (3, 6, 9)),
            (vec![9, 1, 4], (1, 4, 9)),
            (vec![u64::MAX, u64::MAX], (u64::MAX, u64::MAX, u64::MAX)),
        ] {
            let spread = Spread::of(&cells(&values, 0.0)).unwrap();
            assert_eq!((spread.min, spread.median, spread.max), expected);
        }
        assert_eq!(Spread::of(&cells(&[1, 5, 5], 0.0)).unwrap().max_instance, id(2));
    }

    #[test]
    fn names_instances_that_stand_out_beyond_noise() {
        let outliers = |values: &[u64], stderr| Spread::of(&cells(values, stderr)).unwrap().outliers;
        assert_eq!(outliers(&[100, 100, 100, 900], 0.0), [id(4)]);
        assert_eq!(outliers(&[0, 1000, 1001, 999, 5000], 0.0), [id(5), id(1)], "the furthest first");
        assert_eq!(outliers(&[100, 100, 100, 900], 210.0), [], "within 4 standard errors");
        assert_eq!(outliers(&[100, 100, 100, 119], 0.0), [], "within a fifth");
        assert_eq!(outliers(&[100, 200, 300, 400], 0.0), [], "no further apart than the others");
        assert_eq!(outliers(&[100, 900], 0.0), [], "two instances cannot show which one differs");
        assert_eq!(outliers(&[100, 100, 900], 0.0), [id(3)]);
    }

    #[test]
    fn an_instance_at_the_bound_does_not_stand_out() {
        let outliers = |values: &[u64], stderr| Spread::of(&cells(values, stderr)).unwrap().outliers;
        // 3.5 * 1.4826 * 100 = 518.91
        assert_eq!(outliers(&[900, 900, 1000, 1000, 1100, 1100, 1518], 0.0), []);
        assert_eq!(outliers(&[900, 900, 1000, 1000, 1100, 1100, 1519], 0.0), [id(7)]);
        assert_eq!(outliers(&[100, 100, 100, 120], 0.0), []);
        assert_eq!(outliers(&[100, 100, 100, 121], 0.0), [id(4)]);
        assert_eq!(outliers(&[100, 100, 100, 900], 200.0), []);
        assert_eq!(outliers(&[100, 100, 100, 900], 199.0), [id(4)]);
    }
}
