//! Merges the tables of types of many instances.

use std::collections::{BTreeSet, HashMap};

use serde::{Deserialize, Serialize};

use super::spread::{Cell, Spread};
use crate::instance::InstanceId;
use crate::report::{RowSource, TypeSummary};
use crate::rows;

/// Types by the memory that all instances hold together, largest first.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[non_exhaustive]
#[serde(default)]
pub struct FleetTypes {
    /// What a row stands for, as in [`TypeSummary::group`].
    pub group: String,
    /// Number of instances whose tables were merged.
    pub instances: u64,
    /// Sampling rates of the instances. Several rates are fine, because each row states its error.
    pub sample_bytes: Vec<u64>,
    /// Quality of the symbols at the instances. If it differs, one type may be in several rows.
    pub symbols: Vec<String>,
    /// The rows.
    pub rows: Vec<FleetTypeRow>,
    /// Live bytes of all sampled rows of all instances.
    pub total_bytes: Option<u64>,
    /// One standard error of `total_bytes`, in bytes.
    pub total_bytes_stderr: Option<f64>,
    /// How the totals differ between instances.
    pub total_spread: Option<Spread>,
    /// Live bytes whose type is unknown.
    pub unattributed_bytes: Option<u64>,
    /// Rows omitted here because of `top`.
    pub omitted_rows: u64,
    /// Rows that instances omitted from their own tables. If there are any, small rows may be too low.
    pub omitted_at_instances: u64,
}

/// One type, summed over all instances.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct FleetTypeRow {
    /// As in [`TypeRow::type_name`](crate::TypeRow::type_name).
    #[serde(rename = "type")]
    pub type_name: String,
    /// As in [`TypeRow::full_type`](crate::TypeRow::full_type).
    pub full_type: String,
    /// Live objects of all instances.
    pub objects: u64,
    /// Live bytes of all instances.
    pub bytes: u64,
    /// One standard error of `objects`, in objects.
    pub objects_stderr: f64,
    /// One standard error of `bytes`, in bytes.
    pub bytes_stderr: f64,
    /// Where the numbers come from.
    pub source: RowSource,
    /// Number of instances that have this row.
    pub instances: u64,
    /// How the bytes differ between instances. An instance without this row counts as 0, unless it omitted rows.
    pub spread: Spread,
    /// As in [`TypeRow::threads`](crate::TypeRow::threads), summed over all instances.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub threads: Option<u64>,
}

/// Merges tables, one at a time.
#[derive(Debug, Default)]
pub(super) struct Tables {
    group: Option<String>,
    rates: BTreeSet<u64>,
    symbols: BTreeSet<String>,
    rows: HashMap<(String, String, RowSource), Row>,
    totals: Vec<Cell>,
    unattributed: Option<u64>,
    /// Instances whose table has all rows; `cut` counts the others.
    whole: Vec<InstanceId>,
    cut: u64,
    omitted: u64,
}

#[derive(Debug, Default)]
struct Row {
    objects: u64,
    objects_variance: f64,
    cells: Vec<Cell>,
    threads: Option<u64>,
}

impl Tables {
    /// Adds the table of an instance.
    ///
    /// # Errors
    ///
    /// If its rows stand for something other than the rows of the earlier tables.
    pub(super) fn add(&mut self, instance: InstanceId, table: &TypeSummary) -> Result<(), String> {
        let group = self.group.get_or_insert_with(|| table.group.clone());
        if *group != table.group {
            return Err(format!("its table is grouped by {}, the other tables by {group}", table.group));
        }
        self.rates.extend(table.sample_bytes);
        self.symbols.extend(table.symbols.clone());
        self.totals.extend(table.total_bytes.map(|value| {
            let stderr = error(table.total_bytes_stderr.unwrap_or_default());
            Cell { instance, value, stderr }
        }));
        if let Some(bytes) = table.unattributed_bytes {
            self.unattributed = Some(self.unattributed.unwrap_or_default().saturating_add(bytes));
        }
        self.omitted = self.omitted.saturating_add(table.omitted_rows);
        if table.omitted_rows == 0 {
            self.whole.push(instance)
        } else {
            self.cut += 1
        }
        for row in &table.rows {
            let key = (row.full_type.clone(), row.type_name.clone(), row.source);
            let sum = self.rows.entry(key).or_default();
            sum.objects = sum.objects.saturating_add(row.objects);
            sum.objects_variance += error(row.objects_stderr).powi(2);
            if let Some(threads) = row.threads {
                sum.threads = Some(sum.threads.unwrap_or_default().saturating_add(threads));
            }
            let stderr = error(row.bytes_stderr);
            match sum.cells.last_mut().filter(|cell| cell.instance == instance) {
                Some(cell) => {
                    cell.value = cell.value.saturating_add(row.bytes);
                    cell.stderr = cell.stderr.hypot(stderr);
                }
                None => sum.cells.push(Cell { instance, value: row.bytes, stderr }),
            }
        }
        Ok(())
    }

    /// The merged table. `None` if no instance had a table.
    pub(super) fn finish(self) -> Option<FleetTypes> {
        let group = self.group?;
        let mut rows: Vec<FleetTypeRow> = Vec::with_capacity(self.rows.len());
        for ((full_type, type_name, source), row) in self.rows {
            let (instances, threads) = (row.cells.len() as u64, row.threads);
            let (bytes, bytes_stderr) = sum(&row.cells);
            let Some(spread) = Spread::of(&with_zeros(row.cells, &self.whole)) else { continue };
            rows.push(FleetTypeRow {
                type_name,
                full_type,
                objects: row.objects,
                bytes,
                // A type may have few objects, so thousandths of an object matter.
                objects_stderr: (1e3 * row.objects_variance.sqrt()).round() / 1e3,
                bytes_stderr,
                source,
                instances,
                spread,
                threads,
            });
        }
        rows.sort_by(|a, b| {
            let names = |row: &FleetTypeRow| (row.type_name.clone(), row.full_type.clone(), row.source as u8);
            b.bytes.cmp(&a.bytes).then_with(|| names(a).cmp(&names(b)))
        });
        let (total_bytes, total_stderr) = sum(&self.totals);
        let is_known = !self.totals.is_empty();
        Some(FleetTypes {
            group,
            instances: self.whole.len() as u64 + self.cut,
            sample_bytes: self.rates.into_iter().collect(),
            symbols: self.symbols.into_iter().collect(),
            rows,
            total_bytes: is_known.then_some(total_bytes),
            total_bytes_stderr: is_known.then_some(total_stderr),
            total_spread: Spread::of(&self.totals),
            unattributed_bytes: self.unattributed,
            omitted_rows: 0,
            omitted_at_instances: self.omitted,
        })
    }
}

impl FleetTypes {
    /// Keeps at most `top` rows whose name contains `filter`. Totals still cover all rows.
    #[must_use]
    pub fn truncate_filtered(mut self, top: usize, filter: Option<&str>) -> Self {
        let omitted =
            rows::truncate_filtered(&mut self.rows, top, filter, |row| [&row.type_name, &row.full_type]);
        self.omitted_rows = self.omitted_rows.saturating_add(omitted);
        self
    }
}

/// Sum and its standard error. The error is rounded, so that the order of the cells does not show in its last digits.
fn sum(cells: &[Cell]) -> (u64, f64) {
    let bytes = cells.iter().fold(0, |sum: u64, cell| sum.saturating_add(cell.value));
    (bytes, cells.iter().map(|cell| cell.stderr.powi(2)).sum::<f64>().sqrt().round())
}

/// Adds zeros for instances that sent all their rows and do not have this row.
fn with_zeros(mut cells: Vec<Cell>, whole: &[InstanceId]) -> Vec<Cell> {
    let present: BTreeSet<_> = cells.iter().map(|cell| cell.instance).collect();
    let absent = whole.iter().filter(|instance| !present.contains(instance));
    cells.extend(absent.map(|&instance| Cell { instance, value: 0, stderr: 0.0 }));
    cells
}

/// A standard error from the wire, which may be any number. A very large error means "unknown" and can still be
/// added.
fn error(stderr: f64) -> f64 {
    if stderr.is_finite() { stderr.clamp(0.0, u64::MAX as f64) } else { u64::MAX as f64 }
}

#[cfg(test)]
mod tests {
    use super::super::tests::id;
    use super::*;
    use crate::sample;

    #[test]
    fn rows_of_one_type_are_one_row_and_errors_add_as_variances() {
        let mut tables = Tables::default();
        let mut second = sample::types();
        second.rows.remove(2);
        second.rows[0].bytes = 4 << 20;
        tables.add(id(1), &sample::types()).unwrap();
        tables.add(id(2), &second).unwrap();
        let merged = tables.finish().unwrap();
        assert_eq!(
            (merged.instances, merged.total_bytes, merged.unattributed_bytes),
            (2, Some(40 << 20), Some(2 << 20))
        );
        assert_eq!(merged.total_bytes_stderr, Some((3_316_000.0 * 2.0_f64.sqrt()).round()));
        let names: Vec<_> = merged.rows.iter().map(|row| row.type_name.as_str()).collect();
        assert_eq!(names, ["HashMap<String, Session>", "String", "Session", "parse_row"]);
        let map = &merged.rows[0];
        assert_eq!((map.bytes, map.objects, map.instances), (16 << 20, 2, 2));
        assert_eq!(map.objects_stderr, 0.141, "the root of twice the square of 0.1");
        assert_eq!((map.spread.min, map.spread.median, map.spread.max), (4 << 20, 8 << 20, 12 << 20));
        let parse = &merged.rows[3];
        assert_eq!((parse.instances, parse.spread.min, parse.spread.max), (1, 0, 1 << 20));
    }

    #[test]
    fn a_missing_row_is_not_zero_if_rows_were_omitted() {
        let mut tables = Tables::default();
        let mut second = sample::types();
        second.rows.truncate(1);
        second.omitted_rows = 3;
        tables.add(id(1), &sample::types()).unwrap();
        tables.add(id(2), &second).unwrap();
        let merged = tables.finish().unwrap();
        assert_eq!(merged.omitted_at_instances, 3);
        assert_eq!(
            (merged.instances, merged.rows[1].instances, merged.rows[1].spread.min),
            (2, 1, 7_330_000)
        );
    }

    #[test]
    fn an_instance_with_a_whole_table_counts_as_zero_for_its_missing_rows() {
        let mut tables = Tables::default();
        let (whole, mut without, mut cut) = (sample::types(), sample::types(), sample::types());
        without.rows.remove(0);
        cut.omitted_rows = 1;
        for (number, table) in [(1, &whole), (2, &without), (3, &cut)] {
            tables.add(id(number), table).unwrap();
        }
        let map = &tables.finish().unwrap().rows[0];
        assert_eq!((map.instances, map.spread.min, map.spread.median), (2, 0, 12 << 20));
    }

    #[test]
    fn errors_of_objects_add_as_variances_too() {
        let mut tables = Tables::default();
        let mut second = sample::types();
        (second.rows[1].objects, second.rows[1].objects_stderr) = (2_900, 1_450.0);
        tables.add(id(1), &sample::types()).unwrap();
        tables.add(id(2), &second).unwrap();
        let merged = tables.finish().unwrap();
        // sqrt(9,710^2 + 1,450^2)
        assert_eq!((merged.rows[1].objects, merged.rows[1].objects_stderr), (100_000, 9_817.668));
    }

    #[test]
    fn an_invalid_error_becomes_unknown() {
        for (received, expected) in [
            (0.5, 0.5),
            (-1.0, 0.0),
            (f64::MAX, u64::MAX as f64),
            (f64::INFINITY, u64::MAX as f64),
            (f64::NAN, u64::MAX as f64),
        ] {
            assert_eq!(error(received), expected, "{received}");
        }
    }

    #[test]
    fn rejects_a_table_with_another_group() {
        let mut tables = Tables::default();
        tables.add(id(1), &sample::types()).unwrap();
        let other = TypeSummary { group: "file".into(), ..sample::types() };
        let reason = tables.add(id(2), &other).unwrap_err();
        assert_eq!(reason, "its table is grouped by file, the other tables by container");
        assert_eq!(tables.finish().unwrap().instances, 1);
    }

    #[test]
    fn hostile_numbers_neither_overflow_nor_break_the_json() {
        let mut tables = Tables::default();
        let mut table = sample::types();
        (table.total_bytes, table.total_bytes_stderr) = (Some(u64::MAX), Some(f64::MAX));
        let row = &mut table.rows[0];
        (row.bytes, row.objects, row.bytes_stderr, row.objects_stderr) = (u64::MAX, u64::MAX, f64::MAX, -1.0);
        (1..5).for_each(|number| tables.add(id(number), &table).unwrap());
        let merged = tables.finish().unwrap();
        assert_eq!((merged.total_bytes, merged.rows[0].bytes), (Some(u64::MAX), u64::MAX));
        let json = serde_json::to_string(&merged).unwrap();
        assert_eq!(serde_json::from_str::<FleetTypes>(&json).unwrap(), merged);
    }

    #[test]
    fn a_cut_table_keeps_its_totals_and_counts_omitted_rows() {
        let mut tables = Tables::default();
        tables.add(id(1), &sample::types()).unwrap();
        let cut = tables.finish().unwrap().truncate_filtered(1, Some("Session"));
        assert_eq!((cut.rows.len(), cut.omitted_rows, cut.total_bytes), (1, 1, Some(20 << 20)));
    }
}
