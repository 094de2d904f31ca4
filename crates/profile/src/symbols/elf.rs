//! ELF: sections, segments and symbols of an executable or shared object.

use std::borrow::Cow;

use gimli::{DwarfPackageSections, DwarfSections, SectionId};
use object::{Object, ObjectSection, ObjectSegment, ObjectSymbol, SymbolKind};

use crate::build_id::BuildId;
use crate::error::{Error, ErrorKind};

/// A slice of a mapped or decompressed section.
pub(crate) type Reader<'a> = gimli::EndianSlice<'a, gimli::RunTimeEndian>;

/// The DWARF sections of a file.
pub(crate) type Dwarf<'a> = gimli::Dwarf<Reader<'a>>;

/// A unit of debug information, with the sections that it is from.
pub(crate) type Unit<'u, 'a> = gimli::UnitRef<'u, Reader<'a>>;

/// Sections of a package of split units, decompressed if necessary.
pub(crate) type PackageSections<'a> = DwarfPackageSections<Cow<'a, [u8]>>;

/// Bound on the growth of a section by decompression. Debug information grows three to ten times. A damaged length
/// could exhaust memory before the data turns out to be shorter.
const MAX_COMPRESSION: u64 = 256;

/// The supplementary file that debug information refers to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct SupplementaryLink<'a> {
    /// The path in the link: absolute, or relative to the file with the link.
    pub(crate) path: &'a [u8],
    pub(crate) build_id: BuildId,
}

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

    /// Whether the file has code. `objcopy --only-keep-debug` removes it and leaves the debug information.
    pub(crate) fn has_code(&self) -> bool {
        self.file.segments().any(|segment| segment.file_range().1 > 0 && segment.permissions().executable())
    }

    /// Whether the file is a package of split units.
    pub(crate) fn is_package(&self) -> bool {
        self.file.section_by_name(SectionId::DebugCuIndex.name()).is_some()
    }

    /// The file name in `.gnu_debuglink`.
    pub(crate) fn debug_link(&self) -> Option<&'a [u8]> {
        let (name, _checksum) = self.file.gnu_debuglink().ok().flatten()?;
        Some(name)
    }

    /// The file with debug information that several files share: from `.gnu_debugaltlink`, as `dwz` writes it, or
    /// from `.debug_sup` (DWARF 5, section 7.3.6).
    pub(crate) fn supplementary(&self) -> Option<SupplementaryLink<'a>> {
        let gnu = || self.file.gnu_debugaltlink().ok().flatten();
        let standard = || standard_link(self.file.section_by_name(".debug_sup")?.data().ok()?);
        let (path, id) = gnu().or_else(standard)?;
        Some(SupplementaryLink { path, build_id: BuildId::from_bytes(id)? })
    }

    /// Whether the file has a symbol table, which `strip` removes. The symbols for the dynamic linker remain, and do
    /// not count.
    pub(crate) fn has_symbol_table(&self) -> bool {
        self.file.symbol_table().is_some()
    }

    pub(crate) fn has_dwarf(&self) -> bool {
        self.file.section_by_name(".debug_info").is_some()
    }

    /// The DWARF sections, decompressed if necessary. `None` without `.debug_info`.
    pub(crate) fn dwarf(&self) -> Option<DwarfSections<Cow<'a, [u8]>>> {
        self.has_dwarf().then(|| self.supplementary_dwarf()).flatten()
    }

    /// The sections of a supplementary file, which can consist of texts only.
    pub(crate) fn supplementary_dwarf(&self) -> Option<DwarfSections<Cow<'a, [u8]>>> {
        DwarfSections::load(|id| self.section(is_read(id).then(|| id.name()))).ok()
    }

    /// The sections of a `.dwo` file. `None` for other files.
    pub(crate) fn split_dwarf(&self) -> Option<DwarfSections<Cow<'a, [u8]>>> {
        self.file.section_by_name(".debug_info.dwo")?;
        DwarfSections::load(|id| self.section(id.dwo_name().filter(|_| is_read(id)))).ok()
    }

    /// The sections of a `.dwp` file, a package of `.dwo` files. `None` for other files.
    pub(crate) fn package(&self) -> Option<PackageSections<'a>> {
        if !self.is_package() {
            return None;
        }
        // All sections are needed, because the index names parts of each.
        PackageSections::load(|id| self.section(id.dwo_name())).ok()
    }

    /// Reads a section. It is empty if it has no name, is missing, or cannot be decompressed.
    fn section(&self, name: Option<&str>) -> Result<Cow<'a, [u8]>, gimli::Error> {
        let section = name.and_then(|name| self.file.section_by_name(name));
        let data = section.and_then(|section| section.compressed_data().ok());
        let data = data.filter(|data| data.uncompressed_size / MAX_COMPRESSION <= data.data.len() as u64);
        Ok(data.and_then(|data| data.decompress().ok()).unwrap_or_default())
    }

    pub(crate) fn endian(&self) -> gimli::RunTimeEndian {
        if self.file.is_little_endian() { gimli::RunTimeEndian::Little } else { gimli::RunTimeEndian::Big }
    }

    /// Finds the function symbols that contain `addresses` (sorted, link-time addresses). One pass, without sorting
    /// the table. Calls `found` with the position of the address and the mangled name.
    pub(crate) fn symbols_of(&self, addresses: &[u64], mut found: impl FnMut(usize, &'a str)) {
        for symbol in self.file.symbols().chain(self.file.dynamic_symbols()) {
            let (start, end) = (symbol.address(), symbol.address().saturating_add(symbol.size()));
            let first = addresses.partition_point(|address| *address < start);
            // Few of the hundreds of thousands of symbols contain an address. Only symbols that do are read further.
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

/// Parses `.debug_sup`: version, whether this file is itself supplementary, path, and the identity with its length.
/// Returns path and identity.
fn standard_link(section: &[u8]) -> Option<(&[u8], &[u8])> {
    let [_, _, 0, rest @ ..] = section else { return None };
    let end = rest.iter().position(|byte| *byte == 0)?;
    let (path, rest) = (&rest[..end], &rest[end + 1..]);
    // The length is LEB128, but no identity has 128 bytes.
    let (length, id) = rest.split_first().filter(|(length, _)| **length < 128)?;
    Some((path, id.get(..usize::from(*length))?))
}

/// Whether a section says anything about frames. Sections about variables and types are never decompressed.
fn is_read(id: SectionId) -> bool {
    use SectionId::*;
    let texts = matches!(id, DebugLineStr | DebugStr | DebugStrOffsets);
    texts || matches!(id, DebugAbbrev | DebugAddr | DebugInfo | DebugLine | DebugRanges | DebugRngLists)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn standard_link_has_path_and_identity() {
        let link = |is_supplementary: u8, rest: &[u8]| {
            let section = [&[5, 0, is_supplementary], rest].concat();
            standard_link(&section).map(|(path, id)| (path.to_vec(), id.to_vec()))
        };
        let expected = (b"../.dwz/app".to_vec(), vec![0xab, 0xcd]);
        assert_eq!(link(0, b"../.dwz/app\0\x02\xab\xcd"), Some(expected));
        assert_eq!(link(1, b"\0\x02\xab\xcd"), None, "a supplementary file says its own identity");
        for damaged in [&b""[..], b"app", b"app\0", b"app\0\x03\xab\xcd", b"app\0\x82\x01\xab"] {
            assert_eq!(link(0, damaged), None, "{damaged:?}");
        }
        assert_eq!(standard_link(b""), None);
    }
}
