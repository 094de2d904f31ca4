//! Builds a heap whose contents are known, asks the collector which types hold it, and compares.
//!
//! | Module | What it is |
//! |---|---|
//! | `ledger` | The truth: what each population holds, from jemalloc's exact counters of its thread |
//! | `element` | One type for each population, so that a row's name tells whose it is |
//! | `expected` | The populations, and the rows each may appear in |
//! | `collections`, `text`, `shared`, `crates`, `messages`, `extracted`, `buffers`, `connections`, `asynchronous` | The populations' code |
//! | `populations` | Builds them all |
//! | `record` | A profile with its truth in a folder, to be compared elsewhere |
//! | `comparison` | Table against truth |
//!
//! `ground-truth` compares in place, as an unstripped service does. `ground-truth --record FOLDER` leaves the profile and
//! the truth in a folder, and `ground-truth --judge FOLDER [UNSTRIPPED]` compares these, with the symbols of an unstripped
//! copy of the program that recorded them.
//!
//! Every allocation is recorded (`lg_prof_sample = 0`), so nothing here is estimated but the sizes of large objects. Exit
//! status 0 if at least 95 % of the live bytes are in the right row and at most 1 % in a wrong one, and if the errors of
//! large objects hold.

mod asynchronous;
mod buffers;
mod collections;
mod comparison;
mod connections;
mod crates;
mod element;
mod expected;
mod extracted;
mod ledger;
mod messages;
mod populations;
mod record;
mod shared;
mod text;

use std::error::Error;
use std::process::ExitCode;

use memory_debug_core::{Collected, Collector, HeapProfile, RowSource, Scope, TypeRow, spawn_collecting};

use comparison::{Rows, Told};

memory_debug_core::install!(lg_prof_sample = 0);

fn main() -> Result<ExitCode, Box<dyn Error>> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
    let comparison = match arguments[..] {
        [] => in_place(),
        ["--record", folder] => {
            record(folder)?;
            return Ok(ExitCode::SUCCESS);
        }
        ["--judge", folder] => record::judge(folder, None)?,
        ["--judge", folder, unstripped] => record::judge(folder, Some(unstripped))?,
        _ => return Err("usage: ground-truth [--record FOLDER | --judge FOLDER [UNSTRIPPED]]".into()),
    };
    print!("{comparison}");
    Ok(if comparison.passed() { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

/// Compares the table that this process makes of itself.
fn in_place() -> comparison::Comparison {
    // What the program holds by itself is in no population.
    let before = rows(&collect().report.types.expect("types").rows);
    let runtime = populations::populate();
    let after = rows(&collect().report.types.expect("types").rows);
    // What populations hold is never freed: they are compared, not run.
    runtime.shutdown_background();
    comparison::compare(&before, after)
}

/// Leaves what [`in_place`] would compare in a folder.
fn record(folder: &str) -> Result<(), Box<dyn Error>> {
    let before = collect();
    let runtime = populations::populate();
    let after = collect();
    runtime.shutdown_background();
    let profile = |collected: &Collected| collected.heap_profile().map(HeapProfile::clone);
    record::write(folder, profile(&before)?, profile(&after)?)
}

/// The collecting thread's own memory is in no row.
fn collect() -> Collected {
    let collecting = spawn_collecting(|| Collector::new().collect(Scope::Types)).expect("a thread");
    let collected = collecting.join().expect("the collector does not panic");
    assert!(collected.report.types.is_some(), "no types: {:?}", collected.report.unavailable);
    collected
}

/// What the rows tell, by name and whether that is a type's.
fn rows(rows: &[TypeRow]) -> Rows {
    let mut sums = Rows::new();
    for row in rows {
        let told =
            Told { objects: row.objects as f64, bytes: row.bytes, bytes_variance: row.bytes_stderr.powi(2) };
        *sums.entry((row.type_name.clone(), row.source == RowSource::Sampled)).or_default() += told;
    }
    sums
}
