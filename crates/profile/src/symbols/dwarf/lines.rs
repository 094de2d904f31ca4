//! Source positions: rows of the line program, and paths of its files.

use std::sync::Arc;

use rustc_hash::FxHashMap;

use crate::symbols::budget::{Bounded, Budget};
use crate::symbols::elf::{Reader, Unit};
use crate::symbols::frames::FrameTable;
use crate::symbols::source_path;

/// Runs the unit's line program until all (sorted) `addresses` are found. Returns file index and line by position,
/// for the addresses that have a row.
pub(super) fn line_rows(
    unit: Unit<'_, '_>,
    addresses: &[u64],
    budget: &mut Budget,
) -> Bounded<FxHashMap<usize, (u64, u32)>> {
    let Some(program) = &unit.line_program else { return Ok(FxHashMap::default()) };
    let header = program.header();
    budget.spend(header.raw_program_buf().len())?;
    let mut rows = Rows { addresses, found: FxHashMap::default(), previous: None, next: 0 };
    // Rows from before damage are valid.
    let _ = run(header, &mut rows);
    Ok(rows.found)
}

/// The current row. Only rows that cover a wanted address are kept.
struct Rows<'a> {
    addresses: &'a [u64],
    found: FxHashMap<usize, (u64, u32)>,
    /// The previous row of the same sequence.
    previous: Option<(u64, i64)>,
    /// The position of the first wanted address that is not below the previous row.
    next: usize,
}

impl Rows<'_> {
    /// Takes a row. Returns whether another row is needed.
    #[inline]
    fn push(&mut self, address: u64, file: u64, line: i64) -> bool {
        match self.previous {
            None => self.next = self.addresses.partition_point(|wanted| *wanted < address),
            Some((file, line)) => {
                while self.addresses.get(self.next).is_some_and(|wanted| *wanted < address) {
                    self.found.insert(self.next, (file, u32::try_from(line).unwrap_or(0)));
                    self.next += 1;
                }
            }
        }
        self.previous = Some((file, line));
        self.found.len() < self.addresses.len()
    }
}

/// Runs a line program (DWARF 5, section 6.2) for addresses, files and lines only. A row costs a few nanoseconds, and
/// large units have millions of rows.
fn run(header: &gimli::LineProgramHeader<Reader<'_>>, rows: &mut Rows<'_>) -> gimli::Result<()> {
    use gimli::Reader as _;

    let mut program = header.raw_program_buf();
    let base = header.opcode_base();
    let step = u64::from(header.minimum_instruction_length());
    let range = header.line_range().max(1);
    let special = |opcode: u8| {
        let adjusted = opcode.wrapping_sub(base);
        (u64::from(adjusted / range) * step, i64::from(header.line_base()) + i64::from(adjusted % range))
    };
    let mut specials = [(0, 0); 256];
    for opcode in 0..=255 {
        specials[usize::from(opcode)] = special(opcode);
    }
    let (mut address, mut file, mut line) = (0_u64, 1_u64, 1_i64);
    while !program.is_empty() {
        let opcode = program.read_u8()?;
        if opcode >= base {
            let (advance, lines) = specials[usize::from(opcode)];
            address = address.wrapping_add(advance);
            line = line.wrapping_add(lines);
            if !rows.push(address, file, line) {
                return Ok(());
            }
            continue;
        }
        match gimli::DwLns(opcode) {
            gimli::DwLns(0) => {
                let len = program.read_uleb128()?;
                let mut extended = program.split(usize::try_from(len).unwrap_or(usize::MAX))?;
                match gimli::DwLne(extended.read_u8()?) {
                    gimli::DW_LNE_end_sequence => {
                        let more = rows.push(address, file, line);
                        rows.previous = None;
                        if !more {
                            return Ok(());
                        }
                        (address, file, line) = (0, 1, 1);
                    }
                    gimli::DW_LNE_set_address => {
                        address = extended.read_address(u8::try_from(extended.len()).unwrap_or(0))?;
                    }
                    _ => {}
                }
            }
            gimli::DW_LNS_copy => {
                if !rows.push(address, file, line) {
                    return Ok(());
                }
            }
            gimli::DW_LNS_advance_pc => {
                address = address.wrapping_add(program.read_uleb128()?.wrapping_mul(step));
            }
            gimli::DW_LNS_advance_line => line = line.wrapping_add(program.read_sleb128()?),
            gimli::DW_LNS_set_file => file = program.read_uleb128()?,
            gimli::DW_LNS_const_add_pc => address = address.wrapping_add(specials[255].0),
            gimli::DW_LNS_fixed_advance_pc => address = address.wrapping_add(u64::from(program.read_u16()?)),
            gimli::DwLns(opcode) => {
                let lengths = header.standard_opcode_lengths().slice();
                for _ in 0..lengths.get(usize::from(opcode) - 1).copied().unwrap_or(0) {
                    program.skip_leb128()?;
                }
            }
        }
    }
    Ok(())
}

/// Paths of the files of one unit.
pub(super) struct Files<'u, 'a> {
    unit: Unit<'u, 'a>,
    own_root: Option<&'u str>,
    by_index: FxHashMap<u64, Option<Arc<str>>>,
}

impl<'u, 'a> Files<'u, 'a> {
    /// `own_root` is the folder that the service's own paths are relative to, if it is known.
    pub(super) fn new(unit: Unit<'u, 'a>, own_root: Option<&'u str>) -> Self {
        Self { unit, own_root, by_index: FxHashMap::default() }
    }

    pub(super) fn path(&mut self, index: u64, table: &mut FrameTable) -> Option<Arc<str>> {
        if let Some(path) = self.by_index.get(&index) {
            return path.clone();
        }
        let path =
            self.read_path(index).map(|path| table.string(&source_path::trimmed(&path, self.own_root)));
        self.by_index.insert(index, path.clone());
        path
    }

    /// The path at the time of compilation. It is absolute unless its folder is unknown.
    fn read_path(&self, index: u64) -> Option<String> {
        let header = self.unit.line_program.as_ref()?.header();
        // DWARF 5 counts files from 0, but 0 also means "unknown" in `call_file`. Earlier versions count from 1.
        let file = header.file(index)?;
        let text = |value| self.unit.attr_string(value).ok().map(|text| text.to_string_lossy().into_owned());
        let name = text(file.path_name())?;
        if name.starts_with('/') {
            return Some(name);
        }
        // Directory 0, to which other directories are relative, is where the compiler ran. With cargo it is the root
        // of the workspace or of a dependency. If the service's own root is unknown, relative Rust paths count as the
        // service's own, unless their folder belongs to a dependency.
        let root = self.unit.comp_dir.map(|root| root.to_string_lossy().into_owned());
        let root = root.filter(|root| {
            self.own_root.is_some() || !name.ends_with(".rs") || source_path::is_of_dependency(root)
        });
        let directory = match file.directory_index() {
            0 => root,
            _ => match (file.directory(header).and_then(text), root) {
                (Some(directory), Some(root)) if !directory.starts_with('/') => {
                    Some(format!("{root}/{directory}"))
                }
                (directory, _) => directory,
            },
        };
        Some(directory.map_or_else(|| name.clone(), |directory| format!("{directory}/{name}")))
    }
}
