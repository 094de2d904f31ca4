//! The difference between two reports, from their tables alone.
//!
//! A report that was saved, or that another instance sent, has no stacks. So nothing shows which samples stayed, and
//! the noise of both counts adds up. [`SnapshotDiff`](crate::SnapshotDiff) has the stacks and detects smaller
//! changes.

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

/// Description of the test.
const TEST: &str = "z-test of the change in bytes; the variance is the sum of both tables' variances; family-wise \
                    error of 5 % for the whole table (Bonferroni)";

/// The difference between two reports. Rows that changed most come first.
///
/// The reports may be of one process at two times, or of two processes.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct ReportDiff {
    /// The process of the first report.
    pub base: InstanceInfo,
    /// When the first report was collected.
    pub base_at: String,
    /// The process of the second report.
    pub target: InstanceInfo,
    /// When the second report was collected.
    pub target_at: String,
    /// Numbers that both reports have, by their path in the report.
    pub numbers: BTreeMap<String, NumberChange>,
    /// Whether the two tables have the same samples. If samples were [discarded](Comparison::Discarded) in between,
    /// sampled rows show what was allocated since then and is still held.
    pub comparison: Comparison,
    /// Caveats about the comparison, one sentence each.
    pub notes: Vec<String>,
    /// What a row stands for, as in [`TypeSummary::group`].
    pub group: String,
    /// Rows that differ.
    pub rows: Vec<DiffRow>,
    /// All rows together.
    pub total: DiffRow,
    /// Number of rows that `top` omitted.
    pub omitted_rows: u64,
    /// Number of rows that were compared, changed or not.
    pub compared_rows: u64,
    /// Whether a table omits rows. Then a row that only the other table has is not compared.
    pub is_partial: bool,
    /// A change is significant if its bytes exceed this many standard errors.
    pub threshold_stderrs: f64,
    /// Description of the test.
    pub test: String,
}

/// A number in two reports, and its change.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct NumberChange {
    /// Value in the first report.
    pub base: u64,
    /// Value in the second report.
    pub target: u64,
    /// The second value minus the first.
    pub change: i64,
}

impl ReportDiff {
    /// Compares two reports.
    ///
    /// # Errors
    ///
    /// If a report has another version or no table, or if the rows of the two tables stand for different things.
    pub fn between(base: &MemoryReport, target: &MemoryReport) -> Result<Self, Error> {
        let (earlier, later) = (table(base, "first")?, table(target, "second")?);
        if earlier.group != later.group {
            let (one, other) = (&earlier.group, &later.group);
            let message = format!("the first table is grouped by {one}, the second by {other}");
            return Err(Error::new(ErrorKind::NotComparable, message));
        }
        let basis = Basis::of(Origin::of_report(base), Origin::of_report(target));
        // After a discard, only the later profile counts. It has no sample in common with the earlier profile.
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
        // A row missing from a table that omits rows may still exist.
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
        // The sort is stable, so equally large changes stay in the order of their names.
        rows.sort_by_key(|row| std::cmp::Reverse(row.bytes_change.unsigned_abs()));
        let total = total(earlier, later, basis.only).admitted(&basis);
        let mut notes = basis.notes;
        let is_marked = |row: &DiffRow| row.is_significant && row.source == Some(RowSource::Exact);
        if !notes.is_empty() && rows.iter().any(is_marked) {
            notes.push("exact rows are still marked, because they do not depend on samples".to_owned());
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

    /// Keeps at most `top` rows whose name contains `filter`.
    #[must_use]
    pub fn truncate_filtered(mut self, top: usize, filter: Option<&str>) -> Self {
        let omitted =
            rows::truncate_filtered(&mut self.rows, top, filter, |row| [&row.type_name, &row.full_type]);
        self.omitted_rows = self.omitted_rows.saturating_add(omitted);
        self
    }
}

fn table<'r>(report: &'r MemoryReport, which: &str) -> Result<&'r TypeSummary, Error> {
    report
        .require_schema()
        .map_err(|error| Error::with_source(error.kind(), format!("the {which} report {error}"), error))?;
    report.types.as_ref().ok_or_else(|| {
        let reason = report.unavailable.get("types").unwrap_or("it was collected without one");
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

/// Whether a change is more than noise. Exact values have no noise.
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
    fn a_report_does_not_differ_from_itself() {
        let report = sample::report();
        let diff = ReportDiff::between(&report, &report).unwrap();
        assert_eq!((diff.rows.len(), diff.total.bytes_change, diff.compared_rows), (0, 0, 4));
        assert!(diff.numbers.values().all(|number| number.change == 0));
    }

    #[test]
    fn a_change_beyond_noise_is_significant() {
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
        let cut = diff.truncate_filtered(1, Some("S"));
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
    fn a_row_in_one_table_only_counts_as_a_change_unless_rows_were_omitted() {
        let (base, mut target) = (sample::report(), sample::report());
        target.types.as_mut().unwrap().rows.remove(1);
        let diff = ReportDiff::between(&base, &target).unwrap();
        assert_eq!((diff.rows[0].bytes_change, diff.rows[0].objects), (-7_330_000, 0));
        target.types.as_mut().unwrap().omitted_rows = 1;
        let diff = ReportDiff::between(&base, &target).unwrap();
        assert_eq!((diff.rows.len(), diff.is_partial, diff.compared_rows), (0, true, 3));
    }

    #[test]
    fn after_a_discard_only_later_sampled_rows_count_and_exact_rows_stay() {
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
        assert_eq!(
            diff.notes.last().unwrap(),
            "exact rows are still marked, because they do not depend on samples"
        );
        assert!(diff.to_string().contains("\nnote: the sampling rate was changed between"), "{diff}");
        // Rows that the first table omits do not matter, because they would not count.
        let mut cut = base.clone();
        cut.types.as_mut().unwrap().omitted_rows = 9;
        cut.types.as_mut().unwrap().rows.remove(1);
        assert_eq!(changes(&ReportDiff::between(&cut, &target).unwrap()), expected);
        let back = ReportDiff::between(&target, &base).unwrap();
        assert_eq!((back.rows[0].bytes_change, back.total.bytes_change), (-(3 << 20), -(3 << 20)));
    }

    #[test]
    fn changes_between_reports_with_unknown_samples_are_not_significant() {
        let (mut base, mut target) = (sample::report(), sample::report());
        target.types.as_mut().unwrap().rows[0].bytes += 90 << 20;
        base.types.as_mut().unwrap().samples = None;
        let diff = ReportDiff::between(&base, &target).unwrap();
        assert_eq!((diff.comparison, diff.rows[0].bytes_change), (Comparison::Unknown, 90 << 20));
        assert!(!diff.rows[0].is_significant && diff.notes[0].contains("when its samples began"));
    }

    #[test]
    fn without_a_table_the_error_has_the_reason() {
        let mut bare = sample::report();
        bare.types = None;
        bare.unavailable.note("types", "profiling is off");
        let error = ReportDiff::between(&sample::report(), &bare).unwrap_err();
        assert_eq!(error.to_string(), "the second report has no table of types: profiling is off");
        let mut files = sample::report();
        files.types.as_mut().unwrap().group = "file".into();
        let error = ReportDiff::between(&files, &sample::report()).unwrap_err();
        assert_eq!(error.to_string(), "the first table is grouped by file, the second by container");
    }

    #[test]
    fn rejects_a_report_of_another_version() {
        let (report, mut newer) = (sample::report(), sample::report());
        newer.schema = "memory-debug/v2".into();
        // The version error comes first, because nothing else in such a report is known.
        newer.types = None;
        let expected = |which| {
            format!("the {which} report has version \"memory-debug/v2\"; this program reads memory-debug/v1")
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
