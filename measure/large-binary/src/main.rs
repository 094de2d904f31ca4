//! Compares the table of types with `jemalloc_pprof::dump_pprof` with symbols in a program with hundreds of megabytes
//! of debug information: a service that answers SQL with datafusion. Measures a first hit, a warm hit, and the
//! anonymous memory that a first hit takes and keeps.
//!
//! Both cache symbols, so a process has only one first hit. The program therefore runs itself several times, in turn
//! with ours first and the peer first, and compares medians. One line for each target begins with `ok` or `FAILED`.
//!
//! `large-binary GROUP [FOCUS]` prints the table instead, grouped by `container`, `element`, `function`, and so on.
//! With `FOCUS`, only stacks that contain this text count.

mod memory;
mod queries;
mod service;
#[path = "../../benches/src/side_by_side.rs"]
mod side_by_side;
mod tables;

use std::process::ExitCode;
use std::sync::Arc;

use memory_debug_core::{Collector, Group, MemoryReport, Page, Selection, TypesView, render};
use rustix::time::{ClockId, clock_gettime};

use service::Service;
use side_by_side::{Figures, median, ours, peer, settle, time};

memory_debug_core::install!();

/// The number of processes that measure time in each order, and that measure memory for each side.
const ROUNDS: usize = 5;
const MEMORY_ROUNDS: usize = 3;
/// The number of hits after the first, in each process.
const WARM_HITS: usize = 11;
/// The environment variable that tells a child what to measure.
const ROLE: &str = "MEMORY_DEBUG_BENCH_ROLE";

/// Targets: the largest ratios to the peer's figures.
const FIRST_HIT_TARGET: f64 = 1.0 / 3.0;
const WARM_HIT_TARGET: f64 = 1.0 / 2.0;
const PEAK_TARGET: f64 = 1.0 / 4.0;

/// Sampling rates: the rate that `install!` sets, and a denser rate for more stacks.
const SAMPLE_RATES: [&str; 2] = ["lg_prof_sample:19", "lg_prof_sample:14"];

fn main() -> ExitCode {
    if let Ok(role) = std::env::var(ROLE) {
        child(&role);
    } else if let Some(group) = std::env::args().nth(1) {
        let Some(group) = Group::from_name(&group) else {
            eprintln!("usage: large-binary [container|element|function|... [FOCUS]]");
            return ExitCode::from(2);
        };
        print_table(Selection::new(group, std::env::args().nth(2), None));
    } else if !SAMPLE_RATES.map(compare).iter().all(|met| *met) {
        return ExitCode::FAILURE;
    }
    ExitCode::SUCCESS
}

/// Measures both at a sampling rate, and returns whether the targets were met.
fn compare(sample_rate: &str) -> bool {
    let mut figures = Figures::default();
    let mut run = |role| figures.run(&[(ROLE, role), ("_RJEM_MALLOC_CONF", sample_rate)]);
    for round in 0..ROUNDS {
        run("ours first");
        run("peer first");
        if round < MEMORY_ROUNDS {
            run("our memory");
            run("peer's memory");
        }
    }
    println!("\n== {sample_rate}\n{figures}");
    let checks = [
        ("first hit", "ours first, µs", "peer first, µs", FIRST_HIT_TARGET),
        ("warm hit", "ours warm, µs", "peer warm, µs", WARM_HIT_TARGET),
        (
            "peak extra anonymous memory of a first hit",
            "ours at peak, bytes",
            "peer at peak, bytes",
            PEAK_TARGET,
        ),
    ];
    checks.map(|(what, ours, peer, target)| {
        let ratio = figures.ratio(ours, peer);
        let met = ratio <= target;
        println!(
            "{} {what}: {ratio:.3} of the peer's (target {target:.3})",
            if met { "ok" } else { "FAILED" }
        );
        met
    }) == [true; 3]
}

/// Prints figures, one per line.
fn child(role: &str) {
    let (_runtime, service) = start();
    let collector = Arc::new(Collector::new());
    let ours = || assert_table(&ours(&collector).report, &service);
    memory::purge();
    settle();
    match role {
        "our memory" => {
            print_memory("ours", ours);
            print_heap(&side_by_side::ours(&collector).report);
        }
        "peer's memory" => print_memory("peer", peer),
        "ours first" => {
            print_first("ours", ours);
            peer();
            print_warm(ours);
        }
        _ => {
            print_first("peer", peer);
            ours();
            print_warm(ours);
        }
    }
}

/// Prints figures of the heap before the peer adds to it.
fn print_heap(report: &MemoryReport) {
    let types = report.types.as_ref().expect("a table");
    println!("heap, bytes: {}", types.total_bytes.expect("a total"));
    println!("unattributed, bytes: {}", types.unattributed_bytes.expect("a sum"));
    println!("stacks: {}", types.stacks.expect("a number"));
}

fn print_memory(whose: &str, work: impl FnOnce()) {
    let anonymous = memory::anonymous_during(work);
    println!("{whose} at peak, bytes: {}", anonymous.peak);
    println!("{whose} afterwards, bytes: {}", anonymous.remains);
    println!("{whose}, samples of memory: {}", anonymous.samples);
}

fn print_first(whose: &str, work: impl FnOnce()) {
    let before = processor_time();
    println!("{whose} first, µs: {}", time(work));
    println!("{whose} first, µs of a processor: {}", processor_time() - before);
}

/// Measures warm hits of each side in a row, not in turn. The peer works on a sampled thread, so each of its runs
/// adds stacks to the next profile, and only the peer must pay for them.
fn print_warm(ours: impl Fn()) {
    println!("ours warm, µs: {}", median((0..WARM_HITS).map(|_| time(&ours)).collect()));
    println!("peer warm, µs: {}", median((0..WARM_HITS).map(|_| time(peer)).collect()));
}

/// The processor time of the process, in microseconds. While a hit is measured, nothing else runs in the process.
fn processor_time() -> i64 {
    let time = clock_gettime(ClockId::ProcessCPUTime);
    time.tv_sec * 1_000_000 + time.tv_nsec / 1000
}

fn start() -> (tokio::runtime::Runtime, Service) {
    let runtime = tokio::runtime::Runtime::new().expect("a runtime");
    let service = runtime.block_on(Service::start()).expect("every query is answered");
    (runtime, service)
}

fn assert_table(report: &MemoryReport, service: &Service) {
    let types = report.types.as_ref().expect("a table");
    assert_eq!(types.symbols.as_deref(), Some("inlined"));
    let known = service.sessions_bytes();
    let row = types.rows.iter().find(|row| row.type_name == "HashMap<String, Session>").expect("a row");
    // jemalloc counts an allocation of this size with its size class, which is up to a quarter larger.
    assert!((known..known + known / 4 + known / 20).contains(&row.bytes), "{known} bytes: {types}");
    assert!(types.total_bytes.expect("a total") > 100 << 20, "{types}");
}

fn print_table(selection: Selection) {
    let (_runtime, service) = start();
    let collected = ours(&Arc::new(Collector::new()));
    assert_table(&collected.report, &service);
    let view = TypesView { top: 100, ..TypesView::default() };
    print!("{}", render::text(&collected.regroup(&selection), Page::Types, &view));
}
