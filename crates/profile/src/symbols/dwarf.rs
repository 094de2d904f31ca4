//! Frames from DWARF: the functions of a batch of addresses, including inlined functions.
//!
//! Names are `DW_AT_name`s, which have concrete generic arguments (`push<app::Session>`). Linkage names in the legacy
//! mangling have lost them. All addresses are known beforehand. So each unit is read once and not kept, and the line
//! program runs without storing rows.

mod chains;
mod entry;
mod first_lines;
mod lines;
mod names;
mod skimmer;

use std::sync::Arc;

use gimli::{DebugInfoOffset, UnitRef};
use rustc_hash::FxHashMap;

use super::budget::Budget;
use super::elf::{Dwarf, Unit};
use super::frames::{Frame, FrameSpan, FrameTable, Function};
use super::split::SplitUnits;
use super::unit_index::{self, UnitIndex};
use super::units::Units;
use chains::Chains;
use entry::positions_in;
use first_lines::FirstLines;
use lines::{Files, line_rows};
use names::Names;

/// The results for a batch of addresses, by position in the batch.
#[derive(Default)]
pub(crate) struct Found {
    /// Frames, innermost first.
    pub(crate) frames: FxHashMap<usize, FrameSpan>,
    /// Source file and line of addresses without frames. With line tables only, LLVM writes no entry for a function
    /// without inlined calls. The symbol is then its name.
    pub(crate) lines: FxHashMap<usize, (Option<Arc<str>>, u32)>,
    /// Number of the lines that belong to units whose functions are in a file that was not found.
    pub(crate) without_functions: usize,
}

/// Finds the frames of `addresses`, which are sorted link-time addresses.
///
/// Skips damaged units, so their addresses are not found.
pub(crate) fn resolve(
    dwarf: &Dwarf<'_>,
    index: &UnitIndex,
    split: &mut SplitUnits<'_>,
    addresses: &[u64],
    table: &mut FrameTable,
    budget: &mut Budget,
) -> Found {
    let own_root = index.own_root.as_deref();
    let mut search = Search { table, budget, found: Found::default(), own_root };
    let mut units = Units::new(dwarf);
    let mut names = Names::new(dwarf);
    for offset in index.units_of(addresses) {
        let offset = DebugInfoOffset(offset);
        let wanted = Wanted::in_unit(dwarf, offset, addresses, search.budget);
        if wanted.positions.is_empty() {
            continue;
        }
        let Ok(unit) = units.open(offset, search.budget) else { continue };
        let unit = UnitRef::new(dwarf, &unit);
        if unit.dwo_id.is_none() {
            search.pass(unit, unit, &wanted, &mut names);
            continue;
        }
        // A skeleton has the line table. A separate file has everything else.
        let is_found = split.with_unit_of(unit, |whole, bytes| {
            search.budget.add(bytes);
            search.pass(whole, unit, &wanted, &mut Names::new(whole.dwarf));
        });
        if !is_found {
            let known = search.found.lines.len();
            search.add(&Chains::default(), unit, unit, &wanted, &mut names);
            search.found.without_functions += search.found.lines.len() - known;
        }
    }
    search.found.lines.retain(|position, _| !search.found.frames.contains_key(position));
    search.found
}

/// The addresses in one unit. The index of units is coarse, and claims some addresses for several units.
#[derive(Default)]
struct Wanted {
    /// Sorted.
    addresses: Vec<u64>,
    /// The positions of these addresses in the batch.
    positions: Vec<usize>,
}

impl Wanted {
    fn in_unit(dwarf: &Dwarf<'_>, offset: DebugInfoOffset, addresses: &[u64], budget: &mut Budget) -> Self {
        let Ok(header) = dwarf.debug_info.header_from_offset(offset) else { return Self::default() };
        let mut ranges = Vec::new();
        // Entries read before a damaged entry are valid.
        let _ = unit_index::read_root(dwarf, &header, &mut ranges, budget);
        ranges.sort_unstable_by_key(|range| range.begin);
        let mut wanted = Self::default();
        let mut next = 0;
        for range in ranges {
            // Ranges of a damaged unit can overlap.
            let inside = positions_in(addresses, range);
            let new = inside.start.max(next)..inside.end;
            next = next.max(inside.end);
            wanted.addresses.extend(addresses.get(new.clone()).unwrap_or_default());
            wanted.positions.extend(new);
        }
        wanted
    }
}

/// The state of a search.
struct Search<'s> {
    table: &'s mut FrameTable,
    budget: &'s mut Budget,
    found: Found,
    /// The folder that the service's own source paths are relative to.
    own_root: Option<&'s str>,
}

impl Search<'_> {
    /// Reads a unit once. `lines` is the unit with the line table: the same unit, or its skeleton.
    fn pass<'a>(
        &mut self,
        unit: Unit<'_, 'a>,
        lines: Unit<'_, '_>,
        wanted: &Wanted,
        names: &mut Names<'_, 'a>,
    ) {
        let mut chains = Chains::default();
        // Results from before a damaged entry are valid.
        let _ = chains.read_functions(unit, &wanted.addresses, self.budget);
        self.add(&chains, unit, lines, wanted, names);
    }

    /// Turns chains into frames. The position in a function is the place where the next inner function was inlined.
    /// For the innermost function it is the row of the line table.
    fn add<'a>(
        &mut self,
        chains: &Chains,
        unit: Unit<'_, 'a>,
        lines: Unit<'_, '_>,
        wanted: &Wanted,
        names: &mut Names<'_, 'a>,
    ) {
        let Self { table, budget, found, own_root } = self;
        let mut files = Files::new(lines, *own_root);
        let rows = line_rows(lines, &wanted.addresses, budget).unwrap_or_default();
        let first_lines = FirstLines::of(chains, unit, lines, names, table, budget);
        for (position, chain) in &chains.by_position {
            let (mut file, mut line) = rows.get(position).copied().unwrap_or((0, 0));
            let frames = chain.iter().rev().map(|link| {
                let name = names.name_of(unit, link.function, table, budget);
                let mut function = Function::new(name, false, files.path(file, table));
                function.first_line = first_lines.of_code_at(link.begin);
                let frame = Frame { function: table.function_handle(function), line };
                (file, line) = (link.call_file, link.call_line);
                frame
            });
            let frames: Vec<Frame> = frames.collect();
            found.frames.insert(wanted.positions[*position], table.push_frames(frames));
        }
        for (position, (file, line)) in rows {
            if !chains.by_position.contains_key(&position) {
                found.lines.insert(wanted.positions[position], (files.path(file, table), line));
            }
        }
    }
}

#[cfg(test)]
mod tests;
