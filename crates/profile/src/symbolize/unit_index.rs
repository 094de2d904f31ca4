//! Which unit of the debug information has the code at an address.
//!
//! Reading the root entry of every unit is the fixed cost of symbolising, so the answer is kept - coarsely: a unit's
//! functions lie side by side in the program, and ranges with small gaps between them are kept as one. A range may
//! thus claim a few addresses of its neighbour; the unit's own entries decide.

use gimli::AttributeValue;

use super::elf::Reader;

/// Gaps up to this many bytes between a unit's functions are closed.
const MAX_GAP: u64 = 256;

/// Coarse address ranges of all units of one file.
#[derive(Debug, Default)]
pub(crate) struct UnitIndex {
    ranges: Vec<UnitRange>,
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
    pub(crate) fn read(dwarf: &gimli::Dwarf<Reader<'_>>) -> Self {
        let mut index = Self::default();
        let mut ranges = Vec::new();
        let mut units = dwarf.units();
        while let Ok(Some(header)) = units.next() {
            let Some(offset) = header.debug_info_offset() else { continue };
            ranges.clear();
            // What was read before a damaged list entry is good.
            let _ = read_ranges(dwarf, &header, &mut ranges);
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

    /// The units that may have code at any of the addresses (sorted), by ascending offset in `.debug_info`.
    pub(crate) fn units_of(&self, addresses: &[u64]) -> Vec<usize> {
        let mut units: Vec<usize> = self
            .ranges
            .iter()
            .filter(|range| {
                let first = addresses.partition_point(|address| *address < range.begin);
                addresses.get(first).is_some_and(|address| *address < range.end)
            })
            .map(|range| range.unit)
            .collect();
        units.dedup();
        units
    }
}

fn read_ranges(
    dwarf: &gimli::Dwarf<Reader<'_>>,
    header: &gimli::UnitHeader<Reader<'_>>,
    ranges: &mut Vec<gimli::Range>,
) -> gimli::Result<()> {
    let encoding = header.encoding();
    let abbreviations = dwarf.abbreviations(header)?;
    let mut entries = header.entries_raw(&abbreviations, None)?;
    let Some(root) = entries.read_abbreviation()? else { return Ok(()) };
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
            (gimli::DW_AT_addr_base, AttributeValue::DebugAddrBase(base)) => address_base = base,
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
        let mut list = dwarf.ranges.ranges(offset, encoding, base, debug_addr, address_base)?;
        while let Some(range) = list.next()? {
            ranges.push(range);
        }
    } else if let Some(begin) = base {
        let end = match high_pc {
            Some(AttributeValue::Udata(size)) => Some(begin.saturating_add(size)),
            value => address(value)?,
        };
        ranges.extend(end.map(|end| gimli::Range { begin, end }));
    }
    Ok(())
}
