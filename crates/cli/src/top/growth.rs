//! How the rows of all instances changed since the start, and which changes are more than noise.
//!
//! Each instance is compared with its own first report, and the changes are added up. So an instance that starts or
//! stops answering is not growth. For one instance the result and the test equal
//! [`ReportDiff`](memory_debug_report::ReportDiff).

use std::collections::HashMap;
use std::time::Duration;

use memory_debug_profile::significant_stderrs;
use memory_debug_report::{RowSource, TypeRow, TypeSummary};

use super::instance::Answer;

/// The shortest time for which a rate is meaningful.
const SHORTEST: Duration = Duration::from_secs(10);

/// The identity of a row: name, full type, source.
pub(super) type Key<'a> = (&'a str, &'a str, RowSource);

/// A change of bytes since the start.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub(super) struct Growth {
    /// The bytes at the start.
    pub(super) base: u64,
    pub(super) change: i64,
    /// One standard error of `change`.
    pub(super) stderr: f64,
    pub(super) is_significant: bool,
    /// Change in bytes per hour. `None` if too little time has passed.
    pub(super) per_hour: Option<f64>,
}

/// The growth of each row and of the total.
#[derive(Debug, Default)]
pub(super) struct Growths<'a> {
    /// Rows that are in a table now or were at the start, except rows that a truncated table may have left out.
    pub(super) rows: HashMap<Key<'a>, Growth>,
    /// `None` if the total of an instance is unknown.
    pub(super) total: Option<Growth>,
    /// A change of more than this many standard errors is more than noise.
    pub(super) threshold: f64,
}

#[derive(Clone, Copy, Debug)]
struct Sum {
    base: u64,
    change: i128,
    variance: f64,
    per_hour: Option<f64>,
    is_known: bool,
}

/// Computes growth from the first and the last report of each instance.
pub(super) fn growths<'a>(instances: &[(&'a Answer, &'a Answer)]) -> Growths<'a> {
    let mut sums: HashMap<Key<'a>, Sum> = HashMap::new();
    let mut total = Some(Sum::ZERO);
    let mut has_table = false;
    for (base, now) in instances {
        let (Some(earlier), Some(later)) = (&base.report.types, &now.report.types) else { continue };
        has_table = true;
        let time = now.at.saturating_duration_since(base.at);
        let mut pairs: HashMap<Key<'a>, [Option<(u64, f64)>; 2]> = HashMap::new();
        for (moment, table) in [earlier, later].into_iter().enumerate() {
            for row in &table.rows {
                let cell = pairs.entry(key(row)).or_default()[moment].get_or_insert_default();
                *cell = (cell.0.saturating_add(row.bytes), cell.1.hypot(row.bytes_stderr));
            }
        }
        for (key, [before, after]) in pairs {
            let sum = sums.entry(key).or_insert(Sum::ZERO);
            // A table that left rows out may lack a row that still exists.
            let is_known = (before.is_some() || earlier.omitted_rows == 0)
                && (after.is_some() || later.omitted_rows == 0);
            sum.is_known &= is_known;
            sum.add(before.unwrap_or_default(), after.unwrap_or_default(), time);
        }
        total = match (total, whole(earlier), whole(later)) {
            (Some(mut sum), Some(before), Some(after)) => {
                sum.add(before, after, time);
                Some(sum)
            }
            _ => None,
        };
    }
    sums.retain(|_, sum| sum.is_known);
    let threshold = significant_stderrs(sums.len());
    Growths {
        rows: sums.into_iter().map(|(key, sum)| (key, sum.growth(threshold))).collect(),
        total: total.filter(|_| has_table).map(|sum| sum.growth(significant_stderrs(1))),
        threshold,
    }
}

impl Growth {
    /// Change per hour in percent of the bytes at the start. `None` if these were 0.
    pub(super) fn percent_per_hour(&self) -> Option<f64> {
        self.per_hour.filter(|_| self.base > 0).map(|bytes| 100.0 * bytes / self.base as f64)
    }
}

impl Sum {
    const ZERO: Self = Self { base: 0, change: 0, variance: 0.0, per_hour: Some(0.0), is_known: true };

    /// Adds one instance: bytes with their standard error, before and after.
    fn add(&mut self, before: (u64, f64), after: (u64, f64), time: Duration) {
        let change = i128::from(after.0) - i128::from(before.0);
        self.base = self.base.saturating_add(before.0);
        self.change = self.change.saturating_add(change);
        self.variance += before.1.powi(2) + after.1.powi(2);
        let per_hour = (time >= SHORTEST).then(|| change as f64 * 3600.0 / time.as_secs_f64());
        self.per_hour = self.per_hour.zip(per_hour).map(|(sum, rate)| sum + rate);
    }

    fn growth(self, threshold: f64) -> Growth {
        let Self { base, change, variance, per_hour, .. } = self;
        let stderr = variance.sqrt();
        let is_significant = change != 0 && change.unsigned_abs() as f64 > threshold * stderr;
        let change = i64::try_from(change).unwrap_or(if change < 0 { i64::MIN } else { i64::MAX });
        Growth { base, change, stderr, is_significant, per_hour }
    }
}

fn key(row: &TypeRow) -> Key<'_> {
    (&row.type_name, &row.full_type, row.source)
}

fn whole(table: &TypeSummary) -> Option<(u64, f64)> {
    Some((table.total_bytes?, table.total_bytes_stderr.unwrap_or_default()))
}

#[cfg(test)]
mod tests {
    use std::time::Instant;

    use memory_debug_report::{MemoryReport, ReportDiff};
    use proptest::prelude::*;

    use super::super::fixture::{report, row};
    use super::*;

    fn pair(base: MemoryReport, now: MemoryReport, seconds: u64) -> (Answer, Answer) {
        let at = Instant::now();
        (Answer { report: base, at }, Answer { report: now, at: at + Duration::from_secs(seconds) })
    }

    fn a_table(number: u64) -> impl Strategy<Value = MemoryReport> {
        let rows = proptest::collection::vec((0_u64..12, 0_u64..1 << 32, 0_u32..1 << 24), 0..12);
        (rows, any::<bool>()).prop_map(move |(mut rows, is_cut)| {
            rows.sort();
            rows.dedup_by_key(|row| row.0);
            let rows =
                rows.iter().map(|(name, bytes, error)| row(&format!("T{name}"), 1, *bytes, (*error).into()));
            let mut report = report(number, rows.collect());
            report.types.as_mut().unwrap().omitted_rows = is_cut.into();
            report
        })
    }

    proptest! {
        #[test]
        fn growth_of_one_instance_equals_a_report_diff(base in a_table(1), now in a_table(1)) {
            let diff = ReportDiff::between(&base, &now).unwrap();
            let (base, now) = pair(base, now, 60);
            let growths = growths(&[(&base, &now)]);
            prop_assert_eq!(growths.rows.len() as u64, diff.compared_rows);
            prop_assert!(growths.rows.is_empty() || growths.threshold == diff.threshold_stderrs);
            for row in &diff.rows {
                let key = (row.type_name.as_str(), row.full_type.as_str(), row.source.unwrap());
                let growth = growths.rows[&key];
                prop_assert_eq!(
                    (growth.change, growth.is_significant),
                    (row.bytes_change, row.is_significant),
                    "{}", row.type_name
                );
                prop_assert!((growth.stderr - row.bytes_change_stderr).abs() <= 1e-6 * growth.stderr);
            }
            prop_assert_eq!(growths.total.unwrap().change, diff.total.bytes_change);
        }
    }

    #[test]
    fn changes_of_instances_add_up_and_so_do_their_variances() {
        let table = |bytes| vec![row("A", 1, bytes, 3.0), row("B", 1, 7, 0.0)];
        let one = pair(report(1, table(100)), report(1, table(200)), 3600);
        let other = pair(report(2, table(1000)), report(2, table(950)), 1800);
        let growths = growths(&[(&one.0, &one.1), (&other.0, &other.1)]);
        let growth = growths.rows[&("A", "x::A", RowSource::Sampled)];
        assert_eq!((growth.base, growth.change, growth.stderr), (1100, 50, 6.0));
        assert!(growth.is_significant && growth.per_hour == Some(100.0 - 100.0), "{growth:?}");
        assert!(!growths.rows[&("B", "x::B", RowSource::Sampled)].is_significant, "it did not change");
    }

    #[test]
    fn rate_needs_some_time_and_a_base_above_zero() {
        let rate = |before, seconds| {
            let rows = |bytes| vec![row("A", 1, bytes, 0.0)];
            let (base, now) = pair(report(1, rows(before)), report(1, rows(110)), seconds);
            growths(&[(&base, &now)]).rows[&("A", "x::A", RowSource::Sampled)].percent_per_hour()
        };
        assert_eq!((rate(100, 3600), rate(100, 9), rate(0, 3600)), (Some(10.0), None, None));
    }

    #[test]
    fn hostile_numbers_do_not_overflow() {
        let rows = |bytes| vec![row("A", 1, bytes, f64::MAX); 3];
        let (base, now) = pair(report(1, rows(0)), report(1, rows(u64::MAX)), 60);
        let pairs = vec![(&base, &now); 9];
        let growth = growths(&pairs).rows[&("A", "x::A", RowSource::Sampled)];
        assert_eq!((growth.change, growth.is_significant), (i64::MAX, false));
    }
}
