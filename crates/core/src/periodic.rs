//! Snapshots at an interval, for services that are not watched. Off unless started.

use std::collections::VecDeque;
use std::io;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{self, RecvTimeoutError, Sender};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread::{Builder, JoinHandle};
use std::time::Duration;

use memory_debug_report::{Snapshot, SnapshotId};

use crate::collect::{Collector, Scope};
use crate::headroom::{self, Headroom};
use crate::snapshot::{SnapshotFolder, Snapshots};
use crate::thread::{spawn_collecting, spawn_thread};

/// Takes a snapshot at each interval, keeps it in memory, and also saves it to a folder if wanted.
///
/// It does nothing until it is started. Then it costs one sleeping thread, and for each snapshot a thread that
/// collects, as for a request. It keeps no more than its bounds allow.
///
/// ```
/// use std::sync::Arc;
/// use std::time::Duration;
///
/// use memory_debug_core::{Collector, LeakVerdict, PeriodicSnapshots, Snapshots};
///
/// let snapshots = Arc::new(Snapshots::default());
/// let hourly = PeriodicSnapshots::new(Arc::default(), Arc::clone(&snapshots), Duration::from_secs(3600));
/// let running = hourly.start()?;
/// // Whenever an operator asks:
/// match LeakVerdict::over(&snapshots.list()) {
///     Ok(verdict) => println!("{verdict}"),
///     Err(reason) => println!("{reason}; last failure: {:?}", running.last_error()),
/// }
/// // Stops.
/// drop(running);
/// # Ok::<_, std::io::Error>(())
/// ```
#[derive(Debug)]
pub struct PeriodicSnapshots {
    interval: Duration,
    work: Work,
}

/// The label of periodic snapshots. It distinguishes periodic snapshots in a folder from other files.
const LABEL: &str = "periodic";

impl PeriodicSnapshots {
    /// The shortest interval.
    pub const MIN_INTERVAL: Duration = Duration::from_secs(1);

    /// Takes snapshots of `collector` into `snapshots`, the first snapshot `interval` after the start. Raises an
    /// interval below [`MIN_INTERVAL`](Self::MIN_INTERVAL) to it.
    pub fn new(collector: Arc<Collector>, snapshots: Arc<Snapshots>, interval: Duration) -> Self {
        let work = Work { collector, snapshots, folder: None, status: Arc::default() };
        Self { interval: interval.max(Self::MIN_INTERVAL), work }
    }

    /// Also writes each snapshot to `folder`, which keeps the last `most` periodic snapshots, including snapshots of
    /// earlier processes. Other snapshots in the folder stay.
    #[must_use]
    pub fn save_to(mut self, folder: SnapshotFolder, most: usize) -> Self {
        self.work.folder = Some(Arc::new(Mutex::new(Saved { folder, most, files: None })));
        self
    }

    /// Starts taking snapshots. Stops when the returned value is dropped.
    ///
    /// # Errors
    ///
    /// If the operating system refused a thread.
    pub fn start(self) -> io::Result<RunningSnapshots> {
        let Self { interval, work } = self;
        let status = Arc::clone(&work.status);
        let (stop, stopped) = mpsc::channel::<()>();
        let is_due = move || stopped.recv_timeout(interval) == Err(RecvTimeoutError::Timeout);
        let sleep_and_spawn = move || {
            let mut collecting: Option<JoinHandle<()>> = None;
            while is_due() {
                collecting = work.begin(collecting);
            }
        };
        let thread = spawn_thread(Builder::new().name("memory-debug".into()), sleep_and_spawn)?;
        Ok(RunningSnapshots { status, stop: Some(stop), thread: Some(thread) })
    }
}

/// Periodic snapshots, taken until this value is dropped.
///
/// Dropping it wakes the thread and waits for the thread to end. A snapshot that is being taken then is discarded.
#[derive(Debug)]
pub struct RunningSnapshots {
    status: Arc<Status>,
    /// Nothing is sent. Dropping the sender is the signal.
    stop: Option<Sender<()>>,
    thread: Option<JoinHandle<()>>,
}

impl RunningSnapshots {
    /// Number of snapshots that were taken and kept.
    pub fn taken(&self) -> u64 {
        self.status.lock().taken
    }

    /// Why the last attempt made no snapshot, or could not save it. `None` after a successful attempt.
    pub fn last_error(&self) -> Option<String> {
        self.status.lock().last_error.clone()
    }
}

impl Drop for RunningSnapshots {
    fn drop(&mut self) {
        self.status.is_stopped.store(true, Ordering::SeqCst);
        drop(self.stop.take());
        // The thread only sleeps and spawns threads, so this does not take long. Its panic cannot be reported here.
        let _ = self.thread.take().map(JoinHandle::join);
    }
}

/// Results reported by the sleeping thread and the collecting threads.
#[derive(Debug, Default)]
struct Status {
    is_stopped: AtomicBool,
    outcome: Mutex<Outcome>,
}

#[derive(Debug, Default)]
struct Outcome {
    taken: u64,
    last_error: Option<String>,
}

impl Status {
    fn lock(&self) -> MutexGuard<'_, Outcome> {
        self.outcome.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn note(&self, attempt: Result<(), String>) {
        self.lock().last_error = attempt.err();
    }
}

/// The work of one snapshot, repeated at each interval.
#[derive(Clone, Debug)]
struct Work {
    collector: Arc<Collector>,
    snapshots: Arc<Snapshots>,
    folder: Option<Arc<Mutex<Saved>>>,
    status: Arc<Status>,
}

impl Work {
    /// Takes a snapshot on a new thread, unless the previous snapshot is still being taken.
    fn begin(&self, before: Option<JoinHandle<()>>) -> Option<JoinHandle<()>> {
        if let Some(running) = before.and_then(|before| self.end(before)) {
            return Some(running);
        }
        let work = self.clone();
        let spawned = spawn_collecting(move || {
            let headroom = work.collector.headroom(Scope::Types);
            let take = || {
                let collected = work.collector.collect(Scope::Everything);
                let to_write = work.collector.headroom_for(headroom::Work::Profile, 0);
                if to_write.is_short() {
                    return Err(format!("skipped: {to_write}"));
                }
                collected.snapshot(Some(LABEL.into())).map_err(|error| error.to_string())
            };
            work.status.note(work.take(headroom, take));
        });
        spawned
            .inspect_err(|error| {
                self.status.note(Err(format!("no thread for the collection: {}", error.kind())));
            })
            .ok()
    }

    /// Records how the previous snapshot ended. Returns its thread if it is still being taken.
    fn end(&self, before: JoinHandle<()>) -> Option<JoinHandle<()>> {
        if !before.is_finished() {
            self.status.note(Err("the previous snapshot is still being taken".into()));
            return Some(before);
        }
        if before.join().is_err() {
            self.status.note(Err("the collection failed; this is a bug".into()));
        }
        None
    }

    fn take(
        &self,
        headroom: Headroom,
        take: impl FnOnce() -> Result<Snapshot, String>,
    ) -> Result<(), String> {
        if headroom.is_short() {
            return Err(format!("skipped: {headroom}"));
        }
        let snapshot = take()?;
        if self.status.is_stopped.load(Ordering::SeqCst) {
            return Ok(());
        }
        let snapshot = self.snapshots.keep(snapshot).map_err(|error| error.to_string())?;
        self.status.lock().taken += 1;
        match &self.folder {
            Some(folder) => folder.lock().unwrap_or_else(PoisonError::into_inner).save(&snapshot),
            None => Ok(()),
        }
    }
}

/// The folder, and which of its files are periodic snapshots.
#[derive(Debug)]
struct Saved {
    folder: SnapshotFolder,
    most: usize,
    /// The oldest first. `None` until the folder was read.
    files: Option<VecDeque<SnapshotId>>,
}

impl Saved {
    fn save(&mut self, snapshot: &Snapshot) -> Result<(), String> {
        let reason = |error: io::Error| format!("kept, but not saved: {error}");
        let files = match &mut self.files {
            Some(files) => files,
            None => self.files.insert(periodic(&self.folder).map_err(reason)?),
        };
        self.folder.save(snapshot).map_err(reason)?;
        files.push_back(snapshot.info().id);
        while files.len() > self.most {
            if let Some(oldest) = files.pop_front() {
                self.folder.remove(oldest).map_err(reason)?;
            }
        }
        Ok(())
    }
}

/// The ids of the periodic snapshots in a folder.
fn periodic(folder: &SnapshotFolder) -> io::Result<VecDeque<SnapshotId>> {
    let (snapshots, _) = folder.load()?;
    let ours = snapshots.iter().filter(|snapshot| snapshot.info().label.as_deref() == Some(LABEL));
    Ok(ours.map(|snapshot| snapshot.info().id).collect())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::headroom::Resource;
    use crate::jemalloc;
    use crate::snapshot::SnapshotBounds;
    use crate::snapshot::fixture::empty;

    const ENOUGH: Headroom =
        Headroom { needed_bytes: 1, available_bytes: Some(1), resource: Resource::Memory };

    fn work(bounds: SnapshotBounds) -> Work {
        let snapshots = Arc::new(Snapshots::new(bounds));
        PeriodicSnapshots::new(Arc::default(), snapshots, Duration::ZERO).work
    }

    fn labels(snapshots: &[Arc<Snapshot>]) -> Vec<&str> {
        snapshots.iter().filter_map(|snapshot| snapshot.info().label.as_deref()).collect()
    }

    #[test]
    fn p4_nothing_runs_before_the_start_and_nothing_after_the_end() {
        let snapshots = Arc::new(Snapshots::default());
        let hourly =
            PeriodicSnapshots::new(Arc::default(), Arc::clone(&snapshots), Duration::from_secs(3600));
        assert_eq!((hourly.interval, Arc::strong_count(&snapshots)), (Duration::from_secs(3600), 2));
        let running = hourly.start().unwrap();
        assert_eq!((running.taken(), running.last_error()), (0, None));
        drop(running);
        // The thread is gone, an hour before it would have taken the first.
        assert_eq!((Arc::strong_count(&snapshots), snapshots.list().len()), (1, 0));
    }

    #[test]
    fn s45_the_ring_bounds_what_is_kept() {
        let work = work(SnapshotBounds { max_count: 2, ..SnapshotBounds::default() });
        for (seconds, label) in [(1, "a"), (2, "b"), (3, "c")] {
            work.take(ENOUGH, || Ok(empty(seconds, label))).unwrap();
        }
        assert_eq!(labels(&work.snapshots.list()), ["b", "c"]);
        assert_eq!(work.status.lock().taken, 3);
    }

    #[test]
    fn s44_a_snapshot_is_skipped_when_memory_is_short() {
        let work = work(SnapshotBounds::default());
        let short = Headroom { needed_bytes: 2, available_bytes: Some(1), resource: Resource::Memory };
        let skipped = work.take(short, || panic!("not taken")).unwrap_err();
        assert_eq!(skipped, "skipped: 2 bytes of memory are needed, 1 are left");
        let unknown = Headroom { needed_bytes: 2, available_bytes: None, resource: Resource::Memory };
        work.take(unknown, || Ok(empty(1, "a"))).unwrap();
        assert_eq!(labels(&work.snapshots.list()), ["a"]);
    }

    #[test]
    fn a_failure_is_recorded_and_does_not_stop_the_thread() {
        let work = work(SnapshotBounds::default());
        let reason = jemalloc::global_allocator().unwrap_err();
        for _ in 0..2 {
            work.begin(None).unwrap().join().unwrap();
            assert_eq!(work.status.lock().last_error.as_ref(), Some(&reason));
        }
        work.status.note(work.take(ENOUGH, || Ok(empty(1, "a"))));
        let outcome = work.status.lock();
        assert_eq!((&outcome.last_error, outcome.taken), (&None, 1));
    }

    #[test]
    fn s47_a_panic_is_recorded_and_the_next_snapshot_is_taken() {
        let work = work(SnapshotBounds::default());
        let panicked = spawn_collecting(|| panic!("expected by the test")).unwrap();
        while !panicked.is_finished() {
            std::thread::yield_now();
        }
        assert!(work.end(panicked).is_none(), "so another snapshot follows");
        let reason = work.status.lock().last_error.clone();
        assert_eq!(reason.as_deref(), Some("the collection failed; this is a bug"));
    }

    #[test]
    fn does_not_start_a_snapshot_while_one_is_being_taken() {
        let work = work(SnapshotBounds::default());
        let (finish, finished) = mpsc::channel::<()>();
        let slow = spawn_collecting(move || _ = finished.recv()).unwrap();
        let slow = work.begin(Some(slow)).unwrap();
        let reason = work.status.lock().last_error.clone();
        assert_eq!(reason.as_deref(), Some("the previous snapshot is still being taken"));
        drop(finish);
        slow.join().unwrap();
    }

    #[test]
    fn a_snapshot_that_ends_after_the_stop_is_discarded() {
        let work = work(SnapshotBounds::default());
        let stopped_meanwhile = || {
            work.status.is_stopped.store(true, Ordering::SeqCst);
            Ok(empty(1, "a"))
        };
        work.take(ENOUGH, stopped_meanwhile).unwrap();
        assert_eq!((work.snapshots.list().len(), work.status.lock().taken), (0, 0));
    }

    #[test]
    fn s45_a_folder_keeps_a_limited_number_of_periodic_files_and_all_other_files() {
        let path = std::env::temp_dir().join(format!("memory-debug-periodic-{}", std::process::id()));
        let _ = std::fs::remove_dir_all(&path);
        let folder = SnapshotFolder::new(&path);
        folder.save(&empty(1, "by hand")).unwrap();
        folder.save(&empty(2, LABEL)).unwrap();
        for process in 1..3 {
            let periodic = PeriodicSnapshots::new(Arc::default(), Arc::default(), Duration::ZERO);
            let work = periodic.save_to(folder.clone(), 2).work;
            for second in 0..3 {
                work.take(ENOUGH, || Ok(empty(10 * process + second, LABEL))).unwrap();
            }
        }
        let (saved, _) = folder.load().unwrap();
        let seconds: Vec<_> = saved.iter().map(|snapshot| &snapshot.info().taken_at[17..19]).collect();
        assert_eq!(seconds, ["01", "21", "22"]);
        std::fs::remove_dir_all(path).unwrap();
    }

    #[test]
    fn a_snapshot_that_cannot_be_saved_is_kept_in_memory_with_an_error() {
        let periodic = PeriodicSnapshots::new(Arc::default(), Arc::default(), Duration::ZERO);
        let work = periodic.save_to(SnapshotFolder::new("/proc/nothing/here"), 2).work;
        let error = work.take(ENOUGH, || Ok(empty(1, "a"))).unwrap_err();
        assert!(error.starts_with("kept, but not saved: "), "{error}");
        assert_eq!(labels(&work.snapshots.list()), ["a"]);
    }
}
