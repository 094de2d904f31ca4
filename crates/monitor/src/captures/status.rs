//! What the page says about captures.

use std::collections::BTreeSet;

use memory_debug_core::CaptureStatus;

use crate::capture_folder::CaptureFolder;
use crate::earlier::captures_of;

/// What is known without the folder. Reading the folder waits for the disk, so that happens apart from the recorder.
#[derive(Debug)]
pub(crate) struct Known {
    pub(super) folder: CaptureFolder,
    pub(super) status: CaptureStatus,
    /// The largest types of the files that this process wrote.
    pub(super) largest: Vec<(String, (String, u64))>,
}

impl Known {
    /// The status without the list of files. Reads nothing.
    pub(crate) fn without_files(self) -> CaptureStatus {
        self.status
    }

    /// The status with the files in the folder. Waits for the disk.
    pub(crate) fn with_files(self) -> CaptureStatus {
        let mut status = self.status;
        match self.folder.entries() {
            Ok(entries) => {
                let processes: BTreeSet<_> = entries.iter().map(|entry| entry.name.process()).collect();
                status.files =
                    processes.into_iter().flat_map(|process| captures_of(process, &entries)).collect();
                status.files.sort_by(|a, b| b.taken_at.cmp(&a.taken_at));
            }
            Err(error) => status.skipped.push(format!("the folder cannot be read: {error}")),
        }
        for file in &mut status.files {
            let known = self.largest.iter().find(|(name, _)| *name == file.file);
            file.largest_type = known.map(|(_, largest)| largest.clone());
        }
        status
    }
}
