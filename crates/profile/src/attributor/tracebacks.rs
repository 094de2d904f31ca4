//! Rows that are tracebacks. There can be as many as stacks, with some kilobytes each.

use std::hash::{BuildHasher, BuildHasherDefault, DefaultHasher};

use rustc_hash::FxHashMap;

use super::row_sums::RowSum;
use crate::selection::TypeEntry;

/// Sums by traceback. They hold no text until it is known which tracebacks become rows.
#[derive(Default)]
pub(super) struct Tracebacks {
    /// Sums by hash, each with one stack that has this traceback. `None` is code without names. Among a million
    /// tracebacks, two collide with a probability of 3·10⁻⁸.
    sums: FxHashMap<Option<u64>, (usize, RowSum)>,
}

/// Bound on the rows, the most that a page shows. The rest is summed in one row.
const MAX_ROWS: usize = 1000;

impl Tracebacks {
    /// Adds a stack by its position in the profile.
    pub(super) fn add(&mut self, name: Option<&str>, at: usize, sum: RowSum) {
        let hash = name.map(|name| BuildHasherDefault::<DefaultHasher>::default().hash_one(name));
        self.sums.entry(hash).or_insert_with(|| (at, RowSum::default())).1.append(sum);
    }

    /// The largest rows, named by calling `name` for their stacks, and one row for the rest.
    pub(super) fn entries(self, mut name: impl FnMut(usize) -> Option<String>) -> Vec<TypeEntry> {
        let mut sums: Vec<(usize, RowSum)> = self.sums.into_values().collect();
        sums.sort_by(|a, b| b.1.estimate.bytes.total_cmp(&a.1.estimate.bytes).then(a.0.cmp(&b.0)));
        let smaller = sums.split_off(sums.len().min(MAX_ROWS));
        let mut entries: Vec<TypeEntry> = Vec::with_capacity(sums.len() + 1);
        entries.extend(sums.into_iter().map(|(at, RowSum { estimate, memory })| {
            let entry = match name(at) {
                Some(name) => TypeEntry::named(name, true, estimate),
                None => TypeEntry::named("unknown code".to_owned(), false, estimate),
            };
            TypeEntry { memory, ..entry }
        }));
        if !smaller.is_empty() {
            let (name, mut sum) = (format!("({} smaller)", smaller.len()), RowSum::default());
            smaller.into_iter().for_each(|(_, smaller)| sum.append(smaller));
            entries.push(TypeEntry { memory: sum.memory, ..TypeEntry::named(name, true, sum.estimate) });
        }
        entries
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sample::Estimate;

    #[test]
    fn s45_keeps_the_largest_rows_and_sums_the_rest() {
        let mut tracebacks = Tracebacks::default();
        let of = |bytes: usize| RowSum {
            estimate: Estimate { bytes: bytes as f64, objects: 1.0, ..Estimate::default() },
            ..RowSum::default()
        };
        let name = |at: usize| (at != 7).then(|| format!("f{at} ← main"));
        for at in (0..3000).chain(0..3000) {
            tracebacks.add(name(at).as_deref(), at, of(at));
        }
        let entries = tracebacks.entries(name);
        assert_eq!(entries.len(), MAX_ROWS + 1);
        assert_eq!((entries[0].type_name.as_str(), entries[0].estimate.bytes), ("f2999 ← main", 5998.0));
        assert_eq!(entries[MAX_ROWS].type_name, "(2000 smaller)");
        let total: f64 = entries.iter().map(|entry| entry.estimate.bytes).sum();
        assert_eq!(total, (0..3000).map(|bytes| 2.0 * f64::from(bytes)).sum::<f64>());

        let mut unknown = Tracebacks::default();
        unknown.add(None, 7, of(7));
        let [row] = &unknown.entries(name)[..] else { panic!("one row") };
        assert_eq!((row.type_name.as_str(), row.is_attributed), ("unknown code", false));
    }
}
