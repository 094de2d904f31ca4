//! Builds a heap whose holders are known, scans itself, and compares the holders that the scans find with the truth.
//!
//! It scans a quiet process, and one in which threads replace parts of the populations. The exit status is 0 if chains,
//! direct holders, leaks and costs are good enough (`checks`). The last line counts populations.
//!
//! # Modules, from the ground up
//!
//! - `arguments`: the arguments of the program
//! - `element`: one type for each population, so that the name of a type identifies its population
//! - `scale`: how large the heap is
//! - `expected`: the populations, their types and the holders that are right
//! - `ledger`: the truth: how many bytes each population holds, from jemalloc's exact counters of its thread
//! - `latency`: how long operations of the program take
//! - `cost`: what a scan costs
//! - `statics`: populations in statics
//! - `shared`: shared values and trait objects
//! - `crates`: containers of widely used crates
//! - `tasks`: tasks, channels and futures
//! - `servers`: the state of web servers that run
//! - `spans`: spans of tracing
//! - `threads`: populations that only a thread holds
//! - `lost`: planted leaks
//! - `populations`: builds all populations
//! - `churn`: threads that replace parts of populations
//! - `names`: compares the names of types with the expectations
//! - `judge`: compares reports about holders with the truth
//! - `checks`: what must be true for the program to pass
//! - `scans`: scans the process, quiet and under churn

#![expect(clippy::vec_box, clippy::type_complexity, reason = "the shapes are what is tested")]

mod arguments;
mod element;
mod scale;
mod expected;
mod ledger;
mod latency;
mod cost;
mod statics;
mod shared;
mod crates;
mod tasks;
mod servers;
mod spans;
mod threads;
mod lost;
mod populations;
mod churn;
mod names;
mod judge;
mod checks;
mod scans;

use std::process::ExitCode;

memory_debug_core::install!();

fn main() -> ExitCode {
    let Some(arguments) = arguments::parse(std::env::args().skip(1)) else {
        eprintln!("{}", arguments::USAGE);
        return ExitCode::from(2);
    };
    scale::set(arguments.scale);
    if arguments.names { compare_names() } else { scans::run(&arguments) }
}

fn compare_names() -> ExitCode {
    let populations = populations::populate();
    let (text, known, missing) = names::compare();
    print!("{text}");
    println!("{known} passed, {missing} failed");
    populations.runtime.shutdown_background();
    if missing == 0 { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}
