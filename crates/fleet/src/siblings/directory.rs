//! The directory of siblings, which only their user can enter.

use std::ffi::{OsStr, OsString};
use std::fs::{self, DirBuilder};
use std::io;
use std::os::fd::{AsRawFd as _, OwnedFd};
use std::os::unix::fs::DirBuilderExt as _;
use std::path::{Path, PathBuf};

use rustix::fs::{Mode, OFlags, fstat};
use rustix::process::geteuid;

/// Maximum number of names that are read.
const MAX_NAMES: usize = 4096;

/// The open directory. Because it stays open, it remains the directory that was checked, even if its path changes.
#[derive(Debug)]
pub(super) struct Directory(OwnedFd);

impl Directory {
    /// Opens the directory. Creates it if it does not exist.
    ///
    /// # Errors
    ///
    /// If the path is a link, or the directory belongs to another user or is open to others. The message does not
    /// contain the path, because clients read it.
    pub(super) fn open(path: &Path) -> Result<Self, String> {
        if let Err(error) = DirBuilder::new().mode(0o700).create(path)
            && error.kind() != io::ErrorKind::AlreadyExists
        {
            return Err(format!("the directory of siblings cannot be created: {}", error.kind()));
        }
        let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::NOFOLLOW | OFlags::CLOEXEC;
        let directory = rustix::fs::open(path, flags, Mode::empty()).map_err(|error| {
            format!(
                "the directory of siblings cannot be opened, or is not a directory: {}",
                io::Error::from(error).kind()
            )
        })?;
        let found = fstat(&directory).map_err(|error| io::Error::from(error).to_string())?;
        if found.st_uid != geteuid().as_raw() {
            return Err("the directory of siblings belongs to another user".to_owned());
        }
        if found.st_mode & 0o077 != 0 {
            return Err("the directory of siblings is open to others; its mode must be 0700".to_owned());
        }
        Ok(Self(directory))
    }

    /// The path of `name` in the directory. It is short enough for a socket, even if the directory's own path is not.
    pub(super) fn path(&self, name: impl AsRef<OsStr>) -> PathBuf {
        Path::new("/proc/self/fd").join(self.0.as_raw_fd().to_string()).join(name.as_ref())
    }

    /// The names in the directory, in no particular order.
    pub(super) fn names(&self) -> Result<Vec<OsString>, String> {
        let entries = fs::read_dir(self.path(""))
            .map_err(|error| format!("the directory of siblings cannot be read: {}", error.kind()))?;
        Ok(entries.take(MAX_NAMES).filter_map(|entry| Some(entry.ok()?.file_name())).collect())
    }
}
