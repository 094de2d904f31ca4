//! Rows of large objects, at the usual rate and with jemalloc's rounding of large sizes on.
//!
//! Above 8 pages, jemalloc counts an object as the next size class, up to a quarter too much. Live samples know the true
//! sizes.
#![cfg(all(feature = "jemalloc", target_os = "linux"))]
#![allow(clippy::unwrap_used, reason = "the functions here are parts of tests")]

use std::hint::black_box;
use std::sync::Arc;

use memory_debug_core::{Collector, MemoryReport, Scope, TypeRow, record_live_samples, spawn_collecting};

memory_debug_core::install!();

const PAGE: usize = 4096;

/// A different type for each `N`.
struct Specimen<const N: usize>(#[expect(dead_code, reason = "only its size matters")] [u64; 8]);

/// Numbers that are the same in each run (xorshift).
struct Random(u64);

impl Random {
    fn between(&mut self, least: usize, most: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        least + self.0 as usize % (most - least)
    }
}

/// Buffers of odd sizes, and the bytes of their pages. Nothing is written into them.
fn buffers<const N: usize>(
    number: usize,
    (least, most): (usize, usize),
    random: &mut Random,
) -> (Vec<Vec<Specimen<N>>>, usize) {
    let size = |_| random.between(least, most) / size_of::<Specimen<N>>();
    let buffers: Vec<Vec<Specimen<N>>> =
        (0..number).map(size).map(|size| black_box(Vec::with_capacity(size))).collect();
    let pages =
        |buffer: &Vec<Specimen<N>>| (buffer.capacity() * size_of::<Specimen<N>>()).next_multiple_of(PAGE);
    let truth = buffers.iter().map(pages).sum();
    (buffers, truth)
}

fn collect(collector: &Arc<Collector>) -> MemoryReport {
    let collector = Arc::clone(collector);
    spawn_collecting(move || collector.collect(Scope::Types).report).unwrap().join().unwrap()
}

fn row(report: &MemoryReport, number: usize) -> Option<&TypeRow> {
    let name = format!("Vec<Specimen<{number}>>");
    report.types.as_ref().unwrap().rows.iter().find(|row| row.type_name == name)
}

/// Deviations of estimates from the truth, in standard errors.
#[derive(Default)]
struct Deviations(Vec<f64>);

impl Deviations {
    fn add(&mut self, row: &TypeRow, truth: usize) {
        self.0.push((row.bytes as f64 - truth as f64) / row.bytes_stderr.max(1.0));
    }

    fn share_within(&self, stderrs: f64) -> f64 {
        self.0.iter().filter(|deviation| deviation.abs() <= stderrs).count() as f64 / self.0.len() as f64
    }
}

macro_rules! populations {
    ($random:ident, $sizes:expr; $($n:literal)+) => { ($((buffers::<$n>(32, $sizes, &mut $random), $n),)+) };
}

/// One test, because all rows are of one process and its table.
#[test]
fn rows_of_large_buffers_of_odd_sizes_have_true_sizes_and_honest_errors() {
    record_live_samples().unwrap();
    let collector = Arc::new(Collector::new());
    let mut random = Random(0x9e37_79b9_7f4a_7c15);

    let (held, truth) = buffers::<300>(8, (9 << 20, 12 << 20), &mut random);
    let report = collect(&collector);
    drop(held);
    let far_above = row(&report, 300).unwrap();
    assert!(far_above.bytes.abs_diff(truth as u64) < PAGE as u64, "exact to the page: {far_above:?} {truth}");
    assert_eq!(far_above.objects, 8);

    let (mut all, mut sum, mut sum_of_truths) = (Deviations::default(), 0.0, 0.0);
    for _ in 0..100 {
        // Less than a gibibyte of addresses, and no memory.
        let held = populations!(random, (40 << 10, 1300 << 10); 1 2 3 4 5 6 7 8);
        let report = collect(&collector);
        let truths = [
            (held.0.0.1, held.0.1),
            (held.1.0.1, held.1.1),
            (held.2.0.1, held.2.1),
            (held.3.0.1, held.3.1),
            (held.4.0.1, held.4.1),
            (held.5.0.1, held.5.1),
            (held.6.0.1, held.6.1),
            (held.7.0.1, held.7.1),
        ];
        drop(held);
        for (truth, number) in truths {
            let row = row(&report, number).unwrap();
            all.add(row, truth);
            (sum, sum_of_truths) = (sum + row.bytes as f64, sum_of_truths + truth as f64);
            let ages = row.ages.unwrap();
            assert_eq!((ages.known_share, ages.older_than_1h), (1.0, 0.0), "all of it is recorded: {row:?}");
            // A page of each buffer at most, of the 32 and of those that they stand for.
            assert!(row.slack_bytes.is_some_and(|slack| slack < row.bytes / 50), "{row:?}");
        }
    }
    let (one, two) = (all.share_within(1.0), all.share_within(2.0));
    let rows = all.0.len();
    println!(
        "of {rows} rows of large buffers {one:.3} within one standard error, {two:.3} within two; sum of estimates / \
         truth {:.4}",
        sum / sum_of_truths
    );
    // 0.698 and 0.957 are expected (ARCHITECTURE.md), and 800 rows vary by 0.016 and 0.007.
    assert!((0.62..=0.78).contains(&one), "{one}");
    assert!(two >= 0.92, "{two}");
    // The sizes of jemalloc's classes would be a twelfth too large. The sum varies by 0.004.
    assert!((sum / sum_of_truths - 1.0).abs() < 0.018, "{sum} {sum_of_truths}");
}
