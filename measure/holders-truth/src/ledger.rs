//! The truth: how many bytes each population holds.
//!
//! jemalloc counts exactly what a thread has allocated and freed. The difference around the code that builds a
//! population is what the population holds, without the populations that are built inside it. The ledger consists of
//! statics, so it holds no heap memory itself.

use std::cell::Cell;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

use tikv_jemalloc_ctl::thread::{ThreadLocal, allocatedp, deallocatedp};

use crate::expected::{COUNT, position};

static LEDGER: [AtomicU64; COUNT] = [const { AtomicU64::new(0) }; COUNT];

/// Whether all populations are complete. What replaces a part of one later has the same size.
static CLOSED: AtomicBool = AtomicBool::new(false);

thread_local! {
    /// The bytes so far of populations inside the population that is being built.
    static INSIDE: Cell<u64> = const { Cell::new(0) };
    /// Where jemalloc counts what this thread allocated and freed.
    static COUNTERS: (ThreadLocal<u64>, ThreadLocal<u64>) = (
        allocatedp::read().expect("jemalloc counts by thread"),
        deallocatedp::read().expect("jemalloc counts by thread"),
    );
}

/// Runs `build`, and books the bytes that it leaves allocated on this thread to `population`. `build` must not free
/// memory that was allocated outside it.
pub(crate) fn own<R>(population: &str, build: impl FnOnce() -> R) -> R {
    if CLOSED.load(Ordering::Relaxed) {
        return build();
    }
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

/// Ends the accounting.
pub(crate) fn close() {
    CLOSED.store(true, Ordering::Relaxed);
}

/// The bytes that a population holds.
pub(crate) fn truth(position: usize) -> u64 {
    LEDGER[position].load(Ordering::Relaxed)
}

/// The bytes that this thread has allocated and not freed. Wraps if the thread frees what others allocated.
fn live() -> u64 {
    COUNTERS.with(|(allocated, freed)| allocated.get().wrapping_sub(freed.get()))
}
