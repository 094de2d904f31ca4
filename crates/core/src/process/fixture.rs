//! Folders of small files that stand in for `/proc` and `/sys/fs/cgroup` in tests.

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, SystemTime};

/// A temporary folder, removed when dropped.
pub(crate) struct Tree(PathBuf);

impl Tree {
    /// A folder with these files in it, given by path and content.
    pub(crate) fn new<'a>(files: impl IntoIterator<Item = (&'a str, &'a str)>) -> Self {
        static COUNT: AtomicUsize = AtomicUsize::new(0);
        let number = COUNT.fetch_add(1, Ordering::Relaxed);
        let path = std::env::temp_dir().join(format!("memory-debug-tree-{}-{number}", std::process::id()));
        fs::create_dir(&path).unwrap();
        let tree = Self(path);
        files.into_iter().for_each(|(path, content)| tree.add(path, content));
        tree
    }

    /// Adds or replaces a file.
    pub(crate) fn add(&self, path: &str, content: &str) {
        let path = self.0.join(path);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, content).unwrap();
    }

    pub(crate) fn path(&self) -> &Path {
        &self.0
    }
}

impl Drop for Tree {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.0);
    }
}

/// Clocks for tests of code that takes a time, from before 1970 to far beyond the range of RFC 3339.
pub(crate) fn unusual_clocks() -> Vec<SystemTime> {
    let epoch = SystemTime::UNIX_EPOCH;
    let distances = [1, 86_400, 63_000_000_000, 253_402_300_800, i64::MAX as u64].map(Duration::from_secs);
    let before = distances.iter().filter_map(|distance| epoch.checked_sub(*distance));
    let after = distances.iter().filter_map(|distance| epoch.checked_add(*distance));
    before.chain(after).collect()
}
