//! The table of types, first hit and warm, beside `jemalloc_pprof::dump_pprof` with symbols, on the heap of the axum
//! example in the same run; and the memory a first hit takes and gives back.
//!
//! Both keep what they learned, so a first hit happens once in a process. The bench therefore runs itself several times,
//! in turn with ours first and the peer first, and compares medians. `--test` does it once for each order and asserts
//! the results but no times.

use std::collections::BTreeMap;
use std::process::{Command, ExitCode};
use std::time::{Duration, Instant};

use axum_service::{AppState, Config};
use jemalloc_pprof::PROF_CTL;
use memory_debug_core::{Collector, MemoryReport, Scope, spawn_collecting};

memory_debug_core::install!();

/// Processes for each order.
const ROUNDS: usize = 9;
/// Hits after the first, in each process.
const WARM_HITS: usize = 31;
/// Told to a child: who goes first.
const ORDER: &str = "MEMORY_DEBUG_BENCH_FIRST";

/// Our time is at most this share of the peer's.
const FIRST_HIT_TARGET: f64 = 1.0 / 3.0;
const WARM_HIT_TARGET: f64 = 1.0 / 2.0;
/// After a first hit at most this much more is resident than before.
const REMAINS_TARGET: i64 = 2 << 20;

fn main() -> ExitCode {
    if let Ok(first) = std::env::var(ORDER) {
        child(&first);
        return ExitCode::SUCCESS;
    }
    let test = std::env::args().any(|argument| argument == "--test");
    let mut figures: BTreeMap<String, Vec<i64>> = BTreeMap::new();
    for _ in 0..if test { 1 } else { ROUNDS } {
        for first in ["ours", "peer"] {
            run(first, &mut figures);
        }
    }
    let medians: BTreeMap<String, i64> =
        figures.iter_mut().map(|(name, values)| (name.clone(), median(values))).collect();
    for (name, median) in &medians {
        println!("{name:<28} {median:>12}   {:?}", figures[name]);
    }
    let ratio = |ours: &str, peer: &str| medians[ours] as f64 / medians[peer] as f64;
    let first = ratio("ours first, µs", "peer first, µs");
    let warm = ratio("ours warm, µs", "peer warm, µs");
    let remains = medians["resident after, bytes"] - medians["resident before, bytes"];
    println!("first hit: {first:.3} of the peer's time (target {FIRST_HIT_TARGET:.3})");
    println!("warm hit: {warm:.3} of the peer's time (target {WARM_HIT_TARGET:.3})");
    println!("after a first hit {remains} bytes more are resident (target {REMAINS_TARGET})");
    if test || first <= FIRST_HIT_TARGET && warm <= WARM_HIT_TARGET && remains <= REMAINS_TARGET {
        return ExitCode::SUCCESS;
    }
    eprintln!("a target was missed");
    ExitCode::FAILURE
}

/// Runs this program as a child and collects the figures it prints.
fn run(first: &str, figures: &mut BTreeMap<String, Vec<i64>>) {
    let executable = std::env::current_exe().expect("a running program has an executable");
    let output = Command::new(executable).env(ORDER, first).output().expect("the child starts");
    let text = String::from_utf8_lossy(&output.stdout);
    assert!(output.status.success(), "{text}{}", String::from_utf8_lossy(&output.stderr));
    for line in text.lines() {
        let (name, value) = line.rsplit_once(": ").expect("the child prints `name: value`");
        figures.entry(name.to_owned()).or_default().push(value.parse().expect("a number"));
    }
}

fn median(values: &mut [i64]) -> i64 {
    values.sort_unstable();
    values[values.len() / 2]
}

fn child(first: &str) {
    let runtime = tokio::runtime::Runtime::new().expect("a runtime");
    let _entered = runtime.enter();
    let state = AppState::start(&Config::full());
    let collector = std::sync::Arc::new(Collector::new());
    settle();
    if first == "ours" {
        reset_peak();
        let (before, anonymous_before) = (resident("VmRSS"), resident("RssAnon"));
        let time = time(|| ours(&collector));
        println!("resident before, bytes: {before}");
        println!("resident at peak, bytes: {}", resident("VmHWM"));
        println!("resident after, bytes: {}", resident("VmRSS"));
        println!("of it anonymous, more than before, bytes: {}", resident("RssAnon") - anonymous_before);
        println!("ours first, µs: {time}");
        peer();
    } else {
        println!("peer first, µs: {}", time(peer));
        ours(&collector);
    }
    // Not in turn: the peer works on a thread that is sampled, so each of its runs adds stacks to the next profile,
    // which is for the peer to pay.
    let mut our_times: Vec<i64> = (0..WARM_HITS).map(|_| time(|| ours(&collector))).collect();
    let mut peer_times: Vec<i64> = (0..WARM_HITS).map(|_| time(peer)).collect();
    println!("ours warm, µs: {}", median(&mut our_times));
    println!("peer warm, µs: {}", median(&mut peer_times));
    drop(state);
}

fn time(work: impl FnOnce()) -> i64 {
    let begin = Instant::now();
    work();
    let elapsed: Duration = begin.elapsed();
    i64::try_from(elapsed.as_micros()).expect("less than 300,000 years")
}

/// What a request for the table does, on the thread that is made for it.
fn ours(collector: &std::sync::Arc<Collector>) {
    let collector = std::sync::Arc::clone(collector);
    let thread = spawn_collecting(move || collector.collect(Scope::Types)).expect("a thread");
    assert_table(&thread.join().expect("no panic"));
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

fn peer() {
    let control = PROF_CTL.as_ref().expect("profiling is on");
    let profile = control.blocking_lock().dump_pprof().expect("a profile");
    assert!(profile.starts_with(&[0x1f, 0x8b]), "gzip");
}

fn resident(field: &str) -> i64 {
    let status = std::fs::read_to_string("/proc/self/status").expect("Linux");
    let line = status.lines().find(|line| line.starts_with(field)).expect("the kernel tells");
    let kib: i64 = line.split_ascii_whitespace().nth(1).and_then(|kib| kib.parse().ok()).expect("a number");
    kib * 1024
}

/// Waits until the service has done what it does at its start, so that its own growth is not taken for ours.
fn settle() {
    let (mut last, mut still) = (0, 0);
    while still < 5 {
        std::thread::sleep(Duration::from_millis(50));
        let now = resident("VmRSS");
        still = if now == last { still + 1 } else { 0 };
        last = now;
    }
}

/// Lets `VmHWM` begin anew (proc_pid_clear_refs(5)).
fn reset_peak() {
    std::fs::write("/proc/self/clear_refs", "5").expect("Linux");
}
