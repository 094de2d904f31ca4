//! Scans the process, quiet and under churn.

use std::process::ExitCode;
use std::thread;
use std::time::{Duration, Instant};

use memory_debug_core::{Collector, HoldersOptions, HoldersReport, Scope, spawn_collecting};

use crate::arguments::Arguments;
use crate::checks::{Checks, print_latency};
use crate::cost::{self, Cost};
use crate::expected::populations;
use crate::judge::Judge;
use crate::populations::{Populations, populate};
use crate::{churn, latency, ledger};

/// Scans of one report. Only then does it speak of unreachable memory.
const SCANS: u32 = 3;
/// Holders of a chain. Deep trees show only the first and the last.
const DEPTH: usize = 16;
/// A busy machine takes its time.
const DEADLINE: Duration = Duration::from_secs(300);
/// Younger memory is never called unreachable.
const OLD: Duration = Duration::from_secs(61);
/// How long the threads churn before the first scan and between two.
const BETWEEN: Duration = Duration::from_secs(5);
/// Least shares of held bytes whose chain and root are right, in percent.
const RIGHT_QUIET: f64 = 97.0;
const RIGHT_UNDER_CHURN: f64 = 95.0;

/// Builds the populations, scans, and prints what was found.
pub(crate) fn run(arguments: &Arguments) -> ExitCode {
    // Recording begins, so that every population is known.
    let _ = collect();
    let begin = Instant::now();
    let populations = populate();
    println!("populations built in {:.1} s", begin.elapsed().as_secs_f64());
    thread::sleep(OLD);
    let mut checks = Checks::default();
    let (mut passed, mut failed) = (0, 0);
    let mut count = |judge: &Judge<'_>| {
        let counts = judge.counts();
        (passed, failed) = (passed + counts.0, failed + counts.1);
    };
    if arguments.quiet {
        count(&quiet(arguments, &mut checks));
    }
    if arguments.churn {
        count(&under_churn(arguments, &populations, &mut checks));
    }
    // Populations are never freed: they are only compared.
    populations.runtime.shutdown_background();
    println!("\n{passed} passed, {failed} failed");
    if checks.passed() { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}

fn quiet<'a>(arguments: &Arguments, checks: &mut Checks) -> Judge<'a> {
    println!("\n== quiet");
    let collecting = collect();
    let (judge, cost, heap) = scans(arguments, || ());
    println!("{judge}");
    checks.totals(&judge.totals(), RIGHT_QUIET);
    checks.cost(cost, collecting, SCANS, heap);
    judge
}

fn under_churn<'a>(arguments: &Arguments, populations: &Populations, checks: &mut Checks) -> Judge<'a> {
    println!("\n== under churn");
    let churn = churn::start(&populations.jobs);
    thread::sleep(BETWEEN);
    let (begin, operations) = (Instant::now(), churn::count());
    let (judge, ..) = scans(arguments, || thread::sleep(BETWEEN));
    println!("{judge}");
    let rate = (churn::count() - operations) as f64 / begin.elapsed().as_secs_f64();
    churn.stop();
    println!("       {rate:.0} operations in a second");
    print_latency(latency::take(false), latency::take(true));
    checks.totals(&judge.totals(), RIGHT_UNDER_CHURN);
    judge
}

/// Scans and judges. Returns the most that a report cost, and the bytes of the heap.
fn scans<'a>(arguments: &Arguments, between: impl Fn()) -> (Judge<'a>, Cost, u64) {
    let mut judge = Judge::new(populations(), ledger::truth);
    let (mut most, mut heap) = (Cost::default(), 0);
    for _ in 0..arguments.scans.div_ceil(SCANS) {
        latency::set_scanning(true);
        let (report, cost) = scan();
        latency::set_scanning(false);
        most = Cost {
            cpu: most.cpu.max(cost.cpu),
            time: most.time.max(cost.time),
            memory: most.memory.max(cost.memory),
        };
        judge.add(&report.types);
        match &report.coverage {
            Some(coverage) => {
                heap = coverage.heap_bytes;
                if let Some(reason) = &coverage.ended_early {
                    println!("       a scan ended early: {reason}");
                }
            }
            None => println!("       no scan: {:?}", report.unavailable),
        }
        if let Some(path) = &arguments.save {
            let json = serde_json::to_vec_pretty(&report).expect("a report is JSON");
            std::fs::write(path, json).expect("the file can be written");
        }
        between();
    }
    (judge, most, heap)
}

/// The holders, and what finding them cost.
fn scan() -> (HoldersReport, Cost) {
    let options =
        HoldersOptions { scans: SCANS, depth: DEPTH, deadline: DEADLINE, ..HoldersOptions::default() };
    let scan = move || cost::measure(|| Collector::new().holders(&options));
    spawn_collecting(scan).expect("a thread").join().expect("the scan does not panic")
}

/// What the table of types costs.
fn collect() -> Cost {
    let collect = || cost::measure(|| drop(Collector::new().collect(Scope::Types))).1;
    spawn_collecting(collect).expect("a thread").join().expect("the collector does not panic")
}
