//! The frames of addresses that were looked up, and the gaps in their files.

use std::path::{Path, PathBuf};

use rustc_hash::FxHashMap;

use super::budget::{Budget, bytes_of};
use super::debug_file;
use super::dwarf::{self, Found};
use super::elf::{self, ElfFile};
use super::files::{FileData, LoadObject};
use super::frames::{Frame, FrameSpan, FrameTable, Function};
use super::gap::{SymbolGap, may_pass};
use super::program_names::{ProgramFile, ProgramNames};
use super::split::SplitUnits;
use super::stand_in::{GENERATED, WITHOUT_SYMBOLS};
use super::unit_index::UnitIndex;
use crate::mapping::Mapping;

/// Frames by address. For new addresses it reads the file of their mapping.
#[derive(Debug, Default)]
pub(super) struct KnownCode {
    pub(super) table: FrameTable,
    pub(super) spans: FxHashMap<u64, FrameSpan>,
    units: FxHashMap<FileKey, UnitIndex>,
    pub(super) program: ProgramNames,
    pub(super) gaps: Vec<SymbolGap>,
    /// Whether a file could not be read for a temporary reason.
    pub(super) is_incomplete: bool,
}

/// Identity of a mapping's file: path, device and inode.
type FileKey = (PathBuf, String, u64);

impl KnownCode {
    /// Looks up sorted addresses of a mapping in its file. Addresses that are not found stay unknown.
    pub(super) fn resolve_in(&mut self, mapping: &Mapping, addresses: &[u64], files: &dyn LoadObject) {
        if mapping.is_program {
            self.program.addresses += addresses.len();
        }
        let data = match files.load(mapping) {
            Ok(data) => data,
            Err(error) => {
                self.is_incomplete |= may_pass(&error);
                return self.note(SymbolGap::unreadable(mapping, &error));
            }
        };
        let elf = match ElfFile::parse(&data) {
            Ok(elf) => elf,
            Err(error) => return self.note(SymbolGap::no_object(mapping, &error)),
        };
        let worthwhile = !elf.has_dwarf() && !is_of_system(mapping);
        let (separate, unused) =
            if worthwhile { debug_file::load(&elf, mapping, files) } else { (None, None) };
        let (separate_path, separate) = separate.unzip();
        let separate = separate.as_deref().and_then(|data| ElfFile::parse(data).ok());
        let is_stripped = separate.is_none() && !elf.has_symbol_table() && !elf.has_dwarf();
        if mapping.is_program {
            self.program.file = Some(ProgramFile { is_stripped, unused_debug_file: unused.clone() });
        }
        let separate = separate_path.as_deref().zip(separate.as_ref());
        self.read_elf(&elf, separate, mapping, addresses, files);
        let lacks_names = addresses.iter().any(|address| !self.spans.contains_key(address));
        if is_stripped && lacks_names && !mapping.is_program && !is_of_system(mapping) {
            self.note(SymbolGap::stripped(mapping, unused));
        }
    }

    /// Looks up addresses in an ELF file. `separate` has its debug information, with the same link-time addresses.
    fn read_elf(
        &mut self,
        elf: &ElfFile<'_>,
        separate: Option<(&Path, &ElfFile<'_>)>,
        mapping: &Mapping,
        addresses: &[u64],
        files: &dyn LoadObject,
    ) {
        // A return address is after the call, perhaps after the function. The call is at least one byte before it.
        // The order is kept, so positions in `linked` and `known` correspond.
        let (known, linked): (Vec<u64>, Vec<u64>) = addresses
            .iter()
            .filter_map(|address| {
                let offset = mapping.file_offset_of(address.checked_sub(1)?)?;
                Some((*address, elf.address_at(offset)?))
            })
            .unzip();
        let (path, debug) = separate.unwrap_or((&mapping.path, elf));
        let found = match debug.dwarf() {
            Some(sections) => {
                let supplementary = self.load_supplementary(debug, path, mapping, files);
                let supplementary = supplementary.as_deref().and_then(|data| ElfFile::parse(data).ok());
                let supplementary = supplementary.and_then(|elf| elf.supplementary_dwarf());
                let reader = |section| elf::Reader::new(section, debug.endian());
                let dwarf = sections.borrow_with_sup(supplementary.as_ref(), |section| reader(section));
                self.read_dwarf(&dwarf, path, mapping, &linked, files)
            }
            None => Found::default(),
        };
        let table = &mut self.table;
        let mut symbols = vec![None; linked.len()];
        for file in separate.map(|(_, file)| file).into_iter().chain([elf]) {
            file.symbols_of(&linked, |position, symbol| {
                symbols[position].get_or_insert_with(|| symbol.to_owned());
            });
        }
        let (mut with_lines, mut with_symbols) = (0, 0);
        for (position, address) in known.iter().enumerate() {
            let lines = found.lines.get(&position);
            with_lines += usize::from(lines.is_some() || found.frames.contains_key(&position));
            with_symbols += usize::from(symbols[position].is_some());
            let frames = found.frames.get(&position);
            // The names may be in a supplementary file that is missing. A symbol is then better than nothing.
            let frames = frames.filter(|span| symbols[position].is_none() || table.has_names(**span));
            if let Some(span) = frames {
                self.spans.insert(*address, *span);
            } else if lines.is_some() || symbols[position].is_some() {
                let symbol = symbols[position].as_deref();
                let name =
                    symbol.map(|symbol| table.string(&format!("{:#}", rustc_demangle::demangle(symbol))));
                let (file, line) = lines.cloned().unwrap_or_default();
                let function = table.function_handle(Function::new(name, true, file));
                self.spans.insert(*address, table.push_frames([Frame { function, line }]));
            }
        }
        if mapping.is_program {
            self.program.with_lines += with_lines;
            self.program.with_lines_only += found.without_functions;
            self.program.with_symbols += with_symbols;
        }
    }

    fn read_dwarf(
        &mut self,
        dwarf: &elf::Dwarf<'_>,
        path: &Path,
        mapping: &Mapping,
        linked: &[u64],
        files: &dyn LoadObject,
    ) -> Found {
        let mut budget = Budget::new(bytes_of(dwarf), linked.len());
        budget.add(dwarf.sup().map_or(0, bytes_of));
        let key = (mapping.path.clone(), mapping.device.clone(), mapping.inode);
        let units = self.units.entry(key).or_insert_with(|| UnitIndex::read(dwarf, &mut budget));
        let packages = debug_file::package_candidates(&mapping.path, Some(path));
        let package =
            packages.iter().filter(|_| units.is_split).find_map(|path| files.load_debug_file(path).ok());
        let package = package.as_deref().and_then(|data| ElfFile::parse(data).ok());
        let sections = package.as_ref().and_then(|elf| Some((elf.package()?, elf.endian())));
        let sections = sections.as_ref().map(|(sections, endian)| (sections, *endian));
        let mut split = SplitUnits::new(&mapping.path, sections, files);
        let found = dwarf::resolve(dwarf, units, &mut split, linked, &mut self.table, &mut budget);
        let (missing, is_spent) = (split.missing, budget.is_spent());
        if missing > 0 {
            self.note(SymbolGap::split(mapping, missing));
        }
        if is_spent {
            self.note(SymbolGap::damaged(mapping));
        }
        found
    }

    /// Loads the supplementary file that the debug information of `debug`, the file at `path`, refers to.
    fn load_supplementary(
        &mut self,
        debug: &ElfFile<'_>,
        path: &Path,
        mapping: &Mapping,
        files: &dyn LoadObject,
    ) -> Option<FileData> {
        let link = debug.supplementary()?;
        let found = debug_file::supplementary_candidates(&link, path).into_iter().find_map(|path| {
            let data = files.load_debug_file(&path).ok()?;
            let id = ElfFile::parse(&data).ok()?.build_id();
            (id.as_ref() == Some(&link.build_id)).then_some(data)
        });
        if found.is_none() {
            self.note(SymbolGap::supplementary(mapping, &link));
        }
        found
    }

    /// Names code without a name after its file. So people see which file lacks symbols, and the frames around do not
    /// look adjacent.
    pub(super) fn name_after_file(&mut self, mapping: &Mapping, addresses: &[u64]) {
        let name = match (mapping.has_file(), &*mapping.file_name()) {
            (false, "") => GENERATED.to_owned(),
            (_, file) => format!("{WITHOUT_SYMBOLS}{file}"),
        };
        self.name_all(&name, addresses);
    }

    pub(super) fn name_all(&mut self, name: &str, addresses: &[u64]) {
        if addresses.is_empty() {
            return;
        }
        let name = self.table.string(name);
        let function = self.table.function_handle(Function::new(Some(name), true, None));
        let span = self.table.push_frames([Frame { function, line: 0 }]);
        for address in addresses {
            self.spans.entry(*address).or_insert(span);
        }
    }

    pub(super) fn note(&mut self, gap: SymbolGap) {
        if !self.gaps.contains(&gap) {
            self.gaps.push(gap);
        }
    }
}

/// Whether a file is a system library. Its debug information may be installed. But it is large and about C, so
/// reading it would take more time than all of the service's own debug information, and reveal no type. The program
/// itself can be anywhere.
pub(super) fn is_of_system(mapping: &Mapping) -> bool {
    let folders = ["/lib", "/lib64", "/usr/lib", "/usr/lib64"];
    !mapping.is_program && folders.iter().any(|folder| mapping.path.starts_with(folder))
}
