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
mod gap;
mod identity;
mod program_names;
pub(crate) mod source_path;
mod split;
mod unit_index;
mod units;
mod unloaded;

use std::io;
use std::ops::Deref;
use std::path::{Path, PathBuf};

use rustc_hash::{FxHashMap, FxHashSet};
use serde::{Deserialize, Serialize};

use crate::mapping::{Mapping, mapping_of};
use crate::path_bytes;
use crate::profile::HeapProfile;
use budget::{Budget, bytes_of};
pub use copies::UnstrippedCopies;
use dwarf::Found;
use elf::ElfFile;
use frames::{Frame, FrameSpan, FrameTable, Function};
pub use gap::SymbolGap;
use gap::{UnusedDebugFile, may_pass};
use program_names::ProgramNames;
use split::SplitUnits;
use unit_index::UnitIndex;
use unloaded::Unloaded;

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

    /// The bytes of a file that may hold the debug information of another: the whole, of split units (`.dwp`, `.dwo`), or
    /// what several files have in common (of `dwz`). It is used only if its build-id, or the id of the unit, is the same.
    ///
    /// Paths are absolute. Those of `.dwo` files stand in the executable; they may be anywhere.
    ///
    /// # Errors
    ///
    /// If there is no such file, which is the usual case.
    fn load_debug_file(&self, path: &Path) -> io::Result<FileData> {
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
    units: FxHashMap<FileKey, UnitIndex>,
    mappings: Vec<Mapping>,
    unloaded: Unloaded,
    program: ProgramNames,
    generation: u64,
    gaps: Vec<SymbolGap>,
    /// A file could not be read for a reason that may be gone the next time.
    is_incomplete: bool,
}

/// Which file a mapping is of: path, device and inode.
type FileKey = (PathBuf, String, u64);

impl Symbolizer {
    /// Addresses remembered at most. A service of some hundred thousand lines meets a few thousand.
    const MAX_ADDRESSES: usize = 1 << 18;

    /// A symboliser that knows nothing yet. Allocates nothing.
    pub fn new() -> Self {
        Self::default()
    }

    /// Makes the frames of every address in the profile known.
    ///
    /// Files that cannot be read or understood leave their addresses without names; [`Symbolizer::gaps`] says why.
    pub fn resolve(&mut self, profile: &HeapProfile, files: &dyn LoadObject) {
        self.forget_others(profile.mappings());
        self.resolve_addresses(profile.addresses.iter().copied(), files);
    }

    /// Forgets everything unless it is of these mappings, and not too much.
    pub(crate) fn forget_others(&mut self, mappings: &[Mapping]) {
        let is_known = self.knows(mappings) && !self.is_incomplete;
        if !is_known || self.spans.len() > Self::MAX_ADDRESSES {
            let mut unloaded = std::mem::take(&mut self.unloaded);
            unloaded.learn(&self.mappings, mappings, self.spans.keys().copied());
            *self = Self { generation: self.generation + 1, unloaded, ..Self::default() };
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
        self.name_unloaded(&mut unknown);
        let mut rest = &unknown[..];
        for mapping in &mappings {
            // The call is before the return address, which may be the first behind the mapping.
            rest = &rest[rest.partition_point(|address| *address <= mapping.start)..];
            let (here, beyond) = rest.split_at(rest.partition_point(|address| *address <= mapping.end));
            if !here.is_empty() {
                if mapping.has_file() {
                    self.resolve_in(mapping, here, files);
                }
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

    /// Whether these are the files that the frames are of. Code that is generated at run time comes and goes. Of the same
    /// files one profile may have read the build-ids and another not: one that is new can only matter where a file gave
    /// no names.
    fn knows(&mut self, mappings: &[Mapping]) -> bool {
        let has_file = |mapping: &&Mapping| mapping.has_file();
        let pairs = || self.mappings.iter().filter(has_file).zip(mappings.iter().filter(has_file));
        let count = |mappings: &[Mapping]| mappings.iter().filter(has_file).count();
        let is_same = count(&self.mappings) == count(mappings)
            && pairs().all(|(known, mapping)| known.agrees_with(mapping));
        let is_new = pairs().any(|(known, mapping)| known.build_id.is_none() && mapping.build_id.is_some());
        if is_same && self.mappings != mappings {
            self.mappings = mappings.to_vec();
        }
        is_same && (!is_new || self.gaps.is_empty())
    }

    /// What most of the code in the program's executable has. A binary without debug information still has some for
    /// parts that were compiled elsewhere, so it is the majority that counts.
    pub fn tier(&self) -> SymbolTier {
        self.program.tier()
    }

    /// Files that gave fewer names than they could, the program first, each with the true reason.
    pub fn gaps(&self) -> Vec<SymbolGap> {
        let (of_program, of_libraries): (Vec<_>, Vec<_>) =
            self.gaps.iter().cloned().partition(|gap| gap.is_program);
        let program = self.mappings.iter().find(|mapping| mapping.is_program && of_program.is_empty());
        let inferred = program.and_then(|program| self.program.gap(program, !self.spans.is_empty()));
        inferred.into_iter().chain(of_program).chain(of_libraries).collect()
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
        if mapping.is_program {
            self.program.looked_up(addresses.len());
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
            if worthwhile { load_debug_file(&elf, mapping, files) } else { (None, None) };
        let (separate_path, separate) = separate.unzip();
        let separate = separate.as_deref().and_then(|data| ElfFile::parse(data).ok());
        let is_stripped = separate.is_none() && !elf.has_symbol_table() && !elf.has_dwarf();
        if mapping.is_program {
            self.program.file_was_read(is_stripped, unused.clone());
        }
        let packages = debug_file::package_candidates(&mapping.path, separate_path.as_deref());
        let parts = Parts {
            elf: &elf,
            separate: separate.as_ref(),
            separate_path: separate_path.as_deref(),
            packages,
        };
        self.resolve_in_elf(&parts, mapping, addresses, files);
        let lacks_names = addresses.iter().any(|address| !self.spans.contains_key(address));
        if is_stripped && lacks_names && !mapping.is_program && !is_of_system(mapping) {
            self.note(SymbolGap::stripped(mapping, unused));
        }
    }

    fn resolve_in_elf(
        &mut self,
        parts: &Parts<'_>,
        mapping: &Mapping,
        addresses: &[u64],
        files: &dyn LoadObject,
    ) {
        let Parts { elf, separate, separate_path, packages } = parts;
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
                let path = separate_path.unwrap_or(&mapping.path);
                let supplementary = self.load_supplementary(debug, path, mapping, files);
                let supplementary = supplementary.as_deref().and_then(|data| ElfFile::parse(data).ok());
                let supplementary = supplementary.and_then(|elf| elf.supplementary_dwarf());
                let reader = |section| elf::Reader::new(section, debug.endian());
                let dwarf = sections.borrow_with_sup(supplementary.as_ref(), |section| reader(section));
                self.resolve_in_dwarf(&dwarf, packages, mapping, &linked, files)
            }
            None => Found::default(),
        };
        let table = &mut self.table;
        let mut symbols = vec![None; linked.len()];
        for file in separate.iter().copied().chain([*elf]) {
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
            // Names may be in a supplementary file that is not there. A symbol is then better than nothing.
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
            self.program.found(with_lines, found.without_functions, with_symbols);
        }
    }

    fn resolve_in_dwarf(
        &mut self,
        dwarf: &gimli::Dwarf<elf::Reader<'_>>,
        packages: &[PathBuf],
        mapping: &Mapping,
        linked: &[u64],
        files: &dyn LoadObject,
    ) -> Found {
        let mut budget = Budget::new(bytes_of(dwarf), linked.len());
        budget.add(dwarf.sup().map_or(0, bytes_of));
        let key = (mapping.path.clone(), mapping.device.clone(), mapping.inode);
        let units = self.units.entry(key).or_insert_with(|| UnitIndex::read(dwarf, &mut budget));
        let package =
            packages.iter().filter(|_| units.is_split()).find_map(|path| files.load_debug_file(path).ok());
        let package = package.as_deref().and_then(|data| ElfFile::parse(data).ok());
        let sections = package.as_ref().and_then(|elf| Some((elf.package()?, elf.endian())));
        let sections = sections.as_ref().map(|(sections, endian)| (sections, *endian));
        let mut split = SplitUnits::new(&mapping.path, sections, files);
        let found = dwarf::resolve(dwarf, units, &mut split, linked, &mut self.table, &mut budget);
        let (missing, is_spent) = (split.missing(), budget.is_spent());
        if missing > 0 {
            self.note(SymbolGap::split(mapping, missing));
        }
        if is_spent {
            self.note(SymbolGap::damaged(mapping));
        }
        found
    }

    /// The supplementary file that the debug information of `debug`, which is the file at `path`, refers to.
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

    /// Gives the code that has no name the one of its file: a person can then tell what lacks symbols, and nothing
    /// takes the frames around for neighbours.
    fn name_after_file(&mut self, mapping: &Mapping, addresses: &[u64]) {
        let name = match (mapping.has_file(), &*mapping.file_name()) {
            (false, "") => GENERATED.to_owned(),
            (_, file) => format!("{WITHOUT_SYMBOLS}{file}"),
        };
        self.name_all(&name, addresses);
    }

    /// Takes the addresses out that lie in no file any more, and says so of each. Otherwise the frames around would look like
    /// neighbours.
    fn name_unloaded(&mut self, addresses: &mut Vec<u64>) {
        // Where no mapping is known, nothing is known of any address.
        if self.mappings.is_empty() {
            return;
        }
        let (mappings, unloaded) = (&self.mappings, &self.unloaded);
        let is_unloaded = |address: &mut u64| {
            let call = address.saturating_sub(1);
            mapping_of(mappings, call).is_none() || unloaded.contains(*address)
        };
        let gone: Vec<u64> = addresses.extract_if(.., is_unloaded).collect();
        self.name_all(UNLOADED, &gone);
    }

    fn name_all(&mut self, name: &str, addresses: &[u64]) {
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

    pub(crate) fn note(&mut self, gap: SymbolGap) {
        if !self.gaps.contains(&gap) {
            self.gaps.push(gap);
        }
    }

    /// Notes that a file could not be read.
    pub(crate) fn note_unreadable(&mut self, mapping: &Mapping, error: &io::Error) {
        self.note(SymbolGap::unreadable(mapping, error));
    }
}

/// A file and what belongs to it.
struct Parts<'a> {
    elf: &'a ElfFile<'a>,
    /// Holds the debug information of `elf`, with the same link-time addresses.
    separate: Option<&'a ElfFile<'a>>,
    separate_path: Option<&'a Path>,
    /// Paths where the debug information of split units may lie.
    packages: Vec<PathBuf>,
}

/// Begins what stands for the name of a function that has none.
pub(crate) const WITHOUT_SYMBOLS: &str = "code without symbols in ";

/// Stands for the name of code that a library had which is unloaded now.
pub(crate) const UNLOADED: &str = "unknown code (unloaded)";

/// Stands for the name of code that comes from no file.
const GENERATED: &str = "unknown code (generated at run time)";

/// Whether this is no function, but what stands for one without a name.
pub(crate) fn is_without_symbols(function: &Function) -> bool {
    function.is_symbol
        && function
            .name
            .as_deref()
            .is_none_or(|name| name.starts_with(WITHOUT_SYMBOLS) || name == GENERATED || name == UNLOADED)
}

/// Whether a file is a library of the system. Its debug information may be installed, large, and about C: it would
/// cost more time than all of the service's own and tell no type. The program itself may be anywhere.
fn is_of_system(mapping: &Mapping) -> bool {
    let folders = ["/lib", "/lib64", "/usr/lib", "/usr/lib64"];
    !mapping.is_program && folders.iter().any(|folder| mapping.path.starts_with(folder))
}

/// The debug file of a stripped one, if there is one with the same build-id; else what one was like that could not be
/// used. A file without build-id could have been built from anything, so it has none.
fn load_debug_file(
    elf: &ElfFile<'_>,
    mapping: &Mapping,
    files: &dyn LoadObject,
) -> (Option<(PathBuf, FileData)>, UnusedDebugFile) {
    let mut unused = None;
    let Some(id) = elf.build_id() else { return (None, unused) };
    for path in debug_file::candidates(elf, &mapping.path) {
        let found = match files.load_debug_file(&path) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => continue,
            Err(error) => format!("could not be read: {error}"),
            Ok(data) => match ElfFile::parse(&data) {
                Err(error) => format!("could not be read: {error}"),
                Ok(found) if found.build_id().as_ref() != Some(&id) => "is of another build".into(),
                Ok(found) if !found.has_dwarf() => "has no debug information".into(),
                Ok(_) => return (Some((path, data)), None),
            },
        };
        // Beside a file lies itself, if the link names it so.
        if path != mapping.path {
            unused
                .get_or_insert_with(|| format!("its debug file `{}` {found}", path_bytes::file_name(&path)));
        }
    }
    (None, unused)
}

#[cfg(test)]
mod tests;
