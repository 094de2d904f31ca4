//! Text of differences, growth and leak verdicts.

use std::fmt::{self, Display, Formatter};

use super::row_name;
use super::table::write_columns;
use crate::comparison::Comparison;
use crate::report::RowSource;
use crate::snapshot::Growth;
use crate::snapshot::{DiffRow, LeakRun, LeakVerdict, LeftOut, SnapshotDiff, SnapshotInfo, Suspect};
use crate::units::{Bytes, count, percent, printable, short_name, signed_bytes, signed_count, span};

impl Display for SnapshotDiff {
    /// Caveats first, then the table's columns with signs. A change beyond noise has a star.
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        let (base, target) = (Moment(&self.base), Moment(&self.target));
        if self.comparison == Comparison::Discarded {
            writeln!(f, "the samples were discarded between {base} and {target}\n")?;
        } else {
            writeln!(f, "change from {base} to {target}\n")?;
        }
        write_notes(f, &self.notes)?;
        match self.comparison {
            // Without marked rows there is no growth to show.
            Comparison::Discarded | Comparison::Unknown if self.rows.is_empty() && self.omitted_rows == 0 => {
                writeln!(f, "no row to show")?;
            }
            _ => write_rows(f, &self.rows, self.omitted_rows)?,
        }
        write_total(f, &self.total, self.comparison, self.threshold_stderrs, self.compared_rows)
    }
}

/// Writes the caveats before the rows, so that readers do not misread the rows.
pub(super) fn write_notes(f: &mut Formatter<'_>, notes: &[String]) -> fmt::Result {
    notes.iter().try_for_each(|note| writeln!(f, "note: {}", printable(note)))?;
    if notes.is_empty() { Ok(()) } else { writeln!(f) }
}

pub(super) fn write_rows(f: &mut Formatter<'_>, rows: &[DiffRow], omitted: u64) -> fmt::Result {
    match rows {
        [] => writeln!(f, "no row differs")?,
        rows => write_columns(f, rows.iter().map(cells))?,
    }
    if omitted > 0 { writeln!(f, "… and {} more", count(omitted)) } else { Ok(()) }
}

/// Writes the total of all rows, and what the star means.
pub(super) fn write_total(
    f: &mut Formatter<'_>,
    total: &DiffRow,
    comparison: Comparison,
    threshold: f64,
    compared: u64,
) -> fmt::Result {
    write!(
        f,
        "total {} (± {:.2}) of {}",
        signed_bytes(total.bytes_change),
        Bytes(total.bytes_change_stderr as u64),
        Bytes(total.bytes),
    )?;
    if matches!(comparison, Comparison::Discarded | Comparison::Unknown) {
        return writeln!(f, "; no row is marked; see the notes");
    }
    writeln!(
        f,
        "; * marks more than noise: over {threshold:.1} standard errors (5 % risk of any false mark in {} rows)",
        count(compared),
    )
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

fn cells(row: &DiffRow) -> [String; 4] {
    let name = row_name(&row.type_name, row.source != Some(RowSource::Unattributed));
    let error = percent(row.bytes_change_stderr, row.bytes_change.unsigned_abs() as f64);
    let error = error.map_or("–".to_owned(), |percent| format!("{percent:.0} %"));
    let mark = if row.is_significant { " *" } else { "" };
    [name, signed_count(row.objects_change), signed_bytes(row.bytes_change), error + mark]
}

/// The first and the last of several snapshots.
struct Ends<'a>(&'a [SnapshotInfo]);

impl Display for Ends<'_> {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        match self.0 {
            [] => Ok(()),
            [only] => write!(f, ", {}", Taken(only)),
            [first, .., last] => write!(f, ", from {} to {}", Taken(first), Taken(last)),
        }
    }
}

/// A snapshot's time, with its label if it has one.
struct Taken<'a>(&'a SnapshotInfo);

impl Display for Taken<'_> {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        match self.0.label {
            Some(_) => Moment(self.0).fmt(f),
            None => f.write_str(&printable(&self.0.taken_at)),
        }
    }
}

/// A snapshot's label or id, with its time.
struct Moment<'a>(&'a SnapshotInfo);

impl Display for Moment<'_> {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        let SnapshotInfo { id, label, taken_at, .. } = self.0;
        match label {
            Some(label) => write!(f, "{} ({})", printable(label), printable(taken_at)),
            None => write!(f, "{id} ({})", printable(taken_at)),
        }
    }
}

impl Display for LeakVerdict {
    /// Each judged run, the newest first, with one line per suspect. The snapshots that were left out and the test
    /// follow.
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        let suspects = |is_newer| self.suspects.iter().filter(move |suspect| suspect.is_newer == is_newer);
        if let Some(newer) = &self.newer {
            write_run(f, newer, suspects(true))?;
        }
        write_run(f, &self.run, suspects(false))?;
        let newest = self.newer.as_ref().unwrap_or(&self.run).snapshots.last();
        let ceiling = newest.and_then(|newest| newest.ceiling.as_ref());
        if let Some(ceiling) = ceiling.filter(|_| !self.suspects.is_empty()) {
            writeln!(f, "at the last snapshot the limit was {ceiling}\n")?;
        }
        for LeftOut { snapshots, reason } in &self.left_out {
            let word = if snapshots.len() == 1 { "snapshot" } else { "snapshots" };
            writeln!(f, "left out: {} {word}{}: {}", snapshots.len(), Ends(snapshots), printable(reason))?;
        }
        let newer = self.newer.as_ref().map(|newer| newer.compared_rows);
        let compared = newer.map_or(self.run.compared_rows, |newer| newer.max(self.run.compared_rows));
        writeln!(f, "{} types compared. {}", count(compared), self.test)
    }
}

fn write_run<'s>(
    f: &mut Formatter<'_>,
    run: &LeakRun,
    suspects: impl Iterator<Item = &'s Suspect>,
) -> fmt::Result {
    let time = span(run.seconds as u64);
    write!(f, "over {} snapshots and {time}{}", run.snapshots.len(), Ends(&run.snapshots))?;
    let mut suspects = suspects.peekable();
    if suspects.peek().is_none() {
        writeln!(f, ", no type keeps growing")?;
    } else {
        writeln!(f, ", these keep growing:\n")?;
        suspects.try_for_each(|suspect| writeln!(f, "{suspect}"))?;
    }
    run.notes.iter().try_for_each(|note| writeln!(f, "note: {}", printable(note)))?;
    writeln!(f)
}

impl Display for Suspect {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        let error = percent(self.bytes_change_stderr, self.bytes_change as f64).unwrap_or_default();
        write!(
            f,
            "{}: {} (± {error:.0} %) to {}, {} objects, {} per hour",
            short_name(&self.type_name),
            signed_bytes(self.bytes_change),
            Bytes(self.bytes),
            signed_count(self.objects_change),
            Bytes(self.bytes_per_hour as u64),
        )?;
        match self.seconds_to_limit {
            Some(seconds) => write!(f, "; at this rate it reaches the limit in {}", span(seconds as u64)),
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

    #[test]
    fn a_suspect_has_its_rate_and_the_time_left() {
        let suspect = Suspect {
            type_name: "Vec<AuditRecord>".into(),
            full_type: String::new(),
            is_newer: false,
            bytes: 40 << 20,
            objects_change: 120,
            bytes_change: 30 << 20,
            bytes_change_stderr: 3e6,
            bytes_per_hour: 2.0 * 1_073_741_824.0,
            seconds_to_limit: Some(5400.0),
        };
        let ceiling = serde_json::json!({
            "limit_bytes": 300 << 20, "used_bytes": 294 << 20, "room_bytes": 6 << 20, "set_by": "group-above",
            "path": "/p",
            "others_bytes": 225 << 20,
        });
        let last = SnapshotInfo { ceiling: serde_json::from_value(ceiling).unwrap(), ..info(Some("m")) };
        let run = |moments: usize, seconds, notes: &[&str]| LeakRun {
            snapshots: [vec![info(Some("m")); moments - 1], vec![last.clone()]].concat(),
            seconds,
            compared_rows: 31,
            notes: notes.iter().copied().map(String::from).collect(),
        };
        let mut verdict = LeakVerdict {
            run: run(3, 54.0, &[]),
            newer: None,
            suspects: vec![suspect.clone()],
            left_out: Vec::new(),
            test: "A type is reported if it grew.".into(),
        };
        let expected = "\
over 3 snapshots and 54s, from m (2026-11-21T09:00:00.000Z) to m (2026-11-21T09:00:00.000Z), these keep growing:

Vec<AuditRecord>: +30.00 MiB (± 10 %) to 40.00 MiB, +120 objects, 2.00 GiB per hour; at this rate it reaches \
the limit in 1h 30m

at the last snapshot the limit was 300.00 MiB of the control group /p above · 294.0 MiB used (98 %), 225.0 MiB of it \
by others · 6.0 MiB left

31 types compared. A type is reported if it grew.
";
        assert_eq!(verdict.to_string(), expected);
        // The newest run comes first, and snapshots left out are listed.
        (verdict.run, verdict.newer) = (run(6, 300.0, &[]), Some(run(3, 8.0, &["complete since noon"])));
        verdict.suspects = vec![Suspect { is_newer: true, seconds_to_limit: None, ..suspect }];
        let left_out = LeftOut {
            snapshots: vec![info(Some("a")), info(Some("b"))],
            reason: "from another process".into(),
        };
        verdict.left_out = vec![left_out];
        let expected = "\
over 3 snapshots and 8s, from m (2026-11-21T09:00:00.000Z) to m (2026-11-21T09:00:00.000Z), these keep growing:

Vec<AuditRecord>: +30.00 MiB (± 10 %) to 40.00 MiB, +120 objects, 2.00 GiB per hour
note: complete since noon

over 6 snapshots and 5m 0s, from m (2026-11-21T09:00:00.000Z) to m (2026-11-21T09:00:00.000Z), no type keeps growing

at the last snapshot the limit was 300.00 MiB of the control group /p above · 294.0 MiB used (98 %), 225.0 MiB of it \
by others · 6.0 MiB left

left out: 2 snapshots, from a (2026-11-21T09:00:00.000Z) to b (2026-11-21T09:00:00.000Z): from another process
31 types compared. A type is reported if it grew.
";
        assert_eq!(verdict.to_string(), expected);
        verdict.run.snapshots = vec![info(None); 6];
        let text = verdict.to_string();
        assert!(
            text.contains("5m 0s, from 2026-11-21T09:00:00.000Z to 2026-11-21T09:00:00.000Z, no type"),
            "{text}"
        );
    }
}
