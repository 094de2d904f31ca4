//! A judgement as text.

use std::fmt;

use super::{Judge, Row, percent};
use crate::expected::{Expected, Fate};

/// The most mistakes that a row shows.
const MISTAKES: usize = 3;
/// The most strange types that are listed, and the least bytes of one.
const STRANGE: (usize, f64) = (10, 1_048_576.0);
/// A population passes with this share of its bytes, in percent. The totals decide about the program.
const PASSED: f64 = 90.0;

impl Judge<'_> {
    /// Whether a population is as it should be.
    fn passed(expected: &Expected, row: &Row) -> bool {
        let good = match expected.fate {
            Fate::Held { .. } => row.right,
            Fate::Lost { .. } => row.unreachable,
            Fate::Stale => row.unreachable + row.doubtful,
        };
        percent(good, row.seen) >= PASSED
    }

    /// How many populations passed, and how many failed. Too small ones without a sample count for neither.
    pub(crate) fn counts(&self) -> (usize, usize) {
        let seen = self.populations.iter().zip(&self.rows).filter(|(_, row)| row.seen > 0.0);
        let (passed, failed): (Vec<_>, Vec<_>) =
            seen.partition(|(expected, row)| Self::passed(expected, row));
        (passed.len(), failed.len())
    }
}

impl fmt::Display for Judge<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mib = |bytes: f64| bytes / f64::from(self.reports.max(1)) / 1_048_576.0;
        writeln!(
            f,
            "{:28}{:>9}{:>9}{:>9}{:>8}{:>8}{:>9}{:>8}",
            "population", "truth MiB", "seen MiB", "samples", "chain %", "direct %", "doubtful %", "lost %"
        )?;
        for (expected, row) in self.populations.iter().zip(&self.rows) {
            writeln!(
                f,
                "{:28}{:9.1}{:9.1}{:9}{:8.1}{:8.1}{:9.1}{:8.1}{}",
                expected.population,
                row.truth / 1_048_576.0,
                mib(row.seen),
                row.samples / u64::from(self.reports.max(1)),
                percent(row.right, row.seen),
                percent(row.direct, row.seen),
                percent(row.doubtful, row.seen),
                percent(row.unreachable, row.seen),
                if row.seen > 0.0 && !Self::passed(expected, row) { "  WRONG" } else { "" }
            )?;
            let mut mistakes: Vec<_> = row.mistakes.iter().collect();
            mistakes.sort_by(|one, other| other.1.total_cmp(one.1));
            for (mistake, bytes) in mistakes.into_iter().take(MISTAKES) {
                writeln!(f, "    {:5.1} %  {mistake}", percent(*bytes, row.seen))?;
            }
        }
        let mut strange: Vec<_> =
            self.strange.iter().filter(|(_, bytes)| mib(**bytes) * 1_048_576.0 > STRANGE.1).collect();
        strange.sort_by(|one, other| other.1.total_cmp(one.1));
        for (name, bytes) in strange.into_iter().take(STRANGE.0) {
            writeln!(f, "no population: {:.1} MiB {name}", mib(*bytes))?;
        }
        Ok(())
    }
}
