//! Frames from DWARF: for a batch of addresses, which functions, inlined ones included, each belongs to.
//!
//! The names wanted are `DW_AT_name`s, which carry the concrete generic arguments (`push<app::Session>`) where the
//! linkage name of the legacy mangling has lost them. All addresses are known beforehand, so each unit is passed once,
//! nothing of it is kept, and the line program runs without storing rows.

mod entry;
mod lines;
mod names;
mod skimmer;

use std::sync::Arc;

use gimli::{DebugInfoOffset, EntriesRaw, UnitOffset, UnitRef};
use rustc_hash::FxHashMap;

use super::budget::{Budget, Damaged};
use super::elf::Reader;
use super::frames::{Frame, FrameSpan, FrameTable, Function};
use super::split::SplitUnits;
use super::unit_index::{self, UnitIndex};
use super::units::Units;
use entry::{CodeEntry, positions_in};
use lines::{Files, line_rows};
use names::Names;
use skimmer::Skimmer;

/// What DWARF says of a batch of addresses, by their position in the batch.
#[derive(Default)]
pub(crate) struct Found {
    /// Frames, innermost first.
    pub(crate) frames: FxHashMap<usize, FrameSpan>,
    /// Source file and line of addresses without frames: with line tables only, LLVM writes no entry for a function
    /// that nothing was inlined into. Its name is that of its symbol.
    pub(crate) lines: FxHashMap<usize, (Option<Arc<str>>, u32)>,
    /// How many of the lines are of units whose functions are in a file that was not found.
    pub(crate) without_functions: usize,
}

/// Finds the frames of `addresses`, which are sorted link-time addresses.
///
/// Damaged units are left out; addresses in them are simply not found.
pub(crate) fn resolve(
    dwarf: &gimli::Dwarf<Reader<'_>>,
    index: &UnitIndex,
    split: &mut SplitUnits<'_>,
    addresses: &[u64],
    table: &mut FrameTable,
    budget: &mut Budget,
) -> Found {
    let mut search = Search { table, budget, found: Found::default() };
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
        // A skeleton: it has the line table, and a file of its own has all else.
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

/// The addresses that lie in one unit. The index of units is coarse, and claims some for more than one.
#[derive(Default)]
struct Wanted {
    /// Sorted.
    addresses: Vec<u64>,
    /// Positions of these in the batch.
    positions: Vec<usize>,
}

impl Wanted {
    fn in_unit(
        dwarf: &gimli::Dwarf<Reader<'_>>,
        offset: DebugInfoOffset,
        addresses: &[u64],
        budget: &mut Budget,
    ) -> Self {
        let Ok(header) = dwarf.debug_info.header_from_offset(offset) else { return Self::default() };
        let mut ranges = Vec::new();
        // What was read before a damaged entry is good.
        let _ = unit_index::read_ranges(dwarf, &header, &mut ranges, budget);
        ranges.sort_unstable_by_key(|range| range.begin);
        let mut wanted = Self::default();
        let mut next = 0;
        for range in ranges {
            // Ranges of a damaged unit may overlap.
            let inside = positions_in(addresses, range);
            let new = inside.start.max(next)..inside.end;
            next = next.max(inside.end);
            wanted.addresses.extend(addresses.get(new.clone()).unwrap_or_default());
            wanted.positions.extend(new);
        }
        wanted
    }
}

/// What was found so far.
struct Search<'s> {
    table: &'s mut FrameTable,
    budget: &'s mut Budget,
    found: Found,
}

impl Search<'_> {
    /// Passes once over a unit. `lines` is the unit with its line table, the same unless that is a skeleton.
    fn pass<'a>(
        &mut self,
        unit: UnitRef<'_, Reader<'a>>,
        lines: UnitRef<'_, Reader<'_>>,
        wanted: &Wanted,
        names: &mut Names<'_, 'a>,
    ) {
        let mut chains = Chains::default();
        // What was found before a damaged entry is good.
        let _ = chains.read_functions(unit, &wanted.addresses, self.budget);
        self.add(&chains, unit, lines, wanted, names);
    }

    /// Turns the chains into frames. A function's own position is where the next inner one was inlined, and for the
    /// innermost the row of the line table.
    fn add<'a>(
        &mut self,
        chains: &Chains,
        unit: UnitRef<'_, Reader<'a>>,
        lines: UnitRef<'_, Reader<'_>>,
        wanted: &Wanted,
        names: &mut Names<'_, 'a>,
    ) {
        let Self { table, budget, found } = self;
        let mut files = Files::new(lines);
        let rows = line_rows(lines, &wanted.addresses, budget).unwrap_or_default();
        for (position, chain) in &chains.by_position {
            let (mut file, mut line) = rows.get(position).copied().unwrap_or((0, 0));
            let frames = chain.iter().rev().map(|link| {
                let name = names.name_of(unit, link.function, table, budget);
                let function = Function { name, is_symbol: false, file: files.path(file, table) };
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

/// One level of inlining: the function, and where it was inlined into the function around it.
#[derive(Clone, Copy)]
struct Link {
    function: UnitOffset,
    call_file: u64,
    call_line: u32,
}

/// For each address met in a unit, its functions from the outermost to the innermost.
#[derive(Default)]
struct Chains {
    by_position: FxHashMap<usize, Vec<Link>>,
}

impl Chains {
    /// Passes over the unit's entries, until all addresses are found, and follows those subprograms that contain some.
    fn read_functions(
        &mut self,
        unit: UnitRef<'_, Reader<'_>>,
        addresses: &[u64],
        budget: &mut Budget,
    ) -> Result<(), Damaged> {
        let mut skimmer = Skimmer::new(unit)?;
        while self.by_position.len() < addresses.len()
            && let Some(offset) = skimmer.next_to_read(budget)?
        {
            let mut entries = unit.entries_raw(Some(offset))?;
            let depth = entries.next_depth();
            let Some(abbreviation) = entries.read_abbreviation()? else {
                skimmer.go_on_at(entries.next_offset());
                continue;
            };
            budget.spend(1 + abbreviation.attributes().len())?;
            if abbreviation.tag() != gimli::DW_TAG_subprogram {
                entries.skip_attributes(abbreviation.attributes())?;
                skimmer.go_on_at(entries.next_offset());
                continue;
            }
            let entry = CodeEntry::read(unit, &mut entries, abbreviation)?;
            let inside = entry.positions(unit, addresses, budget)?;
            if !inside.is_empty() {
                let link = Link { function: offset, call_file: 0, call_line: 0 };
                for position in &inside {
                    self.by_position.insert(*position, vec![link]);
                }
                self.read_inlined(unit, &mut entries, depth, &inside, addresses, budget)?;
            }
            skimmer.go_on_at(entries.next_offset());
        }
        Ok(())
    }

    /// Reads what is below a subprogram at `depth`. Inlined subroutines nest, so appending as they come orders each
    /// chain from the outside in.
    fn read_inlined<'a>(
        &mut self,
        unit: UnitRef<'_, Reader<'a>>,
        entries: &mut EntriesRaw<'_, Reader<'a>>,
        depth: isize,
        function: &[usize],
        addresses: &[u64],
        budget: &mut Budget,
    ) -> Result<(), Damaged> {
        let mut skip_below = None;
        while entries.next_depth() > depth {
            let offset = entries.next_offset();
            let entry_depth = entries.next_depth();
            let Some(abbreviation) = entries.read_abbreviation()? else { continue };
            budget.spend(1 + abbreviation.attributes().len())?;
            if skip_below.is_some_and(|limit| entry_depth > limit) {
                entries.skip_attributes(abbreviation.attributes())?;
                continue;
            }
            skip_below = None;
            match abbreviation.tag() {
                gimli::DW_TAG_inlined_subroutine => {
                    let entry = CodeEntry::read(unit, entries, abbreviation)?;
                    let mut any = false;
                    for position in entry.positions(unit, addresses, budget)? {
                        if function.binary_search(&position).is_err() {
                            continue;
                        }
                        any = true;
                        let origin = entry.origin.unwrap_or(offset);
                        let link =
                            Link { function: origin, call_file: entry.call_file, call_line: entry.call_line };
                        self.by_position.entry(position).or_default().push(link);
                    }
                    if !any {
                        skip_below = Some(entry_depth);
                    }
                }
                tag => {
                    entries.skip_attributes(abbreviation.attributes())?;
                    // A function inside a function is not inlined into it.
                    if tag == gimli::DW_TAG_subprogram {
                        skip_below = Some(entry_depth);
                    }
                }
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests;
