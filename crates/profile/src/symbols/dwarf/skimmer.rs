//! Skipping of entries without reading their attributes.

use gimli::UnitOffset;

use crate::symbols::budget::{Bounded, Budget};
use crate::symbols::elf::Unit;

/// Abbreviation codes below this have a table of sizes. Compilers write some hundred codes.
const CODES: usize = 512;

/// Skips the entries of a unit that are not subprograms. Nearly all are inlined subroutines, whose attributes have
/// fixed sizes, so one step of known length skips each.
pub(super) struct Skimmer<'a> {
    entries: &'a [u8],
    /// Position of `entries` in the unit.
    start: usize,
    at: usize,
    /// Sizes of entries that can be skipped, by abbreviation code; 0 if unknown.
    sizes: Vec<usize>,
}

impl<'a> Skimmer<'a> {
    pub(super) fn new(unit: Unit<'_, 'a>) -> gimli::Result<Self> {
        let root = unit.header.root_offset();
        let entries = unit.header.range_from(root..)?.slice();
        let mut sizes = vec![0; CODES];
        for (code, size) in sizes.iter_mut().enumerate() {
            let Some(abbreviation) = unit.abbreviations.get(code as u64) else { continue };
            if abbreviation.tag() != gimli::DW_TAG_subprogram {
                let attributes = abbreviation.attributes().iter();
                let sum = attributes.map(|attribute| attribute.size(&unit.header)).sum::<Option<usize>>();
                *size = sum.map_or(0, |sum| sum + if code < 128 { 1 } else { 2 });
            }
        }
        Ok(Self { entries, start: root.0, at: 0, sizes })
    }

    /// The position of the next entry that must be read.
    pub(super) fn next_to_read(&mut self, budget: &mut Budget) -> Bounded<Option<UnitOffset>> {
        let before = self.at;
        let result = loop {
            let Some(first) = self.entries.get(self.at) else { break None };
            let code = match (*first, self.entries.get(self.at + 1)) {
                (0, _) => {
                    self.at += 1;
                    continue;
                }
                (code @ 1..128, _) => usize::from(code),
                (low, Some(high @ 1..128)) => usize::from(low & 127) | usize::from(*high) << 7,
                _ => usize::MAX,
            };
            match self.sizes.get(code) {
                None | Some(0) => break Some(UnitOffset(self.start + self.at)),
                Some(size) => self.at += size,
            }
        };
        budget.spend(self.at - before)?;
        Ok(result)
    }

    /// Continues after an entry that was read.
    pub(super) fn continue_at(&mut self, offset: UnitOffset) {
        self.at = offset.0.saturating_sub(self.start);
    }
}
