//! The string table.

use rustc_hash::FxHashMap;

/// A table of distinct texts. The first text is empty, and means "no text".
#[derive(Debug)]
pub struct Strings<'t> {
    table: Vec<&'t str>,
    positions: FxHashMap<&'t str, u64>,
}

impl<'t> Strings<'t> {
    /// A table with the empty text.
    pub fn new() -> Self {
        Self { table: vec![""], positions: FxHashMap::from_iter([("", 0)]) }
    }

    /// The texts by position.
    pub fn table(&self) -> &[&'t str] {
        &self.table
    }

    /// Returns the position of a text in the table, and adds the text if it is new.
    pub fn position(&mut self, text: &'t str) -> u64 {
        let next = self.table.len() as u64;
        let position = *self.positions.entry(text).or_insert(next);
        if position == next {
            self.table.push(text);
        }
        position
    }
}

impl Default for Strings<'_> {
    fn default() -> Self {
        Self::new()
    }
}
