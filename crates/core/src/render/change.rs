//! Differences and growth, as text.

use std::fmt::{self, Display, Formatter};

use super::row_name;
use super::table::write_columns;
use crate::report::RowSource;
use crate::snapshot::{DiffRow, LeakVerdict, SnapshotDiff, SnapshotInfo, Suspect};
use crate::tracker::Growth;
use crate::units::{Bytes, count, percent, signed_bytes, signed_count, span, visible};

impl Display for SnapshotDiff {
    /// The table's columns with signs. A change beyond noise has a star.
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        writeln!(f, "change from {} to {}\n", Moment(&self.base), Moment(&self.target))?;
        write_rows(f, &self.rows, self.omitted_rows)?;
        write_total(f, &self.total, self.threshold_stderrs, self.compared_rows)
    }
}

pub(super) fn write_rows(f: &mut Formatter<'_>, rows: &[DiffRow], omitted: u64) -> fmt::Result {
    match rows {
        [] => writeln!(f, "no row differs")?,
        rows => write_columns(f, rows.iter().map(cells))?,
    }
    if omitted > 0 { writeln!(f, "… and {} more", count(omitted)) } else { Ok(()) }
}

/// All rows together, and what the star means.
pub(super) fn write_total(
    f: &mut Formatter<'_>,
    total: &DiffRow,
    threshold: f64,
    compared: u64,
) -> fmt::Result {
    writeln!(
        f,
        "total {} (± {:.2}) of {}; * is more than noise: beyond {threshold:.1} standard errors, 5 % for all {} rows \
         together",
        signed_bytes(total.bytes_change),
        Bytes(total.bytes_change_stderr as u64),
        Bytes(total.bytes),
        count(compared),
    )
}

impl Display for Growth {
    /// The table's columns with signs: what is above its peak, and by how much.
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        let (rows, since) = (count(self.compared_rows), Moment(&self.since));
        if self.rows.is_empty() {
            return writeln!(f, "none of {rows} rows is above its peak since {since}");
        }
        writeln!(f, "above their peaks since {since}, of {rows} rows\n")?;
        write_columns(f, self.rows.iter().map(cells))
    }
}

fn cells(row: &DiffRow) -> [String; 4] {
    let name = row_name(&row.type_name, row.source != Some(RowSource::Unattributed));
    let error = percent(row.bytes_change_stderr, row.bytes_change.unsigned_abs() as f64);
    let error = error.map_or("–".to_owned(), |percent| format!("{percent:.0} %"));
    let mark = if row.is_significant { " *" } else { "" };
    [name, signed_count(row.objects_change), signed_bytes(row.bytes_change), error + mark]
}

/// A snapshot in a sentence.
struct Moment<'a>(&'a SnapshotInfo);

impl Display for Moment<'_> {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        let SnapshotInfo { id, label, taken_at, .. } = self.0;
        match label {
            Some(label) => write!(f, "{} ({taken_at})", visible(label)),
            None => write!(f, "{id} ({taken_at})"),
        }
    }
}

impl Display for LeakVerdict {
    /// A line for each suspect, the fastest first.
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        let (moments, time) = (self.snapshots.len(), span(self.seconds as u64));
        if self.suspects.is_empty() {
            writeln!(f, "no type keeps growing, over {moments} snapshots and {time}")?;
        } else {
            writeln!(f, "over {moments} snapshots and {time}, these keep growing:\n")?;
        }
        self.suspects.iter().try_for_each(|suspect| writeln!(f, "{suspect}"))?;
        let ceiling = self.snapshots.last().and_then(|last| last.ceiling.as_ref());
        if let Some(ceiling) = ceiling.filter(|_| !self.suspects.is_empty()) {
            writeln!(f, "\nat the last snapshot the limit was {ceiling}")?;
        }
        writeln!(f, "\n{} types compared; a suspect {}", count(self.compared_rows), self.test)
    }
}

impl Display for Suspect {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        let error = percent(self.bytes_change_stderr, self.bytes_change as f64).unwrap_or_default();
        write!(
            f,
            "{}: {} (± {error:.0} %) to {}, {} objects, {} an hour",
            visible(&self.type_name),
            signed_bytes(self.bytes_change),
            Bytes(self.bytes),
            signed_count(self.objects_change),
            Bytes(self.bytes_per_hour as u64),
        )?;
        match self.seconds_to_limit {
            Some(seconds) => write!(f, "; at this rate the limit is met in {}", span(seconds as u64)),
            None => Ok(()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn info(label: Option<&str>) -> SnapshotInfo {
        serde_json::from_value(serde_json::json!({
            "schema": "memory-debug-snapshot/v1", "id": "000102030405060708090a0b0c0d0e0f", "label": label,
            "taken_at": "2026-11-21T09:00:00.000Z", "stacks": 9, "sampled_bytes": 1,
            "instance": {"id": "00000000-0000-4000-8000-000000000000", "pid": 1},
        }))
        .unwrap()
    }

    #[test]
    fn a_difference_has_the_tables_columns_with_signs_and_a_star_beyond_noise() {
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
total +9.00 MiB (± 1.00 MiB) of 64.00 MiB; * is more than noise: beyond 3.8 standard errors, 5 % for all 300 rows together
";
        assert_eq!(diff.to_string(), expected);
        let none = SnapshotDiff { rows: Vec::new(), ..diff };
        assert!(none.to_string().contains("no row differs"));
    }

    #[test]
    fn growth_is_told_by_row_and_its_absence_in_a_sentence() {
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
above their peaks since start (2026-11-21T09:00:00.000Z), of 1,300 rows

                                       types |   # objects |   total size |      ±
============================================ | =========== | ============ | ======
                            Vec<AuditRecord> |      +1,200 |   +10.00 MiB | 10 % *
";
        assert_eq!(growth.to_string(), expected);
        let none = Growth { rows: Vec::new(), ..growth };
        assert!(none.to_string().starts_with("none of 1,300 rows is above its peak since start ("), "{none}");
    }

    #[test]
    fn a_suspect_is_told_with_its_rate_and_the_time_that_is_left() {
        let suspect = Suspect {
            type_name: "Vec<AuditRecord>".into(),
            full_type: String::new(),
            bytes: 40 << 20,
            objects_change: 120,
            bytes_change: 30 << 20,
            bytes_change_stderr: 3e6,
            bytes_per_hour: 2.0 * 1_073_741_824.0,
            seconds_to_limit: Some(5400.0),
        };
        let ceiling = serde_json::json!({
            "limit_bytes": 300 << 20, "used_bytes": 294 << 20, "room_bytes": 6 << 20, "set_by": "group-above", "path": "/p",
            "others_bytes": 225 << 20,
        });
        let last = SnapshotInfo { ceiling: serde_json::from_value(ceiling).unwrap(), ..info(None) };
        let mut verdict = LeakVerdict {
            snapshots: vec![info(None), info(None), last],
            seconds: 54.0,
            suspects: vec![suspect],
            compared_rows: 31,
            test: "grew".into(),
        };
        let expected = "\
over 3 snapshots and 54s, these keep growing:

Vec<AuditRecord>: +30.00 MiB (± 10 %) to 40.00 MiB, +120 objects, 2.00 GiB an hour; at this rate the limit is met in 1h 30m

at the last snapshot the limit was 300.00 MiB of the control group /p above · 294.0 MiB used (98 %), 225.0 MiB of it by \
others · 6.0 MiB left

31 types compared; a suspect grew
";
        assert_eq!(verdict.to_string(), expected);
        verdict.suspects.clear();
        assert!(verdict.to_string().starts_with("no type keeps growing, over 3 snapshots and 54s\n"));
    }
}
