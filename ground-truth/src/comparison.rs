//! Table against truth.

use std::collections::BTreeMap;
use std::fmt;

use crate::expected::populations;
use crate::ledger::truth;

/// A population passes if its rows hold what it holds, within this part of it.
const TOLERANCE: f64 = 0.05;
/// Least part of the live bytes in right rows, in percent.
const RIGHT: f64 = 95.0;
/// Most part of the live bytes in wrong rows, in percent.
const WRONG: f64 = 1.0;

/// How well a table tells the truth.
#[derive(Debug, Default)]
pub(crate) struct Comparison {
    total: u64,
    right: u64,
    wrong: u64,
    unattributed: u64,
    passed: u32,
    missed: Vec<String>,
    /// Rows that stand for no population, with their bytes and whether they name a type.
    strange: Vec<(u64, bool, String)>,
}

/// The bytes of rows, by name and whether that is a type's.
pub(crate) type Rows = BTreeMap<(String, bool), u64>;

/// Compares the ledger with what the rows have more than before.
pub(crate) fn compare(before: &Rows, mut rows: Rows) -> Comparison {
    for (row, bytes) in before {
        let left = rows.entry(row.clone()).or_default();
        *left = left.saturating_sub(*bytes);
    }
    let mut comparison = Comparison { total: rows.values().sum(), ..Comparison::default() };
    let mut known = Vec::new();
    for (position, (population, names)) in populations().enumerate() {
        known.extend(names.iter().copied());
        let bytes_of = |name: &&str| rows.get(&((*name).to_owned(), true)).copied().unwrap_or(0);
        let (told, held) = (names.iter().map(bytes_of).sum::<u64>(), truth(position));
        comparison.right += told.min(held);
        comparison.wrong += told.saturating_sub(held);
        if told.abs_diff(held) as f64 <= TOLERANCE * held as f64 {
            comparison.passed += 1;
        } else {
            let percent = percent(told, held);
            comparison
                .missed
                .push(format!("{population}: {told} of {held} bytes ({percent:.1} %) in {names:?}"));
        }
    }
    for ((name, is_type), bytes) in &rows {
        if !is_type {
            comparison.unattributed += bytes;
        } else if known.contains(&name.as_str()) {
            continue;
        } else {
            comparison.wrong += bytes;
        }
        if *bytes > 0 {
            comparison.strange.push((*bytes, *is_type, name.clone()));
        }
    }
    comparison.strange.sort_by(|a, b| b.cmp(a));
    comparison
}

impl Comparison {
    /// Whether the table as a whole is good enough.
    pub(crate) fn passed(&self) -> bool {
        percent(self.right, self.total) >= RIGHT && percent(self.wrong, self.total) <= WRONG
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
        writeln!(f, "{} passed, {} failed", self.passed, self.missed.len())
    }
}

fn percent(part: u64, whole: u64) -> f64 {
    100.0 * part as f64 / whole.max(1) as f64
}
