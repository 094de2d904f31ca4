//! Temporary folders.

use std::path::{Path, PathBuf};
use std::{env, fs};

/// A folder for one test, removed on drop.
#[derive(Debug)]
pub struct Folder(PathBuf);

impl Folder {
    /// Creates a folder among the system's temporary files, where paths are short enough for sockets.
    pub fn new(name: &str) -> Self {
        Self::within(env::temp_dir(), name)
    }

    /// Creates a folder within `parent`.
    pub fn within(parent: impl AsRef<Path>, name: &str) -> Self {
        let path = parent.as_ref().join(format!("{name}-{}", std::process::id()));
        fs::create_dir_all(&path).unwrap();
        Self(path)
    }

    /// The path of the folder.
    pub fn path(&self) -> &Path {
        &self.0
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.0);
    }
}
