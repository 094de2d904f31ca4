//! Two threads add keys in every order of their steps: `scripts/loom`.

use std::sync::Arc;

use loom::thread;

use super::Index;
use crate::sync::{AtomicU32, Ordering};

/// Keys by their number, as the nodes keep them. 0 is a number without a key.
struct Keys {
    index: Index,
    keys: [AtomicU32; 4],
    used: AtomicU32,
}

impl Keys {
    fn new() -> Self {
        Self {
            index: Index::new(4),
            keys: std::array::from_fn(|_| AtomicU32::new(0)),
            used: AtomicU32::new(0),
        }
    }

    /// All keys have one hash, so that they meet in their buckets.
    fn find_or_add(&self, key: u32) -> Option<u32> {
        let is = |number: u32| {
            let found = self.keys[number as usize].load(Ordering::Relaxed);
            assert_ne!(found, 0, "a number was found before its key was written");
            found == key
        };
        let add = || {
            let number = self.used.fetch_add(1, Ordering::Relaxed);
            self.keys[number as usize].store(key, Ordering::Relaxed);
            Some(number)
        };
        self.index.find_or_add(7, is, add)
    }
}

#[test]
fn threads_that_add_one_key_get_one_number() {
    loom::model(|| {
        let keys = Arc::new(Keys::new());
        let other = thread::spawn({
            let keys = Arc::clone(&keys);
            move || keys.find_or_add(5).unwrap()
        });
        let own = keys.find_or_add(5).unwrap();
        assert_eq!(other.join().unwrap(), own);
        assert_eq!(keys.find_or_add(5), Some(own));
    });
}

#[test]
fn threads_that_add_different_keys_lose_none() {
    loom::model(|| {
        let keys = Arc::new(Keys::new());
        let other = thread::spawn({
            let keys = Arc::clone(&keys);
            move || [5, 6].map(|key| keys.find_or_add(key).unwrap())
        });
        let own = [6, 8].map(|key| keys.find_or_add(key).unwrap());
        let other = other.join().unwrap();
        assert_eq!(other[1], own[0]);
        assert!(other[0] != own[0] && other[0] != own[1] && own[0] != own[1]);
        assert_eq!([5, 6, 8].map(|key| keys.find_or_add(key).unwrap()), [other[0], own[0], own[1]]);
    });
}
