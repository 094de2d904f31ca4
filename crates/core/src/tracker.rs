//! Changes since the last call, for a test, a console or a background job.

use std::sync::Arc;

use memory_debug_profile::{Peaks, Selection};
use memory_debug_report::__private::beyond_peaks;
use memory_debug_report::{Error, Growth, Snapshot, SnapshotDiff, SnapshotInfo};

use crate::collect::{Collector, Scope};
use crate::thread::wait_for_collecting;

/// Reports what changed since the last call, and what has grown beyond its highest level so far. Modelled on
/// `SummaryTracker` of Python's Pympler and `show_growth` of objgraph.
///
/// A new tracker measures nothing and takes no memory. Each call collects on a thread of its own, waits for it,
/// and compares on that thread, so that the memory of the comparison is not in the next result. A call blocks
/// for milliseconds, and for up to seconds the first time, when symbols are read.
///
/// ```
/// use memory_debug_core::SummaryTracker;
///
/// let mut tracker = SummaryTracker::new();
/// match tracker.diff() {
///     // The first call has nothing to compare with.
///     Ok(diff) => assert!(diff.rows.is_empty() && diff.base == diff.target),
///     Err(reason) => println!("no heap profile: {reason}"),
/// }
/// let orders: Vec<String> = (0..100_000).map(|number| format!("order {number}")).collect();
/// match tracker.diff() {
///     Ok(diff) => println!("{}", diff.truncate_filtered(10, None)),
///     Err(reason) => println!("no heap profile: {reason}"),
/// }
/// # drop(orders);
/// ```
#[derive(Debug, Default)]
pub struct SummaryTracker {
    collector: Arc<Collector>,
    selection: Selection,
    last: Option<Arc<Snapshot>>,
    peaks: Option<(SnapshotInfo, Peaks)>,
}

impl SummaryTracker {
    /// Makes a tracker of types, with a collector of its own.
    pub fn new() -> Self {
        Self::default()
    }

    /// Uses an existing collector, and the symbols that it knows.
    #[must_use]
    pub fn with_collector(mut self, collector: Arc<Collector>) -> Self {
        self.collector = collector;
        self
    }

    /// Compares by the rows of `selection`, such as lines or tracebacks, instead of types. Forgets everything
    /// seen so far.
    #[must_use]
    pub fn by(self, selection: Selection) -> Self {
        Self { selection, last: None, peaks: None, ..self }
    }

    /// Takes a snapshot of the heap. If it is this tracker's first snapshot, the next [`diff`](Self::diff) compares
    /// with it.
    ///
    /// # Errors
    ///
    /// If there is no heap profile. The message says why.
    pub fn snapshot(&mut self, label: Option<String>) -> Result<Arc<Snapshot>, Error> {
        let snapshot = Arc::new(self.take(label)?);
        self.last.get_or_insert_with(|| Arc::clone(&snapshot));
        Ok(snapshot)
    }

    /// Reports what changed since the last call, or since the first [`snapshot`](Self::snapshot). Without either, it
    /// compares this moment with itself, and the next call compares with this moment. The result prints as a table.
    ///
    /// # Errors
    ///
    /// If there is no heap profile. The message says why.
    pub fn diff(&mut self) -> Result<SnapshotDiff, Error> {
        let (collector, selection) = (Arc::clone(&self.collector), self.selection.clone());
        let last = self.last.clone();
        let (now, diff) = collecting(move || changed(last, take(&collector, None)?, &selection))?;
        self.last = Some(now);
        Ok(diff)
    }

    /// Finds the rows that exceed their highest level in earlier calls by more than noise. The first call only
    /// records levels and returns no rows. After the samples were discarded, the next call does the same, and peaks
    /// count from there.
    ///
    /// Growth that is too slow to stand out between two calls adds up until it does. A cache or a batch job comes and
    /// goes, so it is returned only the first time. Look for rows that are returned again and again.
    ///
    /// ```
    /// use memory_debug_core::{Group, Selection, SummaryTracker};
    ///
    /// let mut tracker = SummaryTracker::new().by(Selection::from(Group::Line));
    /// for _ in 0..3 {
    ///     // One round of work.
    ///     match tracker.growth() {
    ///         Ok(growth) => println!("{growth}"),
    ///         Err(reason) => println!("{reason}"),
    ///     }
    /// }
    /// ```
    ///
    /// # Errors
    ///
    /// If there is no heap profile. The message says why. The peaks stay as they were.
    pub fn growth(&mut self) -> Result<Growth, Error> {
        let now = self.take(None)?;
        let (selection, peaks) = (self.selection.clone(), self.peaks.take());
        let (peaks, growth) = collecting(move || beyond_peaks(peaks, &now, &selection))?;
        self.peaks = Some(peaks);
        Ok(growth)
    }

    fn take(&self, label: Option<String>) -> Result<Snapshot, Error> {
        let collector = Arc::clone(&self.collector);
        collecting(move || take(&collector, label))
    }
}

fn take(collector: &Collector, label: Option<String>) -> Result<Snapshot, Error> {
    collector.collect(Scope::Types).snapshot(label)
}

fn changed(
    last: Option<Arc<Snapshot>>,
    now: Snapshot,
    selection: &Selection,
) -> Result<(Arc<Snapshot>, SnapshotDiff), Error> {
    let now = Arc::new(now);
    let diff = SnapshotDiff::between(last.as_ref().unwrap_or(&now), &now, selection)?;
    Ok((now, diff))
}

/// Runs `work` on a thread whose memory stays out of the profile.
fn collecting<R: Send + 'static>(
    work: impl FnOnce() -> Result<R, Error> + Send + 'static,
) -> Result<R, Error> {
    wait_for_collecting(work)?
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::jemalloc;
    use crate::snapshot::fixture::{of_dump, samples, with_samples};

    /// A moment with this many samples of one row.
    fn moment(samples: u64, seconds: u64) -> Snapshot {
        let bytes = samples * 64;
        let dump = format!(
            "heap_v2/524288\n  t*: 0: 0 [0: 0]\n@ 0x10\n  t*: {samples}: {bytes} [0: 0]\n  t1: {samples}: {bytes} [0: 0]\n\n\
             MAPPED_LIBRARIES:\n"
        );
        of_dump(&dump, seconds, "x")
    }

    #[test]
    fn the_first_diff_is_with_itself_and_later_ones_with_the_snapshot_before() {
        let selection = Selection::default();
        let (first, diff) = changed(None, moment(9, 1), &selection).unwrap();
        assert_eq!((diff.base.id, diff.rows.len()), (diff.target.id, 0));
        let (second, diff) = changed(Some(first), moment(90, 2), &selection).unwrap();
        assert_eq!((diff.rows[0].bytes_change, diff.target.id), (81 * 524_320, second.info().id));
        let (_, diff) = changed(Some(second), moment(90, 3), &selection).unwrap();
        assert_eq!(diff.rows, []);
    }

    #[test]
    fn growth_is_what_rose_above_the_highest_level() {
        let selection = Selection::default();
        let mut peaks = None;
        let mut grown = |snapshot: Snapshot| {
            let (kept, growth) = beyond_peaks(peaks.take(), &snapshot, &selection).unwrap();
            peaks = Some(kept);
            assert_eq!(growth.compared_rows, 1);
            (growth.since.taken_at, growth.rows.iter().map(|row| row.bytes_change / 524_320).sum::<i64>())
        };
        let since = "1970-01-01T00:00:01.000Z".to_owned();
        let moments = [(100, 0), (300, 200), (100, 0), (310, 0), (500, 200)];
        for ((samples, beyond), seconds) in moments.into_iter().zip(1..) {
            assert_eq!(grown(moment(samples, seconds)), (since.clone(), beyond), "{samples}");
        }
    }

    #[test]
    fn peaks_start_again_after_samples_were_discarded() {
        let selection = Selection::default();
        let mut peaks = None;
        let mut grown = |samples_of_it, seconds, generation| {
            let snapshot = with_samples(&moment(samples_of_it, seconds), Some(samples(generation)));
            let (kept, growth) = beyond_peaks(peaks.take(), &snapshot, &selection).unwrap();
            peaks = Some(kept);
            let since = growth.since.taken_at[17..19].to_owned();
            (since, growth.rows.iter().map(|row| row.bytes_change / 524_320).sum::<i64>())
        };
        assert_eq!(grown(100, 1, 0), ("01".into(), 0));
        assert_eq!(grown(900, 2, 0), ("01".into(), 800));
        assert_eq!(grown(10, 3, 1), ("03".into(), 0), "the first after a discard");
        assert_eq!(grown(90, 4, 1), ("03".into(), 80), "far below the peak before the discard");
    }

    #[test]
    fn without_a_profile_every_call_says_why() {
        let reason = jemalloc::global_allocator().unwrap_err();
        let mut tracker = SummaryTracker::new().by(Selection::default());
        assert_eq!(tracker.snapshot(None).unwrap_err().to_string(), reason);
        assert_eq!(tracker.diff().unwrap_err().to_string(), reason);
        assert_eq!(tracker.growth().unwrap_err().to_string(), reason);
        assert!(tracker.last.is_none() && tracker.peaks.is_none());
    }

    #[test]
    fn s47_a_panic_is_an_error() {
        let failed = collecting(|| -> Result<(), Error> { panic!("expected by the test") });
        assert_eq!(failed.unwrap_err().to_string(), "the collection failed; this is a bug");
    }
}
