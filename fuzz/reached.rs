//! How often a target gets how far: one that is turned away at the door finds nothing.

use std::cell::RefCell;
use std::collections::BTreeMap;

type Outcomes = BTreeMap<(&'static str, &'static str), u64>;

/// Counts what came of input of that kind, and prints all counts each time that there are twice as many.
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
