//! The table of live memory.

use rustc_hash::FxHashMap;

use super::row_id::RowId;
use crate::ages::{Ages, RecordedMemory, Recording};
use crate::sample::Estimate;
use crate::type_name::{Qualify, ReadableNames};

/// Live memory by type.
#[derive(Clone, Debug, Default, PartialEq)]
#[non_exhaustive]
pub struct TypeTable {
    /// One entry per type, and one per function whose allocations have no known type. Largest first.
    pub entries: Vec<TypeEntry>,
    /// The sum of all entries.
    pub total: Estimate,
    /// The sum of the entries without a type.
    pub unattributed: Estimate,
    /// Since when live samples were recorded. `None` without live samples.
    pub recording: Option<Recording>,
    /// Ages of all entries together. `None` if nothing is known about any byte, or if rows are threads.
    pub ages: Option<Ages>,
    /// The part of the bytes whose age is recorded, from 0 to 1. `None` without live samples and in an empty table.
    pub known_share: Option<f64>,
}

/// The live memory of one type.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct TypeEntry {
    /// The type as people write it, or the function if `is_attributed` is false. Types that are only bytes have one
    /// row for each function that asked for them: `Vec<u8> in read_body (src/upload.rs)`.
    pub type_name: String,
    /// The type with whole paths, without default allocators, hashers and a container's inner layers. Rows of bytes
    /// share it, so it identifies a row only together with `type_name`.
    pub full_type: String,
    /// Whether the type is known.
    pub is_attributed: bool,
    /// Live memory of the type.
    pub estimate: Estimate,
    /// Number of threads that the row sums. 0 unless rows are threads.
    pub threads: u64,
    /// Ages of the memory. `None` if nothing is known about any byte, or if rows are threads, which live samples do not
    /// know.
    pub ages: Option<Ages>,
    /// Bytes that jemalloc gave beyond what the program asked for, of the memory whose age is recorded. `None` without
    /// such memory.
    pub slack_bytes: Option<f64>,
    pub(crate) memory: RecordedMemory,
}

impl TypeEntry {
    /// The id of the row, in a table of types.
    #[must_use]
    pub fn id(&self) -> RowId {
        RowId::of(&self.type_name, &self.full_type, self.is_attributed)
    }

    /// Makes an entry from its name and full type.
    pub(crate) fn new(
        (type_name, full_type): (String, String),
        is_attributed: bool,
        estimate: Estimate,
    ) -> Self {
        let (threads, ages, slack_bytes, memory) = Default::default();
        Self { type_name, full_type, is_attributed, estimate, threads, ages, slack_bytes, memory }
    }

    /// Makes an entry whose full type equals its name.
    pub(crate) fn named(name: String, is_attributed: bool, estimate: Estimate) -> Self {
        Self::new((name.clone(), name), is_attributed, estimate)
    }
}

impl TypeTable {
    /// Merges entries of the same name and type, computes the sums, makes names of different types distinct, and sorts.
    ///
    /// `recording` says since when the live samples in the entries were recorded.
    pub(crate) fn new(
        entries: Vec<TypeEntry>,
        names: &mut ReadableNames,
        recording: Option<Recording>,
    ) -> Self {
        fn row(entry: &TypeEntry) -> (&str, &str, bool) {
            (&entry.type_name, &entry.full_type, entry.is_attributed)
        }
        let mut table = Self { entries, recording, ..Self::default() };
        // Names can have kilobytes, so they are not copied.
        table.entries.sort_by(|a, b| row(a).cmp(&row(b)));
        table.entries.dedup_by(|later, first| {
            let is_same = row(later) == row(first);
            if is_same {
                first.estimate += later.estimate;
                first.threads += later.threads;
                first.memory.append(std::mem::take(&mut later.memory));
            }
            is_same
        });
        for entry in &table.entries {
            table.total += entry.estimate;
            if !entry.is_attributed {
                table.unattributed += entry.estimate;
            }
        }
        if let Some(Recording { recorded, .. }) = recording {
            let mut all = RecordedMemory::default();
            for entry in &mut table.entries {
                let memory = std::mem::take(&mut entry.memory);
                (entry.ages, entry.slack_bytes) = (memory.ages(recorded), memory.slack_bytes());
                all.append(memory);
            }
            (table.ages, table.known_share) = (all.ages(recorded), all.known_share());
        }
        for qualify in [Qualify::Crate, Qualify::Module, Qualify::Whole] {
            table.qualify_equal_names(qualify, names);
        }
        table.entries.sort_by(|a, b| {
            let names = || (&a.full_type, &a.type_name).cmp(&(&b.full_type, &b.type_name));
            b.estimate.bytes.total_cmp(&a.estimate.bytes).then_with(names)
        });
        table
    }

    /// Qualifies names that stand for several types.
    fn qualify_equal_names(&mut self, qualify: Qualify, names: &mut ReadableNames) {
        let mut uses: FxHashMap<&str, u32> = FxHashMap::default();
        for entry in &self.entries {
            *uses.entry(&entry.type_name).or_default() += 1;
        }
        let is_shared = |entry: &TypeEntry| entry.is_attributed && uses[&*entry.type_name] > 1;
        let shared: Vec<usize> =
            (0..).zip(&self.entries).filter(|(_, entry)| is_shared(entry)).map(|(at, _)| at).collect();
        for at in shared {
            let entry = &mut self.entries[at];
            entry.type_name = match qualify {
                Qualify::Whole => entry.full_type.clone(),
                _ => names.of(&entry.full_type, qualify).as_ref().to_owned(),
            };
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::type_name::readable;

    #[test]
    fn qualifies_equal_names_as_little_as_possible() {
        let full_types = [
            "Arc<app::Inner>",
            "Arc<tokio::runtime::park::Inner>",
            "Arc<tokio::runtime::pool::Inner>",
            "Vec<app::Row>",
        ];
        let entries = full_types.map(|full_type| {
            let names = (readable(full_type, Qualify::Last), full_type.into());
            TypeEntry::new(names, true, Estimate::default())
        });
        let names = TypeTable::new(entries.into(), &mut ReadableNames::default(), None)
            .entries
            .into_iter()
            .map(|entry| entry.type_name);
        let expected = ["Arc<app::Inner>", "Arc<park::Inner>", "Arc<pool::Inner>", "Vec<Row>"];
        assert_eq!(names.collect::<Vec<_>>(), expected);
    }

    #[test]
    fn bytes_of_two_functions_are_two_rows_of_one_type() {
        let entry = |type_name: &str, objects| {
            let estimate = Estimate { objects, ..Estimate::default() };
            TypeEntry::new((type_name.into(), "Vec<u8>".into()), true, estimate)
        };
        let entries =
            vec![entry("Vec<u8> in b", 1.0), entry("Vec<u8> in a", 2.0), entry("Vec<u8> in b", 4.0)];
        let rows: Vec<_> = TypeTable::new(entries, &mut ReadableNames::default(), None)
            .entries
            .into_iter()
            .map(|row| (row.type_name, row.estimate.objects))
            .collect();
        assert_eq!(rows, [("Vec<u8> in a".to_owned(), 2.0), ("Vec<u8> in b".to_owned(), 5.0)]);
    }
}
