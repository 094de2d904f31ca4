//! Entries with code: where the code is, and where it was inlined.

use gimli::{AttributeValue, EntriesRaw, UnitOffset, UnitRef};

use crate::symbols::budget::{Budget, Damaged};
use crate::symbols::elf::Reader;

/// The positions of the addresses in a range.
pub(super) fn positions_in(addresses: &[u64], range: gimli::Range) -> std::ops::Range<usize> {
    let start = addresses.partition_point(|address| *address < range.begin);
    let len = addresses[start..].partition_point(|address| *address < range.end);
    start..start + len
}

/// The attributes of an entry with code.
#[derive(Default)]
pub(super) struct CodeEntry {
    low_pc: Option<u64>,
    high_pc: Option<u64>,
    size: Option<u64>,
    ranges: Option<gimli::RangeListsOffset>,
    pub(super) origin: Option<UnitOffset>,
    pub(super) call_file: u64,
    pub(super) call_line: u32,
}

impl CodeEntry {
    pub(super) fn read<'a>(
        unit: UnitRef<'_, Reader<'a>>,
        entries: &mut EntriesRaw<'_, Reader<'a>>,
        abbreviation: &gimli::Abbreviation,
    ) -> gimli::Result<Self> {
        let mut entry = Self::default();
        for specification in abbreviation.attributes() {
            let attribute = entries.read_attribute_inline(*specification)?;
            match attribute.name() {
                gimli::DW_AT_low_pc => entry.low_pc = unit.attr_address(attribute.value())?,
                gimli::DW_AT_high_pc => match attribute.value() {
                    AttributeValue::Udata(size) => entry.size = Some(size),
                    value => entry.high_pc = unit.attr_address(value)?,
                },
                gimli::DW_AT_ranges => entry.ranges = unit.attr_ranges_offset(attribute.value())?,
                gimli::DW_AT_abstract_origin => {
                    if let AttributeValue::UnitRef(offset) = attribute.value() {
                        entry.origin = Some(offset);
                    }
                }
                gimli::DW_AT_call_file => {
                    if let AttributeValue::FileIndex(index) = attribute.value() {
                        entry.call_file = index;
                    }
                }
                gimli::DW_AT_call_line => {
                    entry.call_line =
                        attribute.udata_value().and_then(|line| u32::try_from(line).ok()).unwrap_or(0);
                }
                _ => {}
            }
        }
        Ok(entry)
    }

    /// Where the code begins. The lowest address, if the code has several parts.
    pub(super) fn begin(
        &self,
        unit: UnitRef<'_, Reader<'_>>,
        budget: &mut Budget,
    ) -> Result<Option<u64>, Damaged> {
        let mut lowest = self.low_pc;
        if let Some(offset) = self.ranges {
            lowest = None;
            budget.each_range(unit.ranges(offset)?, |range, _| {
                lowest = Some(lowest.map_or(range.begin, |lowest: u64| lowest.min(range.begin)));
                Ok(())
            })?;
        }
        Ok(lowest)
    }

    /// The positions in `addresses` that this code covers, ascending.
    pub(super) fn positions(
        &self,
        unit: UnitRef<'_, Reader<'_>>,
        addresses: &[u64],
        budget: &mut Budget,
    ) -> Result<Vec<usize>, Damaged> {
        let mut inside = Vec::new();
        let mut add = |range, budget: &mut Budget| {
            let positions = positions_in(addresses, range);
            budget.spend(positions.len())?;
            inside.extend(positions);
            Ok(())
        };
        if let Some(offset) = self.ranges {
            budget.each_range(unit.ranges(offset)?, add)?;
            inside.sort_unstable();
            inside.dedup();
        } else if let Some(begin) = self.low_pc {
            let end = self.high_pc.or_else(|| self.size.map(|size| begin.saturating_add(size)));
            if let Some(end) = end {
                add(gimli::Range { begin, end }, budget)?;
            }
        }
        Ok(inside)
    }
}
