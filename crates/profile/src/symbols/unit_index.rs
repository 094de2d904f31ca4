//! An index that finds the unit of debug information for the code at an address.
//!
//! Reading the root entry of every unit is the fixed cost of symbolizing, so the result is kept, coarsely. A unit's
//! functions are adjacent in the program, so ranges with small gaps between them are kept as one. Such a range can
//! include a few addresses of a neighbour, so the unit's own entries decide.

use gimli::{AttributeValue, Reader as _};

use super::abbreviations;
use super::budget::{Bounded, Budget};
use super::elf::{Dwarf, Reader};
use super::source_path;

/// Gaps between a unit's functions up to this size are closed.
const MAX_GAP: u64 = 256;

/// Coarse address ranges of all units of one file.
#[derive(Debug, Default)]
pub(crate) struct UnitIndex {
    ranges: Vec<UnitRange>,
    /// Whether some units have their debug information in separate files.
    pub(crate) is_split: bool,
    /// The folder that the source paths of the program's own crate are relative to.
    pub(crate) own_root: Option<String>,
}

#[derive(Debug)]
struct UnitRange {
    begin: u64,
    end: u64,
    /// Offset of the unit's header in `.debug_info`.
    unit: usize,
}

impl UnitIndex {
    /// Reads the root entry of every unit. Damaged units are left out.
    pub(crate) fn read(dwarf: &Dwarf<'_>, budget: &mut Budget) -> Self {
        let mut index = Self::default();
        let mut ranges = Vec::new();
        let mut units = dwarf.units();
        while let Ok(Some(header)) = units.next() {
            let Some(offset) = header.debug_info_offset() else { continue };
            ranges.clear();
            // Ranges read before a damaged list entry are valid.
            let root = read_root(dwarf, &header, &mut ranges, budget).unwrap_or_default();
            index.is_split |= root.is_split;
            if index.own_root.is_none() {
                index.own_root = root.own_root(dwarf);
            }
            ranges.sort_unstable_by_key(|range| range.begin);
            let first = index.ranges.len();
            for range in &ranges {
                match index.ranges[first..].last_mut() {
                    Some(last) if range.begin <= last.end.saturating_add(MAX_GAP) => {
                        last.end = last.end.max(range.end)
                    }
                    _ => index.ranges.push(UnitRange { begin: range.begin, end: range.end, unit: offset.0 }),
                }
            }
        }
        index.ranges.shrink_to_fit();
        index
    }

    /// The units that can contain any of the (sorted) addresses, by ascending offset in `.debug_info`.
    pub(crate) fn units_of(&self, addresses: &[u64]) -> Vec<usize> {
        let is_hit = |range: &&UnitRange| {
            let first = addresses.partition_point(|address| *address < range.begin);
            addresses.get(first).is_some_and(|address| *address < range.end)
        };
        let mut units: Vec<usize> = self.ranges.iter().filter(is_hit).map(|range| range.unit).collect();
        units.dedup();
        units
    }
}

/// The contents of a unit's root entry, apart from its code ranges.
#[derive(Default)]
pub(crate) struct Root<'a> {
    /// Whether the unit's other entries are in another file.
    is_split: bool,
    name: Option<AttributeValue<Reader<'a>>>,
    compiler_folder: Option<AttributeValue<Reader<'a>>>,
}

impl<'a> Root<'a> {
    /// The root of the program's workspace, if the unit belongs to the program's own crate.
    fn own_root(self, dwarf: &Dwarf<'a>) -> Option<String> {
        let text = |value: AttributeValue<Reader<'a>>| match value {
            AttributeValue::String(text) => Some(text),
            AttributeValue::DebugStrRef(offset) => dwarf.string(offset).ok(),
            AttributeValue::DebugLineStrRef(offset) => dwarf.line_string(offset).ok(),
            AttributeValue::DebugStrRefSup(offset) => dwarf.sup_string(offset).ok(),
            _ => None,
        };
        let name = text(self.name?)?;
        let folder = self.compiler_folder.and_then(text);
        let folder = folder.as_ref().map(gimli::EndianSlice::to_string_lossy);
        source_path::own_root(&name.to_string_lossy(), folder.as_deref()).map(str::to_owned)
    }
}

/// Reads a unit's root entry. Appends its code ranges to `ranges`.
pub(crate) fn read_root<'a>(
    dwarf: &Dwarf<'a>,
    header: &gimli::UnitHeader<Reader<'a>>,
    ranges: &mut Vec<gimli::Range>,
    budget: &mut Budget,
) -> Bounded<Root<'a>> {
    let encoding = header.encoding();
    let code = header.range_from(header.root_offset()..)?.read_uleb128()?;
    let abbreviations = abbreviations::only(&dwarf.debug_abbrev, header.debug_abbrev_offset(), code, budget)?;
    let mut entries = header.entries_raw(&abbreviations, None)?;
    let mut found = Root::default();
    let Some(root) = entries.read_abbreviation()? else { return Ok(found) };
    let (mut low_pc, mut high_pc, mut list) = (None, None, None);
    let mut address_base = gimli::DebugAddrBase(0);
    let mut list_base =
        gimli::DebugRngListsBase::default_for_encoding_and_file(encoding, gimli::DwarfFileType::Main);
    for specification in root.attributes() {
        let attribute = entries.read_attribute(*specification)?;
        match (attribute.name(), attribute.value()) {
            (gimli::DW_AT_low_pc, value) => low_pc = Some(value),
            (gimli::DW_AT_high_pc, value) => high_pc = Some(value),
            (gimli::DW_AT_ranges, value) => list = Some(value),
            (gimli::DW_AT_dwo_name | gimli::DW_AT_GNU_dwo_name, _) => found.is_split = true,
            (gimli::DW_AT_name, value) => found.name = Some(value),
            (gimli::DW_AT_comp_dir, value) => found.compiler_folder = Some(value),
            (gimli::DW_AT_addr_base | gimli::DW_AT_GNU_addr_base, AttributeValue::DebugAddrBase(base)) => {
                address_base = base;
            }
            (gimli::DW_AT_rnglists_base, AttributeValue::DebugRngListsBase(base)) => list_base = base,
            _ => {}
        }
    }
    let address = |value: Option<AttributeValue<Reader<'_>>>| match value {
        Some(AttributeValue::Addr(address)) => Ok(Some(address)),
        Some(AttributeValue::DebugAddrIndex(index)) => {
            dwarf.debug_addr.get_address(encoding.address_size, address_base, index).map(Some)
        }
        _ => Ok(None),
    };
    let base = address(low_pc)?;
    let offset = match list {
        Some(AttributeValue::RangeListsRef(offset)) => Some(gimli::RangeListsOffset(offset.0)),
        Some(AttributeValue::DebugRngListsIndex(index)) => {
            Some(dwarf.ranges.get_offset(encoding, list_base, index)?)
        }
        _ => None,
    };
    if let Some(offset) = offset {
        let (debug_addr, base) = (&dwarf.debug_addr, base.unwrap_or(0));
        let list = dwarf.ranges.ranges(offset, encoding, base, debug_addr, address_base)?;
        budget.each_range(list, |range, _| {
            ranges.push(range);
            Ok(())
        })?;
    } else if let Some(begin) = base {
        let end = match high_pc {
            Some(AttributeValue::Udata(size)) => Some(begin.saturating_add(size)),
            value => address(value)?,
        };
        ranges.extend(end.map(|end| gimli::Range { begin, end }));
    }
    Ok(found)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::symbols::budget::bytes_of;

    const UNITS: usize = 1000;
    const RANGES: u64 = 1000;

    /// Units with one root entry each, whose code lies in `list(unit)` of `.debug_ranges`.
    fn file(list: impl Fn(usize) -> usize, ranges: &[u8]) -> gimli::DwarfSections<Vec<u8>> {
        // DW_TAG_compile_unit without children: DW_AT_low_pc as DW_FORM_addr, DW_AT_ranges as DW_FORM_sec_offset.
        let abbreviations = [1, 0x11, 0, 0x11, 0x01, 0x55, 0x17, 0, 0, 0];
        let mut info = Vec::new();
        for unit in 0..UNITS {
            let list = u32::try_from(list(unit)).unwrap();
            info.extend(20_u32.to_le_bytes()); // what follows: version 4, abbreviations at 0, addresses of 8 bytes
            info.extend([4, 0, 0, 0, 0, 0, 8, 1]);
            info.extend(0_u64.to_le_bytes());
            info.extend(list.to_le_bytes());
        }
        gimli::DwarfSections::load(|id| {
            Ok::<_, gimli::Error>(match id {
                gimli::SectionId::DebugInfo => info.clone(),
                gimli::SectionId::DebugAbbrev => abbreviations.to_vec(),
                gimli::SectionId::DebugRanges => ranges.to_vec(),
                _ => Vec::new(),
            })
        })
        .unwrap()
    }

    /// Ranges that are too far apart for the index to join, and the end of the list.
    fn list(first: u64, len: u64) -> Vec<u8> {
        let begins = (0..len).map(|range| (first + range + 1) * 0x1000);
        let numbers = begins.flat_map(|begin| [begin, begin + 16]).chain([0, 0]);
        numbers.flat_map(u64::to_le_bytes).collect()
    }

    fn read(sections: &gimli::DwarfSections<Vec<u8>>) -> UnitIndex {
        let dwarf = sections.borrow(|section| Reader::new(section, gimli::RunTimeEndian::Little));
        UnitIndex::read(&dwarf, &mut Budget::new(bytes_of(&dwarf), 0))
    }

    #[test]
    fn reads_all_units_with_separate_lists() {
        let ranges: Vec<u8> = (0..UNITS as u64).flat_map(|unit| list(unit * 10, 10)).collect();
        let index = read(&file(|unit| unit * 11 * 16, &ranges));
        assert_eq!(index.ranges.len(), UNITS * 10);
        assert_eq!(index.units_of(&[0x1000 * 10 + 8, 0x1000 * 11 + 8, 0x1000 * 12]), [0, 24]);
    }

    #[test]
    fn does_not_read_one_long_list_for_every_unit() {
        let sections = file(|_| 0, &list(0, RANGES));
        let index = read(&sections);
        // The units alone would allow a million ranges.
        let bytes = UNITS * 24 + (RANGES as usize + 1) * 16 + 10;
        assert!(index.ranges.len() >= RANGES as usize, "{}", index.ranges.len());
        assert!(index.ranges.len() <= bytes * 16 && bytes * 16 < UNITS * RANGES as usize);
    }
}
