//! Collects while all cores allocate as fast as they can: `stress SECONDS [scans]`. With `scans`, it also scans the heap.
//! `measure/stress/run` builds and runs it.
//!
//! The program runs itself as a child and watches it from outside, where no lock of the child can block it. If for a
//! minute no page is answered or no memory is allocated, it prints the stacks of the child's threads and fails.

mod dump;
mod forks;
mod load;
mod pages;
mod planted;
mod resources;
mod samples;
mod scans;
mod watch;

use std::process::ExitCode;
use std::time::{Duration, Instant};
use std::{env, thread};

use crate::load::{Load, SteadyThreads};
use crate::pages::Pages;
use crate::samples::Samples;

// One sample per KiB instead of one per 512 KiB, so that the profiler works hard.
memory_debug_axum::install!(lg_prof_sample = 10);

/// The environment variable that is set in the process that does the work.
const IS_CHILD: &str = "MEMORY_DEBUG_STRESS_IS_CHILD";

/// The number of allocations that each allocating thread keeps alive.
const KEPT: usize = 20_000;

/// What the process does while it allocates.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Mode {
    /// Answers all pages but scans.
    Pages,
    /// Scans.
    Scans,
}

fn main() -> ExitCode {
    let seconds = env::args().nth(1).map_or(Ok(600), |seconds| seconds.parse());
    let mode = match env::args().nth(2).as_deref() {
        None | Some("pages") => Some(Mode::Pages),
        Some("scans") => Some(Mode::Scans),
        Some(_) => None,
    };
    let (Ok(seconds), Some(mode)) = (seconds, mode) else {
        eprintln!("usage: stress [SECONDS [pages|scans]]");
        return ExitCode::FAILURE;
    };
    if env::var_os(IS_CHILD).is_none() {
        return watch::run(mode);
    }
    println!("unwinder {}", load::unwinder());
    let time = Duration::from_secs(seconds);
    match mode {
        Mode::Pages => work(time),
        Mode::Scans => scans::work(time),
    }
    ExitCode::SUCCESS
}

/// Allocates and sends requests until the time is over, and prints its progress every second.
fn work(time: Duration) {
    let end = Instant::now() + time;
    let samples = Samples::start();
    let (load, pages) = (Load::start(KEPT, SteadyThreads::default()), Pages::start());
    while Instant::now() < end {
        thread::sleep(Duration::from_secs(1));
        tell(&load, &pages, &samples);
    }
    // Requests end first, so that the last answer too is given under load.
    pages.stop();
    load.stop();
    tell(&load, &pages, &samples);
    println!("{} live samples are left", samples.stop());
}

fn tell(load: &Load, pages: &Pages, samples: &Samples) {
    println!("{} {} {}", load.progress(), pages.progress(), samples.progress());
}
