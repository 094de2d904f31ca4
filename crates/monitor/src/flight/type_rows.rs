//! The largest types in a record. Their names are in the header, once for all records.

use memory_debug_formats::__private::{FNV_BEGIN, fnv1a};

use super::header::KnownTypes;

/// The most types of a record.
const ROWS: usize = 16;

/// The time of the measurement, and an id and the bytes of each type. A row of zeros is unused.
pub(super) const WORDS: usize = 1 + 2 * ROWS;

/// The largest types that are known, without their names.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct TypeRows {
    /// When they were measured, in milliseconds since 1970. 0 if they were not.
    at_ms: u64,
    rows: [(u64, u64); ROWS],
}

impl TypeRows {
    pub(super) fn new(known: &KnownTypes) -> Self {
        let mut rows = Self { at_ms: known.at_ms, ..Self::default() };
        for (row, (name, bytes)) in rows.rows.iter_mut().zip(&known.types) {
            *row = (id(name), *bytes);
        }
        rows
    }

    pub(super) fn words(self) -> impl Iterator<Item = u64> {
        [self.at_ms].into_iter().chain(self.rows.into_iter().flat_map(|(id, bytes)| [id, bytes]))
    }

    pub(super) fn from_words(words: &[u64; WORDS]) -> Self {
        let mut rows = Self { at_ms: words[0], ..Self::default() };
        for (row, pair) in rows.rows.iter_mut().zip(words[1..].chunks_exact(2)) {
            *row = (pair[0], pair[1]);
        }
        rows
    }

    /// The types with their names, the largest first. A type whose name the header does not have is left out. `None` if
    /// none was measured.
    pub(super) fn named(&self, header: &KnownTypes) -> Option<KnownTypes> {
        let name = |wanted: u64| header.names().find(|name| id(name) == wanted).cloned();
        let used = self.rows.iter().filter(|row| **row != (0, 0));
        let types = used.filter_map(|(id, bytes)| Some((name(*id)?, *bytes))).collect();
        (self.at_ms > 0).then_some(KnownTypes { at_ms: self.at_ms, types, earlier: Vec::new() })
    }
}

/// The same number for a name in every process.
fn id(name: &str) -> u64 {
    fnv1a(FNV_BEGIN, name.as_bytes())
}
