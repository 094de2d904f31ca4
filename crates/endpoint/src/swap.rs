//! A value that is replaced as a whole while others read it.

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

/// See [`crate::sync::explore`].
#[cfg(all(test, memory_debug_loom))]
mod models {
    use loom::sync::atomic::{AtomicU32, Ordering};
    use loom::thread;

    use super::*;
    use crate::sync::explore;

    /// Two numbers that are always equal. Relaxed, so that nothing but the swap makes what is written visible to others.
    struct Pair(AtomicU32, AtomicU32);

    impl Pair {
        fn of(number: u32) -> Arc<Self> {
            let pair = Self(AtomicU32::new(0), AtomicU32::new(0));
            pair.0.store(number, Ordering::Relaxed);
            pair.1.store(number, Ordering::Relaxed);
            Arc::new(pair)
        }

        fn number(&self) -> u32 {
            let number = self.0.load(Ordering::Relaxed);
            assert_eq!(number, self.1.load(Ordering::Relaxed), "a mixture");
            number
        }
    }

    #[test]
    fn s14_during_a_store_the_value_is_the_old_or_the_new_one_and_never_the_old_again() {
        explore(|| {
            let swap = Arc::new(Swap::new(Pair::of(1)));
            let readers = [(); 2].map(|()| {
                let swap = Arc::clone(&swap);
                thread::spawn(move || {
                    let (first, second) = (swap.load(), swap.load());
                    let numbers = (first.number(), second.number());
                    assert!([(1, 1), (1, 2), (2, 2)].contains(&numbers), "{numbers:?}");
                })
            });
            swap.store(Pair::of(2));
            assert_eq!(swap.load().number(), 2);
            readers.into_iter().for_each(|reader| reader.join().unwrap());
        });
    }

    #[test]
    fn s14_whoever_knows_that_the_store_has_returned_gets_the_new_value() {
        explore(|| {
            let swap = Arc::new(Swap::new(Pair::of(1)));
            let returned = Arc::new(AtomicU32::new(0));
            let reader = {
                let (swap, returned) = (Arc::clone(&swap), Arc::clone(&returned));
                thread::spawn(move || {
                    let returned = returned.load(Ordering::Acquire);
                    let number = swap.load().number();
                    assert!(number == 2 || returned == 0, "the old value after the store");
                })
            };
            swap.store(Pair::of(2));
            returned.store(1, Ordering::Release);
            reader.join().unwrap();
        });
    }

    #[test]
    fn s14_of_two_stores_at_once_one_is_the_last_for_everybody() {
        explore(|| {
            let swap = Arc::new(Swap::new(Pair::of(1)));
            let other = {
                let swap = Arc::clone(&swap);
                thread::spawn(move || swap.store(Pair::of(2)))
            };
            swap.store(Pair::of(3));
            let seen = swap.load().number();
            assert!([2, 3].contains(&seen));
            other.join().unwrap();
            let last = swap.load().number();
            assert!(last == seen || (seen, last) == (3, 2), "{seen} {last}");
        });
    }
}
