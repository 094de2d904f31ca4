//! The table of types beside `jemalloc_pprof::dump_pprof` with symbols, in a program with hundreds of megabytes of debug
//! information: a service that answers SQL with datafusion. First hit, warm hit, and the anonymous memory that a first
//! hit takes and keeps.
//!
//! Both keep what they learned, so a first hit happens once in a process: the program runs itself, in turn with ours
//! first and the peer first, and compares medians. One line for each target begins with `ok` or `FAILED`.
//!
//! `large-binary GROUP [FOCUS]` prints the table instead, its rows standing for a `container`, `element`, `function`, ...,
//! of the stacks with that text in them.

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

/// Processes for each order that measure time, and for each side that measure memory.
const ROUNDS: usize = 5;
const MEMORY_ROUNDS: usize = 3;
/// Hits after the first, in each process.
const WARM_HITS: usize = 11;
/// Told to a child: what to measure.
const ROLE: &str = "MEMORY_DEBUG_BENCH_ROLE";

/// At most this share of the peer's.
const FIRST_HIT_TARGET: f64 = 1.0 / 3.0;
const WARM_HIT_TARGET: f64 = 1.0 / 2.0;
const PEAK_TARGET: f64 = 1.0 / 4.0;

/// Bytes between samples: what `install!` sets, and denser, for more stacks.
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

/// Measures both at a sample rate; whether the targets were met.
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

/// Prints figures, one a line.
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

/// What both look at, before the peer has added to it.
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

/// Not in turn: the peer works on a thread that is sampled, so each of its runs adds stacks to the next profile, which
/// is for the peer to pay.
fn print_warm(ours: impl Fn()) {
    println!("ours warm, µs: {}", median((0..WARM_HITS).map(|_| time(&ours)).collect()));
    println!("peer warm, µs: {}", median((0..WARM_HITS).map(|_| time(peer)).collect()));
}

/// What the process has used of processors, in microseconds. While a hit is measured, nothing else in it runs.
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
    // jemalloc counts an allocation of this size as its size class, which is up to a quarter larger.
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
