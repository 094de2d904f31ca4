//! Builds a heap whose contents are known, asks the collector which types hold it, and compares.
//!
//! | Module | Content |
//! |---|---|
//! | `ledger` | The truth: what each population holds, from jemalloc's exact counters of its thread |
//! | `element` | One type for each population, so that a row's name identifies its population |
//! | `expected` | The populations, and the rows in which each may appear |
//! | `collections`, `text`, `shared`, `crates`, `messages`, `extracted`, `buffers`, `connections`, `asynchronous` | The code of the populations |
//! | `populations` | Builds all populations |
//! | `record` | A profile and its truth in a folder, to be compared elsewhere |
//! | `comparison` | Comparison of the table with the truth |
//!
//! `ground-truth` compares in its own process, like an unstripped service. `ground-truth --record FOLDER` saves the
//! profile and the truth in a folder. `ground-truth --judge FOLDER [UNSTRIPPED]` compares them, with the symbols of
//! an unstripped copy of the program that recorded them. `ground-truth --rows` prints the rows of the populations.
//!
//! Every allocation is recorded (`lg_prof_sample = 0`), so only the sizes of large objects are estimates. The exit
//! status is 0 if at least 95 % of the live bytes are in the right row, at most 1 % are in a wrong row, and the
//! errors of large objects hold.

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

use comparison::{RowAmount, Rows};

#[cfg(not(feature = "frame-pointers"))]
memory_debug_core::install!(lg_prof_sample = 0);
#[cfg(feature = "frame-pointers")]
memory_debug_core::install!(unwinder = frame_pointers, lg_prof_sample = 0);

fn main() -> Result<ExitCode, Box<dyn Error>> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
    let comparison = match arguments[..] {
        [] => in_place(),
        ["--rows"] => {
            print_rows();
            return Ok(ExitCode::SUCCESS);
        }
        ["--record", folder] => {
            record(folder)?;
            return Ok(ExitCode::SUCCESS);
        }
        ["--judge", folder] => record::judge(folder, None)?,
        ["--judge", folder, unstripped] => record::judge(folder, Some(unstripped))?,
        _ => {
            return Err("usage: ground-truth [--rows | --record FOLDER | --judge FOLDER [UNSTRIPPED]]".into());
        }
    };
    print!("{comparison}");
    Ok(if comparison.passed() { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

/// Compares the table of this process with the truth.
fn in_place() -> comparison::Comparison {
    let (before, after) = before_and_after();
    comparison::compare(&before, after)
}

/// The rows before the populations are made, because the program's own memory belongs to no population, and then.
fn before_and_after() -> (Rows, Rows) {
    let before = rows(&collect().report.types.expect("types").rows);
    let runtime = populations::populate();
    let after = rows(&collect().report.types.expect("types").rows);
    // Populations are never freed: they are only compared.
    runtime.shutdown_background();
    (before, after)
}

/// Prints the rows that the populations made or changed, by name.
fn print_rows() {
    let (before, after) = before_and_after();
    for (row, amount) in &after {
        let added = amount.bytes - before.get(row).map_or(0, |before| before.bytes.min(amount.bytes));
        if added > 0 {
            println!("{added:>10}  {}{}", row.0, if row.1 { "" } else { " (unattributed)" });
        }
    }
}

/// Saves in a folder what [`in_place`] would compare.
fn record(folder: &str) -> Result<(), Box<dyn Error>> {
    let before = collect();
    let runtime = populations::populate();
    let after = collect();
    runtime.shutdown_background();
    let profile = |collected: &Collected| collected.heap_profile().map(HeapProfile::clone);
    record::write(folder, profile(&before)?, profile(&after)?)
}

/// Collects on a separate thread, whose own memory is in no row.
fn collect() -> Collected {
    let collecting = spawn_collecting(|| Collector::new().collect(Scope::Types)).expect("a thread");
    let collected = collecting.join().expect("the collector does not panic");
    assert!(collected.report.types.is_some(), "no types: {:?}", collected.report.unavailable);
    collected
}

/// The values of the rows, by name and whether the name is a type.
fn rows(rows: &[TypeRow]) -> Rows {
    let mut sums = Rows::new();
    for row in rows {
        let amount = RowAmount {
            objects: row.objects as f64,
            bytes: row.bytes,
            bytes_variance: row.bytes_stderr.powi(2),
        };
        *sums.entry((row.type_name.clone(), row.source == RowSource::Sampled)).or_default() += amount;
    }
    sums
}
