//! Changes between two moments, and whether they are more than noise.
//!
//! A sum of samples fluctuates even if the program's memory does not change: objects are freed, others are allocated,
//! and other objects are sampled. If a row kept no sample between the two moments, the variance of the difference
//! would be the sum of both variances. A stack with equal samples at both moments has most likely kept them. It adds
//! nothing to the difference, and no noise.
//!
//! A change is *significant* if a z-test with this variance says so, at a family-wise error of 5 % over all rows
//! (Bonferroni). So in nineteen of twenty tables where nothing happened, no row is marked.

use std::sync::Arc;

use rustc_hash::FxHashMap;

use super::build::Builder;
use super::profile::{ProfileKind, SymbolizedProfile};
use super::summarize::Key;
use crate::amount::Amount;
use crate::large::bytes_of_gap;
use crate::sample::{Estimate, SampleRate};
use crate::selection::{RowId, Selection};

/// Rows that changed. The largest change of bytes comes first.
#[derive(Clone, Debug, Default, PartialEq)]
#[non_exhaustive]
pub struct ChangeTable {
    /// The rows that differ between the two profiles.
    pub rows: Vec<Change>,
    /// The sum of all rows, including unchanged ones.
    pub total: Change,
    /// Number of rows that occur in at least one of the profiles.
    pub compared: usize,
    /// The threshold for a significant change of bytes, in standard errors.
    pub threshold: f64,
}

/// A row in two profiles.
#[derive(Clone, Debug, Default, PartialEq)]
#[non_exhaustive]
pub struct Change {
    /// As in [`TypeEntry`](crate::TypeEntry).
    pub type_name: String,
    /// As in [`TypeEntry`](crate::TypeEntry).
    pub full_type: String,
    /// As in [`TypeEntry`](crate::TypeEntry).
    pub is_attributed: bool,
    /// Memory of the row in the first profile.
    pub base: Estimate,
    /// Memory of the row in the second profile.
    pub target: Estimate,
    /// The second minus the first, with the variance of this difference.
    pub difference: Estimate,
    /// Whether the bytes changed by more than noise.
    pub is_significant: bool,
}

impl Change {
    /// The id of the row, if it is a type. It is the same in a [`TypeTable`](crate::TypeTable).
    #[must_use]
    pub fn id(&self) -> RowId {
        RowId::of(&self.type_name, &self.full_type, self.is_attributed)
    }
}

/// Probability of any marked row in a table where nothing happened.
const FAMILY_WISE_ERROR: f64 = 0.05;

impl ChangeTable {
    /// Compares two profiles by the rows of `selection`.
    pub fn between(base: &SymbolizedProfile, target: &SymbolizedProfile, selection: &Selection) -> Self {
        let rate = base.sample_rate.max(target.sample_rate);
        let mut names = Builder::new(ProfileKind::Growth, rate);
        let base = Parts::of(&mut names, base, selection);
        let target = Parts::of(&mut names, target, selection);
        Self::of_parts(&base, &target, rate)
    }

    /// The threshold, in standard errors, at which the chance of any false alarm among `rows` rows is 5 %. For growth
    /// only.
    pub fn growth_threshold(rows: usize) -> f64 {
        normal_quantile(1.0 - FAMILY_WISE_ERROR / rows.max(1) as f64)
    }

    /// A table of rows with known differences. Marks the significant ones, and leaves out rows that did not change.
    pub(crate) fn of_rows(mut rows: Vec<Change>, mut total: Change) -> Self {
        let compared = rows.len();
        let threshold = significant_stderrs(compared);
        rows.retain(|row| row.base != row.target);
        rows.iter_mut().for_each(|row| row.is_significant = row.difference.is_beyond(threshold));
        total.is_significant = total.difference.is_beyond(significant_stderrs(1));
        let mut table = Self { rows, total, compared, threshold };
        table.sort();
        table
    }

    fn sort(&mut self) {
        self.rows.sort_by(|a, b| {
            let size = |row: &Change| row.difference.bytes.abs();
            let names = |row: &Change| (row.full_type.clone(), row.type_name.clone());
            size(b).total_cmp(&size(a)).then_with(|| names(a).cmp(&names(b)))
        });
    }

    pub(super) fn of_parts(base: &Parts, target: &Parts, rate: SampleRate) -> Self {
        let nothing = Stacks::default();
        let large = base.large_below.abs_diff(target.large_below);
        let old =
            base.rows.iter().map(|(key, before)| (key, before, target.rows.get(key).unwrap_or(&nothing)));
        let new = target.rows.iter().filter(|(key, _)| !base.rows.contains_key(*key));
        let pairs = old.chain(new.map(|(key, now)| (key, &nothing, now)));
        let change = |(key, before, now)| (key, Change::of_stacks(before, now, rate, large));
        let rows: Vec<_> = pairs.map(change).collect();
        let compared = rows.len();
        let threshold = significant_stderrs(compared);
        let mut table = Self { rows: Vec::new(), total: Change::default(), compared, threshold };
        let mut all_resized = 0.0;
        for (key, (mut row, resized)) in rows {
            table.total.add_row(&row);
            all_resized += resized;
            row.difference.bytes_variance += resized.powi(2);
            if row.base == row.target {
                continue;
            }
            (row.type_name, row.full_type) =
                (key.name.as_ref().to_owned(), key.full_type.as_ref().to_owned());
            row.is_attributed = key.is_attributed;
            row.is_significant = row.difference.is_beyond(threshold);
            table.rows.push(row);
        }
        table.total.difference.bytes_variance += all_resized.powi(2);
        table.total.is_significant = table.total.difference.is_beyond(significant_stderrs(1));
        table.sort();
        table
    }
}

/// A profile by row and stack, comparable with others that use the same names.
#[derive(Debug, Default)]
pub(super) struct Parts {
    rows: FxHashMap<Key, Stacks>,
    /// See [`SymbolizedProfile::large_below`].
    large_below: u32,
}

/// Memory of each stack, by its locations in `names`, and by whether its amount is from true sizes.
type Stacks = FxHashMap<(Box<[u32]>, bool), Amount>;

impl Parts {
    pub(super) fn of(names: &mut Builder, profile: &SymbolizedProfile, selection: &Selection) -> Self {
        let adopted = names.adopt(profile);
        let mut parts: FxHashMap<Key, Stacks> = FxHashMap::default();
        profile.each_part(selection, |stack, key, amount| {
            let locations = (adopted.locations_of(profile, stack), stack.is_sized);
            match parts.get_mut(key) {
                Some(stacks) => *stacks.entry(locations).or_default() += amount,
                None => _ = parts.insert(key.clone(), Stacks::from_iter([(locations, amount)])),
            }
        });
        Self { rows: parts, large_below: profile.large_below }
    }

    /// Replaces a row by the same row of `other`.
    pub(super) fn replace_row(&mut self, row: &Change, other: &mut Self) {
        let name = Arc::from(row.type_name.as_str());
        let key = Key { name, full_type: row.full_type.as_str().into(), is_attributed: row.is_attributed };
        if let Some(stacks) = other.rows.remove(&key) {
            self.rows.insert(key, stacks);
        }
    }
}

impl Change {
    /// The change of a row (without its name), and how much of it different assumed sizes alone can explain, if they
    /// differ by `large` millionths. All large objects of a row are resized together, so this does not average out
    /// like noise.
    fn of_stacks(base: &Stacks, target: &Stacks, rate: SampleRate, large: u32) -> (Self, f64) {
        let (mut change, mut resized) = (Self::default(), 0.0);
        for (stack, before) in base {
            let now = target.get(stack).copied().unwrap_or_default();
            if !now.is_zero() && !stack.1 {
                resized += bytes_of_gap(large, *before);
            }
            change.add(before.estimate(rate), now.estimate(rate), *before == now);
        }
        for (_, now) in target.iter().filter(|(stack, _)| !base.contains_key(*stack)) {
            change.add(Estimate::default(), now.estimate(rate), now.is_zero());
        }
        (change, resized)
    }

    /// Adds a stack. A stack with the same samples counts as unchanged.
    fn add(&mut self, base: Estimate, target: Estimate, is_same: bool) {
        self.base += base;
        self.target += target;
        if !is_same {
            self.difference += target.minus(base);
        }
    }

    pub(crate) fn add_row(&mut self, row: &Self) {
        self.base += row.base;
        self.target += row.target;
        self.difference += row.difference;
    }
}

/// The threshold for a significant change in a table of `rows` rows, in standard errors. The chance of any false
/// alarm is 5 %.
pub fn significant_stderrs(rows: usize) -> f64 {
    normal_quantile(1.0 - FAMILY_WISE_ERROR / (2.0 * rows.max(1) as f64))
}

/// The value below which a standard normal variable stays with probability `p`, for `p` above one half. The error is
/// at most 0.00045 (Abramowitz and Stegun, 26.2.23).
fn normal_quantile(p: f64) -> f64 {
    let t = (-2.0 * (1.0 - p).ln()).sqrt();
    let numerator = 2.515517 + t * (0.802853 + t * 0.010328);
    let denominator = 1.0 + t * (1.432788 + t * (0.189269 + t * 0.001308));
    t - numerator / denominator
}

#[cfg(test)]
mod tests {
    use super::super::tests::profile;
    use super::*;

    fn rows(base: &SymbolizedProfile, target: &SymbolizedProfile) -> Vec<(String, i64, bool)> {
        let table = ChangeTable::between(base, target, &Selection::default());
        let row = |row: Change| (row.type_name, row.difference.bytes as i64, row.is_significant);
        table.rows.into_iter().map(row).collect()
    }

    #[test]
    fn quantiles_match_published_tables() {
        for (p, z) in [(0.975, 1.95996), (0.99, 2.32635), (0.995, 2.57583), (0.9999, 3.71902)] {
            assert!((normal_quantile(p) - z).abs() < 5e-4, "{p}");
        }
    }

    #[test]
    fn nothing_changes_between_a_profile_and_itself() {
        let profile = profile(&[("String", &["a"], 9, 4096), ("Vec<u8>", &["a", "b"], 1, 64)]);
        let table = ChangeTable::between(&profile, &profile, &Selection::default());
        assert_eq!((table.rows.len(), table.compared), (0, 2));
        assert_eq!(table.total.difference, Estimate::default());
        assert!(!table.total.is_significant);
    }

    #[test]
    fn marks_only_changes_beyond_noise() {
        const SAMPLE: i64 = 524_288;
        let base =
            profile(&[("String", &["a"], 100_000, 100 * SAMPLE), ("Vec<u8>", &["b"], 1000, 2 * SAMPLE)]);
        let few =
            profile(&[("String", &["a"], 110_000, 110 * SAMPLE), ("Vec<u8>", &["b"], 1000, 2 * SAMPLE)]);
        let many =
            profile(&[("String", &["a"], 180_000, 180 * SAMPLE), ("Vec<u8>", &["b"], 1000, 2 * SAMPLE)]);
        assert_eq!(rows(&base, &few), [("String".into(), 10 * SAMPLE, false)]);
        assert_eq!(rows(&base, &many), [("String".into(), 80 * SAMPLE, true)]);
        assert_eq!(rows(&many, &base), [("String".into(), -80 * SAMPLE, true)]);
    }

    /// Forty buffers in the class of 1.25 MiB. Each counted as 1 MiB and 128 KiB, and now counts as 1 MiB and 192 KiB.
    #[test]
    fn other_assumed_sizes_are_not_a_change() {
        const KIB: i64 = 1024;
        let sized = |large_below, objects: i64, bytes| {
            let stacks: Vec<_> =
                ["a", "b", "c", "d"].map(|function| ("Vec<u8>", function, objects, objects * bytes)).into();
            let names: Vec<[&str; 1]> = stacks.iter().map(|stack| [stack.1]).collect();
            let stacks: Vec<_> = stacks
                .iter()
                .zip(&names)
                .map(|(stack, name)| (stack.0, &name[..], stack.2, stack.3))
                .collect();
            SymbolizedProfile { large_below, ..profile(&stacks) }
        };
        let (small, large) = (sized(500_000, 10, 1152 * KIB), sized(250_000, 10, 1216 * KIB));
        assert_eq!(rows(&small, &large), [("Vec<u8>".into(), 40 * 64 * KIB, false)]);
        assert_eq!(rows(&large, &small), [("Vec<u8>".into(), -40 * 64 * KIB, false)]);
        assert!(!ChangeTable::between(&small, &large, &Selection::default()).total.is_significant);
        // Growth beyond that is significant, as with equal sizes.
        assert!(rows(&small, &sized(250_000, 13, 1216 * KIB))[0].2);
        assert!(rows(&small, &sized(500_000, 13, 1152 * KIB))[0].2);
    }

    #[test]
    fn new_and_vanished_rows_are_changes() {
        let (none, some) = (profile(&[]), profile(&[("Box<A>", &["a"], 500, 50 << 20)]));
        assert_eq!(rows(&none, &some), [("Box<A>".into(), 50 << 20, true)]);
        assert_eq!(rows(&some, &none), [("Box<A>".into(), -(50 << 20), true)]);
    }

    #[test]
    fn unchanged_stacks_add_no_noise() {
        const SAMPLE: i64 = 524_288;
        let still = ("Vec<A>", &["cache"][..], 1_000_000, 10_000 * SAMPLE);
        let base = profile(&[still, ("Vec<A>", &["leak"], 10, SAMPLE)]);
        let target = profile(&[still, ("Vec<A>", &["leak"], 600, 60 * SAMPLE)]);
        assert_eq!(rows(&base, &target), [("Vec<A>".into(), 59 * SAMPLE, true)]);
    }
}
