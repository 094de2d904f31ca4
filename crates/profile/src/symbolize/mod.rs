//! Symbolising: from return addresses to functions, inlined ones included.

mod abbreviations;
mod budget;
mod copies;
mod debug_file;
mod dwarf;
mod elf;
pub(crate) mod frames;
#[cfg(feature = "fuzzing")]
pub(crate) mod fuzzing;
mod identity;
pub(crate) mod source_path;
mod split;
mod unit_index;
mod units;

use std::io;
use std::ops::Deref;

use rustc_hash::{FxHashMap, FxHashSet};
use serde::{Deserialize, Serialize};

use crate::mapping::Mapping;
use crate::profile::HeapProfile;
use budget::{Budget, bytes_of};
pub use copies::UnstrippedCopies;
use dwarf::Found;
use elf::ElfFile;
use frames::{Frame, FrameSpan, FrameTable, Function};
use split::SplitUnits;
use unit_index::UnitIndex;

/// The bytes of a file, mapped or copied.
pub type FileData = Box<dyn Deref<Target = [u8]>>;

/// Opens the file behind a mapping. Implemented for closures, which then know no separate debug files.
///
/// This crate does no input or output of its own: a live process maps its files into memory, a tool reads copies.
pub trait LoadObject {
    /// The bytes of the executable or shared object at [`Mapping::path`].
    ///
    /// # Errors
    ///
    /// If the file cannot be read or is not the one that was mapped. Its code then stays without names.
    fn load(&self, mapping: &Mapping) -> io::Result<FileData>;

    /// The bytes of a file that may hold the debug information of another: the whole, or of split units (`.dwp`,
    /// `.dwo`). It is used only if its build-id, or the id of the unit, is the same.
    ///
    /// Paths are absolute. Those of `.dwo` files stand in the executable; they may be anywhere.
    ///
    /// # Errors
    ///
    /// If there is no such file, which is the usual case.
    fn load_debug_file(&self, path: &str) -> io::Result<FileData> {
        let _ = path;
        Err(io::ErrorKind::NotFound.into())
    }
}

impl<F> LoadObject for F
where
    F: Fn(&Mapping) -> io::Result<FileData>,
{
    fn load(&self, mapping: &Mapping) -> io::Result<FileData> {
        self(mapping)
    }
}

/// How much is known about the code of the profiled program itself.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
#[non_exhaustive]
pub enum SymbolTier {
    /// Nothing: types cannot be told.
    None,
    /// Function names from the symbol table. Types are known only where names carry them.
    Functions,
    /// Function names from the symbol table, and source lines from DWARF: of split debug information the part with
    /// the functions was not found. Types are known as with [`Functions`](Self::Functions).
    Lines,
    /// Functions and inlined functions with their generic arguments, from DWARF.
    Inlined,
}

/// Knows the frames of addresses met so far; reads files only for new ones.
///
/// What it keeps is small: names once each, eight bytes a frame, twenty an address. It forgets everything when the
/// program's mappings change (a library was loaded or unloaded) or when it would exceed its bound.
#[derive(Debug, Default)]
pub struct Symbolizer {
    table: FrameTable,
    spans: FxHashMap<u64, FrameSpan>,
    /// By path of the mapped file.
    units: FxHashMap<String, UnitIndex>,
    mappings: Vec<Mapping>,
    /// How many addresses of the executable have a line, how many a line and no functions for want of the other part
    /// of split debug information, how many a symbol.
    with_lines: usize,
    with_lines_only: usize,
    with_symbols: usize,
    generation: u64,
    notes: Vec<String>,
    /// A file could not be read for a reason that may be gone the next time.
    is_incomplete: bool,
}

impl Symbolizer {
    /// Addresses remembered at most. A service of some hundred thousand lines meets a few thousand.
    const MAX_ADDRESSES: usize = 1 << 18;

    /// A symboliser that knows nothing yet. Allocates nothing.
    pub fn new() -> Self {
        Self::default()
    }

    /// Makes the frames of every address in the profile known.
    ///
    /// Files that cannot be read or understood leave their addresses without names; [`Symbolizer::notes`] says why.
    pub fn resolve(&mut self, profile: &HeapProfile, files: &dyn LoadObject) {
        self.forget_others(profile.mappings());
        self.resolve_addresses(profile.addresses.iter().copied(), files);
    }

    /// Forgets everything unless it is of these mappings, and not too much.
    pub(crate) fn forget_others(&mut self, mappings: &[Mapping]) {
        let is_known = self.knows(mappings) && !self.is_incomplete;
        if !is_known || self.spans.len() > Self::MAX_ADDRESSES {
            *self = Self { generation: self.generation + 1, ..Self::default() };
            self.mappings = mappings.to_vec();
        }
    }

    /// Makes the frames of addresses in these mappings known.
    pub(crate) fn resolve_addresses(&mut self, addresses: impl Iterator<Item = u64>, files: &dyn LoadObject) {
        // Stacks share most of their addresses.
        let unknown: FxHashSet<u64> = addresses.filter(|address| !self.spans.contains_key(address)).collect();
        let mut unknown: Vec<u64> = unknown.into_iter().collect();
        unknown.sort_unstable();
        if unknown.is_empty() {
            return;
        }
        let mappings = self.mappings.clone();
        let mut rest = &unknown[..];
        for mapping in &mappings {
            rest = &rest[rest.partition_point(|address| *address < mapping.start)..];
            let (here, beyond) = rest.split_at(rest.partition_point(|address| *address < mapping.end));
            if !here.is_empty() {
                self.resolve_in(mapping, here, files);
                self.name_after_file(mapping, here);
            }
            rest = beyond;
        }
        let nothing = self.table.push_frames([]);
        for address in unknown {
            self.spans.entry(address).or_insert(nothing);
        }
        self.table.shrink_to_fit();
        self.spans.shrink_to_fit();
    }

    /// Whether these are the mappings that the frames are of. Of the same files one profile may have read the build-ids
    /// and another not: one that is new can only matter where a file gave no names.
    fn knows(&mut self, mappings: &[Mapping]) -> bool {
        let is_same = self.mappings.len() == mappings.len()
            && self.mappings.iter().zip(mappings).all(|(known, mapping)| known.agrees_with(mapping));
        let is_new =
            |(known, mapping): (&Mapping, &Mapping)| known.build_id.is_none() && mapping.build_id.is_some();
        if is_same && self.mappings.iter().zip(mappings).any(is_new) {
            self.mappings = mappings.to_vec();
            return self.notes.is_empty();
        }
        is_same
    }

    /// What most of the code in the program's executable has. A binary without debug information still has some for
    /// parts that were compiled elsewhere, so it is the majority that counts.
    pub fn tier(&self) -> SymbolTier {
        match (self.with_lines, self.with_symbols) {
            (0, 0) => SymbolTier::None,
            (lines, symbols) if 2 * lines <= symbols => SymbolTier::Functions,
            (lines, _) if 2 * self.with_lines_only > lines => SymbolTier::Lines,
            _ => SymbolTier::Inlined,
        }
    }

    /// Files that gave no names, one sentence each.
    pub fn notes(&self) -> &[String] {
        &self.notes
    }

    /// Changes whenever everything was forgotten, so that what was derived from frames must be forgotten too.
    pub(crate) fn generation(&self) -> u64 {
        self.generation
    }

    /// The mappings that the frames are of, in order.
    pub(crate) fn mappings(&self) -> &[Mapping] {
        &self.mappings
    }

    /// Reads the build-ids of the files, as far as they are not known.
    pub(crate) fn read_build_ids(&mut self, files: &dyn LoadObject) {
        identity::read_build_ids(&mut self.mappings, files);
    }

    pub(crate) fn table(&self) -> &FrameTable {
        &self.table
    }

    /// The frames of an address, innermost first; empty if none are known.
    pub(crate) fn frames(&self, address: u64) -> &[Frame] {
        self.spans.get(&address).map_or(&[], |span| self.table.frames(*span))
    }

    fn resolve_in(&mut self, mapping: &Mapping, addresses: &[u64], files: &dyn LoadObject) {
        let data = match files.load(mapping) {
            Ok(data) => data,
            Err(error) => {
                self.is_incomplete |= may_pass(&error);
                return self.note(mapping, &error.to_string());
            }
        };
        let elf = match ElfFile::parse(&data) {
            Ok(elf) => elf,
            Err(error) => return self.note(mapping, &error.to_string()),
        };
        let worthwhile = !elf.has_dwarf() && !is_of_system(mapping);
        let separate = if worthwhile { load_debug_file(&elf, mapping, files) } else { None };
        let (separate_path, separate) = separate.unzip();
        let separate = separate.as_deref().and_then(|data| ElfFile::parse(data).ok());
        let packages = debug_file::package_candidates(&mapping.path, separate_path.as_deref());
        self.resolve_in_elf(&elf, separate.as_ref(), &packages, mapping, addresses, files);
    }

    /// `separate` holds the debug information of `elf`, with the same link-time addresses; `packages` are the paths
    /// where that of split units may lie.
    fn resolve_in_elf(
        &mut self,
        elf: &ElfFile<'_>,
        separate: Option<&ElfFile<'_>>,
        packages: &[String],
        mapping: &Mapping,
        addresses: &[u64],
        files: &dyn LoadObject,
    ) {
        // A return address points behind the call, perhaps behind the function: the call itself is at least one
        // byte before. Order is kept, so the positions in `linked` are those in `known`.
        let (known, linked): (Vec<u64>, Vec<u64>) = addresses
            .iter()
            .filter_map(|address| {
                let offset = mapping.file_offset_of(address.checked_sub(1)?)?;
                Some((*address, elf.address_at(offset)?))
            })
            .unzip();
        let debug = separate.unwrap_or(elf);
        let found = match debug.dwarf() {
            Some(sections) => {
                let dwarf = sections.borrow(|section| elf::Reader::new(section, debug.endian()));
                self.resolve_in_dwarf(&dwarf, packages, mapping, &linked, files)
            }
            None => Found::default(),
        };
        let table = &mut self.table;
        let mut symbols = vec![None; linked.len()];
        for file in separate.into_iter().chain([elf]) {
            file.symbols_of(&linked, |position, symbol| {
                symbols[position].get_or_insert_with(|| symbol.to_owned());
            });
        }
        let (mut with_lines, mut with_symbols) = (0, 0);
        for (position, address) in known.iter().enumerate() {
            let lines = found.lines.get(&position);
            with_lines += usize::from(lines.is_some() || found.frames.contains_key(&position));
            with_symbols += usize::from(symbols[position].is_some());
            if let Some(span) = found.frames.get(&position) {
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
        // The executable is mapped below every library, whose code has symbols of its own.
        if self.mappings.first().is_some_and(|first| first.path == mapping.path) {
            self.with_lines += with_lines;
            self.with_lines_only += found.without_functions;
            self.with_symbols += with_symbols;
        }
    }

    fn resolve_in_dwarf(
        &mut self,
        dwarf: &gimli::Dwarf<elf::Reader<'_>>,
        packages: &[String],
        mapping: &Mapping,
        linked: &[u64],
        files: &dyn LoadObject,
    ) -> Found {
        let mut budget = Budget::new(bytes_of(dwarf), linked.len());
        let units =
            self.units.entry(mapping.path.clone()).or_insert_with(|| UnitIndex::read(dwarf, &mut budget));
        let package =
            packages.iter().filter(|_| units.is_split()).find_map(|path| files.load_debug_file(path).ok());
        let package = package.as_deref().and_then(|data| ElfFile::parse(data).ok());
        let sections = package.as_ref().and_then(|elf| Some((elf.package()?, elf.endian())));
        let sections = sections.as_ref().map(|(sections, endian)| (sections, *endian));
        let mut split = SplitUnits::new(&mapping.path, sections, files);
        let found = dwarf::resolve(dwarf, units, &mut split, linked, &mut self.table, &mut budget);
        if split.missing() > 0 {
            let reason = format!(
                "debug information of {} units is in files that were not found; deploy {}.dwp beside it",
                split.missing(),
                file_name(mapping)
            );
            self.note(mapping, &reason);
        }
        found
    }

    /// Gives the code that has no name the one of its file: a person can then tell what lacks symbols, and nothing
    /// takes the frames around for neighbours.
    fn name_after_file(&mut self, mapping: &Mapping, addresses: &[u64]) {
        let name = self.table.string(&format!("{WITHOUT_SYMBOLS}{}", file_name(mapping)));
        let function = Function::new(Some(name), true, None);
        let function = self.table.function_handle(function);
        let span = self.table.push_frames([Frame { function, line: 0 }]);
        for address in addresses {
            self.spans.entry(*address).or_insert(span);
        }
    }

    pub(crate) fn note(&mut self, mapping: &Mapping, reason: &str) {
        let note = format!("{}: {reason}", file_name(mapping));
        if !self.notes.contains(&note) {
            self.notes.push(note);
        }
    }
}

/// Begins what stands for the name of a function that has none.
pub(crate) const WITHOUT_SYMBOLS: &str = "code without symbols in ";

/// Whether this is no function, but what stands for one without a name.
pub(crate) fn is_without_symbols(function: &Function) -> bool {
    function.is_symbol && function.name.as_deref().is_none_or(|name| name.starts_with(WITHOUT_SYMBOLS))
}

/// Whether a file is a library of the system. Its debug information may be installed, large, and about C: it would
/// cost more time than all of the service's own and tell no type.
fn is_of_system(mapping: &Mapping) -> bool {
    ["/lib/", "/lib64/", "/usr/lib/", "/usr/lib64/"].iter().any(|folder| mapping.path.starts_with(folder))
}

/// Whether the system was out of something that it may have again: memory (ENOMEM), descriptors (ENFILE, EMFILE). The
/// numbers are those of Linux on every processor, errno(3).
fn may_pass(error: &io::Error) -> bool {
    matches!(error.raw_os_error(), Some(12 | 23 | 24))
}

/// The last part of the mapping's path; the folders are nobody's business.
fn file_name(mapping: &Mapping) -> &str {
    mapping.path.rsplit('/').next().unwrap_or(&mapping.path)
}

/// The debug file of a stripped one, if there is one with the same build-id. A file without build-id could have been
/// built from anything, so it has none.
fn load_debug_file(
    elf: &ElfFile<'_>,
    mapping: &Mapping,
    files: &dyn LoadObject,
) -> Option<(String, FileData)> {
    let id = elf.build_id()?;
    debug_file::candidates(elf, &mapping.path).into_iter().find_map(|path| {
        let data = files.load_debug_file(&path).ok()?;
        let is_same = ElfFile::parse(&data)
            .is_ok_and(|found| found.build_id().as_ref() == Some(&id) && found.has_dwarf());
        is_same.then_some((path, data))
    })
}

#[cfg(test)]
mod tests;
