//! The tracers that count now.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use memory_debug_core::__private::ForkSafe;

use crate::counts::Counts;

/// The counting that futures begin in, or 0.
static CURRENT: AtomicU64 = AtomicU64::new(0);

static NEXT: AtomicU64 = AtomicU64::new(1);

/// In the order in which they were installed. The last one is the current one.
static COUNTING: ForkSafe<Vec<Arc<Counts>>> = ForkSafe::new(Vec::new());

/// The number of the counting that futures begin in, or 0 if nothing counts. One relaxed load.
#[inline]
pub(crate) fn current() -> u64 {
    CURRENT.load(Ordering::Relaxed)
}

/// A number that no other counting of this process has.
pub(crate) fn next_generation() -> u64 {
    NEXT.fetch_add(1, Ordering::Relaxed)
}

/// Makes this counting the current one.
pub(crate) fn add(counts: Arc<Counts>) {
    let mut counting = COUNTING.lock();
    counts.switch_on();
    CURRENT.store(counts.generation, Ordering::Release);
    counting.push(counts);
}

/// Ends this counting, and makes the one before it current again. Returns whether it counted.
pub(crate) fn remove(counts: &Counts) -> bool {
    let mut counting = COUNTING.lock();
    let before = counting.len();
    counting.retain(|other| other.generation != counts.generation);
    counts.switch_off();
    CURRENT.store(counting.last().map_or(0, |last| last.generation), Ordering::Release);
    counting.len() < before
}

/// The counting with this number, if it still counts. Takes a lock.
#[cold]
pub(crate) fn find(generation: u64) -> Option<Arc<Counts>> {
    COUNTING.lock().iter().find(|counts| counts.generation == generation).cloned()
}
