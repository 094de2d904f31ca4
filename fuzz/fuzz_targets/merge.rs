//! Sums and differences of all profiles in the input. The result of a merge does not depend on order and grouping,
//! growths add up, and a change table agrees with the profiles.

#![no_main]

use libfuzzer_sys::fuzz_target;
use memory_debug_profile::fuzzing::{pprof_message, read_pprof_message};
use memory_debug_profile::{ChangeTable, Group, Peaks, PprofOptions, Selection, SymbolizedProfile};

/// The separator between two messages. It never occurs in a written message, because such a length is refused.
const SEPARATOR: [u8; 4] = [0xff; 4];

/// The profiles among the first three messages.
fn profiles(data: &[u8]) -> Vec<SymbolizedProfile> {
    let mut parts = Vec::new();
    let mut rest = data;
    while let Some(at) = rest.windows(4).position(|window| window == SEPARATOR).filter(|_| parts.len() < 2) {
        parts.push(&rest[..at]);
        rest = &rest[at + 4..];
    }
    parts.push(rest);
    parts.into_iter().filter_map(|part| Some(read_pprof_message(part).ok()?.0)).collect()
}

fn merge(profiles: &[&SymbolizedProfile]) -> Option<SymbolizedProfile> {
    SymbolizedProfile::merge(profiles.iter().copied())
}

fuzz_target!(|data: &[u8]| {
    let profiles = profiles(data);
    let [first, .., last] = &profiles[..] else { return };
    let middle = &profiles[profiles.len() / 2];
    sums(first, middle, last);
    differences(first, middle, last);
    changes(first, last);
    changes(last, first);
    peaks(&profiles);
});

fn sums(a: &SymbolizedProfile, b: &SymbolizedProfile, c: &SymbolizedProfile) {
    let all = merge(&[a, b, c]);
    assert_eq!(all, merge(&[c, b, a]));
    assert_eq!(all, merge(&[b, a, c]));
    if let (Some(all), Some(inner), Some(outer)) = (all, merge(&[a, b]), merge(&[b, c])) {
        assert_eq!(merge(&[&inner, c]).as_ref(), Some(&all));
        assert_eq!(merge(&[a, &outer]).as_ref(), Some(&all));
        let sum = [a, b, c].map(|profile| profile.total().bytes).into_iter().sum::<i64>();
        assert_eq!(all.total().bytes, sum);
        if let Ok(message) = pprof_message(&all, &PprofOptions::default()) {
            assert_eq!(read_pprof_message(&message).expect("what was written").0, all);
        }
    }
}

fn differences(a: &SymbolizedProfile, b: &SymbolizedProfile, c: &SymbolizedProfile) {
    assert_eq!(a.growth_since(a).stack_count(), 0);
    let (first, second, whole) = (b.growth_since(a), c.growth_since(b), c.growth_since(a));
    let together = merge(&[&first, &second]).expect("growths");
    assert_eq!(together.total(), whole.total());
    // They differ in rate if `b` has the coarsest rate, because `whole` does not involve `b`.
    if together.sample_rate() == whole.sample_rate() {
        assert_eq!(together, whole);
    }
}

fn changes(base: &SymbolizedProfile, target: &SymbolizedProfile) {
    for group in Group::ALL {
        let table = ChangeTable::between(base, target, &Selection::from(group));
        let difference = target.total().bytes as f64 - base.total().bytes as f64;
        let scale = 1e-6
            * base.total().bytes.unsigned_abs().max(target.total().bytes.unsigned_abs()).max(1 << 40) as f64;
        assert!(
            (table.total.difference.bytes - difference).abs() <= scale,
            "{group:?}: {difference} {:?}",
            table.total
        );
        assert!(table.rows.len() <= table.compared);
        assert!(ChangeTable::between(base, base, &Selection::from(group)).rows.is_empty());
    }
}

/// Checks that a profile does not exceed the peaks again after it has raised them.
fn peaks(profiles: &[SymbolizedProfile]) {
    let mut peaks = Peaks::new(Selection::default());
    for profile in profiles {
        peaks.exceeded_by(profile);
        assert!(peaks.exceeded_by(profile).rows.is_empty());
    }
}
