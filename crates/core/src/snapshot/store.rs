//! A store that keeps snapshots in memory, bounded in number, size and age.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use memory_debug_leaks::LeakVerdict;
use memory_debug_report::{Error, ErrorKind, Snapshot, SnapshotId};

/// Bounds of the store. Beyond them, the oldest snapshots are dropped.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct SnapshotBounds {
    /// Most snapshots: 32 by default.
    pub max_count: usize,
    /// Most bytes of all snapshots together: 16 MiB by default.
    pub max_bytes: usize,
    /// Longest time that a snapshot is kept: one day by default.
    pub max_age: Duration,
}

impl Default for SnapshotBounds {
    fn default() -> Self {
        Self { max_count: 32, max_bytes: 16 << 20, max_age: Duration::from_secs(24 * 60 * 60) }
    }
}

/// A bounded store of snapshots, in memory.
#[derive(Debug, Default)]
pub struct Snapshots {
    bounds: SnapshotBounds,
    kept: Mutex<Kept>,
}

/// The reason why the store has no snapshot with an id.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum NotKept {
    /// The snapshot became too old, or newer snapshots took its place.
    Gone,
    /// No snapshot with this id was taken here.
    Unknown,
}

#[derive(Debug, Default)]
struct Kept {
    /// The oldest first.
    snapshots: VecDeque<(Instant, Arc<Snapshot>)>,
    bytes: usize,
    /// Ids of the snapshots that were dropped most recently.
    gone: VecDeque<SnapshotId>,
    /// The last verdict of the leak test, and the newest snapshot at that time.
    judged: Option<(SnapshotId, Arc<LeakVerdict>)>,
}

/// How many ids of dropped snapshots are remembered.
const REMEMBERED: usize = 1024;

impl Snapshots {
    /// Makes an empty store that keeps as much as `bounds` allow.
    pub fn new(bounds: SnapshotBounds) -> Self {
        Self { bounds, kept: Mutex::default() }
    }

    /// Keeps a snapshot, and drops older snapshots if there is no room.
    ///
    /// # Errors
    ///
    /// If the snapshot alone is larger than all snapshots together may be.
    pub fn keep(&self, snapshot: Snapshot) -> Result<Arc<Snapshot>, Error> {
        let SnapshotBounds { max_count, max_bytes, .. } = self.bounds;
        let bytes = snapshot.as_bytes().len();
        if bytes > max_bytes || max_count == 0 {
            let message = format!(
                "the snapshot has {bytes} bytes, but all snapshots together may have only {max_bytes}"
            );
            return Err(Error::new(ErrorKind::TooLarge, message));
        }
        let now = Instant::now();
        let mut kept = self.lock(now);
        while kept.snapshots.len() >= max_count || kept.bytes + bytes > max_bytes {
            kept.drop_oldest();
        }
        let snapshot = Arc::new(snapshot);
        kept.bytes += bytes;
        kept.snapshots.push_back((now, Arc::clone(&snapshot)));
        Ok(snapshot)
    }

    /// Returns the snapshot with this id.
    ///
    /// # Errors
    ///
    /// If it is not kept.
    pub fn get(&self, id: SnapshotId) -> Result<Arc<Snapshot>, NotKept> {
        self.lock(Instant::now()).find(id).map(|(_, snapshot)| snapshot)
    }

    /// Drops the snapshot with this id.
    ///
    /// # Errors
    ///
    /// If it is not kept.
    pub fn remove(&self, id: SnapshotId) -> Result<(), NotKept> {
        let mut kept = self.lock(Instant::now());
        let (index, snapshot) = kept.find(id)?;
        kept.snapshots.remove(index);
        kept.bytes -= snapshot.as_bytes().len();
        Ok(())
    }

    /// Lists all snapshots, the oldest first.
    pub fn list(&self) -> Vec<Arc<Snapshot>> {
        self.lock(Instant::now()).snapshots.iter().map(|(_, snapshot)| Arc::clone(snapshot)).collect()
    }

    /// Runs the leak test over all snapshots, and keeps its verdict for [`known_leaks`](Self::known_leaks).
    ///
    /// # Errors
    ///
    /// As for [`LeakVerdict::over`].
    pub fn leaks(&self) -> Result<Arc<LeakVerdict>, Error> {
        let snapshots = self.list();
        let verdict = Arc::new(LeakVerdict::over(&snapshots)?);
        let newest = snapshots.last().map(|snapshot| snapshot.info().id);
        self.lock(Instant::now()).judged = newest.map(|newest| (newest, Arc::clone(&verdict)));
        Ok(verdict)
    }

    /// The verdict of the last leak test, unless a snapshot was taken since.
    pub fn known_leaks(&self) -> Option<Arc<LeakVerdict>> {
        let kept = self.lock(Instant::now());
        let (_, newest) = kept.snapshots.back()?;
        let (judged, verdict) = kept.judged.as_ref()?;
        (*judged == newest.info().id).then(|| Arc::clone(verdict))
    }

    /// Locks the store and drops what is too old at `now`.
    fn lock(&self, now: Instant) -> MutexGuard<'_, Kept> {
        let mut kept = self.kept.lock().unwrap_or_else(PoisonError::into_inner);
        let is_old = |kept: &Kept| {
            let oldest = kept.snapshots.front();
            oldest.is_some_and(|(since, _)| now.saturating_duration_since(*since) > self.bounds.max_age)
        };
        while is_old(&kept) {
            kept.drop_oldest();
        }
        kept
    }
}

impl Kept {
    fn find(&self, id: SnapshotId) -> Result<(usize, Arc<Snapshot>), NotKept> {
        let index = self.snapshots.iter().position(|(_, snapshot)| snapshot.info().id == id);
        match index {
            Some(index) => Ok((index, Arc::clone(&self.snapshots[index].1))),
            None if self.gone.contains(&id) => Err(NotKept::Gone),
            None => Err(NotKept::Unknown),
        }
    }

    fn drop_oldest(&mut self) {
        if let Some((_, snapshot)) = self.snapshots.pop_front() {
            self.bytes -= snapshot.as_bytes().len();
            self.gone.push_back(snapshot.info().id);
            if self.gone.len() > REMEMBERED {
                self.gone.pop_front();
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::fixture::empty;
    use super::*;

    fn labels(snapshots: &Snapshots) -> Vec<String> {
        snapshots.list().iter().filter_map(|snapshot| snapshot.info().label.clone()).collect()
    }

    #[test]
    fn s45_drops_the_oldest_when_there_are_too_many() {
        let snapshots = Snapshots::new(SnapshotBounds { max_count: 2, ..SnapshotBounds::default() });
        let first = snapshots.keep(empty(1, "a")).unwrap().info().id;
        for label in ["b", "c"] {
            snapshots.keep(empty(2, label)).unwrap();
        }
        assert_eq!(labels(&snapshots), ["b", "c"]);
        assert_eq!(snapshots.get(first).unwrap_err(), NotKept::Gone);
        assert_eq!(snapshots.get(SnapshotId::from_random([7; 16])).unwrap_err(), NotKept::Unknown);
    }

    #[test]
    fn s45_drops_the_oldest_when_the_sum_is_too_large_and_rejects_a_snapshot_that_is_too_large() {
        let size = empty(1, "a").as_bytes().len();
        let bounds = |max_bytes| SnapshotBounds { max_bytes, ..SnapshotBounds::default() };
        let snapshots = Snapshots::new(bounds(2 * size + size / 2));
        for label in ["a", "b", "c"] {
            snapshots.keep(empty(1, label)).unwrap();
        }
        assert_eq!(labels(&snapshots), ["b", "c"]);
        assert!(
            Snapshots::new(bounds(size / 2)).keep(empty(1, "a")).unwrap_err().to_string().contains("bytes")
        );
        let none = SnapshotBounds { max_count: 0, ..SnapshotBounds::default() };
        assert!(Snapshots::new(none).keep(empty(1, "a")).is_err());
    }

    #[test]
    fn s45_drops_what_is_too_old() {
        let snapshots =
            Snapshots::new(SnapshotBounds { max_age: Duration::ZERO, ..SnapshotBounds::default() });
        let id = snapshots.keep(empty(1, "a")).unwrap().info().id;
        while Instant::now() == Instant::now() {}
        assert_eq!(snapshots.get(id).unwrap_err(), NotKept::Gone);
        assert_eq!(snapshots.kept.lock().unwrap().bytes, 0);
    }

    #[test]
    fn a_removed_snapshot_is_unknown() {
        let snapshots = Snapshots::default();
        let id = snapshots.keep(empty(1, "a")).unwrap().info().id;
        assert_eq!(snapshots.get(id).unwrap().info().label.as_deref(), Some("a"));
        assert_eq!(snapshots.remove(id), Ok(()));
        assert_eq!(snapshots.remove(id), Err(NotKept::Unknown));
        assert!(labels(&snapshots).is_empty());
    }
}
