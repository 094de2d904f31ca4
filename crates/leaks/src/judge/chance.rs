//! Simulates how often memory that does not leak is suspected. Prints the rates (`--nocapture`).

use super::*;
use crate::fixture::{empty, profile_of};

/// Enough for bounds that are some percent wide. The figures in the documentation above come from more trials.
const TRIALS: u32 = 300;

/// A random number generator that gives the same numbers in each run.
pub(super) struct Rng(pub(super) u64);

impl Rng {
    /// A number from 0 to 1.
    pub(super) fn unit(&mut self) -> f64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        (self.0 >> 11) as f64 / (1_u64 << 53) as f64
    }

    /// A Poisson number of samples with this mean (Knuth's method, in parts that do not underflow).
    fn samples(&mut self, mean: f64) -> u64 {
        let parts = (mean / 30.0).ceil().max(1.0);
        let limit = (-mean / parts).exp();
        let mut samples = 0;
        for _ in 0..parts as u64 {
            let mut product = self.unit();
            while product > limit {
                samples += 1;
                product *= self.unit();
            }
        }
        samples
    }
}

/// A heap with these numbers of samples, one per type, of 64-byte objects.
pub(super) fn profile(samples: &[u64]) -> SymbolizedProfile {
    let line = |count: u64| format!("{count}: {} [0: 0]\n", count * 64);
    let mut dump = format!("heap_v2/524288\n  t*: {}", line(samples.iter().sum()));
    let mut libraries = "\nMAPPED_LIBRARIES:\n".to_owned();
    // Without symbols, each library is a row.
    for (index, count) in samples.iter().enumerate() {
        let start = (index + 1) << 20;
        if *count > 0 {
            dump += &format!("@ {:#x}\n  t*: {1}  t1: {1}", start + 16, line(*count));
        }
        libraries += &format!("{start:x}-{:x} r-xp 00000000 08:01 1 /lib/lib{index}.so\n", start + 0x1000);
    }
    profile_of(&(dump + &libraries))
}

/// The share of verdicts with a suspect. `levels` gives each type's expected samples at one moment. No object survives
/// from one moment to the next, which is the most noise possible.
fn suspected(snapshots: usize, levels: impl Fn(&mut Rng) -> Vec<f64>) -> f64 {
    let snapshot = empty(7, "x");
    let mut rng = Rng(0x9e37_79b9_7f4a_7c15);
    let mut suspected = 0;
    for _ in 0..TRIALS {
        let points: Vec<_> = (0..snapshots)
            .rev()
            .map(|before_last| {
                let levels = levels(&mut rng);
                let samples: Vec<_> = levels.into_iter().map(|mean| rng.samples(mean)).collect();
                (Duration::from_secs(60 * before_last as u64), snapshot.info().clone(), profile(&samples))
            })
            .collect();
        suspected += u32::from(!LeakRun::judged(&points, &[], None).1.is_empty());
    }
    let share = f64::from(suspected) / f64::from(TRIALS);
    println!("{snapshots} snapshots: {:.1} %", 100.0 * share);
    share
}

/// A random level between two bounds.
fn between(low: f64, high: f64) -> impl Fn(&mut Rng) -> Vec<f64> {
    move |rng| vec![low + (high - low) * rng.unit()]
}

#[test]
fn noise_alone_is_suspected_less_often_than_the_test_allows() {
    for snapshots in [3, 5, 8] {
        assert!(suspected(snapshots, |_| vec![100.0]) < 0.05, "{snapshots}");
    }
    assert!(suspected(3, |_| vec![100.0; 20]) < 0.05, "20 types");
    let rows = ChangeTable::between(&profile(&[1; 20]), &profile(&[2; 20]), &Selection::default()).rows;
    assert_eq!(rows.len(), 20, "one row per type");
}

#[test]
fn more_snapshots_make_false_suspicion_of_fluctuating_types_rarer() {
    fn rates(levels: impl Fn(&mut Rng) -> Vec<f64>) {
        // At a true rate of 5 %, this many trials find at most 9 % (three standard errors); at one in eight, 18 %.
        let [few, enough, many] =
            [MIN_SNAPSHOTS, RELIABLE_SNAPSHOTS, 12].map(|snapshots| suspected(snapshots, &levels));
        assert!(few < 0.18 && enough < 0.09 && many <= enough && many < few, "{few} {enough} {many}");
    }
    rates(between(0.0, 200.0));
    rates(between(0.0, 20.0));
    rates(between(100.0, 200.0));
    rates(|rng| vec![if rng.unit() < 0.5 { 200.0 } else { 1.0 }]);
}
