//! What a process must not take over from the one it was forked from.
//!
//! A child has one thread: that which called `fork`. What another thread had locked stays locked for ever, and what it
//! had begun is never finished. So what threads of ours share is made anew in a child.

use std::process;
use std::sync::OnceLock;

/// A value of this process. A process that was forked from it makes its own.
///
/// Reading takes a system call for the process's id, some fifty nanoseconds, and no lock. What ancestors had is never
/// freed: it may be in the hands of a thread that is no more.
#[derive(Debug)]
pub struct PerProcess<T> {
    /// 0 for the value that no process uses.
    process: u32,
    value: T,
    next: OnceLock<Box<Self>>,
}

impl<T> PerProcess<T> {
    /// A value to make others from; no process uses it itself.
    pub const fn new(pattern: T) -> Self {
        Self { process: 0, value: pattern, next: OnceLock::new() }
    }

    /// The value that others are made from.
    pub fn pattern(&self) -> &T {
        &self.value
    }

    /// The value of this process, which is made the first time that it is asked for. `make` is given the
    /// [`pattern`](Self::pattern), and should take no time: a fork meanwhile leaves the child waiting for ever.
    pub fn get(&self, make: impl Fn(&T) -> T) -> &T {
        self.of_process(process::id(), make)
    }

    fn of_process(&self, process: u32, make: impl Fn(&T) -> T) -> &T {
        let mut newest = self;
        loop {
            newest = match newest.next.get() {
                Some(next) => next,
                // Only the newest counts: the id of an ancestor that has ended may be another process's now.
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
    fn what_was_locked_at_the_fork_is_not_in_the_child() {
        let lock = PerProcess::new(Mutex::new(()));
        let make = |_: &Mutex<()>| Mutex::default();
        let held = lock.of_process(100, make).lock().unwrap();
        assert!(lock.of_process(101, make).try_lock().is_ok());
        drop(held);
    }

    #[test]
    fn a_child_with_the_id_of_an_ancestor_that_has_ended_has_a_value_of_its_own() {
        let lock = PerProcess::new(Mutex::new(()));
        let make = |_: &Mutex<()>| Mutex::default();
        let first = lock.of_process(100, make);
        let _held = first.lock().unwrap();
        lock.of_process(101, make);
        let again = lock.of_process(100, make);
        assert!(again.try_lock().is_ok() && matches!(first.try_lock(), Err(TryLockError::WouldBlock)));
    }

    #[test]
    fn threads_that_ask_at_once_get_the_same() {
        let value = PerProcess::new(0);
        let addresses = std::thread::scope(|scope| {
            let threads = [(); 8].map(|()| scope.spawn(|| std::ptr::from_ref(value.get(|_| 1)).addr()));
            threads.map(|thread| thread.join().unwrap())
        });
        assert!(addresses.iter().all(|address| *address == addresses[0]));
    }
}
