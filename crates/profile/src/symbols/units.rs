//! Units of one file, opened one after the other.

use std::sync::Arc;

use gimli::{Abbreviations, DebugAbbrevOffset, DebugInfoOffset};

use super::abbreviations;
use super::budget::{Budget, Damaged};
use super::elf::Reader;

/// Opens units. Of the last unit it keeps only the abbreviations.
pub(crate) struct Units<'d, 'a> {
    dwarf: &'d gimli::Dwarf<Reader<'a>>,
    /// Adjacent units from one object file share their abbreviations.
    abbreviations: Option<(DebugAbbrevOffset, Arc<Abbreviations>)>,
}

impl<'d, 'a> Units<'d, 'a> {
    pub(crate) fn new(dwarf: &'d gimli::Dwarf<Reader<'a>>) -> Self {
        Self { dwarf, abbreviations: None }
    }

    /// Reads the unit with its header at `offset`: the root entry, the abbreviations and the files of the line table.
    pub(crate) fn open(
        &mut self,
        offset: DebugInfoOffset,
        budget: &mut Budget,
    ) -> Result<gimli::Unit<Reader<'a>>, Damaged> {
        let header = self.dwarf.debug_info.header_from_offset(offset)?;
        let at = header.debug_abbrev_offset();
        let abbreviations = match &self.abbreviations {
            Some((last, abbreviations)) if *last == at => Arc::clone(abbreviations),
            _ => Arc::new(abbreviations::all(&self.dwarf.debug_abbrev, at, budget)?),
        };
        self.abbreviations = Some((at, Arc::clone(&abbreviations)));
        let unit = gimli::Unit::new_with_abbreviations(self.dwarf, header, abbreviations)?;
        budget.spend(unit.line_program.as_ref().map_or(0, |lines| lines.header().header_length()))?;
        Ok(unit)
    }
}
