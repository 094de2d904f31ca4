//! Where this process keeps its flight record.

use std::io;
use std::path::PathBuf;

use super::job::keep_room;
use crate::capture_folder::{CaptureFolder, FileName, ProcessKey};
use crate::flight::{Header, Recording};

/// Makes the flight file of this process.
#[derive(Clone, Debug)]
pub(super) struct FlightPlace {
    pub(super) folder: CaptureFolder,
    pub(super) process: ProcessKey,
    pub(super) header: Header,
    pub(super) max_bytes: u64,
    pub(super) accept_memory: bool,
}

impl FlightPlace {
    pub(super) fn path(&self) -> PathBuf {
        self.folder.path_of(&FileName::flight(&self.process))
    }

    /// Makes the file, keeps room for a raw dump, and tidies the folder. Makes the folder too if it was removed, and
    /// checks it again. Waits for the disk.
    ///
    /// # Errors
    ///
    /// If the folder cannot be used, the file cannot be made, or there is no room for it.
    pub(super) fn open(&self) -> io::Result<Recording> {
        CaptureFolder::open(self.folder.path(), self.accept_memory).map_err(io::Error::other)?;
        let path = self.path();
        // An earlier file of this process, which failed.
        let _ = std::fs::remove_file(&path);
        let recording = Recording::create(&path, &self.header);
        keep_room(&self.folder.path_of(&FileName::Ballast(self.process.clone())));
        self.folder.tidy(&self.process, self.max_bytes);
        recording
    }
}
