//! Compares reading the allocator's numbers with the least that `tikv-jemalloc-ctl` can do.

use std::process::ExitCode;
use std::time::{Duration, Instant};

use criterion::{Criterion, Throughput, criterion_group};
use memory_debug_core::allocator_stats;
use tikv_jemalloc_ctl::{epoch, stats};

memory_debug_core::install!();

/// Target: the largest ratio of our time to the bare time.
const TARGET: f64 = 2.0;
/// The number of measurements of each side.
const RUNS: usize = 2001;

/// The epoch and the six sizes, as the crate's manual shows.
fn bare() -> [usize; 6] {
    epoch::advance().expect("jemalloc answers");
    [
        stats::allocated::read(),
        stats::active::read(),
        stats::metadata::read(),
        stats::resident::read(),
        stats::mapped::read(),
        stats::retained::read(),
    ]
    .map(|size| size.expect("built with statistics"))
}

fn statistics(criterion: &mut Criterion) {
    let heap: Vec<Vec<u8>> = (0..100_000).map(|size| vec![0; size % 512]).collect();
    let mut group = criterion.benchmark_group("statistics");
    group.throughput(Throughput::Elements(1));
    group.bench_function("bare", |bencher| {
        bencher.iter(|| {
            let [allocated, active, ..] = bare();
            assert!(0 < allocated && allocated <= active);
        });
    });
    group.bench_function("ours", |bencher| {
        bencher.iter(|| {
            let stats = allocator_stats().expect("jemalloc is the allocator");
            assert!(Some(0) < stats.allocated_bytes && stats.allocated_bytes <= stats.active_bytes);
        });
    });
    group.finish();
    drop(heap);
}

criterion_group!(benches, statistics);

fn main() -> ExitCode {
    benches();
    let (ours, bare) = in_turn();
    let ratio = ours.as_secs_f64() / bare.as_secs_f64();
    println!("ours takes {ratio:.2} times as long as bare (target {TARGET:.2}): {ours:?} and {bare:?}");
    // `--test` does not assert times.
    if std::env::args().any(|argument| argument == "--test") || ratio <= TARGET {
        return ExitCode::SUCCESS;
    }
    eprintln!("the target was missed");
    ExitCode::FAILURE
}

/// The medians of both, measured in turn, so that other work on the machine affects both equally.
fn in_turn() -> (Duration, Duration) {
    let time = |work: &dyn Fn()| {
        let begin = Instant::now();
        work();
        begin.elapsed()
    };
    let (mut ours, mut bares) = (Vec::new(), Vec::new());
    for _ in 0..RUNS {
        ours.push(time(&|| drop(allocator_stats().expect("jemalloc is the allocator"))));
        bares.push(time(&|| assert!(bare()[0] > 0)));
    }
    let median = |mut times: Vec<Duration>| {
        times.sort_unstable();
        times[times.len() / 2]
    };
    (median(ours), median(bares))
}
