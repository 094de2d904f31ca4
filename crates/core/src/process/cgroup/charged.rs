//! The groups that this process's memory is charged to, for code that reads their files itself.

use std::path::{Path, PathBuf};

use super::folder::{self, Folder, Version};
use super::level::LevelReader;

/// The groups whose limits apply to this process.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ChargedGroups {
    /// The version of the interface: 1 or 2.
    pub version: u8,
    /// The process's own group first, then the groups above it.
    pub groups: Vec<ChargedGroup>,
}

/// One group.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ChargedGroup {
    /// Its path below the mount point, as in reports.
    pub path: String,
    /// The folder with its files.
    pub folder: PathBuf,
}

/// Finds the groups. `proc` is the folder where `/proc` is mounted.
///
/// # Errors
///
/// If the process's own group was not found. The text says why.
pub fn charged_groups(proc: &Path) -> Result<ChargedGroups, String> {
    let folder = folder::find(proc)?;
    let all = std::iter::once(folder.group.as_path()).chain(above(&folder));
    let groups = all.map(|group| ChargedGroup { path: folder.path_of(group), folder: group.to_owned() });
    let version = match folder.version {
        Version::One => 1,
        Version::Two => 2,
    };
    Ok(ChargedGroups { version, groups: groups.collect() })
}

/// The groups from the parent up to the mount point, as far as their limits apply to this process. In version 2 the
/// root group has no limit and is left out.
pub(super) fn above(folder: &Folder) -> impl Iterator<Item = &Path> {
    let level = |above| LevelReader::new(folder.version, above, "");
    let levels = folder.ancestors().skip(1).map(level);
    levels
        .take_while(LevelReader::includes_groups_below)
        .filter(LevelReader::is_charged)
        .map(|level| level.folder())
}
