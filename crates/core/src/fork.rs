//! Sections during which this process does not fork.
//!
//! A forked child has only the thread that called `fork`. A lock that another thread held at that moment stays locked
//! in the child forever. This includes locks inside the C library: glibc renews the locks of its allocator, but not the
//! lock of `dl_iterate_phdr`. Code that holds such a lock keeps a [`NoFork`], and `fork` waits until it is dropped.

use std::cell::{Cell, UnsafeCell};
use std::marker::PhantomData;
use std::sync::atomic::{AtomicBool, Ordering};

/// While it exists, `fork` waits. Keep it for microseconds only.
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
        watch_forks();
        enter();
        Self { _not_send: PhantomData }
    }
}

impl Drop for NoFork {
    fn drop(&mut self) {
        leave();
    }
}

/// A mutex of C. Unlike a mutex of Rust, it can be unlocked by another function than the one that locked it.
struct Gate(UnsafeCell<libc::pthread_mutex_t>);

// SAFETY: a mutex is made for use by several threads, and only its own functions get the pointer.
unsafe impl Sync for Gate {}

static GATE: Gate = Gate(UnsafeCell::new(libc::PTHREAD_MUTEX_INITIALIZER));

thread_local! {
    /// The number of sections that this thread has begun and not ended.
    static DEPTH: Cell<u32> = const { Cell::new(0) };
}

/// Makes `fork` wait for sections, from the first section on. Two threads may both register the functions. That is
/// harmless, because sections of one thread can be nested.
fn watch_forks() {
    static WATCHED: AtomicBool = AtomicBool::new(false);
    if !WATCHED.load(Ordering::Acquire) {
        // SAFETY: the functions only lock and unlock a static mutex. The system calls all three on the thread that
        // forks. This fails only without memory; then forks are not held up.
        unsafe { libc::pthread_atfork(Some(enter), Some(leave), Some(leave)) };
        WATCHED.store(true, Ordering::Release);
    }
}

extern "C" fn enter() {
    let depth = DEPTH.get();
    if depth == 0 {
        // SAFETY: the mutex is valid, and this thread does not hold it.
        unsafe { libc::pthread_mutex_lock(GATE.0.get()) };
    }
    DEPTH.set(depth + 1);
}

extern "C" fn leave() {
    let depth = DEPTH.get().saturating_sub(1);
    DEPTH.set(depth);
    if depth == 0 {
        // SAFETY: this thread locked the mutex. In a child it is the copy of the thread that did.
        unsafe { libc::pthread_mutex_unlock(GATE.0.get()) };
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Barrier;
    use std::thread;

    use super::*;

    /// Forks. The child takes a section and ends. Returns its exit status.
    fn fork_and_begin() -> libc::c_int {
        // SAFETY: the child calls only functions of this module and ends itself.
        let child = unsafe { libc::fork() };
        assert!(child >= 0, "{}", std::io::Error::last_os_error());
        if child == 0 {
            // SAFETY: sets a timer of the child, whose signal kills it if it hangs.
            unsafe { libc::alarm(60) };
            drop(NoFork::begin());
            // SAFETY: ends the child without running the exit handlers of its parent.
            unsafe { libc::_exit(7) };
        }
        let mut status = 0;
        // SAFETY: reads the status of the child, which no other code waits for.
        assert_eq!(unsafe { libc::waitpid(child, &raw mut status, 0) }, child);
        status
    }

    #[test]
    fn a_fork_waits_for_the_section_of_another_thread() {
        let (begun, ended) = (Barrier::new(2), AtomicBool::new(false));
        thread::scope(|scope| {
            scope.spawn(|| {
                let section = NoFork::begin();
                begun.wait();
                // Without the wait, the fork would almost always be over by then.
                thread::sleep(std::time::Duration::from_millis(100));
                ended.store(true, Ordering::SeqCst);
                drop(section);
            });
            begun.wait();
            assert_eq!(libc::WEXITSTATUS(fork_and_begin()), 7, "the child could not begin a section");
            assert!(ended.load(Ordering::SeqCst), "the fork did not wait");
        });
    }

    #[test]
    fn sections_of_a_thread_can_be_nested_and_it_can_fork_in_them() {
        let outer = NoFork::begin();
        let inner = NoFork::begin();
        assert_eq!(libc::WEXITSTATUS(fork_and_begin()), 7);
        drop(inner);
        drop(outer);
        assert_eq!(DEPTH.get(), 0);
    }
}
