//! Locks and threads from the standard library, or from loom while models run (`scripts/loom`).
//!
//! Only modules with models import them from here.

#[cfg(not(all(test, memory_debug_loom)))]
pub(crate) use std::sync::{Condvar, Mutex, MutexGuard, RwLock};
#[cfg(not(all(test, memory_debug_loom)))]
pub(crate) use std::thread;

#[cfg(all(test, memory_debug_loom))]
pub(crate) use self::models::explore;
#[cfg(all(test, memory_debug_loom))]
pub(crate) use loom::sync::{Condvar, Mutex, MutexGuard, RwLock};
#[cfg(all(test, memory_debug_loom))]
pub(crate) use loom::thread;

#[cfg(all(test, memory_debug_loom))]
mod models {
    use std::sync::Arc;
    use std::sync::atomic::{AtomicUsize, Ordering};

    use loom::model::Builder;

    /// Runs `model` once for each order in which its threads can take their steps, within the bound of
    /// `LOOM_MAX_PREEMPTIONS`, and prints the number of orders. Fails if a thread waits forever.
    pub(crate) fn explore(model: impl Fn() + Send + Sync + 'static) {
        let orders = Arc::new(AtomicUsize::new(0));
        let count = Arc::clone(&orders);
        Builder::new().check(move || {
            count.fetch_add(1, Ordering::Relaxed);
            model();
        });
        let test = std::thread::current();
        println!("{}: {} orders", test.name().unwrap_or_default(), orders.load(Ordering::Relaxed));
    }
}
