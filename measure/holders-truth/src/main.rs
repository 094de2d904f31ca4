//! Builds a heap whose holders are known, scans itself, and compares the holders that the scans find with the truth.
//!
//! # Modules, from the ground up
//!
//! - `element`: one type for each population, so that the name of a type identifies its population
//! - `scale`: how large the heap is
//! - `expected`: the populations, their types and the holders that are right
//! - `ledger`: the truth: how many bytes each population holds, from jemalloc's exact counters of its thread
//! - `statics`: populations in statics
//! - `shared`: shared values and trait objects
//! - `crates`: containers of widely used crates
//! - `tasks`: tasks, channels and futures
//! - `servers`: the state of web servers that run
//! - `spans`: spans of tracing
//! - `threads`: populations that only a thread holds
//! - `lost`: planted leaks
//! - `populations`: builds all populations
//! - `names`: compares the names of types with the expectations

#![expect(dead_code, reason = "only the judge of scans reads the expectations")]
#![expect(clippy::vec_box, clippy::type_complexity, reason = "the shapes are what is tested")]

mod element;
mod scale;
mod expected;
mod ledger;
mod statics;
mod shared;
mod crates;
mod tasks;
mod servers;
mod spans;
mod threads;
mod lost;
mod populations;
mod names;

use std::process::ExitCode;

memory_debug_core::install!();

fn main() -> ExitCode {
    let populations = populations::populate();
    let (text, known, missing) = names::compare();
    print!("{text}");
    println!("{known} passed, {missing} failed");
    populations.runtime.shutdown_background();
    if missing == 0 { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}
