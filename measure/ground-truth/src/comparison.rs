//! Comparison of the table with the truth.

use std::collections::BTreeMap;
use std::fmt;
use std::ops::AddAssign;

use crate::expected::populations;
use crate::ledger::truth;

/// A population passes if its rows hold its bytes, within this fraction or two standard errors.
const TOLERANCE: f64 = 0.05;
/// A population of at least [`MANY`] samples passes within this fraction, regardless of its standard error.
const TOLERANCE_OF_MANY: f64 = 0.1;
const MANY: f64 = 64.0;
/// The least share of the live bytes in right rows, in percent.
const RIGHT: f64 = 95.0;
/// The largest share of the live bytes in wrong rows, in percent.
const WRONG: f64 = 1.0;
/// The least shares of the populations whose truth is within one and within two standard errors. Only populations
/// with an error count. Where all sizes are known, as in place, none has one. A size can be anywhere between two size classes, so of about 40 populations 58 % ± 8 % are
/// within one error, and all are within two.
const WITHIN_ERROR: [f64; 2] = [40.0, 95.0];

/// The least share of the populations without an error that are exact, in percent. The others have a few bytes of another
/// type, or lack some: [`TOLERANCE`] bounds these.
const EXACT: f64 = 80.0;

/// How well a table agrees with the truth.
#[derive(Debug, Default)]
pub(crate) struct Comparison {
    total: u64,
    right: u64,
    wrong: u64,
    unattributed: u64,
    passed: u32,
    missed: Vec<String>,
    /// Rows that belong to no population, with their bytes and whether they name a type.
    strange: Vec<(u64, bool, String)>,
    /// The number of populations with an error, and how many are within one and within two errors of the truth.
    with_error: u32,
    within: [u32; 2],
    /// The number of populations without an error, and which of them differ from the truth.
    without_error: u32,
    inexact: Vec<String>,
}

/// The values of a row.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct RowAmount {
    pub(crate) objects: f64,
    pub(crate) bytes: u64,
    pub(crate) bytes_variance: f64,
}

/// Rows by name and whether the name is a type.
pub(crate) type Rows = BTreeMap<(String, bool), RowAmount>;

impl AddAssign for RowAmount {
    fn add_assign(&mut self, other: Self) {
        self.objects += other.objects;
        self.bytes += other.bytes;
        self.bytes_variance += other.bytes_variance;
    }
}

/// Compares the ledger with the growth of the rows.
pub(crate) fn compare(before: &Rows, mut rows: Rows) -> Comparison {
    for (row, amount) in before {
        let left = rows.entry(row.clone()).or_default();
        left.bytes = left.bytes.saturating_sub(amount.bytes);
    }
    let mut comparison =
        Comparison { total: rows.values().map(|amount| amount.bytes).sum(), ..Comparison::default() };
    let mut known = Vec::new();
    for (position, (population, names)) in populations().enumerate() {
        known.extend(names.iter().copied());
        let mut amount = RowAmount::default();
        names.iter().filter_map(|name| rows.get(&((*name).to_owned(), true))).for_each(|row| amount += *row);
        comparison.add(population, names, amount, truth(position));
    }
    for ((name, is_type), amount) in &rows {
        if !is_type {
            comparison.unattributed += amount.bytes;
        } else if known.contains(&name.as_str()) {
            continue;
        } else {
            comparison.wrong += amount.bytes;
        }
        if amount.bytes > 0 {
            comparison.strange.push((amount.bytes, *is_type, name.clone()));
        }
    }
    comparison.strange.sort_by(|a, b| b.cmp(a));
    comparison
}

impl Comparison {
    fn add(&mut self, population: &str, names: &[&str], amount: RowAmount, held: u64) {
        let (off, stderr) = (amount.bytes.abs_diff(held) as f64, amount.bytes_variance.sqrt());
        // A deviation within the row's own error does not belong to another type.
        let of_others = (amount.bytes.saturating_sub(held) as f64 - 2.0 * stderr).max(0.0) as u64;
        self.wrong += of_others;
        self.right += amount.bytes - of_others;
        if stderr > 0.0 {
            self.with_error += 1;
            self.within[0] += u32::from(off <= stderr);
            self.within[1] += u32::from(off <= 2.0 * stderr);
        } else {
            self.without_error += 1;
            if off > 0.0 {
                self.inexact
                    .push(format!("{population}: {} of {held} bytes, without an error", amount.bytes));
            }
        }
        let tolerance = if amount.objects >= MANY {
            TOLERANCE_OF_MANY * held as f64
        } else {
            (TOLERANCE * held as f64).max(2.0 * stderr)
        };
        if off <= tolerance {
            self.passed += 1;
        } else {
            let percent = percent(amount.bytes, held);
            self.missed.push(format!(
                "{population}: {} ± {stderr:.0} of {held} bytes ({percent:.1} %) in {names:?}",
                amount.bytes
            ));
        }
    }

    /// The shares of the populations with an error that are within one and within two errors, in percent. `None` if no
    /// population has one.
    fn within_error(&self) -> Option<[f64; 2]> {
        (self.with_error > 0)
            .then(|| self.within.map(|within| percent(within.into(), self.with_error.into())))
    }

    /// Populations without an error that agree with the truth.
    fn exact(&self) -> u32 {
        self.without_error - self.inexact.len() as u32
    }

    /// Whether the table as a whole is good enough, and its errors too.
    pub(crate) fn passed(&self) -> bool {
        percent(self.right, self.total) >= RIGHT
            && percent(self.wrong, self.total) <= WRONG
            && (self.without_error == 0 || percent(self.exact().into(), self.without_error.into()) >= EXACT)
            && self
                .within_error()
                .is_none_or(|within| within.iter().zip(WITHIN_ERROR).all(|(within, least)| *within >= least))
    }
}

impl fmt::Display for Comparison {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (bytes, is_type, name) in &self.strange {
            writeln!(f, "{} {bytes:>9}  {name}", if *is_type { "wrong        " } else { "unattributed " })?;
        }
        for missed in &self.missed {
            writeln!(f, "missed         {missed}")?;
        }
        let part = |bytes| percent(bytes, self.total);
        writeln!(
            f,
            "right {:.2} %, wrong {:.2} %, unattributed {:.2} % of {} live bytes",
            part(self.right),
            part(self.wrong),
            part(self.unattributed),
            self.total
        )?;
        for inexact in &self.inexact {
            writeln!(f, "not exact      {inexact}")?;
        }
        writeln!(f, "{} populations have no error: {} are exact", self.without_error, self.exact())?;
        match self.within_error() {
            Some([one, two]) => writeln!(
                f,
                "{} populations have an error: {one:.0} % are within one of it, {two:.0} % within two",
                self.with_error
            )?,
            None => writeln!(f, "no population has an error, because all sizes are known")?,
        }
        writeln!(f, "{} passed, {} failed", self.passed, self.missed.len())
    }
}

fn percent(part: u64, whole: u64) -> f64 {
    100.0 * part as f64 / whole.max(1) as f64
}
