//! Compares a first and a warm hit on the table of types with `jemalloc_pprof::dump_pprof` with symbols, on the heap
//! of the axum example in the same run. Also measures the memory that a first hit takes and gives back.
//!
//! Both cache symbols, so a process has only one first hit. The bench therefore runs itself several times, in turn
//! with ours first and the peer first, and compares medians. `--test` runs once for each order, and asserts the
//! results but not the times.

use std::process::ExitCode;
use std::sync::Arc;

use axum_service::{AppState, Config};
use memory_debug_benches::side_by_side::{Figures, median, ours, peer, resident, settle, time};
use memory_debug_core::{Collector, MemoryReport};

memory_debug_core::install!();

/// The number of processes for each order.
const ROUNDS: usize = 9;
/// The number of hits after the first, in each process.
const WARM_HITS: usize = 31;
/// The environment variable that tells a child which side goes first.
const ORDER: &str = "MEMORY_DEBUG_BENCH_FIRST";

/// Targets: the largest ratios of our time to the peer's.
const FIRST_HIT_TARGET: f64 = 1.0 / 3.0;
const WARM_HIT_TARGET: f64 = 1.0 / 2.0;
/// Target: the most resident memory that a first hit may leave, in bytes.
const REMAINS_TARGET: i64 = 2 << 20;

fn main() -> ExitCode {
    if let Ok(first) = std::env::var(ORDER) {
        child(&first);
        return ExitCode::SUCCESS;
    }
    let test = std::env::args().any(|argument| argument == "--test");
    let mut figures = Figures::default();
    for _ in 0..if test { 1 } else { ROUNDS } {
        for first in ["ours", "peer"] {
            figures.run(&[(ORDER, first)]);
        }
    }
    print!("{figures}");
    let first = figures.ratio("ours first, µs", "peer first, µs");
    let warm = figures.ratio("ours warm, µs", "peer warm, µs");
    let remains = figures.median("resident after, bytes") - figures.median("resident before, bytes");
    println!("first hit: {first:.3} of the peer's time (target {FIRST_HIT_TARGET:.3})");
    println!("warm hit: {warm:.3} of the peer's time (target {WARM_HIT_TARGET:.3})");
    println!("after a first hit {remains} bytes more are resident (target {REMAINS_TARGET})");
    if test || first <= FIRST_HIT_TARGET && warm <= WARM_HIT_TARGET && remains <= REMAINS_TARGET {
        return ExitCode::SUCCESS;
    }
    eprintln!("a target was missed");
    ExitCode::FAILURE
}

fn child(first: &str) {
    let runtime = tokio::runtime::Runtime::new().expect("a runtime");
    let _entered = runtime.enter();
    let state = AppState::start(&Config::full());
    let collector = Arc::new(Collector::new());
    let ours = || assert_table(&ours(&collector).report);
    settle();
    if first == "ours" {
        reset_peak();
        let (before, anonymous_before) = (resident("VmRSS"), resident("RssAnon"));
        let time = time(ours);
        println!("resident before, bytes: {before}");
        println!("resident at peak, bytes: {}", resident("VmHWM"));
        println!("resident after, bytes: {}", resident("VmRSS"));
        println!("of it anonymous, more than before, bytes: {}", resident("RssAnon") - anonymous_before);
        println!("ours first, µs: {time}");
        peer();
    } else {
        println!("peer first, µs: {}", time(peer));
        ours();
    }
    // Measures each side in a row, not in turn. The peer works on a sampled thread, so each of its runs adds stacks
    // to the next profile, and only the peer must pay for them.
    let our_times: Vec<i64> = (0..WARM_HITS).map(|_| time(ours)).collect();
    let peer_times: Vec<i64> = (0..WARM_HITS).map(|_| time(peer)).collect();
    println!("ours warm, µs: {}", median(our_times));
    println!("peer warm, µs: {}", median(peer_times));
    drop(state);
}

fn assert_table(report: &MemoryReport) {
    let types = report.types.as_ref().expect("a table");
    assert_eq!(types.symbols.as_deref(), Some("inlined"));
    assert!(types.rows.iter().any(|row| row.type_name == "HashMap<String, Session>"), "{types}");
    let (total, unattributed) =
        (types.total_bytes.expect("a total"), types.unattributed_bytes.expect("a sum"));
    assert!(total > 20 << 20, "{types}");
    assert!(unattributed * 20 < total, "{types}");
}

/// Resets the peak `VmHWM` (proc_pid_clear_refs(5)).
fn reset_peak() {
    std::fs::write("/proc/self/clear_refs", "5").expect("Linux");
}
