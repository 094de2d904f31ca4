//! Builds a heap whose contents are known, asks the collector which types hold it, and compares.
//!
//! | Module | What it is |
//! |---|---|
//! | `ledger` | The truth: what each population holds, from jemalloc's exact counters of its thread |
//! | `element` | One type for each population, so that a row's name tells whose it is |
//! | `expected` | The populations, and the rows each may appear in |
//! | `collections`, `text`, `shared`, `crates`, `messages`, `buffers`, `asynchronous` | The populations' code |
//! | `comparison` | Table against truth |
//!
//! Every allocation is recorded (`lg_prof_sample = 0`), so nothing here is an estimate. Exit status 0 if at least
//! 95 % of the live bytes are in the right row and at most 1 % in a wrong one.

mod asynchronous;
mod buffers;
mod collections;
mod comparison;
mod crates;
mod element;
mod expected;
mod ledger;
mod messages;
mod shared;
mod text;

use std::collections::BTreeMap;
use std::process::ExitCode;
use std::thread;

use memory_debug_core::{Collector, RowSource, Scope, TypeRow, spawn_collecting};

memory_debug_core::install!(lg_prof_sample = 0);

/// jemalloc rounds large allocations up to pages, but counts them in the profile as the next size class, up to 20 %
/// more. Here both are the class, so that a difference is one of attribution. This variable is read after the options
/// that `install!` sets.
#[unsafe(export_name = "_rjem_malloc_conf_2_conf_harder")]
static SIZE_CLASSES: Options = Options(c"disable_large_size_classes:false".as_ptr());

/// What jemalloc declares as `const char *`.
#[repr(transparent)]
struct Options(*const std::ffi::c_char);

// SAFETY: a pointer to a constant that nobody writes.
unsafe impl Sync for Options {}

fn main() -> ExitCode {
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).build().expect("a runtime");
    // What the program holds by itself is in no population.
    let rows = collect();
    let before = ledger::own("rows of the empty program", || sums(&rows));

    let on_threads =
        [collections::populate, text::populate, crates::populate, messages::populate, buffers::populate]
            .map(thread::spawn);
    for thread in on_threads {
        thread.join().expect("no population panics");
    }
    shared::populate();
    asynchronous::populate(&runtime);

    let rows = collect();
    let mut after = sums(&rows);
    for (row, bytes) in &before {
        let left = after.entry(*row).or_default();
        *left = left.saturating_sub(*bytes);
    }
    let comparison = comparison::compare(&after);
    print!("{comparison}");
    let passed = comparison.passed();
    // What populations hold is never freed: they are compared, not run.
    runtime.shutdown_background();
    if passed { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}

/// The rows of the table. The collecting thread's own memory is in none of them.
fn collect() -> Vec<TypeRow> {
    let collecting = spawn_collecting(|| Collector::new().collect(Scope::Types)).expect("a thread");
    let report = collecting.join().expect("the collector does not panic");
    report.types.unwrap_or_else(|| panic!("no types: {:?}", report.unavailable)).rows
}

/// Bytes by name and whether the name is a type's.
fn sums(rows: &[TypeRow]) -> BTreeMap<(&str, bool), u64> {
    let mut sums = BTreeMap::new();
    for row in rows {
        *sums.entry((row.type_name.as_str(), row.source == RowSource::Sampled)).or_default() += row.bytes;
    }
    sums
}
