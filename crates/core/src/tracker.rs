//! What changed since one last looked: for a test, a console or a background job, in two calls.

use std::sync::Arc;

use memory_debug_profile::{Peaks, Selection};
use memory_debug_report::__private::beyond_peaks;
use memory_debug_report::{Error, Growth, Snapshot, SnapshotDiff, SnapshotInfo};

use crate::collect::{Collector, Scope};
use crate::thread::wait_for_collecting;

/// Says what changed since it was last asked, and what has grown beyond all it has seen: `SummaryTracker` of Python's
/// Pympler and `show_growth` of objgraph.
///
/// Making one measures nothing and takes no memory. Each call then collects on a thread of its own, waits for it, and
/// compares there, so that what the comparison takes is not in the next one. It blocks for milliseconds, and up to
/// seconds the first time, when symbols are read.
///
/// ```
/// use memory_debug_core::SummaryTracker;
///
/// let mut tracker = SummaryTracker::new();
/// match tracker.diff() {
///     // Of the first call: there is nothing to compare with yet.
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
    /// A tracker of types, with a collector of its own.
    pub fn new() -> Self {
        Self::default()
    }

    /// Uses a collector that is there already, and the symbols that it knows.
    #[must_use]
    pub fn with_collector(mut self, collector: Arc<Collector>) -> Self {
        self.collector = collector;
        self
    }

    /// Compares by the rows of `selection`, such as lines or tracebacks, instead of types. Forgets what was seen so far.
    #[must_use]
    pub fn by(self, selection: Selection) -> Self {
        Self { selection, last: None, peaks: None, ..self }
    }

    /// The heap now. If it is the first that this tracker sees, the next [`diff`](Self::diff) is against it.
    ///
    /// # Errors
    ///
    /// Why there is no heap profile.
    pub fn snapshot(&mut self, label: Option<String>) -> Result<Arc<Snapshot>, Error> {
        let snapshot = Arc::new(self.take(label)?);
        self.last.get_or_insert_with(|| Arc::clone(&snapshot));
        Ok(snapshot)
    }

    /// What changed since the last call, or since the first [`snapshot`](Self::snapshot). With neither, it is a
    /// difference of this moment with itself, and the next call is against it. The result prints as a table.
    ///
    /// # Errors
    ///
    /// Why there is no heap profile.
    pub fn diff(&mut self) -> Result<SnapshotDiff, Error> {
        let (collector, selection) = (Arc::clone(&self.collector), self.selection.clone());
        let last = self.last.clone();
        let (now, diff) = collecting(move || changed(last, take(&collector, None)?, &selection))?;
        self.last = Some(now);
        Ok(diff)
    }

    /// The rows that are above the highest that this method ever saw of them, by more than noise. The first call sees
    /// only, and finds nothing. So does the first one after the samples were discarded, and peaks are known from there.
    ///
    /// Growth that is too slow to stand out between two calls adds up until it does. What comes and goes - a cache, a
    /// batch job - is told the first time alone, so what is told again and again is what to look at.
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
    /// Why there is no heap profile. The peaks stay as they were.
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

/// Does what takes memory where it does not count.
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

    /// A moment with so many samples of one row.
    fn moment(samples: u64, seconds: u64) -> Snapshot {
        let bytes = samples * 64;
        let dump = format!(
            "heap_v2/524288\n  t*: 0: 0 [0: 0]\n@ 0x10\n  t*: {samples}: {bytes} [0: 0]\n  t1: {samples}: {bytes} [0: 0]\n\n\
             MAPPED_LIBRARIES:\n"
        );
        of_dump(&dump, seconds, "x")
    }

    #[test]
    fn the_first_difference_is_with_itself_and_later_ones_with_the_one_before() {
        let selection = Selection::default();
        let (first, diff) = changed(None, moment(9, 1), &selection).unwrap();
        assert_eq!((diff.base.id, diff.rows.len()), (diff.target.id, 0));
        let (second, diff) = changed(Some(first), moment(90, 2), &selection).unwrap();
        assert_eq!((diff.rows[0].bytes_change, diff.target.id), (81 * 524_320, second.info().id));
        let (_, diff) = changed(Some(second), moment(90, 3), &selection).unwrap();
        assert_eq!(diff.rows, []);
    }

    #[test]
    fn growth_is_what_is_above_the_highest_so_far() {
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
    fn peaks_begin_again_where_samples_were_discarded() {
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
        assert_eq!(grown(10, 3, 1), ("03".into(), 0), "the first of other samples");
        assert_eq!(grown(90, 4, 1), ("03".into(), 80), "far below the peak of before");
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
