//! How much one endpoint may cost.

use std::sync::Arc;
use std::time::Duration;

use memory_debug_core::{SnapshotBounds, Snapshots};

/// Bounds on what requests with the right credentials can make the service do.
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
    pub(crate) snapshots: Keeping,
}

/// Where snapshots are kept.
#[derive(Clone, Debug)]
pub(crate) enum Keeping {
    /// By the endpoint.
    Own(SnapshotBounds),
    /// Where the program keeps its own.
    Shared(Arc<Snapshots>),
}

/// The maximum length of a request's body.
pub(crate) const MAX_REQUEST_BODY_BYTES: usize = 16 << 10;

/// Bounded so that adding it to the present moment cannot overflow.
const LONGEST: Duration = Duration::from_secs(24 * 60 * 60);

impl Limits {
    /// The most rows that [`max_rows`](Self::max_rows) can allow.
    pub const MAX_ROWS: usize = 1000;

    /// Longest time for one collection with its rendering: 30 seconds if not set, a day at most. Requests that wait
    /// for it are then answered 504, and others 503 until its thread returns. A request's body has as long to arrive, but
    /// ten seconds at most, and is then answered 408.
    pub fn deadline(self, deadline: Duration) -> Self {
        Self { deadline: deadline.min(LONGEST), ..self }
    }

    /// Most requests that wait for collections at once, 4096 if not set. Others are answered 429, and where there is more
    /// than one login, first those of the login that has the most.
    pub fn max_waiters(self, max_waiters: usize) -> Self {
        Self { max_waiters, ..self }
    }

    /// Most rows that `top` may ask for: from 1 to [`MAX_ROWS`](Self::MAX_ROWS), which is the default; values
    /// beyond are taken as the nearest.
    pub fn max_rows(self, max_rows: usize) -> Self {
        Self { max_rows: max_rows.clamp(1, Self::MAX_ROWS), ..self }
    }

    /// Sets for how long one page of statistics is served again before the next collection: 250 milliseconds by
    /// default, at most a day. Zero turns the cache off. It keeps a scraper in a tight loop from collecting in a tight
    /// loop.
    pub fn cache_stats_for(self, duration: Duration) -> Self {
        Self { cache_stats_for: duration.min(LONGEST), ..self }
    }

    /// How many snapshots are kept, how large and how long. What is beyond goes, the oldest first.
    pub fn snapshots(self, bounds: SnapshotBounds) -> Self {
        Self { snapshots: Keeping::Own(bounds), ..self }
    }

    /// Keeps snapshots in `snapshots`, which the program shares with the page. `/snapshots`, `/diff` and `/leaks` then
    /// show the program's snapshots too.
    ///
    /// # Examples
    ///
    /// One snapshot an hour, without any request:
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
        Self { snapshots: Keeping::Shared(snapshots), ..self }
    }

    /// Largest body of a page, 4 MiB if not set, and no more than [`max_unread_bytes`](Self::max_unread_bytes). A longer
    /// page has its table cut, and says so.
    pub fn max_body_bytes(self, max_body_bytes: usize) -> Self {
        Self { max_body_bytes, ..self }
    }

    /// Most bytes of all replies that were written and not yet taken by their clients, 32 MiB if not set. One login may
    /// hold as much of that as it leaves free, so half if it is the only one. A request for more is answered 503
    /// until replies were read or their connections have ended. A page that is shared counts once.
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
            snapshots: Keeping::Own(SnapshotBounds::default()),
        }
    }
}

impl Keeping {
    pub(crate) fn place(&self) -> Arc<Snapshots> {
        match self {
            Self::Own(bounds) => Arc::new(Snapshots::new(*bounds)),
            Self::Shared(snapshots) => Arc::clone(snapshots),
        }
    }
}

/// Places of the program's are equal if they are one.
impl PartialEq for Keeping {
    fn eq(&self, other: &Self) -> bool {
        match (self, other) {
            (Self::Own(one), Self::Own(other)) => one == other,
            (Self::Shared(one), Self::Shared(other)) => Arc::ptr_eq(one, other),
            _ => false,
        }
    }
}

impl Eq for Keeping {}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn s45_snapshots_are_bounded_as_configured() {
        let bounds = SnapshotBounds::default();
        assert_eq!(Limits::default().snapshots, Keeping::Own(bounds));
        let mut fewer = bounds;
        fewer.max_count = 2;
        assert_eq!(Limits::default().snapshots(fewer).snapshots, Keeping::Own(fewer));
    }

    #[test]
    fn the_programs_own_place_is_the_one_that_is_used() {
        let (one, other) = (Arc::new(Snapshots::default()), Arc::new(Snapshots::default()));
        let limits = Limits::default().share_snapshots(Arc::clone(&one));
        assert!(Arc::ptr_eq(&limits.snapshots.place(), &one));
        assert_eq!(limits, Limits::default().share_snapshots(one));
        assert_ne!(limits, Limits::default().share_snapshots(other));
        assert_ne!(limits, Limits::default());
    }

    #[test]
    fn s45_rows_are_bounded_whatever_is_configured() {
        assert_eq!(Limits::default().max_rows(usize::MAX).max_rows, 1000);
        assert_eq!(Limits::default().max_rows(0).max_rows, 1);
    }

    #[test]
    fn s45_times_are_bounded_by_a_day_whatever_is_configured() {
        let (day, most) = (Duration::from_secs(86_400), Limits::default());
        let most = most.deadline(Duration::MAX).cache_stats_for(Duration::MAX);
        assert_eq!((most.deadline, most.cache_stats_for), (day, day));
        let least = Limits::default().deadline(Duration::ZERO).cache_stats_for(Duration::ZERO);
        assert_eq!((least.deadline, least.cache_stats_for), (Duration::ZERO, Duration::ZERO));
    }
}
