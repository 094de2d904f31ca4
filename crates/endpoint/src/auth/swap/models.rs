//! Models of a store and those who load meanwhile, see [`crate::sync::explore`].

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
