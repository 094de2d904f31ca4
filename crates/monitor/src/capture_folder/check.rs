//! Whether a folder may keep captures.

use std::path::Path;

/// Checks the folder, and creates it if it does not exist. Returns a warning if captures may not survive in it.
///
/// # Errors
///
/// What is wrong with it, to follow its name.
#[cfg(target_os = "linux")]
pub(super) fn usable(path: &Path, accept_memory: bool) -> Result<Option<String>, String> {
    use std::fs;
    use std::os::unix::fs::{DirBuilderExt as _, MetadataExt as _};

    let failed = |what: &str, error: std::io::Error| format!("cannot be {what}: {error}");
    if let Err(error) = fs::DirBuilder::new().recursive(true).mode(0o700).create(path) {
        return Err(failed("made", error));
    }
    let found = fs::symlink_metadata(path).map_err(|error| failed("examined", error))?;
    if !found.is_dir() {
        return Err("is a link; name the folder that it leads to".to_owned());
    }
    if found.uid() != rustix::process::geteuid().as_raw() {
        let advice = "let the service make a folder of its own, such as a new folder in the volume";
        return Err(format!("belongs to another user; {advice}"));
    }
    if found.mode() & 0o022 != 0 {
        return Err("can be written by others; its mode must be 0700".to_owned());
    }
    let kind = rustix::fs::statfs(path).map_err(|error| failed("examined", error.into()))?.f_type;
    #[allow(clippy::useless_conversion, reason = "the type has fewer bits on some systems")]
    let kind = i64::from(kind) & 0xffff_ffff;
    match FileSystem::of(kind) {
        FileSystem::Memory if !accept_memory => Err(
            "is in memory (tmpfs): its files count towards the memory limit, and may be lost with the container; use a \
             folder on a disk, or accept this with `even_in_memory()`"
                .to_owned(),
        ),
        FileSystem::Memory => Ok(Some(
            "the folder is in memory (tmpfs): its files count towards the memory limit, and may be lost with the container"
                .to_owned(),
        )),
        FileSystem::Overlay => Ok(Some(
            "the folder is in the container's own layer (overlay), which is lost with the container; mount a volume there"
                .to_owned(),
        )),
        FileSystem::Disk => Ok(None),
    }
}

/// Checks nothing, because captures need Linux.
///
/// # Errors
///
/// Always.
#[cfg(not(target_os = "linux"))]
pub(super) fn usable(_path: &Path, _accept_memory: bool) -> Result<Option<String>, String> {
    Err("is of no use here: captures need Linux".to_owned())
}

/// What becomes of a file when its process or container ends.
#[cfg(target_os = "linux")]
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum FileSystem {
    Memory,
    Overlay,
    Disk,
}

#[cfg(target_os = "linux")]
impl FileSystem {
    /// Numbers of `linux/magic.h`: `TMPFS_MAGIC`, `RAMFS_MAGIC`, `OVERLAYFS_SUPER_MAGIC`.
    fn of(magic: i64) -> Self {
        match magic {
            0x0102_1994 | 0x8584_58f6 => Self::Memory,
            0x794c_7630 => Self::Overlay,
            _ => Self::Disk,
        }
    }
}
