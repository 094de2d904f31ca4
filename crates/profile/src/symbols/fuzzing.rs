//! Entry points for the fuzz targets. Not part of the public interface.

use std::path::{Path, PathBuf};

use gimli::DwarfSections;

use super::budget::{Budget, bytes_of};
use super::debug_file;
use super::dwarf;
use super::elf::{Reader, SupplementaryLink};
use super::frames::FrameTable;
use super::split::SplitUnits;
use super::unit_index::UnitIndex;
use crate::build_id::BuildId;
use crate::mapping::Mapping;

/// Paths tried for a debug file: by the name in `.gnu_debuglink`, and by the build-id.
pub fn debug_paths(executable: &Path, link: &[u8], build_id: &[u8]) -> (Vec<PathBuf>, Option<PathBuf>) {
    let by_id = BuildId::from_bytes(build_id).and_then(|id| debug_file::by_build_id(&id));
    (debug_file::by_debug_link(executable, link), by_id)
}

/// Paths tried for a supplementary file.
pub fn supplementary_paths(path: &Path, link: &[u8], build_id: &[u8]) -> Vec<PathBuf> {
    let Some(build_id) = BuildId::from_bytes(build_id) else { return Vec::new() };
    debug_file::supplementary_candidates(&SupplementaryLink { path: link, build_id }, path)
}

/// Paths tried for a split unit.
pub fn dwo_paths(executable: &Path, folder: Option<&[u8]>, name: &[u8]) -> Vec<PathBuf> {
    debug_file::dwo_candidates(executable, folder, name)
}

/// Looks up sorted addresses in sections of debug information, which are given by name. Returns the number of frames,
/// and of lines without a frame.
pub fn dwarf_frames<'a>(section: impl Fn(&str) -> &'a [u8], addresses: &[u64]) -> (usize, usize) {
    let Ok(dwarf) = DwarfSections::load(|id| Ok::<_, gimli::Error>(section(id.name()))) else {
        return (0, 0);
    };
    let dwarf = dwarf.borrow(|section| Reader::new(section, gimli::RunTimeEndian::Little));
    let mut budget = Budget::new(bytes_of(&dwarf), addresses.len());
    let index = UnitIndex::read(&dwarf, &mut budget);
    let mut table = FrameTable::default();
    let no_files = |_: &Mapping| Err(std::io::ErrorKind::NotFound.into());
    let mut split = SplitUnits::new(Path::new("/srv/app"), None, &no_files);
    let found = dwarf::resolve(&dwarf, &index, &mut split, addresses, &mut table, &mut budget);
    let frames = found.frames.values().map(|span| table.frames(*span).len()).sum();
    (frames, found.lines.len())
}
