//! Symbolising: from return addresses to functions, inlined ones included.

mod dwarf;
mod elf;
pub(crate) mod frames;
mod source_path;
mod unit_index;

use std::io;
use std::ops::Deref;

use rustc_hash::FxHashMap;
use serde::{Deserialize, Serialize};

use crate::mapping::Mapping;
use crate::profile::HeapProfile;
use dwarf::Found;
use elf::ElfFile;
use frames::{Frame, FrameSpan, FrameTable, Function};
use unit_index::UnitIndex;

/// Opens the file behind a mapping. Implemented for closures.
///
/// This crate does no input or output of its own: a live process maps its files into memory, a tool reads copies.
pub trait LoadObject {
    /// The bytes of the executable or shared object at [`Mapping::path`].
    ///
    /// # Errors
    ///
    /// If the file cannot be read or is not the one that was mapped. Its code then stays without names.
    fn load(&self, mapping: &Mapping) -> io::Result<Box<dyn Deref<Target = [u8]>>>;
}

impl<F> LoadObject for F
where
    F: Fn(&Mapping) -> io::Result<Box<dyn Deref<Target = [u8]>>>,
{
    fn load(&self, mapping: &Mapping) -> io::Result<Box<dyn Deref<Target = [u8]>>> {
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
    /// How many addresses of the executable have a line, and how many a symbol.
    with_lines: usize,
    with_symbols: usize,
    generation: u64,
    notes: Vec<String>,
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
        if self.mappings != profile.mappings() || self.spans.len() > Self::MAX_ADDRESSES {
            *self = Self { generation: self.generation + 1, ..Self::default() };
            self.mappings = profile.mappings().to_vec();
        }
        let mut unknown: Vec<u64> =
            profile.addresses.iter().copied().filter(|address| !self.spans.contains_key(address)).collect();
        unknown.sort_unstable();
        unknown.dedup();
        if unknown.is_empty() {
            return;
        }
        let mut rest = &unknown[..];
        for mapping in profile.mappings() {
            rest = &rest[rest.partition_point(|address| *address < mapping.start)..];
            let (here, beyond) = rest.split_at(rest.partition_point(|address| *address < mapping.end));
            if !here.is_empty() {
                self.resolve_in(mapping, here, files);
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

    /// What most of the code in the program's executable has. A binary without debug information still has some for
    /// parts that were compiled elsewhere, so it is the majority that counts.
    pub fn tier(&self) -> SymbolTier {
        match (self.with_lines, self.with_symbols) {
            (0, 0) => SymbolTier::None,
            (lines, symbols) if 2 * lines > symbols => SymbolTier::Inlined,
            _ => SymbolTier::Functions,
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
            Err(error) => return self.note(mapping, &error.to_string()),
        };
        match ElfFile::parse(&data) {
            Ok(elf) => self.resolve_in_elf(&elf, mapping, addresses),
            Err(error) => self.note(mapping, &error.to_string()),
        }
    }

    fn resolve_in_elf(&mut self, elf: &ElfFile<'_>, mapping: &Mapping, addresses: &[u64]) {
        // A return address points behind the call, perhaps behind the function: the call itself is at least one
        // byte before. Order is kept, so the positions in `linked` are those in `known`.
        let (known, linked): (Vec<u64>, Vec<u64>) = addresses
            .iter()
            .filter_map(|address| {
                let offset = mapping.file_offset_of(address.checked_sub(1)?)?;
                Some((*address, elf.address_at(offset)?))
            })
            .unzip();
        let table = &mut self.table;
        let found = match elf.dwarf() {
            Some(sections) => {
                let dwarf = sections.borrow(|section| elf::Reader::new(section, elf.endian()));
                let units = self.units.entry(mapping.path.clone()).or_insert_with(|| UnitIndex::read(&dwarf));
                dwarf::resolve(&dwarf, units, &linked, table)
            }
            None => Found::default(),
        };
        let mut symbols = vec![None; linked.len()];
        elf.symbols_of(&linked, |position, symbol| {
            symbols[position].get_or_insert(symbol);
        });
        let mut with_lines = 0;
        let mut with_symbols = 0;
        for (position, address) in known.iter().enumerate() {
            let lines = found.lines.get(&position);
            with_lines += usize::from(lines.is_some() || found.frames.contains_key(&position));
            with_symbols += usize::from(symbols[position].is_some());
            let span = found.frames.get(&position).copied().unwrap_or_else(|| {
                let name = symbols[position].map(|symbol| format!("{:#}", rustc_demangle::demangle(symbol)));
                let (file, line) = lines.cloned().unwrap_or_default();
                let name = name.map(|name| table.string(&name));
                let frame = (name.is_some() || file.is_some())
                    .then(|| table.function_handle(Function { name, is_symbol: true, file }))
                    .map(|function| Frame { function, line });
                table.push_frames(frame)
            });
            self.spans.insert(*address, span);
        }
        // The executable is mapped below every library, whose code has symbols of its own.
        if self.mappings.first().is_some_and(|first| first.path == mapping.path) {
            self.with_lines += with_lines;
            self.with_symbols += with_symbols;
        }
    }

    fn note(&mut self, mapping: &Mapping, reason: &str) {
        let file = mapping.path.rsplit('/').next().unwrap_or(&mapping.path);
        self.notes.push(format!("{file}: {reason}"));
    }
}

#[cfg(test)]
mod tests;
