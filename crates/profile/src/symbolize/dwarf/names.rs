//! Names of functions, wherever in the file they stand.

use std::sync::Arc;

use gimli::{AttributeValue, DebugInfoOffset, UnitOffset, UnitRef};
use rustc_hash::FxHashMap;

use crate::symbolize::budget::{Budget, Damaged};
use crate::symbolize::elf::Reader;
use crate::symbolize::frames::FrameTable;
use crate::symbolize::units::Units;

/// Name indirections (`DW_AT_abstract_origin`, `DW_AT_specification`) followed before giving up on a cyclic file.
const MAX_INDIRECTIONS: usize = 16;

/// Names of functions by the place of their entry, read once.
pub(super) struct Names<'d, 'a> {
    dwarf: &'d gimli::Dwarf<Reader<'a>>,
    /// Offsets of all units; read when a name is found in another unit than its use.
    offsets: Vec<usize>,
    /// For names in other units; the last of these stays open.
    units: Units<'d, 'a>,
    other: Option<(usize, gimli::Unit<Reader<'a>>)>,
    by_offset: FxHashMap<usize, Option<Arc<str>>>,
}

/// Where a name may stand.
enum Place<'a> {
    Here(Reader<'a>),
    /// In the entry at this offset in `.debug_info`.
    At(usize),
    Nowhere,
}

impl<'d, 'a> Names<'d, 'a> {
    pub(super) fn new(dwarf: &'d gimli::Dwarf<Reader<'a>>) -> Self {
        Self {
            dwarf,
            offsets: Vec::new(),
            units: Units::new(dwarf),
            other: None,
            by_offset: FxHashMap::default(),
        }
    }

    pub(super) fn name_of(
        &mut self,
        unit: UnitRef<'_, Reader<'a>>,
        offset: UnitOffset,
        table: &mut FrameTable,
        budget: &mut Budget,
    ) -> Option<Arc<str>> {
        let mut at = offset.to_debug_info_offset(&unit.header)?.0;
        let mut passed = Vec::new();
        let mut name = None;
        for _ in 0..=MAX_INDIRECTIONS {
            if let Some(known) = self.by_offset.get(&at) {
                name = known.clone();
                break;
            }
            passed.push(at);
            match self.place(unit, at, budget) {
                Ok(Place::Here(text)) => {
                    name = Some(table.string(&text.to_string_lossy()));
                    break;
                }
                Ok(Place::At(next)) => at = next,
                Ok(Place::Nowhere) | Err(Damaged) => break,
            }
        }
        self.by_offset.extend(passed.into_iter().map(|at| (at, name.clone())));
        name
    }

    /// Reads the entry at `at`, in `unit` or - link-time optimisation inlines across units - in another.
    fn place(
        &mut self,
        unit: UnitRef<'_, Reader<'a>>,
        at: usize,
        budget: &mut Budget,
    ) -> Result<Place<'a>, Damaged> {
        if let Some(offset) = DebugInfoOffset(at).to_unit_offset(&unit.header) {
            return place_in(unit, offset, budget);
        }
        if self.offsets.is_empty() {
            let mut units = self.dwarf.units();
            while let Some(header) = units.next()? {
                self.offsets.extend(header.debug_info_offset().map(|offset| offset.0));
            }
        }
        let after = self.offsets.partition_point(|start| *start <= at);
        let start = *self.offsets[..after].last().ok_or(Damaged)?;
        if self.other.as_ref().is_none_or(|(open, _)| *open != start) {
            self.other = Some((start, self.units.open(DebugInfoOffset(start), budget)?));
        }
        let (_, other) = self.other.as_ref().ok_or(Damaged)?;
        let offset = DebugInfoOffset(at).to_unit_offset(&other.header).ok_or(Damaged)?;
        place_in(UnitRef::new(self.dwarf, other), offset, budget)
    }
}

fn place_in<'a>(
    unit: UnitRef<'_, Reader<'a>>,
    offset: UnitOffset,
    budget: &mut Budget,
) -> Result<Place<'a>, Damaged> {
    let entry = unit.entry(offset)?;
    budget.spend(1 + entry.attrs().len())?;
    if let Some(name) = entry.attr_value(gimli::DW_AT_name) {
        let name = unit.attr_string(name)?;
        budget.spend(name.len())?;
        return Ok(Place::Here(name));
    }
    let next = entry
        .attr_value(gimli::DW_AT_abstract_origin)
        .or_else(|| entry.attr_value(gimli::DW_AT_specification));
    Ok(match next {
        Some(AttributeValue::UnitRef(offset)) => {
            offset.to_debug_info_offset(&unit.header).map_or(Place::Nowhere, |at| Place::At(at.0))
        }
        Some(AttributeValue::DebugInfoRef(offset)) => Place::At(offset.0),
        _ => Place::Nowhere,
    })
}
