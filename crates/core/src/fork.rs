//! Sections during which this process does not fork, and locks that no thread holds at a fork.
//!
//! A forked child has only the thread that called `fork`. A lock that another thread held at that moment stays locked
//! in the child forever. This includes locks inside the C library: glibc renews the locks of its allocator, but not the
//! lock of `dl_iterate_phdr`. Code that holds such a lock keeps a [`NoFork`], and `fork` waits until it is dropped.

#[cfg_attr(not(target_os = "linux"), path = "fork/no_gate.rs")]
#[allow(unsafe_code, reason = "pthread_atfork and the mutex that its handlers lock are C")]
mod gate;

use std::marker::PhantomData;
use std::ops::{Deref, DerefMut};
use std::sync::{Mutex, MutexGuard, PoisonError};

/// While it exists, `fork` waits, and so do other threads that begin a section.
///
/// A thread can hold several. Only one thread at a time holds any.
#[derive(Debug)]
#[must_use = "dropping it permits forks again"]
pub(crate) struct NoFork {
    /// The thread that took it must drop it.
    _not_send: PhantomData<*const ()>,
}

impl NoFork {
    /// Waits for another thread's section to end, and begins one.
    pub(crate) fn begin() -> Self {
        gate::watch_forks();
        gate::enter();
        Self { _not_send: PhantomData }
    }
}

impl Drop for NoFork {
    fn drop(&mut self) {
        gate::leave();
    }
}

/// A lock that no thread holds at a fork. It ignores poisoning, so code that holds it must not panic half way through a
/// change.
#[derive(Debug, Default)]
pub struct ForkSafe<T>(Mutex<T>);

/// A held [`ForkSafe`].
#[derive(Debug)]
pub struct Held<'a, T> {
    // Fields are dropped in this order: the lock is free before forks are permitted.
    value: MutexGuard<'a, T>,
    _no_fork: NoFork,
}

impl<T> ForkSafe<T> {
    /// A lock that holds `value`.
    pub const fn new(value: T) -> Self {
        Self(Mutex::new(value))
    }

    /// Takes the lock. `fork` waits while it is held.
    pub fn lock(&self) -> Held<'_, T> {
        let no_fork = NoFork::begin();
        Held { value: self.lock_despite_forks(), _no_fork: no_fork }
    }

    /// Takes the lock for a thread that waits with it, on a condition. `fork` does not wait for this thread. The thread
    /// must not begin a section meanwhile, because [`lock`](Self::lock) begins its section first.
    pub(crate) fn lock_despite_forks(&self) -> MutexGuard<'_, T> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl<T> Deref for Held<'_, T> {
    type Target = T;

    fn deref(&self) -> &T {
        &self.value
    }
}

impl<T> DerefMut for Held<'_, T> {
    fn deref_mut(&mut self) -> &mut T {
        &mut self.value
    }
}
