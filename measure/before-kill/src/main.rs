//! Leaks records at a given rate until the kernel kills it, or until it has leaked enough.
//!
//! `before-kill LEAK_MIB_PER_SECOND LEAKED_MIB STOP_AT_MIB [FOLDER [MAX_MIB]]`: the leak begins with what it has leaked
//! already. Captures go to the folder, if one is given. A rate of 0 leaks nothing and ends at once. Prints what the
//! folder tells about earlier processes, and then `ready`.
//!
//! With `ROUTE=ADDRESS` in the environment it also answers requests there, and prints the address first.
//! With `WATCH=FOLDER` it also prints events, the log and a line each second, and saves snapshots to that folder.
//! With `PARTS=rules` the monitor only watches a rule, with `PARTS=records` it also writes the flight record. The program
//! prints its memory at the end.
//! `before-kill ask ADDRESS` sends them until it gets no answer, and prints how long they took.

mod log;
mod route;

use std::hint::black_box;
use std::process::ExitCode;
use std::thread::sleep;
use std::time::{Duration, Instant};

use memory_debug_core::{Collector, MonitorHandle};
use memory_debug_monitor::{
    Action, Captures, Limit, Monitor, MonitorError, MonitorMetric, Rule, RunningMonitor,
};

memory_debug_core::install!();

/// The type that leaks, 64 bytes.
#[derive(Clone, Copy)]
struct AuditRecord {
    _id: u64,
    _at: u64,
    _actor: [u8; 16],
    _action: [u8; 32],
}

/// The type that a healthy service holds.
#[derive(Clone, Copy)]
struct Product {
    _id: u64,
    _price: [u64; 7],
}

/// One chunk of the leak, so that no step is large.
const CHUNK_BYTES: usize = 64 << 10;
const STEP: Duration = Duration::from_millis(2);

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    if let [ask, address] = arguments.as_slice()
        && ask == "ask"
    {
        return route::ask(address);
    }
    let number = |at: usize| arguments.get(at).and_then(|text| text.parse::<usize>().ok());
    let (Some(rate), Some(leaked_before), Some(stop_at)) = (number(0), number(1), number(2)) else {
        eprintln!("before-kill LEAK_MIB_PER_SECOND LEAKED_MIB STOP_AT_MIB [FOLDER [MAX_MIB]]");
        return ExitCode::from(2);
    };
    if let Err(error) = std::env::var("ROUTE").map_or(Ok(()), |address| route::serve(&address)) {
        eprintln!("cannot answer requests: {error}");
        return ExitCode::FAILURE;
    }
    let products: Vec<Vec<Product>> = (0..64).map(|_| products()).collect();
    let running = match arguments.get(3).map(|folder| start(folder, number(4))) {
        Some(Err(error)) => {
            eprintln!("{error}");
            return ExitCode::FAILURE;
        }
        Some(Ok(running)) => Some(running),
        None => None,
    };
    running.iter().flat_map(earlier).for_each(|sentence| println!("{sentence}"));
    println!("ready");
    let mut leaked: Vec<Vec<AuditRecord>> = Vec::new();
    let begin = Instant::now();
    while rate > 0 && leaked.len() * CHUNK_BYTES < stop_at << 20 {
        let due = begin.elapsed().as_secs_f64() * (rate << 20) as f64 + (leaked_before << 20) as f64;
        while ((leaked.len() * CHUNK_BYTES) as f64) < due {
            leaked.push(records());
        }
        sleep(STEP);
    }
    black_box((&leaked, &products));
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let wanted = ["VmHWM:", "RssAnon:", "RssFile:"];
    status
        .lines()
        .filter(|line| wanted.iter().any(|name| line.starts_with(name)))
        .for_each(|line| println!("{line}"));
    drop(running);
    println!("stopped");
    ExitCode::SUCCESS
}

fn start(folder: &str, max_mib: Option<usize>) -> Result<RunningMonitor, MonitorError> {
    let captures = Captures::in_folder(folder);
    let captures = match max_mib {
        Some(mib) => captures.at_most((mib as u64) << 20),
        None => captures,
    };
    let monitor = Monitor::new().service("leaky", env!("CARGO_PKG_VERSION"));
    let monitor = match std::env::var("PARTS").as_deref() {
        Ok("rules") => {
            monitor.rule(Rule::above(MonitorMetric::Container, Limit::percent(99.9)).then(Action::Log))
        }
        Ok("records") => monitor.before_oom(captures.raw_dumps(false)),
        _ => monitor.before_oom(captures),
    };
    match std::env::var("WATCH") {
        Ok(folder) => {
            let _ = tracing::subscriber::set_global_default(log::Printing);
            watched(monitor, &folder).start()
        }
        Err(_) => monitor.start(),
    }
}

/// Prints what happens, and saves a snapshot above 60 % of the limit.
fn watched(monitor: Monitor, folder: &str) -> Monitor {
    let save = Rule::above(MonitorMetric::Container, Limit::percent(60.0))
        .named("save")
        .then(Action::save_snapshot(folder, 8 << 20));
    let alive = || {
        println!("alive");
        None
    };
    monitor
        .rule(save)
        .add_check("alive", Duration::from_secs(1), alive)
        .on_event(|event| println!("event {}", event.text))
}

/// What the page would say about earlier processes.
fn earlier(monitor: &RunningMonitor) -> Vec<String> {
    let report = Collector::new().monitor_report(Some(&MonitorHandle::from(monitor)));
    let captures = report.monitor.and_then(|monitor| monitor.captures);
    captures.into_iter().flat_map(|captures| captures.earlier).map(|process| process.summary).collect()
}

#[inline(never)]
fn records() -> Vec<AuditRecord> {
    let record = AuditRecord { _id: 1, _at: 2, _actor: [3; 16], _action: [4; 32] };
    vec![black_box(record); CHUNK_BYTES / size_of::<AuditRecord>()]
}

#[inline(never)]
fn products() -> Vec<Product> {
    vec![black_box(Product { _id: 1, _price: [9; 7] }); CHUNK_BYTES / size_of::<Product>()]
}
