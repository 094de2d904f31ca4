//! Split DWARF: units with their debug information in a separate file.
//!
//! The executable keeps a *skeleton* of such a unit: its code ranges, line table and addresses, and the name and id
//! of the rest. The rest is a `.dwo` file that the compiler wrote beside its object file (rustc's
//! `split-debuginfo=unpacked`), or one of many in a package `<executable>.dwp` (`packed`). The id shows whether a
//! file is the right file (DWARF 5, sections 7.3.2 and 7.3.5; before that, GNU's extension to DWARF 4).

use std::path::{Path, PathBuf};

use gimli::{DebugInfoOffset, DwarfPackage, DwoId, EndianSlice, Section as _, UnitRef};
use rustc_hash::FxHashSet;

use super::budget::{Budget, bytes_of};
use super::debug_file;
use super::elf::{Dwarf, ElfFile, PackageSections, Reader, Unit};
use super::files::LoadObject;
use super::units::Units;

/// Finds the rest of skeletons.
pub(crate) struct SplitUnits<'a> {
    package: Option<DwarfPackage<Reader<'a>>>,
    /// Size of the package, until it was reported.
    package_bytes: usize,
    files: &'a dyn LoadObject,
    /// Path of the executable.
    executable: &'a Path,
    /// Ids that were looked up. In a genuine file, each id belongs to one unit.
    seen: FxHashSet<u64>,
    /// Number of skeletons without a file for the rest.
    pub(crate) missing: usize,
}

impl<'a> SplitUnits<'a> {
    /// Makes a finder for an executable, and for the package of its split units if there is one.
    pub(crate) fn new(
        executable: &'a Path,
        package: Option<(&'a PackageSections<'_>, gimli::RunTimeEndian)>,
        files: &'a dyn LoadObject,
    ) -> Self {
        let package = package.and_then(|(sections, endian)| {
            sections.borrow(|section| EndianSlice::new(section, endian), EndianSlice::new(&[], endian)).ok()
        });
        let package_bytes = package.as_ref().map_or(0, |package: &DwarfPackage<Reader<'_>>| {
            let sections = [
                package.debug_info.reader(),
                package.debug_abbrev.reader(),
                package.debug_rnglists.reader(),
                package.debug_line.reader(),
            ];
            sections.map(|section| section.len()).iter().sum()
        });
        Self { package, package_bytes, files, executable, seen: FxHashSet::default(), missing: 0 }
    }

    /// Calls `pass` with the rest of a unit, and with the number of additional bytes to read. Returns whether the
    /// rest was found.
    pub(crate) fn with_unit_of(
        &mut self,
        skeleton: Unit<'_, '_>,
        pass: impl FnOnce(Unit<'_, '_>, usize),
    ) -> bool {
        let Some(id) = skeleton.dwo_id.filter(|id| self.seen.insert(id.0)) else { return false };
        let package = self.package.as_ref();
        if let Some(dwarf) = package.and_then(|package| package.find_cu(id, skeleton.dwarf).ok().flatten())
            && let Some(unit) = unit_of(&dwarf, id, skeleton)
        {
            // The units of a package are its parts. In a damaged package they can be the same part.
            pass(UnitRef::new(&dwarf, &unit), std::mem::take(&mut self.package_bytes));
            return true;
        }
        for path in self.paths_of(skeleton) {
            let Ok(data) = self.files.load_debug_file(&path) else { continue };
            let Ok(elf) = ElfFile::parse(&data) else { continue };
            let Some(sections) = elf.split_dwarf() else { continue };
            let mut dwarf = sections.borrow(|section| EndianSlice::new(section, elf.endian()));
            dwarf.make_dwo(skeleton.dwarf);
            if let Some(unit) = unit_of(&dwarf, id, skeleton) {
                pass(UnitRef::new(&dwarf, &unit), bytes_of(&dwarf));
                return true;
            }
        }
        self.missing += 1;
        false
    }

    fn paths_of(&self, skeleton: Unit<'_, '_>) -> Vec<PathBuf> {
        let Ok(Some(name)) = skeleton.dwo_name() else { return Vec::new() };
        let Ok(name) = skeleton.attr_string(name) else { return Vec::new() };
        let folder = skeleton.comp_dir.map(|folder| folder.slice());
        debug_file::dwo_candidates(self.executable, folder, name.slice())
    }
}

/// The unit with this id. Its addresses are in the executable, at a place that the skeleton names.
fn unit_of<'a>(dwarf: &Dwarf<'a>, id: DwoId, skeleton: Unit<'_, '_>) -> Option<gimli::Unit<Reader<'a>>> {
    let mut budget = Budget::new(bytes_of(dwarf), 0);
    let mut units = Units::new(dwarf);
    let mut headers = dwarf.units();
    while let Ok(Some(header)) = headers.next() {
        let offset = header.debug_info_offset().unwrap_or(DebugInfoOffset(0));
        let Ok(mut unit) = units.open(offset, &mut budget) else { continue };
        if unit.dwo_id == Some(id) {
            // Like `Unit::copy_relocated_attributes`, but for readers of two files.
            unit.low_pc = skeleton.low_pc;
            unit.addr_base = skeleton.addr_base;
            if unit.header.version() < 5 {
                unit.rnglists_base = skeleton.rnglists_base;
            }
            return Some(unit);
        }
    }
    None
}
