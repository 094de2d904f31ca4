//! The lines where closures and futures begin.

use rustc_hash::FxHashMap;

use super::chains::Chains;
use super::lines::line_rows;
use super::names::Names;
use crate::symbols::budget::Budget;
use crate::symbols::elf::Unit;
use crate::symbols::frames::FrameTable;

/// The lines where closures and futures begin, by the address of their code. Inlined code has no line of its own in
/// line tables, but its first instruction has a line.
#[derive(Default)]
pub(super) struct FirstLines {
    /// Sorted.
    addresses: Vec<u64>,
    /// File and line by position in `addresses`.
    rows: FxHashMap<usize, (u64, u32)>,
}

impl FirstLines {
    pub(super) fn of<'a>(
        chains: &Chains,
        unit: Unit<'_, 'a>,
        lines: Unit<'_, '_>,
        names: &mut Names<'_, 'a>,
        table: &mut FrameTable,
        budget: &mut Budget,
    ) -> Self {
        let mut addresses: Vec<u64> = Vec::new();
        for link in chains.by_position.values().flatten() {
            let name = names.name_of(unit, link.function, table, budget);
            if name.is_some_and(|name| name.starts_with('{')) {
                addresses.extend(link.begin);
            }
        }
        if addresses.is_empty() {
            return Self::default();
        }
        addresses.sort_unstable();
        addresses.dedup();
        let rows = line_rows(lines, &addresses, budget).unwrap_or_default();
        Self { addresses, rows }
    }

    /// The line, or 0 if it is unknown.
    pub(super) fn of_code_at(&self, begin: Option<u64>) -> u32 {
        let position = begin.and_then(|begin| self.addresses.binary_search(&begin).ok());
        position.and_then(|position| self.rows.get(&position)).map_or(0, |(_, line)| *line)
    }
}
