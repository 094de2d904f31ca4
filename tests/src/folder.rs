//! A place for files.

use std::path::{Path, PathBuf};
use std::{env, fs};

/// A folder of a test's own, removed at its end.
#[derive(Debug)]
pub struct Folder(PathBuf);

impl Folder {
    /// Among the system's temporary files, where paths are short enough for sockets.
    pub fn new(name: &str) -> Self {
        Self::within(env::temp_dir(), name)
    }

    /// Within `parent`.
    pub fn within(parent: impl AsRef<Path>, name: &str) -> Self {
        let path = parent.as_ref().join(format!("{name}-{}", std::process::id()));
        fs::create_dir_all(&path).unwrap();
        Self(path)
    }

    /// Where it is.
    pub fn path(&self) -> &Path {
        &self.0
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.0);
    }
}
