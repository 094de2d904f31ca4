//! The string table.

use rustc_hash::FxHashMap;

/// A table of distinct texts. The first is empty, and means "none".
pub(super) struct Strings<'t> {
    table: Vec<&'t str>,
    positions: FxHashMap<&'t str, u64>,
}

impl<'t> Strings<'t> {
    pub(super) fn new() -> Self {
        Self { table: vec![""], positions: FxHashMap::from_iter([("", 0)]) }
    }

    /// The position of a text in the table.
    pub(super) fn position(&mut self, text: &'t str) -> u64 {
        let next = self.table.len() as u64;
        let position = *self.positions.entry(text).or_insert(next);
        if position == next {
            self.table.push(text);
        }
        position
    }

    pub(super) fn table(&self) -> &[&'t str] {
        &self.table
    }
}
