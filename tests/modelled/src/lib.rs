//! Atomic values for loom's models, with more orders of steps than loom would try by itself.
//!
//! Loom leaves out orders that it takes for equal to others. For this, it remembers one last access to each value. If a
//! thread loads a value and then writes it, its own load hides the load of another thread, and loom never tries the write
//! before the other load. Then it misses that a search of the table of live samples must look at the key twice, and that a
//! reader of a poll must look at its begin twice. So each step also changes one value that all threads share. No two steps
//! are independent then, and loom tries all orders. The change is relaxed, so it orders no memory.
//!
//! Empty without `--cfg memory_debug_loom` (`scripts/loom`).

#![cfg(memory_debug_loom)]
#![forbid(unsafe_code)]

use loom::sync::atomic;
pub use loom::sync::atomic::{Ordering, fence};

loom::lazy_static! {
    static ref STEPS: atomic::AtomicU64 = atomic::AtomicU64::new(0);
}

fn step() {
    STEPS.fetch_add(1, Ordering::Relaxed);
}

macro_rules! integers {
    ($($name:ident: $number:ty),*) => {$(
        /// The atomic number of this name, with a step before each access.
        #[derive(Debug, Default)]
        pub struct $name(atomic::$name);

        #[expect(missing_docs, reason = "as in the standard library")]
        impl $name {
            pub fn new(value: $number) -> Self {
                Self(atomic::$name::new(value))
            }

            #[track_caller]
            pub fn load(&self, order: Ordering) -> $number {
                step();
                self.0.load(order)
            }

            #[track_caller]
            pub fn store(&self, value: $number, order: Ordering) {
                step();
                self.0.store(value, order);
            }

            #[track_caller]
            pub fn swap(&self, value: $number, order: Ordering) -> $number {
                step();
                self.0.swap(value, order)
            }

            #[track_caller]
            pub fn fetch_add(&self, value: $number, order: Ordering) -> $number {
                step();
                self.0.fetch_add(value, order)
            }

            #[track_caller]
            pub fn fetch_max(&self, value: $number, order: Ordering) -> $number {
                step();
                self.0.fetch_max(value, order)
            }

            /// # Errors
            ///
            /// The present value, if it is another than `current`.
            #[track_caller]
            pub fn compare_exchange(
                &self,
                current: $number,
                new: $number,
                success: Ordering,
                failure: Ordering,
            ) -> Result<$number, $number> {
                step();
                self.0.compare_exchange(current, new, success, failure)
            }

            /// Never fails for no reason, as loom's.
            ///
            /// # Errors
            ///
            /// As for [`compare_exchange`](Self::compare_exchange).
            #[track_caller]
            pub fn compare_exchange_weak(
                &self,
                current: $number,
                new: $number,
                success: Ordering,
                failure: Ordering,
            ) -> Result<$number, $number> {
                self.compare_exchange(current, new, success, failure)
            }

            /// # Errors
            ///
            /// The present value, if `change` returns `None` for it.
            #[track_caller]
            pub fn fetch_update(
                &self,
                set: Ordering,
                fetch: Ordering,
                mut change: impl FnMut($number) -> Option<$number>,
            ) -> Result<$number, $number> {
                let mut found = self.load(fetch);
                while let Some(new) = change(found) {
                    match self.compare_exchange(found, new, set, fetch) {
                        Ok(old) => return Ok(old),
                        Err(other) => found = other,
                    }
                }
                Err(found)
            }
        }
    )*};
}

integers!(AtomicU32: u32, AtomicU64: u64);

/// The atomic `bool`, with a step before each access.
#[derive(Debug, Default)]
pub struct AtomicBool(atomic::AtomicBool);

#[expect(missing_docs, reason = "as in the standard library")]
impl AtomicBool {
    pub fn new(value: bool) -> Self {
        Self(atomic::AtomicBool::new(value))
    }

    #[track_caller]
    pub fn load(&self, order: Ordering) -> bool {
        step();
        self.0.load(order)
    }

    #[track_caller]
    pub fn store(&self, value: bool, order: Ordering) {
        step();
        self.0.store(value, order);
    }

    /// # Errors
    ///
    /// The present value, if it is another than `current`.
    #[track_caller]
    pub fn compare_exchange(
        &self,
        current: bool,
        new: bool,
        success: Ordering,
        failure: Ordering,
    ) -> Result<bool, bool> {
        step();
        self.0.compare_exchange(current, new, success, failure)
    }
}
