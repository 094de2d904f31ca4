//! Differences of heaps, and growth beyond their peaks.

use std::fmt::{self, Display, Formatter};

use super::row_name;
use super::table::{more, write_columns};
use crate::comparison::Comparison;
use crate::report::RowSource;
use crate::snapshot::{DiffRow, Growth, SnapshotDiff, SnapshotInfo};
use crate::units::{Bytes, count, percent, printable, signed_bytes, signed_count};

impl Display for SnapshotDiff {
    /// Caveats first, then the table's columns with signs. A change beyond noise has a star.
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        writeln!(f, "{}\n", moments(self))?;
        write_notes(f, &self.notes)?;
        write_rows(f, &self.rows, self.omitted_rows, without_rows(self))?;
        writeln!(f, "{}", total(self))
    }
}

/// Which two moments are compared.
pub fn moments(diff: &SnapshotDiff) -> String {
    let (base, target) = (Moment(&diff.base), Moment(&diff.target));
    if diff.comparison == Comparison::Discarded {
        format!("the samples were discarded between {base} and {target}")
    } else {
        format!("change from {base} to {target}")
    }
}

/// What the page says if no row is shown.
pub fn without_rows(diff: &SnapshotDiff) -> &'static str {
    match diff.comparison {
        // Without marked rows there is no growth to show.
        Comparison::Discarded | Comparison::Unknown if diff.omitted_rows == 0 => "no row to show",
        _ => NO_ROW_DIFFERS,
    }
}

/// What two reports without a changed row say.
pub const NO_ROW_DIFFERS: &str = "no row differs";

/// The change of all rows, and what the star means.
pub fn total(diff: &SnapshotDiff) -> String {
    total_of(&diff.total, diff.comparison, diff.threshold_stderrs, diff.compared_rows)
}

/// Writes the caveats before the rows, so that readers do not misread the rows.
pub(super) fn write_notes(f: &mut Formatter<'_>, notes: &[String]) -> fmt::Result {
    notes.iter().try_for_each(|note| writeln!(f, "note: {}", printable(note)))?;
    if notes.is_empty() { Ok(()) } else { writeln!(f) }
}

/// Writes the rows, or the line `without` instead of an empty table.
pub(super) fn write_rows(
    f: &mut Formatter<'_>,
    rows: &[DiffRow],
    omitted: u64,
    without: &str,
) -> fmt::Result {
    match rows {
        [] => writeln!(f, "{without}")?,
        rows => write_columns(f, rows.iter().map(cells))?,
    }
    more(omitted).map_or(Ok(()), |line| writeln!(f, "{line}"))
}

/// The change of all rows, and what the star means.
pub(super) fn total_of(total: &DiffRow, comparison: Comparison, threshold: f64, compared: u64) -> String {
    let change = signed_bytes(total.bytes_change);
    let (stderr, bytes) = (Bytes(total.bytes_change_stderr as u64), Bytes(total.bytes));
    let marks = match comparison {
        Comparison::Discarded | Comparison::Unknown => "no row is marked; see the notes".to_owned(),
        _ => format!(
            "* marks more than noise: over {threshold:.1} standard errors (5 % risk of any false mark in {} rows)",
            count(compared),
        ),
    };
    format!("total {change} (± {stderr:.2}) of {bytes}; {marks}")
}

impl Display for Growth {
    /// The rows above their peak, in the table's columns with signs.
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        let (rows, since) = (count(self.compared_rows), Moment(&self.since));
        if self.rows.is_empty() {
            return writeln!(f, "none of {rows} rows is above its peak since {since}");
        }
        writeln!(f, "rows above their peak since {since}, out of {rows}\n")?;
        write_columns(f, self.rows.iter().map(cells))
    }
}

/// The cells of a row: name, change of objects and of bytes, and one standard error with a star beyond noise.
pub fn cells(row: &DiffRow) -> [String; 4] {
    let name = row_name(&row.type_name, row.source != Some(RowSource::Unattributed));
    let error = percent(row.bytes_change_stderr, row.bytes_change.unsigned_abs() as f64);
    let error = error.map_or("–".to_owned(), |percent| format!("{percent:.0} %"));
    let mark = if row.is_significant { " *" } else { "" };
    [name, signed_count(row.objects_change), signed_bytes(row.bytes_change), error + mark]
}

/// A snapshot's label or id, with its time.
pub(super) struct Moment<'a>(pub(super) &'a SnapshotInfo);

impl Display for Moment<'_> {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        let SnapshotInfo { id, label, taken_at, .. } = self.0;
        match label {
            Some(label) => write!(f, "{} ({})", printable(label), printable(taken_at)),
            None => write!(f, "{id} ({})", printable(taken_at)),
        }
    }
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;

    pub(in crate::render) fn info(label: Option<&str>) -> SnapshotInfo {
        serde_json::from_value(serde_json::json!({
            "schema": "memory-debug-snapshot/v1", "id": "000102030405060708090a0b0c0d0e0f", "label": label,
            "taken_at": "2026-11-21T09:00:00.000Z", "stacks": 9, "sampled_bytes": 1,
            "instance": {"id": "00000000-0000-4000-8000-000000000000", "pid": 1},
        }))
        .unwrap()
    }

    #[test]
    fn a_diff_has_the_tables_columns_with_signs_and_a_star_beyond_noise() {
        let row = |name: &str, objects_change, bytes_change, is_significant| DiffRow {
            type_name: name.into(),
            objects_change,
            bytes_change,
            bytes_change_stderr: 1_048_576.0,
            is_significant,
            source: Some(RowSource::Sampled),
            ..DiffRow::default()
        };
        let diff = SnapshotDiff {
            base: info(Some("before\u{1b}[2J")),
            target: info(None),
            comparison: Comparison::Whole,
            notes: Vec::new(),
            group: "container".into(),
            rows: vec![row("Vec<AuditRecord>", 1200, 10 << 20, true), row("String", -3, -(1 << 20), false)],
            total: DiffRow { bytes: 64 << 20, ..row("", 1197, 9 << 20, true) },
            omitted_rows: 1,
            compared_rows: 300,
            threshold_stderrs: 3.76,
            test: String::new(),
        };
        let expected = "\
change from before\\u{1b}[2J (2026-11-21T09:00:00.000Z) to 000102030405060708090a0b0c0d0e0f (2026-11-21T09:00:00.000Z)

                                       types |   # objects |   total size |      ±
============================================ | =========== | ============ | ======
                            Vec<AuditRecord> |      +1,200 |   +10.00 MiB | 10 % *
                                      String |          -3 |    -1.00 MiB |  100 %
… and 1 more
total +9.00 MiB (± 1.00 MiB) of 64.00 MiB; * marks more than noise: over 3.8 standard errors (5 % risk \
of any false mark in 300 rows)
";
        assert_eq!(diff.to_string(), expected);
        let none = SnapshotDiff { rows: Vec::new(), ..diff.clone() };
        assert!(none.to_string().contains("no row differs"));
        let discarded = SnapshotDiff {
            comparison: Comparison::Discarded,
            notes: vec!["the rate was changed".into(), "no row is marked".into()],
            rows: vec![row("Vec<AuditRecord>", 1200, 10 << 20, false)],
            omitted_rows: 0,
            ..diff
        };
        let expected = "\
the samples were discarded between before\\u{1b}[2J (2026-11-21T09:00:00.000Z) and 000102030405060708090a0b0c0d0e0f \
(2026-11-21T09:00:00.000Z)

note: the rate was changed
note: no row is marked

                                       types |   # objects |   total size |      ±
============================================ | =========== | ============ | ======
                            Vec<AuditRecord> |      +1,200 |   +10.00 MiB |   10 %
total +9.00 MiB (± 1.00 MiB) of 64.00 MiB; no row is marked; see the notes
";
        assert_eq!(discarded.to_string(), expected);
        let none = SnapshotDiff { rows: Vec::new(), ..discarded };
        assert!(none.to_string().contains("\n\nno row to show\ntotal "), "{none}");
    }

    #[test]
    fn growth_lists_rows_or_says_that_no_row_grew() {
        let row = DiffRow {
            type_name: "Vec<AuditRecord>".into(),
            objects_change: 1200,
            bytes_change: 10 << 20,
            bytes_change_stderr: 1_048_576.0,
            is_significant: true,
            source: Some(RowSource::Sampled),
            ..DiffRow::default()
        };
        let (since, target) = (info(Some("start")), info(None));
        let group = "container".into();
        let growth =
            Growth { since, target, group, rows: vec![row], compared_rows: 1300, threshold_stderrs: 4.0 };
        let expected = "\
rows above their peak since start (2026-11-21T09:00:00.000Z), out of 1,300

                                       types |   # objects |   total size |      ±
============================================ | =========== | ============ | ======
                            Vec<AuditRecord> |      +1,200 |   +10.00 MiB | 10 % *
";
        assert_eq!(growth.to_string(), expected);
        let none = Growth { rows: Vec::new(), ..growth };
        assert!(none.to_string().starts_with("none of 1,300 rows is above its peak since start ("), "{none}");
    }
}
