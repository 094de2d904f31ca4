//! Samples that no scan reached.

use std::collections::BTreeMap;

use crate::input::ScanInput;
use crate::scan::{Reached, ScanResult};
use crate::unreached::MIN_AGE;

/// Scans that must agree.
pub(crate) const MIN_SCANS: usize = 3;

/// Samples of one type that must be unreachable. A single one can be hidden in a register.
const MIN_SAMPLES: usize = 3;

/// For each sample of the last scan whether it is unreachable: no scan of at least three reached it, all scans were
/// complete, it lived through all of them, it is older than a minute, and at least three of its type are the same.
pub(crate) fn unreachable(
    results: &[ScanResult],
    input: &ScanInput,
    is_live: &dyn Fn(u64) -> bool,
) -> Vec<bool> {
    let is_complete =
        results.len() >= MIN_SCANS && results.iter().all(|result| result.coverage.ended_early.is_none());
    if !is_complete {
        return vec![false; input.samples.len()];
    }
    let mut misses: BTreeMap<u64, usize> = BTreeMap::new();
    for sample in results.iter().flat_map(|result| &result.samples) {
        if sample.reached == Reached::No {
            *misses.entry(sample.sequence).or_default() += 1;
        }
    }
    let mut verdict: Vec<bool> = input
        .samples
        .iter()
        .map(|object| {
            object.sample.age >= MIN_AGE
                && misses.get(&object.sample.sequence) == Some(&results.len())
                && is_live(object.sample.sequence)
        })
        .collect();
    let mut counts: BTreeMap<u32, usize> = BTreeMap::new();
    for (object, _) in input.samples.iter().zip(&verdict).filter(|(_, is_unreachable)| **is_unreachable) {
        *counts.entry(object.type_index).or_default() += 1;
    }
    for (object, is_unreachable) in input.samples.iter().zip(&mut verdict) {
        *is_unreachable &= counts.get(&object.type_index).is_some_and(|count| *count >= MIN_SAMPLES);
    }
    verdict
}
