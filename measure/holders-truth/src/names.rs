//! Checks that the table of types has the names that the expectations are written in. Only if it has them can a chain
//! of holders have them.

use std::fmt::Write;

use memory_debug_core::{Collector, Scope, TypeRow, spawn_collecting};

use crate::expected::{fits, populations};
use crate::ledger::truth;

const MIB: f64 = 1_048_576.0;
/// A population of this size has several samples, so its type must have a row.
const HAS_SAMPLES: u64 = 4 << 20;

/// The populations beside the rows with their types, and the number of populations with and without a row.
pub(crate) fn compare() -> (String, usize, usize) {
    let collecting = spawn_collecting(|| Collector::new().collect(Scope::Types)).expect("a thread");
    let report = collecting.join().expect("the collector does not panic").report;
    let rows = report.types.expect("types").rows;
    let (mut text, mut known, mut missing) = (String::new(), 0, 0);
    for (position, expected) in populations().iter().enumerate() {
        let of_type: Vec<&TypeRow> =
            rows.iter().filter(|row| fits(expected.type_name, &row.type_name)).collect();
        let bytes: u64 = of_type.iter().map(|row| row.bytes).sum();
        let is_missing = bytes == 0 && truth(position) >= HAS_SAMPLES;
        known += usize::from(bytes > 0);
        missing += usize::from(is_missing);
        let mark = if is_missing { "MISSING" } else { "" };
        let (truth, bytes) = (truth(position) as f64 / MIB, bytes as f64 / MIB);
        let _ = writeln!(
            text,
            "{:28}{truth:9.1} MiB{bytes:9.1} MiB in rows  {} {mark}",
            expected.population, expected.type_name
        );
    }
    let in_populations =
        |row: &TypeRow| populations().iter().any(|expected| fits(expected.type_name, &row.type_name));
    for row in rows.iter().filter(|row| row.bytes as f64 > MIB && !in_populations(row)) {
        let _ = writeln!(text, "no population: {:.1} MiB {}", row.bytes as f64 / MIB, row.type_name);
    }
    (text, known, missing)
}
