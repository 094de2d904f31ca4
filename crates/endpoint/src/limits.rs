//! Limits on the cost of one endpoint.

use std::sync::Arc;
use std::time::Duration;

use memory_debug_core::{SnapshotBounds, Snapshots};

/// Limits on the work that authenticated requests can cause.
///
/// # Examples
///
/// ```
/// use std::time::Duration;
/// use memory_debug_endpoint::Limits;
///
/// let limits = Limits::default().deadline(Duration::from_secs(10)).max_rows(200);
/// # let _ = limits;
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
#[must_use]
pub struct Limits {
    pub(crate) deadline: Duration,
    pub(crate) max_waiters: usize,
    pub(crate) max_rows: usize,
    pub(crate) max_body_bytes: usize,
    pub(crate) max_unread_bytes: usize,
    pub(crate) cache_stats_for: Duration,
    pub(crate) snapshots: SnapshotStore,
}

/// The store for snapshots.
#[derive(Clone, Debug)]
pub(crate) enum SnapshotStore {
    /// A store that belongs to the endpoint.
    Own(SnapshotBounds),
    /// A store that the program shares.
    Shared(Arc<Snapshots>),
}

/// The maximum length of a request's body.
pub(crate) const MAX_REQUEST_BODY_BYTES: usize = 16 << 10;

/// A day. This bound keeps the addition to the current time from overflowing.
const LONGEST: Duration = Duration::from_secs(24 * 60 * 60);

impl Limits {
    /// The highest value of [`max_rows`](Self::max_rows).
    pub const MAX_ROWS: usize = 1000;

    /// Maximum time for one collection and its rendering: 30 seconds by default, at most a day. Scans of `/holders` have 60
    /// seconds more.
    ///
    /// After this time the waiting requests get status 504. Later requests get 503 until the collecting
    /// thread returns. The body of a request must arrive within the same time, but at most ten seconds.
    /// Otherwise the request gets 408.
    pub fn deadline(self, deadline: Duration) -> Self {
        Self { deadline: deadline.min(LONGEST), ..self }
    }

    /// Maximum number of requests that wait for collections at once, 4096 by default. Further requests get
    /// status 429. If there are several logins, the login with the most waiting requests is refused first.
    pub fn max_waiters(self, max_waiters: usize) -> Self {
        Self { max_waiters, ..self }
    }

    /// Maximum number of rows that `top` may ask for, from 1 to [`MAX_ROWS`](Self::MAX_ROWS), which is the
    /// default. Values outside this range are clamped.
    pub fn max_rows(self, max_rows: usize) -> Self {
        Self { max_rows: max_rows.clamp(1, Self::MAX_ROWS), ..self }
    }

    /// Time for which a page of statistics is reused instead of collected again: 250 milliseconds by default,
    /// at most a day. Zero disables the reuse. It keeps scrapers in a tight loop from collecting in a tight
    /// loop.
    pub fn cache_stats_for(self, duration: Duration) -> Self {
        Self { cache_stats_for: duration.min(LONGEST), ..self }
    }

    /// Maximum number, size and age of kept snapshots. The oldest snapshots are dropped first.
    pub fn snapshots(self, bounds: SnapshotBounds) -> Self {
        Self { snapshots: SnapshotStore::Own(bounds), ..self }
    }

    /// Uses the program's own store of snapshots, so that `/snapshots`, `/diff` and `/leaks` show its snapshots too.
    ///
    /// # Examples
    ///
    /// One snapshot per hour, without any request:
    ///
    /// ```
    /// use std::sync::Arc;
    /// use std::time::Duration;
    /// use memory_debug_endpoint::Limits;
    /// use memory_debug_endpoint::memory_debug_core::{PeriodicSnapshots, Snapshots};
    ///
    /// let snapshots = Arc::new(Snapshots::default());
    /// let hour = Duration::from_secs(3600);
    /// let running = PeriodicSnapshots::new(Arc::default(), Arc::clone(&snapshots), hour).start()?;
    /// let limits = Limits::default().share_snapshots(snapshots);
    /// # drop((running, limits));
    /// # Ok::<_, std::io::Error>(())
    /// ```
    pub fn share_snapshots(self, snapshots: Arc<Snapshots>) -> Self {
        Self { snapshots: SnapshotStore::Shared(snapshots), ..self }
    }

    /// Maximum size of a page: 4 MiB by default, and never more than [`max_unread_bytes`](Self::max_unread_bytes).
    /// A larger page has its table truncated, and says so.
    pub fn max_body_bytes(self, max_body_bytes: usize) -> Self {
        Self { max_body_bytes, ..self }
    }

    /// Maximum total size of the replies that clients have not read yet, 32 MiB by default.
    ///
    /// One login can use as many bytes as it leaves free, so a single login can use half. Requests beyond the limit get
    /// status 503 until clients have read their replies or closed their connections. A page that several requests share
    /// counts once.
    pub fn max_unread_bytes(self, max_unread_bytes: usize) -> Self {
        Self { max_unread_bytes, ..self }
    }
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            deadline: Duration::from_secs(30),
            max_waiters: 4096,
            max_rows: Self::MAX_ROWS,
            max_body_bytes: 4 << 20,
            max_unread_bytes: 32 << 20,
            cache_stats_for: Duration::from_millis(250),
            snapshots: SnapshotStore::Own(SnapshotBounds::default()),
        }
    }
}

impl SnapshotStore {
    pub(crate) fn store(&self) -> Arc<Snapshots> {
        match self {
            Self::Own(bounds) => Arc::new(Snapshots::new(*bounds)),
            Self::Shared(snapshots) => Arc::clone(snapshots),
        }
    }
}

/// Shared stores are equal if they are the same object.
impl PartialEq for SnapshotStore {
    fn eq(&self, other: &Self) -> bool {
        match (self, other) {
            (Self::Own(one), Self::Own(other)) => one == other,
            (Self::Shared(one), Self::Shared(other)) => Arc::ptr_eq(one, other),
            _ => false,
        }
    }
}

impl Eq for SnapshotStore {}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn s45_snapshots_are_bounded_as_configured() {
        let bounds = SnapshotBounds::default();
        assert_eq!(Limits::default().snapshots, SnapshotStore::Own(bounds));
        let mut fewer = bounds;
        fewer.max_count = 2;
        assert_eq!(Limits::default().snapshots(fewer).snapshots, SnapshotStore::Own(fewer));
    }

    #[test]
    fn a_shared_store_is_used_itself_and_not_copied() {
        let (one, other) = (Arc::new(Snapshots::default()), Arc::new(Snapshots::default()));
        let limits = Limits::default().share_snapshots(Arc::clone(&one));
        assert!(Arc::ptr_eq(&limits.snapshots.store(), &one));
        assert_eq!(limits, Limits::default().share_snapshots(one));
        assert_ne!(limits, Limits::default().share_snapshots(other));
        assert_ne!(limits, Limits::default());
    }

    #[test]
    fn s45_rows_are_bounded_whatever_the_setting() {
        assert_eq!(Limits::default().max_rows(usize::MAX).max_rows, 1000);
        assert_eq!(Limits::default().max_rows(0).max_rows, 1);
    }

    #[test]
    fn s45_times_are_bounded_by_a_day_whatever_the_setting() {
        let (day, most) = (Duration::from_secs(86_400), Limits::default());
        let most = most.deadline(Duration::MAX).cache_stats_for(Duration::MAX);
        assert_eq!((most.deadline, most.cache_stats_for), (day, day));
        let least = Limits::default().deadline(Duration::ZERO).cache_stats_for(Duration::ZERO);
        assert_eq!((least.deadline, least.cache_stats_for), (Duration::ZERO, Duration::ZERO));
    }
}
