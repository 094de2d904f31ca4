//! Tests of the stated errors (±) against known sizes.

use std::hint::black_box;
use std::sync::Arc;

use memory_debug_core::{Collector, Scope, spawn_collecting};

use crate::population::{deviation, row};
use crate::shop;

/// A different type for each `N`.
struct Specimen<const N: usize>(#[expect(dead_code, reason = "only its size matters")] [u64; 8]);

const BYTES: usize = 1 << 20;

#[expect(clippy::vec_box, reason = "many small allocations are what is to be estimated")]
fn population<const N: usize>() -> Vec<Box<Specimen<N>>> {
    let mut specimens = Vec::with_capacity(BYTES / 64);
    (0..BYTES / 64).for_each(|_| specimens.push(Box::new(Specimen(black_box([1; 8])))));
    specimens
}

macro_rules! populations {
    ($($n:literal)+) => { ($(population::<$n>(),)+) };
}

#[tokio::test]
async fn standard_errors_are_honest() {
    let held =
        populations!(0 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16 17 18 19 20 21 22 23 24 25 26 27 28 29 30 31);
    let report = shop::types_with("Specimen").await;
    drop(held);
    let rows: Vec<_> =
        (0..32).map(|n| row(&report, &format!("Box<Specimen<{n}>>")).expect("a row for each")).collect();

    let deviations: Vec<f64> = rows.iter().map(|row| deviation(row, BYTES as u64)).collect();
    let outliers = deviations.iter().filter(|deviation| deviation.abs() > 3.0).count();
    // With 32 honest estimates, one run in eleven has one outlier. One run in a million has five.
    assert!(outliers < 5, "{deviations:.1?}");
    // Chi-squared with 32 degrees of freedom: once in 100,000 runs it is outside these bounds.
    let mean_square = deviations.iter().map(|deviation| deviation * deviation).sum::<f64>() / 32.0;
    assert!((0.28..2.4).contains(&mean_square), "{mean_square:.2}: {deviations:.1?}");
    // Estimates with a common bias would have passed so far.
    let total: f64 = rows.iter().map(|row| row.bytes as f64).sum();
    let stderr = rows.iter().map(|row| row.bytes_stderr.powi(2)).sum::<f64>().sqrt();
    assert!((total - 32.0 * BYTES as f64).abs() < 5.0 * stderr, "{total} ± {stderr}");
}

/// The number of samplings of the same workload.
const ROUNDS: usize = 200;

#[test]
fn standard_errors_cover_the_truth_as_often_as_expected() {
    let collector = Arc::new(Collector::new());
    let (mut within_one, mut within_two, mut rows) = (0, 0, 0);
    for _ in 0..ROUNDS {
        let held = populations!(100 101 102 103 104 105 106 107);
        let collector = Arc::clone(&collector);
        let report =
            spawn_collecting(move || collector.collect(Scope::Types).report).unwrap().join().unwrap();
        drop(held);
        for n in 100..108 {
            let row = row(&report, &format!("Box<Specimen<{n}>>")).expect("256 samples");
            let deviation = deviation(row, BYTES as u64).abs();
            within_one += usize::from(deviation <= 1.0);
            within_two += usize::from(deviation <= 2.0);
            rows += 1;
        }
    }
    let (one, two) = (within_one as f64 / rows as f64, within_two as f64 / rows as f64);
    println!("of {rows} estimates {one:.3} within one standard error, {two:.3} within two");
    // 0.683 and 0.954 are expected. With 1,600 rows the shares vary by 0.012 and 0.005.
    assert!((0.60..=0.76).contains(&one), "{one}");
    assert!(two >= 0.93, "{two}");
}
