//! Names of functions, from any place in the file.

use std::sync::Arc;

use gimli::{AttributeValue, DebugInfoOffset, UnitOffset, UnitRef};
use rustc_hash::FxHashMap;

use crate::symbols::budget::{Bounded, Budget, Damaged};
use crate::symbols::elf::{Dwarf, Reader, Unit};
use crate::symbols::frames::FrameTable;
use crate::symbols::units::Units;

/// Bound on name indirections (`DW_AT_abstract_origin`, `DW_AT_specification`), against cyclic files.
const MAX_INDIRECTIONS: usize = 16;

/// Names of functions by the position of their entry. Each name is read once.
pub(super) struct Names<'d, 'a> {
    file: OtherUnits<'d, 'a>,
    /// The units of the supplementary file, if there is such a file.
    supplementary: Option<OtherUnits<'d, 'a>>,
    by_entry: FxHashMap<Entry, Option<Arc<str>>>,
}

/// An entry, by its offset in `.debug_info`.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
struct Entry {
    is_supplementary: bool,
    offset: usize,
}

/// The result of reading an entry: its name, or where the name is.
enum Lookup<'a> {
    Here(Reader<'a>),
    At(Entry),
    Nowhere,
}

impl<'d, 'a> Names<'d, 'a> {
    pub(super) fn new(dwarf: &'d Dwarf<'a>) -> Self {
        let supplementary = dwarf.sup().map(OtherUnits::new);
        Self { file: OtherUnits::new(dwarf), supplementary, by_entry: FxHashMap::default() }
    }

    pub(super) fn name_of(
        &mut self,
        unit: Unit<'_, 'a>,
        offset: UnitOffset,
        table: &mut FrameTable,
        budget: &mut Budget,
    ) -> Option<Arc<str>> {
        let offset = offset.to_debug_info_offset(&unit.header)?.0;
        let mut at = Entry { is_supplementary: false, offset };
        let mut passed = Vec::new();
        let mut name = None;
        for _ in 0..=MAX_INDIRECTIONS {
            if let Some(known) = self.by_entry.get(&at) {
                name = known.clone();
                break;
            }
            passed.push(at);
            match self.look_up(unit, at, budget) {
                Ok(Lookup::Here(text)) => {
                    name = Some(table.string(&text.to_string_lossy()));
                    break;
                }
                Ok(Lookup::At(next)) => at = next,
                Ok(Lookup::Nowhere) | Err(Damaged) => break,
            }
        }
        self.by_entry.extend(passed.into_iter().map(|at| (at, name.clone())));
        name
    }

    /// Reads an entry: of `unit`, of another unit (link-time optimization inlines across units), or of the
    /// supplementary file.
    fn look_up(&mut self, unit: Unit<'_, 'a>, at: Entry, budget: &mut Budget) -> Bounded<Lookup<'a>> {
        if at.is_supplementary {
            return self.supplementary.as_mut().ok_or(Damaged)?.look_up(at, budget);
        }
        match DebugInfoOffset(at.offset).to_unit_offset(&unit.header) {
            Some(offset) => look_up_in(unit, offset, at.is_supplementary, budget),
            None => self.file.look_up(at, budget),
        }
    }
}

/// All units of a file. The unit that was read last stays open.
struct OtherUnits<'d, 'a> {
    dwarf: &'d Dwarf<'a>,
    /// Where the units begin. Read when the first name is looked up.
    offsets: Vec<usize>,
    units: Units<'d, 'a>,
    open: Option<(usize, gimli::Unit<Reader<'a>>)>,
}

impl<'d, 'a> OtherUnits<'d, 'a> {
    fn new(dwarf: &'d Dwarf<'a>) -> Self {
        Self { dwarf, offsets: Vec::new(), units: Units::new(dwarf), open: None }
    }

    fn look_up(&mut self, at: Entry, budget: &mut Budget) -> Bounded<Lookup<'a>> {
        if self.offsets.is_empty() {
            let mut units = self.dwarf.units();
            while let Some(header) = units.next()? {
                self.offsets.extend(header.debug_info_offset().map(|offset| offset.0));
            }
        }
        let after = self.offsets.partition_point(|start| *start <= at.offset);
        let start = *self.offsets[..after].last().ok_or(Damaged)?;
        if self.open.as_ref().is_none_or(|(open, _)| *open != start) {
            self.open = Some((start, self.units.open(DebugInfoOffset(start), budget)?));
        }
        let (_, unit) = self.open.as_ref().ok_or(Damaged)?;
        let offset = DebugInfoOffset(at.offset).to_unit_offset(&unit.header).ok_or(Damaged)?;
        look_up_in(UnitRef::new(self.dwarf, unit), offset, at.is_supplementary, budget)
    }
}

fn look_up_in<'a>(
    unit: Unit<'_, 'a>,
    offset: UnitOffset,
    is_supplementary: bool,
    budget: &mut Budget,
) -> Bounded<Lookup<'a>> {
    let entry = unit.entry(offset)?;
    budget.spend(1 + entry.attrs().len())?;
    if let Some(name) = entry.attr_value(gimli::DW_AT_name) {
        let name = unit.attr_string(name)?;
        budget.spend(name.len())?;
        return Ok(Lookup::Here(name));
    }
    let next = entry
        .attr_value(gimli::DW_AT_abstract_origin)
        .or_else(|| entry.attr_value(gimli::DW_AT_specification));
    let here = |offset| Lookup::At(Entry { is_supplementary, offset });
    Ok(match next {
        Some(AttributeValue::UnitRef(offset)) => {
            offset.to_debug_info_offset(&unit.header).map_or(Lookup::Nowhere, |at| here(at.0))
        }
        Some(AttributeValue::DebugInfoRef(offset)) => here(offset.0),
        Some(AttributeValue::DebugInfoRefSup(offset)) => {
            Lookup::At(Entry { is_supplementary: true, offset: offset.0 })
        }
        _ => Lookup::Nowhere,
    })
}
