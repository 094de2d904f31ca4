//! State that a forked child must not take over from its parent.
//!
//! A child has one thread, the thread that called `fork`. A lock that another thread held stays locked forever, and
//! work that another thread had begun never finishes. So state that threads share is made again in a child.

use std::process;
use std::sync::OnceLock;

/// A value of this process. A forked process makes its own.
///
/// Reading it takes a system call for the process id, some fifty nanoseconds, and no lock. The values of
/// ancestors are never freed, because a thread that no longer exists may have been using them.
#[derive(Debug)]
pub struct PerProcess<T> {
    /// 0 for the pattern, which no process uses.
    process: u32,
    value: T,
    next: OnceLock<Box<Self>>,
}

impl<T> PerProcess<T> {
    /// Takes the pattern from which each process makes its value. No process uses the pattern itself.
    pub const fn new(pattern: T) -> Self {
        Self { process: 0, value: pattern, next: OnceLock::new() }
    }

    /// The pattern from which each process makes its value.
    pub fn pattern(&self) -> &T {
        &self.value
    }

    /// Returns the value of this process. The first call makes it with `make`, which gets the
    /// [`pattern`](Self::pattern). `make` should return at once, because a child that is forked meanwhile waits
    /// forever.
    pub fn get(&self, make: impl Fn(&T) -> T) -> &T {
        self.of_process(process::id(), make)
    }

    fn of_process(&self, process: u32, make: impl Fn(&T) -> T) -> &T {
        let mut newest = self;
        loop {
            newest = match newest.next.get() {
                Some(next) => next,
                // Only the newest value counts, because the id of an ancestor that has ended may be in use again.
                None if newest.process == process => return &newest.value,
                None => newest.next.get_or_init(|| {
                    Box::new(Self { process, value: make(&self.value), next: OnceLock::new() })
                }),
            };
        }
    }
}

impl<T: Default> Default for PerProcess<T> {
    fn default() -> Self {
        Self::new(T::default())
    }
}

#[cfg(test)]
mod tests {
    use std::sync::{Mutex, TryLockError};

    use super::*;

    #[test]
    fn a_process_makes_its_value_once() {
        let value = PerProcess::new(7);
        let own: *const i32 = value.get(|pattern| pattern + 1);
        assert_eq!(value.get(|_| 0), &8);
        assert!(std::ptr::eq(own, value.get(|_| 0)));
        assert_eq!(value.pattern(), &7);
    }

    #[test]
    fn a_lock_that_was_held_at_the_fork_is_free_in_the_child() {
        let lock = PerProcess::new(Mutex::new(()));
        let make = |_: &Mutex<()>| Mutex::default();
        let held = lock.of_process(100, make).lock().unwrap();
        assert!(lock.of_process(101, make).try_lock().is_ok());
        drop(held);
    }

    #[test]
    fn a_child_that_reuses_the_id_of_an_ancestor_has_its_own_value() {
        let lock = PerProcess::new(Mutex::new(()));
        let make = |_: &Mutex<()>| Mutex::default();
        let first = lock.of_process(100, make);
        let _held = first.lock().unwrap();
        lock.of_process(101, make);
        let again = lock.of_process(100, make);
        assert!(again.try_lock().is_ok() && matches!(first.try_lock(), Err(TryLockError::WouldBlock)));
    }

    #[test]
    fn concurrent_threads_get_the_same_value() {
        let value = PerProcess::new(0);
        let addresses = std::thread::scope(|scope| {
            let threads = [(); 8].map(|()| scope.spawn(|| std::ptr::from_ref(value.get(|_| 1)).addr()));
            threads.map(|thread| thread.join().unwrap())
        });
        assert!(addresses.iter().all(|address| *address == addresses[0]));
    }
}
