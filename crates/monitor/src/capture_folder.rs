//! The folder of captures, its checks and its cap.

mod check;
mod file_name;
mod surplus;

pub(crate) use file_name::{FileName, ProcessKey};

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use memory_debug_core::CaptureKind;

use crate::error::MonitorError;
use crate::flight::FlightFile;

/// The most files that are looked at, so that a folder that other programs fill costs little.
const MAX_FILES: usize = 4096;

/// A folder that only this user writes to.
#[derive(Clone, Debug)]
pub(crate) struct CaptureFolder {
    path: PathBuf,
    warning: Option<String>,
}

/// A file in the folder.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Entry {
    pub(crate) name: FileName,
    pub(crate) bytes: u64,
}

impl CaptureFolder {
    /// Checks the folder, and creates it if it does not exist. A folder in memory is refused unless `accept_memory`.
    ///
    /// # Errors
    ///
    /// If the folder cannot be made, is a link, belongs to another user, can be written by others, or is in memory.
    pub(crate) fn open(path: &Path, accept_memory: bool) -> Result<Self, MonitorError> {
        let warning = check::usable(path, accept_memory).map_err(|reason| {
            MonitorError::new(format!("the folder of captures, {}, {reason}", path.display()))
        })?;
        Ok(Self { path: path.to_owned(), warning })
    }

    /// A folder that is only read, and may belong to another user.
    pub(crate) fn to_read(path: &Path) -> Self {
        Self { path: path.to_owned(), warning: None }
    }

    pub(crate) fn path(&self) -> &Path {
        &self.path
    }

    /// Why captures may not survive in this folder.
    pub(crate) fn warning(&self) -> Option<&str> {
        self.warning.as_deref()
    }

    pub(crate) fn path_of(&self, name: &FileName) -> PathBuf {
        self.path.join(name.to_string())
    }

    /// The complete files, and no other file.
    ///
    /// # Errors
    ///
    /// If the folder cannot be read.
    pub(crate) fn entries(&self) -> io::Result<Vec<Entry>> {
        let mut entries = Vec::new();
        for entry in fs::read_dir(&self.path)?.take(MAX_FILES) {
            let entry = entry?;
            let name = entry.file_name().to_str().and_then(FileName::parse);
            // A file that was removed meanwhile has no length.
            let found = entry.metadata().ok().filter(fs::Metadata::is_file);
            entries.extend(name.zip(found).map(|(name, found)| Entry { name, bytes: found.len() }));
        }
        entries.sort_by(|a, b| a.name.cmp(&b.name));
        Ok(entries)
    }

    /// Whether the process that wrote these files still runs.
    pub(crate) fn is_alive(&self, process: &ProcessKey) -> bool {
        // The lock also tells about processes of other containers, whose process ids mean nothing here.
        FlightFile::is_locked(&self.path_of(&FileName::flight(process))) || process.is_running()
    }

    /// Removes files until the folder keeps its bounds, and what dead processes left unfinished. Files that this process
    /// writes now stay.
    pub(crate) fn tidy(&self, own: &ProcessKey, max_bytes: u64) {
        self.remove_unfinished(own);
        let Ok(entries) = self.entries() else { return };
        let mut alive: Vec<&ProcessKey> = Vec::new();
        for entry in &entries {
            let process = entry.name.process();
            let needs_check = matches!(entry.name, FileName::Flight(_) | FileName::Ballast(_));
            if needs_check && !alive.contains(&process) && (process == own || self.is_alive(process)) {
                alive.push(process);
            }
        }
        for entry in surplus::of(&entries, &alive, max_bytes) {
            // Another process of this folder may have removed it.
            let _ = fs::remove_file(self.path_of(&entry.name));
        }
    }

    /// Removes files that a dead process was writing when it ended.
    fn remove_unfinished(&self, own: &ProcessKey) {
        for entry in fs::read_dir(&self.path).into_iter().flatten().flatten().take(MAX_FILES) {
            let name = entry.file_name();
            let of = name.to_str().and_then(|name| FileName::parse(name.strip_suffix(".tmp")?));
            if of.is_some_and(|of| of.process() != own && !self.is_alive(of.process())) {
                let _ = fs::remove_file(entry.path());
            }
        }
    }
}

impl Entry {
    /// What it holds. `None` for the space that is kept free, and for the live samples beside a raw dump.
    pub(crate) fn kind(&self) -> Option<CaptureKind> {
        match &self.name {
            FileName::Flight(_) => Some(CaptureKind::Flight),
            FileName::Capture { kind, .. } => Some(*kind),
            FileName::Ballast(_) | FileName::Samples { .. } => None,
        }
    }
}

#[cfg(test)]
#[cfg(target_os = "linux")]
mod tests;
