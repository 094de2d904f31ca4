//! The functions that contain an address, from the outermost to the innermost inlined function.

use gimli::{EntriesRaw, UnitOffset};
use rustc_hash::FxHashMap;

use super::entry::CodeEntry;
use super::skimmer::Skimmer;
use crate::symbols::budget::{Bounded, Budget};
use crate::symbols::elf::{Reader, Unit};

/// One level of inlining: the function, where its code begins, and where it was inlined into the enclosing function.
#[derive(Clone, Copy)]
pub(super) struct Link {
    pub(super) function: UnitOffset,
    pub(super) begin: Option<u64>,
    pub(super) call_file: u64,
    pub(super) call_line: u32,
}

/// For each address found in a unit, its functions from the outermost to the innermost.
#[derive(Default)]
pub(super) struct Chains {
    pub(super) by_position: FxHashMap<usize, Vec<Link>>,
}

impl Chains {
    /// Reads the unit's entries until all addresses are found, and follows the subprograms that contain some of the
    /// addresses.
    pub(super) fn read_functions(
        &mut self,
        unit: Unit<'_, '_>,
        addresses: &[u64],
        budget: &mut Budget,
    ) -> Bounded<()> {
        let mut skimmer = Skimmer::new(unit)?;
        while self.by_position.len() < addresses.len()
            && let Some(offset) = skimmer.next_to_read(budget)?
        {
            let mut entries = unit.entries_raw(Some(offset))?;
            let depth = entries.next_depth();
            if let Some(abbreviation) = entries.read_abbreviation()? {
                budget.spend(1 + abbreviation.attributes().len())?;
                if abbreviation.tag() == gimli::DW_TAG_subprogram {
                    let entry = CodeEntry::read(unit, &mut entries, abbreviation)?;
                    let inside = entry.positions(unit, addresses, budget)?;
                    if !inside.is_empty() {
                        let begin = entry.begin(unit, budget)?;
                        let link = Link { function: offset, begin, call_file: 0, call_line: 0 };
                        self.by_position.extend(inside.iter().map(|position| (*position, vec![link])));
                        self.read_inlined(unit, &mut entries, depth, &inside, addresses, budget)?;
                    }
                } else {
                    entries.skip_attributes(abbreviation.attributes())?;
                }
            }
            skimmer.continue_at(entries.next_offset());
        }
        Ok(())
    }

    /// Reads the entries below a subprogram at `depth`. Inlined subroutines nest, so appending them in order gives
    /// chains from the outside in.
    fn read_inlined<'a>(
        &mut self,
        unit: Unit<'_, 'a>,
        entries: &mut EntriesRaw<'_, Reader<'a>>,
        depth: isize,
        function: &[usize],
        addresses: &[u64],
        budget: &mut Budget,
    ) -> Bounded<()> {
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
                    let mut inside = entry.positions(unit, addresses, budget)?;
                    inside.retain(|position| function.binary_search(position).is_ok());
                    if inside.is_empty() {
                        skip_below = Some(entry_depth);
                        continue;
                    }
                    let link = Link {
                        function: entry.origin.unwrap_or(offset),
                        begin: entry.begin(unit, budget)?,
                        call_file: entry.call_file,
                        call_line: entry.call_line,
                    };
                    for position in inside {
                        self.by_position.entry(position).or_default().push(link);
                    }
                }
                tag => {
                    entries.skip_attributes(abbreviation.attributes())?;
                    // A function within a function is not inlined into it.
                    if tag == gimli::DW_TAG_subprogram {
                        skip_below = Some(entry_depth);
                    }
                }
            }
        }
        Ok(())
    }
}
