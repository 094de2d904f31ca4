//! The difference between two snapshots.

use memory_debug_profile::{Births, Change, ChangeTable, Group, Selection, SymbolizedProfile};
use serde::{Deserialize, Serialize};
use std::borrow::Cow;

use super::{Snapshot, SnapshotInfo};
use crate::comparison::{Basis, Comparison, Origin, Side};
use crate::error::{Error, ErrorKind};
use crate::report::{GrownRow, Growth, MemoryReport, RowSource};
use crate::rows;
use crate::units::printable;

/// The difference between two snapshots. Rows that changed most come first.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct SnapshotDiff {
    /// The earlier moment.
    pub base: SnapshotInfo,
    /// The later moment.
    pub target: SnapshotInfo,
    /// Whether the two moments have the same samples. If samples were [discarded](Comparison::Discarded) in between,
    /// rows show what was allocated since then and is still held.
    pub comparison: Comparison,
    /// Caveats about the comparison, one sentence each.
    pub notes: Vec<String>,
    /// What a row stands for, as in [`TypeSummary::group`](crate::TypeSummary::group).
    pub group: String,
    /// Rows that differ.
    pub rows: Vec<DiffRow>,
    /// All rows together.
    pub total: DiffRow,
    /// Number of rows that `top` omitted.
    pub omitted_rows: u64,
    /// Number of rows that were compared, changed or not.
    pub compared_rows: u64,
    /// A change is significant if its bytes exceed this many standard errors.
    pub threshold_stderrs: f64,
    /// Description of the test.
    pub test: String,
}

/// The change of one row.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct DiffRow {
    /// As in [`TypeRow::type_name`](crate::TypeRow::type_name).
    #[serde(rename = "type")]
    pub type_name: String,
    /// As in [`TypeRow::full_type`](crate::TypeRow::full_type).
    pub full_type: String,
    /// Live objects at the later moment.
    pub objects: u64,
    /// Live bytes at the later moment.
    pub bytes: u64,
    /// Change in live objects since the earlier moment.
    pub objects_change: i64,
    /// Change in live bytes since the earlier moment.
    pub bytes_change: i64,
    /// One standard error of `bytes_change`, in bytes.
    pub bytes_change_stderr: f64,
    /// Whether `bytes_change` is more than noise. Never if the two moments cannot show it: see
    /// [`Comparison`](crate::Comparison).
    pub is_significant: bool,
    /// Whether the type is known. A change is never [`RowSource::Exact`].
    pub source: Option<RowSource>,
}

/// How a row changed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ChangeKind {
    /// Only the later moment has samples of it.
    New,
    /// The row grew.
    Grown,
    /// The row shrank.
    Shrunk,
    /// Only the earlier moment has samples of it.
    Gone,
}

/// Description of the test.
const TEST: &str = "z-test of the change in bytes; the variance is the sum of both moments, without stacks whose \
                    samples are the same in both; family-wise error of 5 % for the whole table (Bonferroni)";

/// Description of the test of rows by age.
const TEST_OF_AGES: &str = "z-test of the change in bytes; the variance is the sum of both moments; family-wise error of \
                            5 % for the whole table (Bonferroni)";

/// Description of the test of rows by route.
const TEST_OF_ROUTES: &str = "z-test of the change in bytes; the variance is of what was allocated or freed in between; \
                              family-wise error of 5 % for the whole table (Bonferroni)";

/// One moment of a difference.
struct Moment<'m> {
    info: &'m SnapshotInfo,
    profile: &'m SymbolizedProfile,
    births: Option<&'m Births>,
}

impl SnapshotDiff {
    /// Compares two moments by the rows of `selection`.
    ///
    /// # Errors
    ///
    /// If a snapshot cannot be read. By age or route, also if one of the snapshots does not keep them, or if the
    /// selection has a focus or leaves stacks out.
    pub fn between(base: &Snapshot, target: &Snapshot, selection: &Selection) -> Result<Self, Error> {
        let (later, births) = target.contents()?;
        Self::until(target.info(), &later, births.as_ref(), base, selection)
    }

    /// Compares a kept moment with `later`, the heap of the moment that `now` describes. `births` are the times when its
    /// memory was allocated.
    ///
    /// # Errors
    ///
    /// As for [`between`](Self::between).
    pub fn until(
        now: &SnapshotInfo,
        later: &SymbolizedProfile,
        births: Option<&Births>,
        base: &Snapshot,
        selection: &Selection,
    ) -> Result<Self, Error> {
        let (earlier, born) = base.contents()?;
        let earlier = Moment { info: base.info(), profile: &earlier, births: born.as_ref() };
        Self::of_moments(&earlier, &Moment { info: now, profile: later, births }, selection)
    }

    fn of_moments(base: &Moment<'_>, target: &Moment<'_>, selection: &Selection) -> Result<Self, Error> {
        let (earlier, later) = (base.profile, target.profile);
        let basis = Basis::of(
            base.info.origin(Some(earlier.sample_rate().bytes())),
            target.info.origin(Some(later.sample_rate().bytes())),
        );
        let (table, test) = if selection.group.needs_live_samples() {
            let test = if selection.group == Group::Age { TEST_OF_AGES } else { TEST_OF_ROUTES };
            (by_births(base, target, selection, &basis)?, test)
        } else {
            // After a discard, only the later profile counts. It has no sample in common with the earlier profile.
            let compared = |profile, side| match basis.only {
                Some(only) if only != side => Cow::Owned(SymbolizedProfile::empty(later.sample_rate())),
                _ => Cow::Borrowed(profile),
            };
            let (earlier, later) = (compared(earlier, Side::Base), compared(later, Side::Target));
            (ChangeTable::between(&earlier, &later, selection), TEST)
        };
        let row = |change| DiffRow::of(change).admitted(&basis);
        Ok(Self {
            base: base.info.clone(),
            target: target.info.clone(),
            comparison: basis.comparison,
            group: selection.group.as_str().into(),
            rows: table.rows.iter().map(row).collect(),
            total: DiffRow { source: None, ..row(&table.total) },
            omitted_rows: 0,
            compared_rows: u64::try_from(table.compared).unwrap_or(u64::MAX),
            threshold_stderrs: table.threshold,
            test: test.into(),
            notes: basis.notes,
        })
    }

    /// Keeps only rows that grew by more than noise, like `show_growth` of objgraph.
    #[must_use]
    pub fn growth(mut self) -> Self {
        self.rows.retain(|row| row.is_significant && row.bytes_change > 0);
        self
    }

    /// Keeps at most `top` rows whose name contains `filter`.
    #[must_use]
    pub fn truncate_filtered(mut self, top: usize, filter: Option<&str>) -> Self {
        let omitted =
            rows::truncate_filtered(&mut self.rows, top, filter, |row| [&row.type_name, &row.full_type]);
        self.omitted_rows = self.omitted_rows.saturating_add(omitted);
        self
    }
}

/// Compares two moments by age or by route.
fn by_births(
    base: &Moment<'_>,
    target: &Moment<'_>,
    selection: &Selection,
    basis: &Basis,
) -> Result<ChangeTable, Error> {
    let refused = |reason: String| Error::new(ErrorKind::NotComparable, reason);
    if selection.focus.is_some() || selection.ignore.is_some() {
        return Err(refused(
            "snapshots keep ages and routes of all stacks together; leave out `focus` and `ignore`, or ask `/types`"
                .to_owned(),
        ));
    }
    let kept = |moment: &Moment<'_>| {
        let missing = || {
            let taken = printable(&moment.info.taken_at);
            refused(format!(
                "the snapshot of {taken} keeps neither ages nor routes: they were not recorded then, or an earlier \
                 version took it; choose a later one"
            ))
        };
        moment.births.cloned().ok_or_else(missing)
    };
    let sides = [(kept(base)?, Side::Base), (kept(target)?, Side::Target)];
    let is_same = basis.comparison == Comparison::Whole && base.info.is_recorded_until(target.info);
    let [base, target] = sides.map(|(births, side)| match basis.only {
        Some(only) if only != side => births.without_memory(),
        _ => births,
    });
    Ok(base.changes(&target, selection.group, is_same))
}

impl MemoryReport {
    /// Checks that growth since `base` can be determined: it must come from this process and have the same samples.
    ///
    /// # Errors
    ///
    /// If growth cannot be determined. The text says why.
    pub fn require_one_heap(&self, base: &SnapshotInfo) -> Result<(), Error> {
        let basis = Basis::of(base.origin(None), Origin::of_report(self));
        if basis.comparison == Comparison::Whole {
            return Ok(());
        }
        Err(Error::new(ErrorKind::NotComparable, basis.notes.join("; ")))
    }

    /// Records which rows grew since an earlier moment, so that [`diagnose`](crate::diagnose) can say whether a large
    /// row grows. `diff` leads from that moment to the moment of this report.
    pub fn note_growth(&mut self, diff: SnapshotDiff) {
        let diff = diff.growth();
        let rows = diff.rows.into_iter();
        self.growth = Some(Growth {
            since: diff.base.taken_at,
            rows: rows
                .map(|DiffRow { type_name, full_type, bytes_change, .. }| GrownRow {
                    type_name,
                    full_type,
                    bytes_change,
                })
                .collect(),
        });
    }
}

impl DiffRow {
    /// How the row changed.
    pub fn kind(&self) -> ChangeKind {
        let before = i128::from(self.bytes) - i128::from(self.bytes_change);
        match (before, self.bytes) {
            (0, 1..) => ChangeKind::New,
            (_, 0) => ChangeKind::Gone,
            _ if (self.bytes_change, self.objects_change) < (0, 0) => ChangeKind::Shrunk,
            _ => ChangeKind::Grown,
        }
    }

    /// Removes the row's mark unless it shows a change of memory. Exact rows keep it, because they need no samples.
    pub(crate) fn admitted(mut self, basis: &Basis) -> Self {
        self.is_significant &= basis.admits(self.bytes_change) || self.source == Some(RowSource::Exact);
        self
    }

    pub(crate) fn of(change: &Change) -> Self {
        // `as` saturates.
        let whole = |number: f64| number.round() as i64;
        Self {
            type_name: change.type_name.clone(),
            full_type: change.full_type.clone(),
            objects: change.target.objects.round() as u64,
            bytes: change.target.bytes.round() as u64,
            objects_change: whole(change.difference.objects),
            bytes_change: whole(change.difference.bytes),
            bytes_change_stderr: change.difference.bytes_stderr(),
            is_significant: change.is_significant,
            source: Some(if change.is_attributed { RowSource::Sampled } else { RowSource::Unattributed }),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::tests::{of_dump, samples, with_births, with_samples};
    use super::*;

    fn dump(counts: &[u64]) -> String {
        let mut dump = "heap_v2/524288\n  t*: 0: 0 [0: 0]\n".to_owned();
        for (index, count) in (1..).zip(counts) {
            let bytes = 64 * count;
            dump +=
                &format!("@ 0x{index:x}0\n  t*: {count}: {bytes} [0: 0]\n  t1: {count}: {bytes} [0: 0]\n");
        }
        dump + "\nMAPPED_LIBRARIES:\n"
    }

    #[test]
    fn a_report_has_no_growth_since_a_snapshot_with_other_samples() {
        let mut report = crate::sample::report();
        report.types = Some(crate::report::TypeSummary { samples: Some(samples(1)), ..Default::default() });
        let base = with_samples(&of_dump(&dump(&[9]), 1, "a"), Some(samples(0)));
        let mut same_process = report.clone();
        same_process.instance = base.info().instance.clone();
        let reason = same_process.require_one_heap(base.info()).unwrap_err().to_string();
        assert!(reason.contains("discards all samples"), "{reason}");
        report.instance.id = serde_json::from_str("\"00000000-0000-4000-8000-000000000000\"").unwrap();
        assert!(report.require_one_heap(base.info()).unwrap_err().to_string().contains("process"));
    }

    #[test]
    fn a_snapshot_does_not_differ_from_itself() {
        let snapshot = of_dump(&dump(&[9, 4]), 1, "a");
        let diff = SnapshotDiff::between(&snapshot, &snapshot, &Selection::default()).unwrap();
        assert_eq!((diff.rows.len(), diff.total.bytes_change, diff.total.is_significant), (0, 0, false));
        assert_eq!(diff.total.bytes, 13 * 524_320);
    }

    /// Births of one type and of one route, one sample at each of these times in milliseconds since the recording began.
    fn births(recorded_ms: u64, bounds_ms: &[u64], times: &[u64]) -> Births {
        let period = |time: &u64| (bounds_ms.partition_point(|bound| bound < time), 8193, 524_320);
        let row = serde_json::json!({
            "type": "GET /a", "full_type": "GET /a", "is_attributed": true,
            "periods": times.iter().map(period).collect::<Vec<_>>(),
        });
        serde_json::from_value(serde_json::json!({
            "recorded_ms": recorded_ms, "sample_bytes": 524_288, "bounds_ms": bounds_ms, "all": row, "types": [],
            "routes": [row],
        }))
        .unwrap()
    }

    #[test]
    fn snapshots_with_ages_differ_by_age_and_by_route() {
        let plain = [of_dump(&dump(&[2]), 1, "a"), of_dump(&dump(&[22]), 121, "b")];
        let late: Vec<u64> = (110..130).map(|second| second * 1000).collect();
        let later = [&[500, 800][..], &late].concat();
        let base = with_births(&plain[0], &births(10_000, &[1000], &[500, 800]));
        let target = with_births(&plain[1], &births(130_000, &[10_000, 70_000], &later));
        let diff = |base: &Snapshot, target: &Snapshot, selection: &Selection| {
            SnapshotDiff::between(base, target, selection)
        };
        let by_route = diff(&base, &target, &Group::Route.into()).unwrap();
        let row = &by_route.rows[0];
        assert_eq!(
            (row.type_name.as_str(), row.bytes_change, row.is_significant),
            ("GET /a", 20 * 524_320, true)
        );
        assert!(
            (row.bytes_change_stderr / (20.0_f64.sqrt() * 524_288.0) - 1.0).abs() < 0.01,
            "survivors are no noise"
        );
        assert_eq!((by_route.group.as_str(), by_route.total.bytes), ("route", 22 * 524_320));
        let by_age = diff(&base, &target, &Group::Age.into()).unwrap();
        let rows: Vec<_> =
            by_age.rows.iter().map(|row| (row.type_name.as_str(), row.bytes_change / 524_320)).collect();
        assert_eq!(rows, [("10 s to 1 min", 20), ("1 min to 10 min", 2), ("1 s to 10 s", -2)]);
        // An earlier version did not keep them, and one text cannot be selected.
        let reason =
            |base: &Snapshot, selection: &Selection| diff(base, &target, selection).unwrap_err().to_string();
        assert!(reason(&plain[0], &Group::Age.into()).contains("keeps neither ages nor routes"));
        let focused = Selection::new(Group::Route, Some("x".into()), None);
        assert!(reason(&base, &focused).contains("leave out `focus`"));
        // After a discard, the earlier memory does not count.
        let discarded = with_samples_and_births(&target);
        let diff = diff(&base, &discarded, &Group::Route.into()).unwrap();
        assert_eq!((diff.rows[0].bytes_change, diff.rows[0].is_significant), (22 * 524_320, false));
    }

    /// The snapshot with other samples.
    fn with_samples_and_births(snapshot: &Snapshot) -> Snapshot {
        let (profile, births) = snapshot.contents().unwrap();
        let info = SnapshotInfo { samples: Some(samples(1)), ..snapshot.info().clone() };
        Snapshot::with_births(info, &profile, births.as_ref(), std::time::SystemTime::UNIX_EPOCH).unwrap()
    }

    #[test]
    fn a_discard_in_between_shows_neither_frees_nor_growth() {
        let (base, target) = (of_dump(&dump(&[90]), 1, "a"), of_dump(&dump(&[40]), 61, "b"));
        let target = with_samples(&target, Some(samples(1)));
        let diff = SnapshotDiff::between(&base, &target, &Selection::default()).unwrap();
        assert_eq!(diff.comparison, Comparison::Discarded);
        // The diff shows 40 objects allocated since then, not 50 fewer.
        let row = &diff.rows[0];
        assert_eq!((row.bytes_change, row.bytes, row.is_significant), (40 * 524_320, 40 * 524_320, false));
        assert_eq!((diff.total.bytes_change, diff.total.is_significant), (40 * 524_320, false));
        assert!(diff.notes[0].contains("2026-11-21T09:00:00.000Z"), "{:?}", diff.notes);
        assert_eq!(diff.clone().growth().rows, []);
        // An equal amount is still a change, because it was allocated since then.
        let same = with_samples(&base, Some(samples(1)));
        let diff = SnapshotDiff::between(&base, &same, &Selection::default()).unwrap();
        assert_eq!((diff.rows.len(), diff.rows[0].bytes_change), (1, 90 * 524_320));
        let back = SnapshotDiff::between(&target, &base, &Selection::default()).unwrap();
        assert_eq!((back.rows[0].bytes_change, back.rows[0].is_significant), (-40 * 524_320, false));
    }

    #[test]
    fn two_moments_after_a_discard_compare_with_a_note_of_its_time() {
        let [base, target] = [(9, 1), (90, 61)].map(|(samples_of_it, seconds)| {
            with_samples(&of_dump(&dump(&[samples_of_it]), seconds, "x"), Some(samples(1)))
        });
        let diff = SnapshotDiff::between(&base, &target, &Selection::default()).unwrap();
        assert_eq!((diff.comparison, diff.rows[0].is_significant), (Comparison::Whole, true));
        assert!(diff.notes[0].starts_with("samples are complete only since 2026-11-21T09:00:00.000Z"));
    }

    #[test]
    fn after_a_pause_in_between_shrinking_is_not_significant() {
        let paused = |snapshot: &Snapshot| {
            let resumed_at = Some("2026-11-21T10:00:00.000Z".into());
            with_samples(snapshot, Some(crate::SampleOrigin { pauses: 1, resumed_at, ..samples(0) }))
        };
        let changed = |from, to| {
            let (base, target) = (of_dump(&dump(&[from]), 1, "a"), paused(&of_dump(&dump(&[to]), 61, "b")));
            let diff = SnapshotDiff::between(&base, &target, &Selection::default()).unwrap();
            (diff.comparison, diff.rows[0].bytes_change, diff.rows[0].is_significant)
        };
        assert_eq!(changed(9, 90), (Comparison::Paused, 81 * 524_320, true));
        assert_eq!(changed(90, 9), (Comparison::Paused, -81 * 524_320, false));
    }

    #[test]
    fn changes_between_snapshots_with_unknown_samples_are_not_significant() {
        let (base, target) = (of_dump(&dump(&[9]), 1, "a"), of_dump(&dump(&[90]), 61, "b"));
        let older = with_samples(&base, None);
        let diff = SnapshotDiff::between(&older, &target, &Selection::default()).unwrap();
        assert_eq!(
            (diff.comparison, diff.rows[0].bytes_change, diff.rows[0].is_significant),
            (Comparison::Unknown, 81 * 524_320, false)
        );
    }

    #[test]
    fn growth_is_distinguished_from_shrinking_and_from_noise() {
        let (base, target) = (of_dump(&dump(&[9, 90]), 1, "a"), of_dump(&dump(&[90, 9]), 61, "b"));
        let diff = SnapshotDiff::between(&base, &target, &Selection::default()).unwrap();
        // Neither stack has a name here, so they form one row, which did not change.
        assert_eq!(diff.rows.iter().map(|row| row.bytes_change).sum::<i64>(), 0);
        let (base, target) = (of_dump(&dump(&[9]), 1, "a"), of_dump(&dump(&[90]), 61, "b"));
        let diff = SnapshotDiff::between(&base, &target, &Selection::default()).unwrap();
        assert_eq!((diff.rows[0].bytes_change, diff.rows[0].is_significant), (81 * 524_320, true));
        assert_eq!(diff.clone().growth().rows.len(), 1);
        let back = SnapshotDiff::between(&target, &base, &Selection::default()).unwrap();
        assert_eq!((back.rows[0].bytes_change, back.growth().rows.len()), (-81 * 524_320, 0));
        let cut = diff.clone().truncate_filtered(0, None);
        assert_eq!((cut.rows.len(), cut.omitted_rows), (0, 1));
        assert_eq!(diff.truncate_filtered(9, Some("nothing")).rows.len(), 0);
    }

    #[test]
    fn a_row_is_new_grown_shrunk_or_gone() {
        let kind = |bytes, bytes_change, objects_change| {
            DiffRow { bytes, bytes_change, objects_change, ..DiffRow::default() }.kind()
        };
        assert_eq!([kind(5, 5, 1), kind(u64::MAX, 7, 1)], [ChangeKind::New, ChangeKind::Grown]);
        assert_eq!([kind(5, 4, -1), kind(5, 0, 1)], [ChangeKind::Grown, ChangeKind::Grown]);
        assert_eq!([kind(5, -4, 1), kind(5, 0, -1)], [ChangeKind::Shrunk, ChangeKind::Shrunk]);
        assert_eq!(kind(0, -4, -1), ChangeKind::Gone);
    }
}
