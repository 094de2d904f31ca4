//! Rows that are tracebacks. There can be as many as stacks, with some kilobytes each.

use std::hash::{BuildHasher, BuildHasherDefault, DefaultHasher};

use rustc_hash::FxHashMap;

use crate::sample::Estimate;
use crate::selection::TypeEntry;

/// Sums by traceback. They hold no text until it is known which tracebacks become rows.
#[derive(Default)]
pub(super) struct Tracebacks {
    /// Sums by hash, each with one stack that has this traceback. `None` is code without names. Among a million
    /// tracebacks, two collide with a probability of 3·10⁻⁸.
    sums: FxHashMap<Option<u64>, (usize, Estimate)>,
}

/// Bound on the rows, the most that a page shows. The rest is summed in one row.
const MAX_ROWS: usize = 1000;

impl Tracebacks {
    /// Adds a stack by its position in the profile.
    pub(super) fn add(&mut self, name: Option<&str>, at: usize, estimate: Estimate) {
        let hash = name.map(|name| BuildHasherDefault::<DefaultHasher>::default().hash_one(name));
        self.sums.entry(hash).or_insert((at, Estimate::default())).1 += estimate;
    }

    /// The largest rows, named by calling `name` for their stacks, and one row for the rest.
    pub(super) fn entries(self, mut name: impl FnMut(usize) -> Option<String>) -> Vec<TypeEntry> {
        let mut sums: Vec<(usize, Estimate)> = self.sums.into_values().collect();
        sums.sort_by(|a, b| b.1.bytes.total_cmp(&a.1.bytes).then(a.0.cmp(&b.0)));
        let smaller = sums.split_off(sums.len().min(MAX_ROWS));
        let mut entries: Vec<TypeEntry> = Vec::with_capacity(sums.len() + 1);
        entries.extend(sums.into_iter().map(|(at, estimate)| match name(at) {
            Some(name) => TypeEntry::named(name, true, estimate),
            None => TypeEntry::named("unknown code".to_owned(), false, estimate),
        }));
        if !smaller.is_empty() {
            let mut sum = Estimate::default();
            smaller.iter().for_each(|(_, estimate)| sum += *estimate);
            entries.push(TypeEntry::named(format!("({} smaller)", smaller.len()), true, sum));
        }
        entries
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn s45_keeps_the_largest_rows_and_sums_the_rest() {
        let mut tracebacks = Tracebacks::default();
        let of = |bytes: usize| Estimate { bytes: bytes as f64, objects: 1.0, ..Estimate::default() };
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
