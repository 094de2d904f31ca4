//! Names of functions, wherever in the file they stand.

use std::sync::Arc;

use gimli::{AttributeValue, DebugInfoOffset, UnitOffset, UnitRef};
use rustc_hash::FxHashMap;

use crate::symbolize::elf::Reader;
use crate::symbolize::frames::FrameTable;

/// Name indirections (`DW_AT_abstract_origin`, `DW_AT_specification`) followed before giving up on a cyclic file.
const MAX_INDIRECTIONS: usize = 16;

/// Names of functions by the place of their entry, read once.
pub(super) struct Names<'d, 'a> {
    dwarf: &'d gimli::Dwarf<Reader<'a>>,
    /// All unit headers by offset; read when a name is found in another unit than its use.
    headers: Vec<(DebugInfoOffset, gimli::UnitHeader<Reader<'a>>)>,
    by_offset: FxHashMap<usize, Option<Arc<str>>>,
}

impl<'d, 'a> Names<'d, 'a> {
    pub(super) fn new(dwarf: &'d gimli::Dwarf<Reader<'a>>) -> Self {
        Self { dwarf, headers: Vec::new(), by_offset: FxHashMap::default() }
    }

    pub(super) fn name_of(
        &mut self,
        unit: UnitRef<'_, Reader<'a>>,
        offset: UnitOffset,
        table: &mut FrameTable,
    ) -> Option<Arc<str>> {
        let at = offset.to_debug_info_offset(&unit.header)?.0;
        if let Some(name) = self.by_offset.get(&at) {
            return name.clone();
        }
        let name = self.read_name(unit, offset, MAX_INDIRECTIONS).ok().flatten();
        let name = name.map(|name| table.string(&name.to_string_lossy()));
        self.by_offset.insert(at, name.clone());
        name
    }

    fn read_name(
        &mut self,
        unit: UnitRef<'_, Reader<'a>>,
        offset: UnitOffset,
        indirections: usize,
    ) -> gimli::Result<Option<Reader<'a>>> {
        let entry = unit.entry(offset)?;
        if let Some(name) = entry.attr_value(gimli::DW_AT_name) {
            return unit.attr_string(name).map(Some);
        }
        let next = entry
            .attr_value(gimli::DW_AT_abstract_origin)
            .or_else(|| entry.attr_value(gimli::DW_AT_specification));
        let Some(indirections) = indirections.checked_sub(1) else { return Ok(None) };
        match next {
            Some(AttributeValue::UnitRef(offset)) => self.read_name(unit, offset, indirections),
            // Link-time optimisation inlines across units.
            Some(AttributeValue::DebugInfoRef(offset)) => {
                if self.headers.is_empty() {
                    let mut units = self.dwarf.units();
                    while let Some(header) = units.next()? {
                        self.headers.extend(header.debug_info_offset().map(|offset| (offset, header)));
                    }
                }
                let after = self.headers.partition_point(|(start, _)| start.0 <= offset.0);
                let Some((_, header)) = self.headers[..after].last() else { return Ok(None) };
                let Some(offset) = offset.to_unit_offset(header) else { return Ok(None) };
                let unit = self.dwarf.unit(*header)?;
                self.read_name(UnitRef::new(self.dwarf, &unit), offset, indirections)
            }
            _ => Ok(None),
        }
    }
}
