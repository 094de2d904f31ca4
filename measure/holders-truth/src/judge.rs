//! Compares reports about holders with the truth.

mod chain;
mod table;
#[cfg(test)]
mod tests;

use std::collections::BTreeMap;

use memory_debug_holders::{HeldType, HolderChain};

use crate::expected::{Expected, Fate, fits};
use chain::{Verdict, chain_text, judge_chain};

/// A population of this size has a dozen samples or more, so it must be in every report.
const MUST_BE_SEEN: u64 = 8 << 20;
/// A type is in the report with at least this part of its bytes. The error of a dozen samples is 30 %.
const LEAST_SEEN: f64 = 0.1;
/// More bytes than the truth and this number of standard errors belong to another population.
const STDERRS: f64 = 4.0;

/// What reports say about one population. Bytes are sums over all reports.
#[derive(Debug, Default)]
struct Row {
    truth: f64,
    /// All bytes that the reports count for it.
    seen: f64,
    samples: u64,
    /// Bytes whose chain and root are right.
    right: f64,
    /// Bytes whose direct holder has the right name.
    direct: f64,
    /// The part of them whose direct holder has an argument that is not known.
    partial: f64,
    /// Bytes with a chain that the report calls doubtful.
    doubtful: f64,
    unreachable: f64,
    unreachable_samples: u64,
    unknown: f64,
    /// Reports that do not show a cycle as a cycle.
    without_cycle: u32,
    /// What was wrong, with its bytes.
    mistakes: BTreeMap<String, f64>,
}

/// Judges reports.
#[derive(Debug)]
pub(crate) struct Judge<'a> {
    populations: &'a [Expected],
    rows: Vec<Row>,
    reports: u32,
    missing: u32,
    /// Types with chains that belong to no population, with their bytes.
    strange: BTreeMap<String, f64>,
}

/// The totals of a judgement. Shares are in percent.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Totals {
    /// Bytes that something holds, in all reports.
    pub(crate) held_bytes: f64,
    /// The part whose chain and root are right.
    pub(crate) right: f64,
    /// The part whose direct holder has its name.
    pub(crate) direct: f64,
    /// The part whose direct holder has its name except for an argument, as in `HashMap<_, Box<Leaf>>`.
    pub(crate) partial: f64,
    /// Reachable samples that a report calls unreachable.
    pub(crate) falsely_unreachable: u64,
    /// The part of the planted leaks that is found, by samples.
    pub(crate) leaks_found: f64,
    /// The part of the memory that only unused capacity points to, and that is called doubtful or unreachable.
    pub(crate) stale: f64,
    /// Cycles that a report does not show as a cycle.
    pub(crate) without_cycle: u32,
    /// Populations that a report does not know at all.
    pub(crate) missing: u32,
}

impl<'a> Judge<'a> {
    /// Judges nothing yet. `truth` has the bytes of each population.
    pub(crate) fn new(populations: &'a [Expected], truth: impl Fn(usize) -> u64) -> Self {
        let row = |position| Row { truth: truth(position) as f64, ..Row::default() };
        let rows = (0..populations.len()).map(row).collect();
        Self { populations, rows, reports: 0, missing: 0, strange: BTreeMap::new() }
    }

    /// Judges the types of one report.
    pub(crate) fn add(&mut self, types: &[HeldType]) {
        self.reports += 1;
        let seen: Vec<f64> = self.rows.iter().map(|row| row.seen).collect();
        for held in types {
            let candidates: Vec<usize> = (0..self.populations.len())
                .filter(|&at| fits(self.populations[at].type_name, &held.type_name))
                .collect();
            match candidates.first() {
                Some(&first) => self.add_type(held, &candidates, first),
                None => *self.strange.entry(held.type_name.clone()).or_default() += held.bytes as f64,
            }
        }
        for (row, before) in self.rows.iter_mut().zip(seen) {
            let least = LEAST_SEEN * row.truth;
            if row.truth >= MUST_BE_SEEN as f64 && row.seen - before < least {
                self.missing += 1;
                row.seen += row.truth;
                row.mistake("not in the report".into(), row.truth);
            }
        }
    }

    /// Several populations can have the same type. Each chain then counts for the population that it is right for, or
    /// for the first one with the same root.
    fn add_type(&mut self, held: &HeldType, candidates: &[usize], first: usize) {
        let mut right = BTreeMap::<usize, (f64, f64)>::new();
        for chain in &held.chains {
            let verdicts = candidates.iter().map(|&at| (at, judge_chain(&self.populations[at], chain)));
            let (at, verdict) =
                verdicts.max_by_key(|(at, verdict)| (*verdict, usize::MAX - at)).expect("a candidate");
            let (bytes, row) = (chain.bytes as f64, &mut self.rows[at]);
            row.seen += bytes;
            row.samples += chain.samples;
            row.doubtful += if chain.doubtful { bytes } else { 0.0 };
            if verdict.is_right() {
                row.right += bytes;
                row.direct += if verdict == Verdict::RightWithDirect { bytes } else { 0.0 };
                row.partial += if is_partial(chain) { bytes } else { 0.0 };
                let (sum, variance) = right.entry(at).or_default();
                *sum += bytes;
                *variance += chain.bytes_stderr.powi(2);
                if verdict != Verdict::RightWithDirect {
                    row.mistake(format!("direct holder: {}", chain_text(chain)), bytes);
                }
            } else if !matches!(self.populations[at].fate, Fate::Stale) || !chain.doubtful {
                row.mistake(chain_text(chain), bytes);
            }
        }
        for (at, (bytes, variance)) in right {
            let row = &mut self.rows[at];
            let excess = bytes - row.truth - STDERRS * variance.sqrt();
            // The share of a row's own error is small beside the truth of a whole population.
            if excess > 0.1 * row.truth {
                row.right -= excess;
                row.direct = (row.direct - excess).max(0.0);
                row.mistake("bytes of another population".into(), excess);
            }
        }
        self.add_rest(held, candidates, first);
    }

    /// Adds what has no chain.
    fn add_rest(&mut self, held: &HeldType, candidates: &[usize], first: usize) {
        let populations = self.populations;
        let lost = candidates.iter().copied().find(|&at| !matches!(populations[at].fate, Fate::Held { .. }));
        let in_chains: u64 = held.chains.iter().map(|chain| chain.bytes).sum();
        if let Some(unreachable) = &held.unreachable {
            let row = &mut self.rows[lost.unwrap_or(first)];
            row.seen += unreachable.bytes as f64;
            row.samples += unreachable.samples;
            row.unreachable += unreachable.bytes as f64;
            row.unreachable_samples += unreachable.samples;
            if lost.is_none() {
                row.mistake("called unreachable".into(), unreachable.bytes as f64);
            }
        }
        let unreachable = held.unreachable.as_ref().map_or(0, |unreachable| unreachable.bytes);
        if let Some(at) = lost
            && let Fate::Lost { cycle } = populations[at].fate
        {
            let shown =
                held.unreachable.as_ref().map(|unreachable| unreachable.cycle.as_slice()).unwrap_or_default();
            let complete = cycle.iter().all(|name| shown.iter().any(|shown| fits(name, shown)));
            self.rows[at].without_cycle += u32::from(!complete);
        }
        let row = &mut self.rows[lost.unwrap_or(first)];
        let unknown = held.unknown_bytes as f64;
        row.seen += unknown;
        row.unknown += unknown;
        row.mistake("holder not known".into(), unknown);
        let hidden = held.bytes.saturating_sub(in_chains + unreachable + held.unknown_bytes) as f64;
        if held.omitted_chains > 0 {
            row.seen += hidden;
            row.mistake(format!("{} chains left out", held.omitted_chains), hidden);
        }
    }

    /// The totals of all reports so far.
    pub(crate) fn totals(&self) -> Totals {
        let rows = || self.populations.iter().zip(&self.rows);
        let held =
            || rows().filter(|(expected, _)| matches!(expected.fate, Fate::Held { .. })).map(|(_, row)| row);
        let lost =
            || rows().filter(|(expected, _)| matches!(expected.fate, Fate::Lost { .. })).map(|(_, row)| row);
        let stale = || rows().filter(|(expected, _)| expected.fate == Fate::Stale).map(|(_, row)| row);
        let held_bytes = held().map(|row| row.seen).sum();
        Totals {
            held_bytes,
            right: percent(held().map(|row| row.right).sum(), held_bytes),
            direct: percent(held().map(|row| row.direct).sum(), held_bytes),
            partial: percent(held().map(|row| row.partial).sum(), held_bytes),
            falsely_unreachable: held().map(|row| row.unreachable_samples).sum(),
            leaks_found: percent(lost().map(|row| row.unreachable).sum(), lost().map(|row| row.seen).sum()),
            stale: percent(
                stale().map(|row| row.unreachable + row.doubtful).sum(),
                stale().map(|row| row.seen).sum(),
            ),
            without_cycle: lost().map(|row| row.without_cycle).sum(),
            missing: self.missing,
        }
    }
}

impl Row {
    fn mistake(&mut self, what: String, bytes: f64) {
        if bytes > 0.0 {
            *self.mistakes.entry(what).or_default() += bytes;
        }
    }
}

/// Whether the direct holder has an argument that is not known.
fn is_partial(chain: &HolderChain) -> bool {
    let name = chain.links.first().and_then(|link| link.type_name.as_deref());
    name.is_some_and(|name| ["<_,", "<_>", " _,", " _>"].iter().any(|part| name.contains(part)))
}

fn percent(part: f64, whole: f64) -> f64 {
    if whole > 0.0 { 100.0 * part / whole } else { 0.0 }
}
