//! The verdict in pieces that text and HTML lay out in their own ways. Texts in it are printable.

use std::fmt::{self, Display, Formatter};

use memory_debug_report::SnapshotInfo;
use memory_debug_report::render::content::{age_cells_of, ages_in_words, taken};
use memory_debug_report::units::{
    Bytes, count, percent, printable, short_name, signed_bytes, signed_count, span,
};

use crate::verdict::{LeakRun, LeakVerdict, LeftOut, Suspect};

impl Display for LeakVerdict {
    /// Each judged run, the newest first, with one line per suspect. The snapshots that were left out and the test
    /// follow.
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        for (run, suspects) in runs(self) {
            let result = result(run, &suspects);
            if suspects.is_empty() {
                writeln!(f, "{result}")?;
            } else {
                writeln!(f, "{result}:\n")?;
            }
            suspects.iter().try_for_each(|suspect| writeln!(f, "{suspect}"))?;
            run.notes.iter().try_for_each(|note| writeln!(f, "note: {}", printable(note)))?;
            writeln!(f)?;
        }
        if let Some(line) = limit(self) {
            writeln!(f, "{line}\n")?;
        }
        left_out(self).try_for_each(|line| writeln!(f, "{line}"))?;
        writeln!(f, "{}", compared(self))
    }
}

/// The judged runs, the newest first, each with its suspects.
pub fn runs(verdict: &LeakVerdict) -> impl Iterator<Item = (&LeakRun, Vec<&Suspect>)> {
    let newer = verdict.newer.iter().map(|run| (run, true));
    newer.chain([(&verdict.run, false)]).map(|(run, is_newer)| {
        (run, verdict.suspects.iter().filter(|suspect| suspect.is_newer == is_newer).collect())
    })
}

/// How many snapshots of which time were compared, and whether a type keeps growing.
pub fn result(run: &LeakRun, suspects: &[&Suspect]) -> String {
    let time = span(run.seconds as u64);
    let result = if suspects.is_empty() { "no type keeps growing" } else { "these keep growing" };
    format!("over {} snapshots and {time}{}, {result}", run.snapshots.len(), Ends(&run.snapshots))
}

/// The limit that the times of all suspects are about, if a limit is known.
pub fn limit(verdict: &LeakVerdict) -> Option<String> {
    let newest = verdict.newer.as_ref().unwrap_or(&verdict.run).snapshots.last();
    let ceiling = newest?.ceiling.as_ref().filter(|_| !verdict.suspects.is_empty())?;
    Some(format!("at the last snapshot the limit was {ceiling}"))
}

/// The snapshots that were left out, a line for each reason.
pub fn left_out(verdict: &LeakVerdict) -> impl Iterator<Item = String> {
    verdict.left_out.iter().map(|LeftOut { snapshots, reason }| {
        let word = if snapshots.len() == 1 { "snapshot" } else { "snapshots" };
        format!("left out: {} {word}{}: {}", snapshots.len(), Ends(snapshots), printable(reason))
    })
}

/// How many types were compared, and by which test.
pub fn compared(verdict: &LeakVerdict) -> String {
    let newer = verdict.newer.as_ref().map(|newer| newer.compared_rows);
    let compared = newer.map_or(verdict.run.compared_rows, |newer| newer.max(verdict.run.compared_rows));
    format!("{} types compared. {}", count(compared), printable(&verdict.test))
}

/// The cells of a suspect: name, growth in bytes, one standard error of it, size at the end, growth in objects, and
/// growth per hour.
pub fn cells(suspect: &Suspect) -> [String; 6] {
    let error = percent(suspect.bytes_change_stderr, suspect.bytes_change as f64).unwrap_or_default();
    [
        short_name(&suspect.type_name),
        signed_bytes(suspect.bytes_change),
        format!("{error:.0} %"),
        Bytes(suspect.bytes).to_string(),
        signed_count(suspect.objects_change),
        Bytes(suspect.bytes_per_hour as u64).to_string(),
    ]
}

/// The time until a suspect reaches the limit. `None` if no limit is known.
pub fn time_left(suspect: &Suspect) -> Option<String> {
    suspect.seconds_to_limit.map(|seconds| span(seconds as u64))
}

/// How old the bytes of a suspect are: the median, and the share that is older than ten minutes. `None` if no ages are
/// known.
pub fn age_cells(suspect: &Suspect) -> Option<[String; 2]> {
    let ages = suspect.ages.as_ref()?;
    // How long ages are recorded is not known here, so each share with older memory can be a lower bound.
    Some(age_cells_of(ages, ages.known_share < 1.0))
}

impl Display for Suspect {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        let [name, change, error, bytes, objects, rate] = cells(self);
        write!(f, "{name}: {change} (± {error}) to {bytes}, {objects} objects, {rate} per hour")?;
        if let Some(time) = time_left(self) {
            write!(f, "; at this rate it reaches the limit in {time}")?;
        }
        self.ages.iter().try_for_each(|ages| write!(f, "; {}", ages_in_words(ages)))
    }
}

/// The first and the last of several snapshots.
struct Ends<'a>(&'a [SnapshotInfo]);

impl Display for Ends<'_> {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        match self.0 {
            [] => Ok(()),
            [only] => write!(f, ", {}", taken(only)),
            [first, .., last] => write!(f, ", from {} to {}", taken(first), taken(last)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fixture::info;

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
            history_bytes: vec![10 << 20, 25 << 20, 40 << 20],
            ages: None,
        };
        let ceiling = serde_json::json!({
            "limit_bytes": 300 << 20, "used_bytes": 294 << 20, "room_bytes": 6 << 20, "set_by": "group-above",
            "path": "/p",
            "others_bytes": 225 << 20,
        });
        let mut last = info(Some("m"));
        last.ceiling = serde_json::from_value(ceiling).unwrap();
        let run = |moments: usize, seconds, notes: &[&str]| LeakRun {
            snapshots: [vec![info(Some("m")); moments - 1], vec![last.clone()]].concat(),
            seconds,
            compared_rows: 31,
            notes: notes.iter().copied().map(String::from).collect(),
            rule: crate::verdict::LeakRule::Growth,
            rows_without_ages: 0,
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
        let mut ages = memory_debug_profile::Ages::default();
        (ages.p50_seconds, ages.older_than_10m, ages.known_share) = (302.0, 0.25, 0.75);
        verdict.suspects[0].ages = Some(ages);
        let expected = "per hour; half of its bytes are older than 5m 2s, and ≥ 25 % are older than 10 min\n";
        assert!(verdict.to_string().contains(expected), "{verdict}");
        let ages = verdict.suspects[0].ages.as_mut().unwrap();
        ages.older_than_10m = 0.0;
        let expected = "per hour; half of its bytes are older than 5m 2s\n";
        assert!(verdict.to_string().contains(expected), "{verdict}");
        verdict.run.snapshots = vec![info(None); 6];
        let text = verdict.to_string();
        assert!(
            text.contains("5m 0s, from 2026-11-21T09:00:00.000Z to 2026-11-21T09:00:00.000Z, no type"),
            "{text}"
        );
    }
}
