//! Counts how far the inputs of a target get. A target whose inputs are refused at once finds nothing.

use std::cell::RefCell;
use std::collections::BTreeMap;

type Outcomes = BTreeMap<(&'static str, &'static str), u64>;

/// Counts the outcome of an input of this kind, and prints all counts whenever their number has doubled.
pub fn count(kind: &'static str, outcome: &'static str) {
    thread_local!(static OUTCOMES: RefCell<(u64, Outcomes)> = RefCell::default());
    OUTCOMES.with_borrow_mut(|(all, outcomes)| {
        *all += 1;
        *outcomes.entry((kind, outcome)).or_default() += 1;
        if all.is_power_of_two() && *all >= 1 << 12 {
            eprintln!("reached: {outcomes:?}");
        }
    });
}
