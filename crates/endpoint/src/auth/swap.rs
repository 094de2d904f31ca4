//! A value that is replaced as a whole while others read it.

#[cfg(all(test, memory_debug_loom))]
mod models;

use std::sync::{Arc, PoisonError};

use crate::sync::RwLock;

/// Readers get the value that is current when they ask, and keep it as long as they need it.
#[derive(Debug)]
pub(crate) struct Swap<T>(RwLock<Arc<T>>);

impl<T> Swap<T> {
    pub(crate) fn new(value: Arc<T>) -> Self {
        Self(RwLock::new(value))
    }

    pub(crate) fn load(&self) -> Arc<T> {
        Arc::clone(&self.0.read().unwrap_or_else(PoisonError::into_inner))
    }

    /// Whoever loads after this returns gets `value`.
    pub(crate) fn store(&self, value: Arc<T>) {
        // What was replaced is dropped after the lock is free, for dropping it may take long.
        let _replaced =
            std::mem::replace(&mut *self.0.write().unwrap_or_else(PoisonError::into_inner), value);
    }
}

#[cfg(test)]
mod tests {
    use std::thread;

    use super::*;

    #[test]
    fn s14_who_loads_after_a_store_gets_the_new_value_and_others_keep_theirs() {
        let swap = Swap::new(Arc::new(1));
        let old = swap.load();
        swap.store(Arc::new(2));
        assert_eq!((*old, *swap.load()), (1, 2));
    }

    #[test]
    fn s14_readers_never_see_anything_but_whole_values_in_order() {
        let swap = Swap::new(Arc::new([0; 16]));
        thread::scope(|scope| {
            for _ in 0..4 {
                scope.spawn(|| {
                    let mut last = 0;
                    while last < 1000 {
                        let value = swap.load();
                        assert!(value.iter().all(|part| *part == value[0]) && value[0] >= last);
                        last = value[0];
                    }
                });
            }
            (1..=1000).for_each(|number| swap.store(Arc::new([number; 16])));
        });
    }
}
