//! What takes a collecting thread: snapshots and purges.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, SystemTime};

use memory_debug_core::units::{Bytes, percent};
use memory_debug_core::{Collector, Scope, Snapshot, SnapshotFolder, Snapshots, Work};

use crate::action::SaveTo;

/// Purges are this far apart.
const BETWEEN_PURGES: Duration = Duration::from_secs(60);

/// After this many purges in a row that returned next to nothing, there is no further one.
const MAX_USELESS: u32 = 3;

/// The share of resident memory, in percent, below which a purge returned next to nothing.
const USELESS_PERCENT: f64 = 1.0;

/// Collects for the actions of rules. Its methods block, so they are for a collecting thread.
#[derive(Debug)]
pub(crate) struct Collecting {
    pub(crate) collector: Collector,
    snapshots: Arc<Snapshots>,
    purges: Mutex<Purges>,
}

/// A snapshot, and the types in it with their bytes.
#[derive(Debug)]
pub(crate) struct Taken {
    snapshot: Snapshot,
    pub(crate) types: Vec<(String, u64)>,
}

/// The reason why there is no snapshot.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum NotTaken {
    /// Memory is too short for it.
    Short(String),
    Failed(String),
}

impl Collecting {
    pub(crate) fn new(collector: Collector, snapshots: Arc<Snapshots>) -> Self {
        Self { collector, snapshots, purges: Mutex::default() }
    }

    /// Takes a snapshot, unless memory is too short for it.
    pub(crate) fn take(&self, label: &str) -> Result<Taken, NotTaken> {
        let headroom = self.collector.headroom(Scope::Types);
        if headroom.is_short() {
            return Err(NotTaken::Short(headroom.to_string()));
        }
        let collected = self.collector.collect(Scope::Everything);
        let to_write = self.collector.headroom_for(Work::Profile, 0);
        if to_write.is_short() {
            return Err(NotTaken::Short(to_write.to_string()));
        }
        let snapshot = collected.snapshot(Some(label.into()));
        let snapshot = snapshot.map_err(|error| NotTaken::Failed(error.to_string()))?;
        let rows = collected.report.types.iter().flat_map(|types| &types.rows);
        Ok(Taken { snapshot, types: rows.map(|row| (row.type_name.clone(), row.bytes)).collect() })
    }

    /// Keeps a snapshot in memory.
    pub(crate) fn keep(&self, taken: Taken) -> String {
        match self.snapshots.keep(taken.snapshot) {
            Ok(kept) => format!("kept {}", kept.info().id),
            Err(error) => format!("not kept: {error}"),
        }
    }

    /// Saves a snapshot, if fewer than `at_most` were saved in the last 24 hours, also by earlier processes.
    ///
    /// # Errors
    ///
    /// What went wrong with the folder, in words.
    pub(crate) fn save(&self, taken: &Taken, to: &SaveTo, at_most: usize) -> Result<String, String> {
        let day_ago = SystemTime::now().checked_sub(Duration::from_secs(24 * 60 * 60));
        let recent = |file: &SavedFile| day_ago.is_none_or(|day_ago| file.saved_at > day_ago);
        if saved_files(&to.folder).iter().filter(|file| recent(file)).count() >= at_most {
            return Ok(format!("not saved: the folder has {at_most} snapshots of the last 24 hours"));
        }
        match SnapshotFolder::new(&to.folder).save(&taken.snapshot) {
            Ok(path) => {
                let removed = remove_oldest(&to.folder, to.max_bytes);
                let name = path.file_name().unwrap_or_default().to_string_lossy();
                Ok(if removed == 0 {
                    format!("saved {name}")
                } else {
                    format!("saved {name}; {removed} older removed")
                })
            }
            Err(error) => Err(format!("not saved: {error}")),
        }
    }

    /// Returns unused memory to the system, if that is of any use. `at` is the monitor's time.
    pub(crate) fn purge(&self, at: Duration) -> String {
        let mut purges = self.purges.lock().unwrap_or_else(PoisonError::into_inner);
        if let Err(reason) = purges.begin(at) {
            return reason.into();
        }
        match self.collector.purge() {
            Ok(report) => {
                let returned = report.returned_bytes.map(|bytes| u64::try_from(bytes).unwrap_or(0));
                let share = returned.zip(report.before.resident_bytes);
                purges.end(share.and_then(|(part, whole)| percent(part as f64, whole as f64)));
                let returned = returned.map_or("an unknown amount".into(), |bytes| Bytes(bytes).to_string());
                format!("returned {returned} in {} ms", report.purge_us / 1000)
            }
            Err(error) => {
                purges.end(Some(0.0));
                format!("failed: {error}")
            }
        }
    }
}

/// When purges were made, and whether they were of use.
#[derive(Debug, Default)]
struct Purges {
    last: Option<Duration>,
    useless: u32,
}

impl Purges {
    fn begin(&mut self, at: Duration) -> Result<(), &'static str> {
        if self.useless >= MAX_USELESS {
            return Err(
                "switched off: three purges in a row returned less than 1 %, there is nothing to give back",
            );
        }
        if self.last.is_some_and(|last| at.saturating_sub(last) < BETWEEN_PURGES) {
            return Err("skipped: the last purge was less than a minute ago");
        }
        self.last = Some(at);
        Ok(())
    }

    /// Notes the returned share of resident memory, in percent. An unknown share is not counted.
    fn end(&mut self, share: Option<f64>) {
        if let Some(share) = share {
            self.useless = if share < USELESS_PERCENT { self.useless + 1 } else { 0 };
        }
    }
}

/// A snapshot in a folder.
struct SavedFile {
    path: PathBuf,
    bytes: u64,
    saved_at: SystemTime,
}

/// The snapshots in a folder, the oldest first. What cannot be read does not count.
fn saved_files(folder: &Path) -> Vec<SavedFile> {
    let read = |entry: io::Result<fs::DirEntry>| {
        let entry = entry.ok()?;
        let name = entry.file_name();
        let name = name.to_str()?;
        let is_snapshot = name.starts_with("memory-") && name.ends_with(".pb.gz");
        let metadata = entry.metadata().ok().filter(fs::Metadata::is_file)?;
        let saved_at = metadata.modified().ok()?;
        is_snapshot.then(|| SavedFile { path: entry.path(), bytes: metadata.len(), saved_at })
    };
    let mut files: Vec<_> = fs::read_dir(folder).into_iter().flatten().filter_map(read).collect();
    files.sort_by(|a, b| a.saved_at.cmp(&b.saved_at).then_with(|| a.path.cmp(&b.path)));
    files
}

/// Removes the oldest snapshots until the others have at most `max_bytes`. The newest stays. Returns how many.
fn remove_oldest(folder: &Path, max_bytes: u64) -> usize {
    let mut files = saved_files(folder);
    files.pop();
    let newest = saved_files(folder).last().map_or(0, |file| file.bytes);
    let mut total = newest + files.iter().map(|file| file.bytes).sum::<u64>();
    let mut removed = 0;
    for file in files {
        if total <= max_bytes {
            break;
        }
        if fs::remove_file(&file.path).is_ok() {
            total -= file.bytes;
            removed += 1;
        }
    }
    removed
}

#[cfg(test)]
mod tests {
    use super::*;

    const fn seconds(seconds: u64) -> Duration {
        Duration::from_secs(seconds)
    }

    #[test]
    fn purges_are_a_minute_apart_and_end_after_three_that_are_of_no_use() {
        let mut purges = Purges::default();
        assert_eq!(purges.begin(seconds(0)), Ok(()));
        purges.end(Some(0.5));
        assert!(purges.begin(seconds(59)).unwrap_err().starts_with("skipped"));
        for (at, share) in
            [(60, Some(0.9)), (120, None), (180, Some(7.0)), (240, Some(0.0)), (300, Some(0.0))]
        {
            assert_eq!(purges.begin(seconds(at)), Ok(()), "{at}");
            purges.end(share);
        }
        assert_eq!(purges.begin(seconds(360)), Ok(()));
        purges.end(Some(0.0));
        assert!(purges.begin(seconds(3600)).unwrap_err().starts_with("switched off"));
    }

    #[test]
    fn the_oldest_snapshots_of_a_folder_go_first_and_other_files_stay() {
        let folder = tempfile::TempDir::new().unwrap();
        for name in ["memory-a.pb.gz", "memory-b.pb.gz", "memory-c.pb.gz", "notes.txt"] {
            fs::write(folder.path().join(name), [0; 100]).unwrap();
        }
        let old = SystemTime::now() - Duration::from_secs(60);
        let file = fs::File::options().write(true).open(folder.path().join("memory-b.pb.gz")).unwrap();
        file.set_modified(old).unwrap();
        assert_eq!(remove_oldest(folder.path(), 250), 1);
        let left: Vec<_> = saved_files(folder.path()).into_iter().map(|file| file.path).collect();
        assert!(!left.iter().any(|path| path.ends_with("memory-b.pb.gz")) && left.len() == 2);
        assert_eq!(remove_oldest(folder.path(), 0), 1, "the newest stays");
        assert!(folder.path().join("notes.txt").exists());
    }

    #[test]
    fn without_jemalloc_each_action_says_why_it_does_nothing() {
        let collecting = Collecting::new(Collector::new(), Arc::default());
        let Err(NotTaken::Failed(reason)) = collecting.take("x") else { panic!("there is no jemalloc here") };
        assert!(!reason.is_empty());
        assert!(collecting.purge(Duration::ZERO).starts_with("failed: "));
    }
}
