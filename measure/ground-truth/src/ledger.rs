//! The truth: how many live bytes each population holds.
//!
//! jemalloc counts exactly what a thread has allocated and freed. The difference around the code that builds a
//! population is what the population holds, without the populations that are built inside it. The ledger consists of
//! statics, so it allocates nothing.

use std::cell::Cell;
use std::sync::atomic::{AtomicU64, Ordering};

use tikv_jemalloc_ctl::thread::{allocatedp, deallocatedp};

use crate::expected::{COUNT, populations, position};

static LEDGER: [AtomicU64; COUNT] = [const { AtomicU64::new(0) }; COUNT];

thread_local! {
    /// The bytes so far of populations inside the population that is being built.
    static INSIDE: Cell<u64> = const { Cell::new(0) };
}

/// Runs `build`, and books the bytes that it leaves allocated on this thread to `population`. `build` must not free
/// memory that was allocated outside it.
pub(crate) fn own<R>(population: &str, build: impl FnOnce() -> R) -> R {
    let account = &LEDGER[position(population)];
    let inside_before = INSIDE.replace(0);
    let before = live();
    let built = build();
    let all = live().wrapping_sub(before);
    account.fetch_add(all.wrapping_sub(INSIDE.get()), Ordering::Relaxed);
    INSIDE.set(inside_before.wrapping_add(all));
    built
}

/// Moves bytes from the account of `from` to the account of `to`.
pub(crate) fn transfer(bytes: u64, from: &str, to: &str) {
    LEDGER[position(from)].fetch_sub(bytes, Ordering::Relaxed);
    LEDGER[position(to)].fetch_add(bytes, Ordering::Relaxed);
}

/// The whole ledger as text, with a line for each population.
pub(crate) fn to_text() -> String {
    let line = |(position, (name, _))| format!("{}\t{name}\n", truth(position));
    populations().enumerate().map(line).collect()
}

/// Replaces the ledger by the ledger of another process.
pub(crate) fn read_text(text: &str) -> Result<(), String> {
    for line in text.lines() {
        let (bytes, name) =
            line.split_once('\t').ok_or_else(|| format!("the ledger has a line without a tab: {line:?}"))?;
        let bytes =
            bytes.parse().map_err(|_| format!("the ledger has an invalid number of bytes: {bytes:?}"))?;
        LEDGER[position(name)].store(bytes, Ordering::Relaxed);
    }
    Ok(())
}

/// The bytes that a population holds.
pub(crate) fn truth(position: usize) -> u64 {
    LEDGER[position].load(Ordering::Relaxed)
}

/// Keeps a population alive until the end of the program.
pub(crate) fn keep<T>(population: T) {
    std::mem::forget(std::hint::black_box(population));
}

/// The bytes that this thread has allocated and not freed. Wraps if the thread frees what others allocated.
fn live() -> u64 {
    let allocated = allocatedp::read().expect("jemalloc counts by thread").get();
    let freed = deallocatedp::read().expect("jemalloc counts by thread").get();
    allocated.wrapping_sub(freed)
}
