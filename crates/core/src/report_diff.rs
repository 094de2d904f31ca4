//! What changed between two reports, by their tables alone.
//!
//! A report that was saved, or came from elsewhere, has no stacks any more, so nothing tells which samples stayed: the
//! noise of both counts in full. [`SnapshotDiff`](crate::SnapshotDiff), which has the stacks, sees smaller changes.

use std::collections::BTreeMap;

use memory_debug_profile::significant_stderrs;
use serde::{Deserialize, Serialize};

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
    pub fn between(base: &MemoryReport, target: &MemoryReport) -> Result<Self, String> {
        let (earlier, later) = (table(base, "first")?, table(target, "second")?);
        if earlier.group != later.group {
            let (one, other) = (&earlier.group, &later.group);
            return Err(format!("the first table is by {one}, the second by {other}"));
        }
        let mut pairs: BTreeMap<_, (Option<&TypeRow>, Option<&TypeRow>)> = BTreeMap::new();
        let key = |row: &TypeRow| (row.type_name.clone(), row.full_type.clone(), row.source as u8);
        earlier.rows.iter().for_each(|row| pairs.entry(key(row)).or_default().0 = Some(row));
        later.rows.iter().for_each(|row| pairs.entry(key(row)).or_default().1 = Some(row));
        // Absent from a table that left rows out does not mean that there is nothing.
        pairs.retain(|_, (before, now)| {
            (before.is_some() || earlier.omitted_rows == 0) && (now.is_some() || later.omitted_rows == 0)
        });
        let threshold = significant_stderrs(pairs.len());
        let rows = pairs.values().map(|(before, now)| row(*before, *now, threshold));
        let mut rows: Vec<_> = rows.filter(|row| row.objects_change != 0 || row.bytes_change != 0).collect();
        // Stable: equally large changes stay in the order of their names.
        rows.sort_by_key(|row| std::cmp::Reverse(row.bytes_change.unsigned_abs()));
        Ok(Self {
            base: base.instance.clone(),
            base_at: base.collected_at.clone(),
            target: target.instance.clone(),
            target_at: target.collected_at.clone(),
            numbers: numbers(base, target),
            group: later.group.clone(),
            rows,
            total: total(earlier, later),
            omitted_rows: 0,
            compared_rows: pairs.len() as u64,
            is_partial: earlier.omitted_rows > 0 || later.omitted_rows > 0,
            threshold_stderrs: threshold,
            test: TEST.into(),
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

fn table<'r>(report: &'r MemoryReport, which: &str) -> Result<&'r TypeSummary, String> {
    report.require_schema().map_err(|message| format!("the {which} report {message}"))?;
    report.types.as_ref().ok_or_else(|| {
        let reason = report.unavailable.get("types").unwrap_or("it was made without");
        format!("the {which} report has no table of types: {reason}")
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

fn total(before: &TypeSummary, now: &TypeSummary) -> DiffRow {
    let sum = |table: &TypeSummary| {
        let stderr = table.total_bytes_stderr.unwrap_or_default();
        (table.total_objects.unwrap_or_default(), table.total_bytes.unwrap_or_default(), stderr)
    };
    let ((objects_before, bytes_before, error_before), (objects, bytes, error)) = (sum(before), sum(now));
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
    use crate::render::sample;

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
    fn without_a_table_the_reason_is_told() {
        let mut bare = sample::report();
        bare.types = None;
        bare.unavailable.note("types", "profiling is off");
        let error = ReportDiff::between(&sample::report(), &bare).unwrap_err();
        assert_eq!(error, "the second report has no table of types: profiling is off");
        let mut files = sample::report();
        files.types.as_mut().unwrap().group = "file".into();
        let error = ReportDiff::between(&files, &sample::report()).unwrap_err();
        assert_eq!(error, "the first table is by file, the second by container");
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
        assert_eq!(ReportDiff::between(&newer, &report).unwrap_err(), expected("first"));
        assert_eq!(ReportDiff::between(&report, &newer).unwrap_err(), expected("second"));
    }

    #[test]
    fn any_two_numbers_have_a_difference() {
        assert_eq!((difference(0, u64::MAX), difference(u64::MAX, 0)), (i64::MAX, i64::MIN));
        assert_eq!(difference(3, 1), -2);
    }
}
