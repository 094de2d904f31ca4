//! Atomic values for loom's models, with more orders of steps than loom would try by itself.
//!
//! Loom leaves out orders that it takes for equal to others. For this, it remembers one last access to each value. If a
//! thread loads a value and then exchanges it, its own load hides the load of another thread, and loom never tries the
//! exchange before the other load. Then it misses that a search of the table must look at the key twice. So each step also
//! changes one value that all threads share. No two steps are independent then, and loom tries all orders. The change is
//! relaxed, so it orders no memory.

use loom::sync::atomic;

pub(super) use loom::sync::atomic::{Ordering, fence};

loom::lazy_static! {
    static ref STEPS: atomic::AtomicU64 = atomic::AtomicU64::new(0);
}

fn step() {
    STEPS.fetch_add(1, Ordering::Relaxed);
}

#[derive(Default)]
pub(super) struct AtomicU64(atomic::AtomicU64);

#[derive(Default)]
pub(super) struct AtomicBool(atomic::AtomicBool);

impl AtomicU64 {
    pub(super) fn load(&self, order: Ordering) -> u64 {
        step();
        self.0.load(order)
    }

    pub(super) fn store(&self, value: u64, order: Ordering) {
        step();
        self.0.store(value, order);
    }

    pub(super) fn fetch_add(&self, value: u64, order: Ordering) -> u64 {
        step();
        self.0.fetch_add(value, order)
    }

    pub(super) fn compare_exchange(
        &self,
        current: u64,
        new: u64,
        success: Ordering,
        failure: Ordering,
    ) -> Result<u64, u64> {
        step();
        self.0.compare_exchange(current, new, success, failure)
    }
}

/// It changes once, before the first entry, so it needs no further orders.
impl AtomicBool {
    pub(super) fn load(&self, order: Ordering) -> bool {
        self.0.load(order)
    }

    pub(super) fn store(&self, value: bool, order: Ordering) {
        self.0.store(value, order);
    }
}
