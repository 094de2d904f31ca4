//! A limit on how many threads do something at once.

use std::ops::Deref;
use std::sync::{Condvar, Mutex, PoisonError};

/// A fixed number of permits, shared by threads.
#[derive(Debug)]
pub struct Permits {
    most: usize,
    taken: Mutex<usize>,
    freed: Condvar,
}

/// The right to do one more of something. Dropping it returns the permit.
#[derive(Debug)]
#[must_use]
pub struct Permit<P: Deref<Target = Permits>>(P);

impl Permits {
    /// Creates `most` permits.
    pub const fn new(most: usize) -> Self {
        Self { most, taken: Mutex::new(0), freed: Condvar::new() }
    }

    /// Takes a permit. Waits until one is free.
    pub fn take<P: Deref<Target = Self>>(permits: P) -> Permit<P> {
        let mut taken = permits.taken.lock().unwrap_or_else(PoisonError::into_inner);
        while *taken >= permits.most {
            taken = permits.freed.wait(taken).unwrap_or_else(PoisonError::into_inner);
        }
        *taken += 1;
        drop(taken);
        Permit(permits)
    }

    /// Takes a permit if one is free.
    pub fn try_take<P: Deref<Target = Self>>(permits: P) -> Option<Permit<P>> {
        let mut taken = permits.taken.lock().unwrap_or_else(PoisonError::into_inner);
        if *taken >= permits.most {
            return None;
        }
        *taken += 1;
        drop(taken);
        Some(Permit(permits))
    }

    /// The number of permits in use.
    pub fn taken(&self) -> usize {
        *self.taken.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl<P: Deref<Target = Permits>> Drop for Permit<P> {
    fn drop(&mut self) {
        *self.0.taken.lock().unwrap_or_else(PoisonError::into_inner) -= 1;
        self.0.freed.notify_one();
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;
    use std::thread;

    use super::*;

    #[test]
    fn a_dropped_permit_is_free_again() {
        let permits = Arc::new(Permits::new(8));
        let mut taken: Vec<_> = (0..8).map(|_| Permits::take(Arc::clone(&permits))).collect();
        assert_eq!(permits.taken(), 8);
        assert!(Permits::try_take(Arc::clone(&permits)).is_none());
        let next = thread::spawn({
            let permits = Arc::clone(&permits);
            move || drop(Permits::take(permits))
        });
        drop(taken.pop());
        // If the permit were lost, this would wait forever.
        next.join().unwrap();
        drop(taken);
        assert_eq!(permits.taken(), 0);
        assert!(Permits::try_take(Arc::clone(&permits)).is_some());
    }
}
