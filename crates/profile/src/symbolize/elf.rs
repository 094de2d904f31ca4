//! ELF: sections, segments and symbols of an executable or shared object.

use std::borrow::Cow;

use gimli::{DwarfPackageSections, DwarfSections, SectionId};
use object::{Object, ObjectSection, ObjectSegment, ObjectSymbol, SymbolKind};

use crate::build_id::BuildId;
use crate::error::{Error, ErrorKind};

/// Slices of mapped or decompressed sections.
pub(crate) type Reader<'a> = gimli::EndianSlice<'a, gimli::RunTimeEndian>;

/// Sections of a package of split units, decompressed where they are compressed.
pub(crate) type PackageSections<'a> = DwarfPackageSections<Cow<'a, [u8]>>;

/// How many times longer a section may become. Debug information becomes some three to ten times longer; a damaged
/// length would take all memory before the data turns out to be shorter.
const MAX_COMPRESSION: u64 = 256;

/// An ELF file in memory.
pub(crate) struct ElfFile<'a> {
    file: object::File<'a>,
}

impl<'a> ElfFile<'a> {
    pub(crate) fn parse(data: &'a [u8]) -> Result<Self, Error> {
        let file = object::File::parse(data)
            .map_err(|error| Error::with_source(ErrorKind::Object, "not a readable ELF file", error))?;
        Ok(Self { file })
    }

    /// The link-time address of the byte at an offset in the file.
    pub(crate) fn address_at(&self, file_offset: u64) -> Option<u64> {
        self.file.segments().find_map(|segment| {
            let (start, size) = segment.file_range();
            let within = file_offset.checked_sub(start).filter(|within| *within < size)?;
            segment.address().checked_add(within)
        })
    }

    /// The identity that the linker gave the file (`NT_GNU_BUILD_ID`).
    pub(crate) fn build_id(&self) -> Option<BuildId> {
        self.file.build_id().ok().flatten().and_then(BuildId::from_bytes)
    }

    /// Whether there is code, or it was taken away to leave the debug information (`objcopy --only-keep-debug`).
    pub(crate) fn has_code(&self) -> bool {
        self.file.segments().any(|segment| segment.file_range().1 > 0 && segment.permissions().executable())
    }

    /// Whether the file is a package of split units.
    pub(crate) fn is_package(&self) -> bool {
        self.file.section_by_name(SectionId::DebugCuIndex.name()).is_some()
    }

    /// The file name in `.gnu_debuglink`.
    pub(crate) fn debug_link(&self) -> Option<&'a str> {
        let (name, _checksum) = self.file.gnu_debuglink().ok().flatten()?;
        std::str::from_utf8(name).ok()
    }

    pub(crate) fn has_dwarf(&self) -> bool {
        self.file.section_by_name(".debug_info").is_some()
    }

    /// The DWARF sections, decompressed where they are compressed; `None` if there is no `.debug_info`.
    pub(crate) fn dwarf(&self) -> Option<DwarfSections<Cow<'a, [u8]>>> {
        if !self.has_dwarf() {
            return None;
        }
        DwarfSections::load(|id| self.section(is_read(id).then(|| id.name()))).ok()
    }

    /// The sections of a `.dwo` file; `None` if it is none.
    pub(crate) fn split_dwarf(&self) -> Option<DwarfSections<Cow<'a, [u8]>>> {
        self.file.section_by_name(".debug_info.dwo")?;
        DwarfSections::load(|id| self.section(id.dwo_name().filter(|_| is_read(id)))).ok()
    }

    /// The sections of a `.dwp` file, a package of `.dwo` files; `None` if it is none.
    pub(crate) fn package(&self) -> Option<PackageSections<'a>> {
        if !self.is_package() {
            return None;
        }
        // All of them: the index names parts of each.
        PackageSections::load(|id| self.section(id.dwo_name())).ok()
    }

    /// A section without name, that is not there or that cannot be decompressed is empty.
    fn section(&self, name: Option<&str>) -> Result<Cow<'a, [u8]>, gimli::Error> {
        let section = name.and_then(|name| self.file.section_by_name(name));
        let data = section.and_then(|section| section.compressed_data().ok());
        let data = data.filter(|data| data.uncompressed_size / MAX_COMPRESSION <= data.data.len() as u64);
        Ok(data.and_then(|data| data.decompress().ok()).unwrap_or_default())
    }

    pub(crate) fn endian(&self) -> gimli::RunTimeEndian {
        if self.file.is_little_endian() { gimli::RunTimeEndian::Little } else { gimli::RunTimeEndian::Big }
    }

    /// Finds the function symbols that contain `addresses` (sorted, link-time addresses), in one pass without sorting
    /// the table. `found` gets the position of the address and the mangled name.
    pub(crate) fn symbols_of(&self, addresses: &[u64], mut found: impl FnMut(usize, &'a str)) {
        for symbol in self.file.symbols().chain(self.file.dynamic_symbols()) {
            let (start, end) = (symbol.address(), symbol.address().saturating_add(symbol.size()));
            let first = addresses.partition_point(|address| *address < start);
            // Of hundreds of thousands few have an address, and only of those more is read.
            if addresses.get(first).is_none_or(|at| *at >= end) || symbol.kind() != SymbolKind::Text {
                continue;
            }
            for (position, _) in addresses.iter().enumerate().skip(first).take_while(|(_, at)| **at < end) {
                if let Ok(name) = symbol.name() {
                    found(position, name);
                }
            }
        }
    }
}

/// Whether a section says anything about frames. Others, of variables and types, are never decompressed.
fn is_read(id: SectionId) -> bool {
    matches!(
        id,
        SectionId::DebugAbbrev
            | SectionId::DebugAddr
            | SectionId::DebugInfo
            | SectionId::DebugLine
            | SectionId::DebugLineStr
            | SectionId::DebugRanges
            | SectionId::DebugRngLists
            | SectionId::DebugStr
            | SectionId::DebugStrOffsets
    )
}
