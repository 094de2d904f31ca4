//! Frames from DWARF: for a batch of addresses, which functions, inlined ones included, each belongs to.
//!
//! The names wanted are `DW_AT_name`s, which carry the concrete generic arguments (`push<app::Session>`) where the
//! linkage name of the legacy mangling has lost them. All addresses are known beforehand, so each unit is passed once,
//! nothing of it is kept, and the line program runs without storing rows.

use std::sync::Arc;

use gimli::{AttributeValue, DebugInfoOffset, EntriesRaw, UnitOffset, UnitRef};
use rustc_hash::FxHashMap;

use super::frames::{Frame, FrameTable, Function};
use super::source_path;
use super::unit_index::UnitIndex;

/// Slices of mapped or decompressed sections.
pub(crate) type Reader<'a> = gimli::EndianSlice<'a, gimli::RunTimeEndian>;

/// Name indirections (`DW_AT_abstract_origin`, `DW_AT_specification`) followed before giving up on a cyclic file.
const MAX_INDIRECTIONS: usize = 16;

/// Finds the frames of `addresses` (sorted, link-time addresses): for each address found, `found` gets its position in
/// `addresses` and its frames, innermost first.
///
/// Damaged units are left out; addresses in them are simply not found.
pub(crate) fn resolve<'a>(
    dwarf: &gimli::Dwarf<Reader<'a>>,
    index: &UnitIndex,
    addresses: &[u64],
    table: &mut FrameTable,
    mut found: impl FnMut(&mut FrameTable, usize, &[Frame]),
) {
    let mut names = Names { dwarf, headers: Vec::new(), by_offset: FxHashMap::default() };
    for offset in index.units_of(addresses) {
        let Ok(header) = dwarf.debug_info.header_from_offset(DebugInfoOffset(offset)) else { continue };
        let Ok(unit) = dwarf.unit(header) else { continue };
        let unit = UnitRef::new(dwarf, &unit);
        let mut chains = Chains::default();
        // What was found before a damaged entry is good.
        let _ = chains.read_functions(unit, addresses);
        chains.finish(unit, addresses, table, &mut names, &mut found);
    }
}

/// The positions of the addresses that lie in a range.
fn positions_in(addresses: &[u64], range: gimli::Range) -> std::ops::Range<usize> {
    let start = addresses.partition_point(|address| *address < range.begin);
    let len = addresses[start..].partition_point(|address| *address < range.end);
    start..start + len
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
    /// Passes over the unit's entries and follows those subprograms that contain addresses.
    fn read_functions<'a>(&mut self, unit: UnitRef<'_, Reader<'a>>, addresses: &[u64]) -> gimli::Result<()> {
        let mut entries = unit.entries_raw(None)?;
        while !entries.is_empty() {
            let offset = entries.next_offset();
            let depth = entries.next_depth();
            let Some(abbreviation) = entries.read_abbreviation()? else { continue };
            if abbreviation.tag() != gimli::DW_TAG_subprogram {
                entries.skip_attributes(abbreviation.attributes())?;
                continue;
            }
            let entry = CodeEntry::read(unit, &mut entries, abbreviation)?;
            let inside = entry.positions(unit, addresses)?;
            if inside.is_empty() {
                continue;
            }
            let link = Link { function: offset, call_file: 0, call_line: 0 };
            for position in &inside {
                self.by_position.insert(*position, vec![link]);
            }
            self.read_inlined(unit, &mut entries, depth, &inside, addresses)?;
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
    ) -> gimli::Result<()> {
        let mut skip_below = None;
        while entries.next_depth() > depth {
            let offset = entries.next_offset();
            let entry_depth = entries.next_depth();
            let Some(abbreviation) = entries.read_abbreviation()? else { continue };
            if skip_below.is_some_and(|limit| entry_depth > limit) {
                entries.skip_attributes(abbreviation.attributes())?;
                continue;
            }
            skip_below = None;
            match abbreviation.tag() {
                gimli::DW_TAG_inlined_subroutine => {
                    let entry = CodeEntry::read(unit, entries, abbreviation)?;
                    let mut any = false;
                    for position in entry.positions(unit, addresses)? {
                        if !function.contains(&position) {
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

    /// Turns the chains into frames. A function's own position is where the next inner one was inlined, and for the
    /// innermost the row of the line table.
    fn finish<'a>(
        self,
        unit: UnitRef<'_, Reader<'a>>,
        addresses: &[u64],
        table: &mut FrameTable,
        names: &mut Names<'_, 'a>,
        found: &mut impl FnMut(&mut FrameTable, usize, &[Frame]),
    ) {
        if self.by_position.is_empty() {
            return;
        }
        let mut positions: Vec<usize> = self.by_position.keys().copied().collect();
        positions.sort_unstable();
        let mut files = Files { unit, by_index: FxHashMap::default() };
        let rows = line_rows(unit, addresses, &positions).unwrap_or_default();
        let mut frames = Vec::new();
        for position in positions {
            let (mut file, mut line) = rows.get(&position).copied().unwrap_or((0, 0));
            frames.clear();
            for link in self.by_position[&position].iter().rev() {
                let function = Function {
                    name: names.name_of(unit, link.function, table),
                    is_symbol: false,
                    file: files.path(file, table),
                };
                frames.push(Frame { function: table.function_handle(function), line });
                (file, line) = (link.call_file, link.call_line);
            }
            found(table, position, &frames);
        }
    }
}

/// Runs the unit's line program; gives file index and line for those of `positions` that have a row.
fn line_rows(
    unit: UnitRef<'_, Reader<'_>>,
    addresses: &[u64],
    positions: &[usize],
) -> gimli::Result<FxHashMap<usize, (u64, u32)>> {
    let mut found = FxHashMap::default();
    let Some(program) = unit.line_program.clone() else { return Ok(found) };
    let mut rows = program.rows();
    // The row before the current one in the same sequence, and the position of the first address not below it.
    let mut previous: Option<(u64, u64, u32)> = None;
    let mut next = 0;
    while let Some((_, row)) = rows.next_row()? {
        let address = row.address();
        match previous {
            None => next = positions.partition_point(|position| addresses[*position] < address),
            Some((_, file, line)) => {
                while let Some(position) = positions.get(next).filter(|p| addresses[**p] < address) {
                    found.insert(*position, (file, line));
                    next += 1;
                }
            }
        }
        previous = (!row.end_sequence()).then(|| {
            let line = row.line().map_or(0, |line| u32::try_from(line.get()).unwrap_or(0));
            (address, row.file_index(), line)
        });
    }
    Ok(found)
}

/// The attributes of an entry that has code.
#[derive(Default)]
struct CodeEntry {
    low_pc: Option<u64>,
    high_pc: Option<u64>,
    size: Option<u64>,
    ranges: Option<gimli::RangeListsOffset>,
    origin: Option<UnitOffset>,
    call_file: u64,
    call_line: u32,
}

impl CodeEntry {
    fn read<'a>(
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

    /// The positions in `addresses` that this entry's code covers.
    fn positions(&self, unit: UnitRef<'_, Reader<'_>>, addresses: &[u64]) -> gimli::Result<Vec<usize>> {
        let mut inside = Vec::new();
        if let Some(offset) = self.ranges {
            let mut ranges = unit.ranges(offset)?;
            while let Some(range) = ranges.next()? {
                inside.extend(positions_in(addresses, range));
            }
        } else if let Some(begin) = self.low_pc {
            let end = self.high_pc.or_else(|| self.size.map(|size| begin.saturating_add(size)));
            if let Some(end) = end {
                inside.extend(positions_in(addresses, gimli::Range { begin, end }));
            }
        }
        Ok(inside)
    }
}

/// Names of functions by the place of their entry, read once.
struct Names<'d, 'a> {
    dwarf: &'d gimli::Dwarf<Reader<'a>>,
    /// All unit headers by offset; read when a name is found in another unit than its use.
    headers: Vec<(DebugInfoOffset, gimli::UnitHeader<Reader<'a>>)>,
    by_offset: FxHashMap<usize, Option<Arc<str>>>,
}

impl<'a> Names<'_, 'a> {
    fn name_of(
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

/// Paths of the files of one unit.
struct Files<'u, 'a> {
    unit: UnitRef<'u, Reader<'a>>,
    by_index: FxHashMap<u64, Option<Arc<str>>>,
}

impl Files<'_, '_> {
    fn path(&mut self, index: u64, table: &mut FrameTable) -> Option<Arc<str>> {
        if let Some(path) = self.by_index.get(&index) {
            return path.clone();
        }
        let path = self.read_path(index).map(|path| table.string(source_path::trimmed(&path)));
        self.by_index.insert(index, path.clone());
        path
    }

    fn read_path(&self, index: u64) -> Option<String> {
        let header = self.unit.line_program.as_ref()?.header();
        // DWARF 5 counts files from 0, but 0 also stands for "unknown" in `call_file`; before, from 1.
        let file = header.file(index)?;
        let text = |value| self.unit.attr_string(value).ok().map(|text| text.to_string_lossy().into_owned());
        let name = text(file.path_name())?;
        if name.starts_with('/') {
            return Some(name);
        }
        // Directory 0 is the one the compiler ran in. cargo runs rustc at the root of the service's workspace, so a
        // path relative to it is the service's own and stays as it is; other compilers run anywhere.
        let compilation = || self.unit.comp_dir.map(|directory| directory.to_string_lossy().into_owned());
        let directory = match file.directory_index() {
            0 if name.ends_with(".rs") => None,
            0 => compilation(),
            _ => match file.directory(header).and_then(text) {
                Some(directory) if !directory.starts_with('/') && !name.ends_with(".rs") => {
                    compilation().map(|root| format!("{root}/{directory}"))
                }
                directory => directory,
            },
        };
        Some(directory.map_or_else(|| name.clone(), |directory| format!("{directory}/{name}")))
    }
}
