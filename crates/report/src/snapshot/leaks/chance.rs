//! How often memory that does not leak is suspected, by lot. The rates are printed, too (`--nocapture`).

use memory_debug_profile::{HeapProfile, Mapping, TypeAttributor};

use super::super::tests::empty;
use super::*;

/// Enough for bounds that are some percent wide. The figures in the text above are of more.
const TRIALS: u32 = 300;

/// The same lots in each run.
struct Lots(u64);

impl Lots {
    /// From 0 to 1.
    fn unit(&mut self) -> f64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        (self.0 >> 11) as f64 / (1_u64 << 53) as f64
    }

    /// How many samples there are where `mean` are to be expected (Knuth's method, in parts that do not underflow).
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

/// A heap with so many samples of each type, of 64-byte objects.
fn profile(samples: &[u64]) -> SymbolizedProfile {
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
    let no_files = |_: &Mapping| Err(std::io::ErrorKind::NotFound.into());
    let profile = HeapProfile::parse((dump + &libraries).as_bytes()).unwrap();
    TypeAttributor::new().symbolize(&profile, &no_files)
}

/// The share of verdicts with a suspect; `levels` are the samples to be expected of each type at a moment. Nothing of one
/// moment is kept to the next, which is the most noise there can be.
fn suspected(snapshots: usize, levels: impl Fn(&mut Lots) -> Vec<f64>) -> f64 {
    let snapshot = empty(7, "x");
    let mut lots = Lots(0x9e37_79b9_7f4a_7c15);
    let mut suspected = 0;
    for _ in 0..TRIALS {
        let points: Vec<_> = (0..snapshots)
            .rev()
            .map(|before_last| {
                let levels = levels(&mut lots);
                let samples: Vec<_> = levels.into_iter().map(|mean| lots.samples(mean)).collect();
                (Duration::from_secs(60 * before_last as u64), snapshot.info().clone(), profile(&samples))
            })
            .collect();
        suspected += u32::from(!LeakRun::judged(&points, None).1.is_empty());
    }
    let share = f64::from(suspected) / f64::from(TRIALS);
    println!("{snapshots} snapshots: {:.1} %", 100.0 * share);
    share
}

/// Any level between two.
fn between(low: f64, high: f64) -> impl Fn(&mut Lots) -> Vec<f64> {
    move |lots| vec![low + (high - low) * lots.unit()]
}

#[test]
fn noise_alone_is_suspected_less_often_than_the_test_says() {
    for snapshots in [3, 5, 8] {
        assert!(suspected(snapshots, |_| vec![100.0]) < 0.05, "{snapshots}");
    }
    assert!(suspected(3, |_| vec![100.0; 20]) < 0.05, "20 types");
    let rows = ChangeTable::between(&profile(&[1; 20]), &profile(&[2; 20]), &Selection::default()).rows;
    assert_eq!(rows.len(), 20, "a row each");
}

#[test]
fn what_comes_and_goes_is_suspected_the_less_often_the_more_snapshots_there_are() {
    fn rates(levels: impl Fn(&mut Lots) -> Vec<f64>) {
        // Of one in twenty, so many trials find no more than 9 % (three standard errors); of one in eight, 18 %.
        let [few, enough, many] = [FEWEST, ENOUGH, 12].map(|snapshots| suspected(snapshots, &levels));
        assert!(few < 0.18 && enough < 0.09 && many <= enough && many < few, "{few} {enough} {many}");
    }
    rates(between(0.0, 200.0));
    rates(between(0.0, 20.0));
    rates(between(100.0, 200.0));
    rates(|lots| vec![if lots.unit() < 0.5 { 200.0 } else { 1.0 }]);
}
