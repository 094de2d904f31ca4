//! What changed between two reports, by their tables alone.
//!
//! A report that was saved, or came from elsewhere, has no stacks any more, so nothing tells which samples stayed: the
//! noise of both counts in full. [`SnapshotDiff`](crate::SnapshotDiff), which has the stacks, sees smaller changes.

use std::collections::BTreeMap;

use memory_debug_profile::significant_stderrs;
use serde::{Deserialize, Serialize};

use crate::comparison::{Basis, Comparison, Origin, Side};
use crate::error::{Error, ErrorKind};
use crate::fleet::FIELDS;
use crate::instance::InstanceInfo;
use crate::report::{MemoryReport, RowSource, TypeRow, TypeSummary};
use crate::rows;
use crate::snapshot::DiffRow;

/// The test, in words.
const TEST: &str = "z-test of the change in bytes; the variance is the sum of both tables'; 5 % for the whole table \
                    (Bonferroni)";

/// What changed from one report to another, those rows first that changed most.
///
/// The reports may be of one process at two times, or of two processes.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct ReportDiff {
    /// Whose report the first is.
    pub base: InstanceInfo,
    /// When it was collected.
    pub base_at: String,
    /// Whose report the second is.
    pub target: InstanceInfo,
    /// When it was collected.
    pub target_at: String,
    /// Numbers that both have, by their path in the report.
    pub numbers: BTreeMap<String, NumberChange>,
    /// Whether the two tables have the same samples. If those were [discarded](Comparison::Discarded) in between, sampled
    /// rows have what was allocated since then and is still held.
    pub comparison: Comparison,
    /// What stands in the way of a comparison, one sentence each.
    pub notes: Vec<String>,
    /// What a row stands for, as in [`TypeSummary::group`].
    pub group: String,
    /// Rows that differ.
    pub rows: Vec<DiffRow>,
    /// All rows together.
    pub total: DiffRow,
    /// Rows left out by `top`.
    pub omitted_rows: u64,
    /// Rows that were compared, changed or not.
    pub compared_rows: u64,
    /// Whether a table left rows out. A row that is in one table only is then not compared.
    pub is_partial: bool,
    /// What makes a change significant: that its bytes exceed so many standard errors.
    pub threshold_stderrs: f64,
    /// That test in words.
    pub test: String,
}

/// A number in two reports.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct NumberChange {
    /// In the first.
    pub base: u64,
    /// In the second.
    pub target: u64,
    /// By how much the second is more.
    pub change: i64,
}

impl ReportDiff {
    /// Compares two reports.
    ///
    /// # Errors
    ///
    /// If one is of another version or has no table, or their tables' rows stand for different things.
    pub fn between(base: &MemoryReport, target: &MemoryReport) -> Result<Self, Error> {
        let (earlier, later) = (table(base, "first")?, table(target, "second")?);
        if earlier.group != later.group {
            let (one, other) = (&earlier.group, &later.group);
            let message = format!("the first table is by {one}, the second by {other}");
            return Err(Error::new(ErrorKind::NotComparable, message));
        }
        let basis = Basis::of(Origin::of_report(base), Origin::of_report(target));
        // After a discard, objects that both could have were allocated when the other moment was over.
        let is_of_other = |row: &TypeRow, side| {
            row.source != RowSource::Exact && basis.only.is_some_and(|only| only != side)
        };
        let mut pairs: BTreeMap<_, (Option<&TypeRow>, Option<&TypeRow>)> = BTreeMap::new();
        let key = |row: &TypeRow| (row.type_name.clone(), row.full_type.clone(), row.source as u8);
        for row in earlier.rows.iter().filter(|row| !is_of_other(row, Side::Base)) {
            pairs.entry(key(row)).or_default().0 = Some(row);
        }
        for row in later.rows.iter().filter(|row| !is_of_other(row, Side::Target)) {
            pairs.entry(key(row)).or_default().1 = Some(row);
        }
        // Absent from a table that left rows out does not mean that there is nothing.
        pairs.retain(|_, (before, now)| {
            let any = now.or(*before);
            let is_known = |row: Option<&TypeRow>, table: &TypeSummary, side| {
                row.is_some() || table.omitted_rows == 0 || any.is_some_and(|any| is_of_other(any, side))
            };
            is_known(*before, earlier, Side::Base) && is_known(*now, later, Side::Target)
        });
        let threshold = significant_stderrs(pairs.len());
        let rows = pairs.values().map(|(before, now)| row(*before, *now, threshold).admitted(&basis));
        let mut rows: Vec<_> = rows.filter(|row| row.objects_change != 0 || row.bytes_change != 0).collect();
        // Stable: equally large changes stay in the order of their names.
        rows.sort_by_key(|row| std::cmp::Reverse(row.bytes_change.unsigned_abs()));
        let total = total(earlier, later, basis.only).admitted(&basis);
        let mut notes = basis.notes;
        let is_marked = |row: &DiffRow| row.is_significant && row.source == Some(RowSource::Exact);
        if !notes.is_empty() && rows.iter().any(is_marked) {
            notes.push("exact rows are marked all the same, as they need no samples".to_owned());
        }
        Ok(Self {
            base: base.instance.clone(),
            base_at: base.collected_at.clone(),
            target: target.instance.clone(),
            target_at: target.collected_at.clone(),
            numbers: numbers(base, target),
            group: later.group.clone(),
            rows,
            total,
            comparison: basis.comparison,
            omitted_rows: 0,
            compared_rows: pairs.len() as u64,
            is_partial: earlier.omitted_rows > 0 || later.omitted_rows > 0,
            threshold_stderrs: threshold,
            test: TEST.into(),
            notes,
        })
    }

    /// At most `top` rows whose name contains `filter`.
    #[must_use]
    pub fn cut(mut self, top: usize, filter: Option<&str>) -> Self {
        let omitted = rows::cut(&mut self.rows, top, filter, |row| [&row.type_name, &row.full_type]);
        self.omitted_rows = self.omitted_rows.saturating_add(omitted);
        self
    }
}

fn table<'r>(report: &'r MemoryReport, which: &str) -> Result<&'r TypeSummary, Error> {
    report
        .require_schema()
        .map_err(|error| Error::with_source(error.kind(), format!("the {which} report {error}"), error))?;
    report.types.as_ref().ok_or_else(|| {
        let reason = report.unavailable.get("types").unwrap_or("it was made without");
        let message = format!("the {which} report has no table of types: {reason}");
        Error::new(ErrorKind::NotComparable, message)
    })
}

fn row(before: Option<&TypeRow>, now: Option<&TypeRow>, threshold: f64) -> DiffRow {
    let objects = |row: Option<&TypeRow>| row.map_or(0, |row| row.objects);
    let bytes = |row: Option<&TypeRow>| row.map_or(0, |row| row.bytes);
    let error = |row: Option<&TypeRow>| row.map_or(0.0, |row| row.bytes_stderr);
    let any = now.or(before);
    let change = difference(bytes(before), bytes(now));
    let stderr = error(before).hypot(error(now));
    DiffRow {
        type_name: any.map(|row| row.type_name.clone()).unwrap_or_default(),
        full_type: any.map(|row| row.full_type.clone()).unwrap_or_default(),
        objects: objects(now),
        bytes: bytes(now),
        objects_change: difference(objects(before), objects(now)),
        bytes_change: change,
        bytes_change_stderr: stderr,
        is_significant: is_significant(change, stderr, threshold),
        source: any.map(|row| row.source),
    }
}

fn total(before: &TypeSummary, now: &TypeSummary, only: Option<Side>) -> DiffRow {
    let sum = |table: &TypeSummary, side| {
        if only.is_some_and(|only| only != side) {
            return (0, 0, 0.0);
        }
        let stderr = table.total_bytes_stderr.unwrap_or_default();
        (table.total_objects.unwrap_or_default(), table.total_bytes.unwrap_or_default(), stderr)
    };
    let ((objects_before, bytes_before, error_before), (objects, bytes, error)) =
        (sum(before, Side::Base), sum(now, Side::Target));
    let bytes_change = difference(bytes_before, bytes);
    let stderr = error_before.hypot(error);
    DiffRow {
        objects,
        bytes,
        objects_change: difference(objects_before, objects),
        bytes_change,
        bytes_change_stderr: stderr,
        is_significant: is_significant(bytes_change, stderr, significant_stderrs(1)),
        source: None::<RowSource>,
        ..DiffRow::default()
    }
}

fn numbers(base: &MemoryReport, target: &MemoryReport) -> BTreeMap<String, NumberChange> {
    let pairs = FIELDS.iter().filter_map(|field| {
        let (base, target) = ((field.get)(base)?, (field.get)(target)?);
        Some((field.path.to_owned(), NumberChange { base, target, change: difference(base, target) }))
    });
    pairs.collect()
}

/// What is exact differs by no noise.
fn is_significant(change: i64, stderr: f64, threshold: f64) -> bool {
    change != 0 && change.unsigned_abs() as f64 > threshold * stderr
}

fn difference(before: u64, now: u64) -> i64 {
    let difference = i128::from(now) - i128::from(before);
    i64::try_from(difference).unwrap_or(if difference < 0 { i64::MIN } else { i64::MAX })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sample;

    #[test]
    fn a_report_and_itself_do_not_differ() {
        let report = sample::report();
        let diff = ReportDiff::between(&report, &report).unwrap();
        assert_eq!((diff.rows.len(), diff.total.bytes_change, diff.compared_rows), (0, 0, 4));
        assert!(diff.numbers.values().all(|number| number.change == 0));
    }

    #[test]
    fn what_changed_by_more_than_noise_is_significant() {
        let (base, mut target) = (sample::report(), sample::report());
        target.process.as_mut().unwrap().resident_bytes = Some(537_184_666 - 666);
        let rows = &mut target.types.as_mut().unwrap().rows;
        rows[0].bytes += 90 << 20;
        rows[1].bytes += 1000;
        rows[3].bytes += 48;
        let diff = ReportDiff::between(&base, &target).unwrap();
        let rows: Vec<_> = diff
            .rows
            .iter()
            .map(|row| (row.type_name.as_str(), row.bytes_change, row.is_significant))
            .collect();
        let expected = [("HashMap<String, Session>", 90 << 20, true), ("String", 1000, false)];
        assert_eq!(rows[..2], expected);
        assert_eq!(diff.numbers["process.resident_bytes"].change, -666);
        let cut = diff.cut(1, Some("S"));
        assert_eq!((cut.rows.len(), cut.omitted_rows), (1, 2));
    }

    #[test]
    fn exact_rows_have_no_noise() {
        let (mut base, mut target) = (sample::report(), sample::report());
        for report in [&mut base, &mut target] {
            report.types.as_mut().unwrap().rows[3].bytes_stderr = 0.0;
        }
        target.types.as_mut().unwrap().rows[3].bytes += 1;
        assert!(ReportDiff::between(&base, &target).unwrap().rows[0].is_significant);
    }

    #[test]
    fn what_is_in_one_table_only_came_or_went_unless_rows_were_left_out() {
        let (base, mut target) = (sample::report(), sample::report());
        target.types.as_mut().unwrap().rows.remove(1);
        let diff = ReportDiff::between(&base, &target).unwrap();
        assert_eq!((diff.rows[0].bytes_change, diff.rows[0].objects), (-7_330_000, 0));
        target.types.as_mut().unwrap().omitted_rows = 1;
        let diff = ReportDiff::between(&base, &target).unwrap();
        assert_eq!((diff.rows.len(), diff.is_partial, diff.compared_rows), (0, true, 3));
    }

    #[test]
    fn after_a_discard_sampled_rows_are_those_since_then_and_exact_rows_stay() {
        let (mut base, mut target) = (sample::report(), sample::report());
        base.types.as_mut().unwrap().rows[3].bytes_stderr = 0.0;
        let table = target.types.as_mut().unwrap();
        table.samples.as_mut().unwrap().generation = 1;
        table.total_bytes = Some(3 << 20);
        table.rows.remove(0);
        table.rows[0].bytes = 3 << 20;
        table.rows[2].bytes -= 480_000;
        table.rows[2].bytes_stderr = 0.0;
        let changes = |diff: &ReportDiff| -> Vec<_> {
            let row = |row: &DiffRow| (row.type_name.clone(), row.bytes_change, row.is_significant);
            diff.rows.iter().map(row).collect()
        };
        let expected = [
            ("String".to_owned(), 3 << 20, false),
            ("parse_row".to_owned(), 1 << 20, false),
            ("Session".to_owned(), -480_000, true),
        ];
        let diff = ReportDiff::between(&base, &target).unwrap();
        assert_eq!((diff.comparison, changes(&diff)), (Comparison::Discarded, expected.to_vec()));
        assert_eq!((diff.total.bytes_change, diff.total.is_significant), (3 << 20, false));
        assert_eq!(diff.notes.last().unwrap(), "exact rows are marked all the same, as they need no samples");
        assert!(diff.to_string().contains("\nnote: the sampling rate was changed between"), "{diff}");
        // Rows that the first table left out are not missed: they would not count.
        let mut cut = base.clone();
        cut.types.as_mut().unwrap().omitted_rows = 9;
        cut.types.as_mut().unwrap().rows.remove(1);
        assert_eq!(changes(&ReportDiff::between(&cut, &target).unwrap()), expected);
        let back = ReportDiff::between(&target, &base).unwrap();
        assert_eq!((back.rows[0].bytes_change, back.total.bytes_change), (-(3 << 20), -(3 << 20)));
    }

    #[test]
    fn reports_that_do_not_say_which_samples_they_have_are_not_marked() {
        let (mut base, mut target) = (sample::report(), sample::report());
        target.types.as_mut().unwrap().rows[0].bytes += 90 << 20;
        base.types.as_mut().unwrap().samples = None;
        let diff = ReportDiff::between(&base, &target).unwrap();
        assert_eq!((diff.comparison, diff.rows[0].bytes_change), (Comparison::Unknown, 90 << 20));
        assert!(!diff.rows[0].is_significant && diff.notes[0].contains("when their samples began"));
    }

    #[test]
    fn without_a_table_the_reason_is_told() {
        let mut bare = sample::report();
        bare.types = None;
        bare.unavailable.note("types", "profiling is off");
        let error = ReportDiff::between(&sample::report(), &bare).unwrap_err();
        assert_eq!(error.to_string(), "the second report has no table of types: profiling is off");
        let mut files = sample::report();
        files.types.as_mut().unwrap().group = "file".into();
        let error = ReportDiff::between(&files, &sample::report()).unwrap_err();
        assert_eq!(error.to_string(), "the first table is by file, the second by container");
    }

    #[test]
    fn a_report_of_another_version_is_not_compared() {
        let (report, mut newer) = (sample::report(), sample::report());
        newer.schema = "memory-debug/v2".into();
        // Nothing else is said of it, as nothing else of it is known.
        newer.types = None;
        let expected = |which| {
            format!(
                "the {which} report is of version \"memory-debug/v2\"; this program reads memory-debug/v1"
            )
        };
        assert_eq!(ReportDiff::between(&newer, &report).unwrap_err().to_string(), expected("first"));
        assert_eq!(ReportDiff::between(&report, &newer).unwrap_err().to_string(), expected("second"));
    }

    #[test]
    fn any_two_numbers_have_a_difference() {
        assert_eq!((difference(0, u64::MAX), difference(u64::MAX, 0)), (i64::MAX, i64::MIN));
        assert_eq!(difference(3, 1), -2);
    }
}
