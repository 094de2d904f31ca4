//! The mutex that `fork` takes, on Linux.

use std::cell::{Cell, UnsafeCell};
use std::sync::atomic::{AtomicBool, Ordering};

/// A mutex of C. Unlike a mutex of Rust, it can be unlocked by another function than the one that locked it.
struct Gate(UnsafeCell<libc::pthread_mutex_t>);

// SAFETY: a mutex is made for use by several threads, and only its own functions get the pointer.
unsafe impl Sync for Gate {}

static GATE: Gate = Gate(UnsafeCell::new(libc::PTHREAD_MUTEX_INITIALIZER));

thread_local! {
    /// The number of sections that this thread has begun and not ended.
    static DEPTH: Cell<u32> = const { Cell::new(0) };
}

/// Makes `fork` wait for sections. Two threads may both register the functions. That is harmless, because sections of
/// one thread can be nested.
pub(super) fn watch_forks() {
    static WATCHED: AtomicBool = AtomicBool::new(false);
    if !WATCHED.load(Ordering::Acquire) {
        // SAFETY: the functions only lock and unlock a static mutex. The system calls all three on the thread that
        // forks. This fails only without memory; then forks are not held up.
        unsafe { libc::pthread_atfork(Some(enter), Some(leave), Some(leave)) };
        WATCHED.store(true, Ordering::Release);
    }
}

pub(super) extern "C" fn enter() {
    let depth = DEPTH.get();
    if depth == 0 {
        // SAFETY: the mutex is valid, and this thread does not hold it.
        unsafe { libc::pthread_mutex_lock(GATE.0.get()) };
    }
    DEPTH.set(depth + 1);
}

pub(super) extern "C" fn leave() {
    // Older C libraries call this without `enter` if the functions were registered in the middle of a fork.
    let Some(depth) = DEPTH.get().checked_sub(1) else { return };
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

    use super::super::{ForkSafe, NoFork};
    use super::*;

    /// Forks. The child does `work` and ends with the status 7. Returns the child's status.
    fn fork_and(work: impl FnOnce()) -> libc::c_int {
        // SAFETY: the child only takes and releases locks that this module protects, and ends itself.
        let child = unsafe { libc::fork() };
        assert!(child >= 0, "{}", std::io::Error::last_os_error());
        if child == 0 {
            // SAFETY: sets a timer of the child, whose signal kills it if it hangs.
            unsafe { libc::alarm(60) };
            work();
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
            assert_eq!(
                libc::WEXITSTATUS(fork_and(|| drop(NoFork::begin()))),
                7,
                "the child could not begin a section"
            );
            assert!(ended.load(Ordering::SeqCst), "the fork did not wait");
        });
    }

    #[test]
    fn a_lock_that_another_thread_holds_is_free_in_the_child() {
        static LOCK: ForkSafe<u32> = ForkSafe::new(0);
        let begun = Barrier::new(2);
        thread::scope(|scope| {
            scope.spawn(|| {
                let mut held = LOCK.lock();
                begun.wait();
                thread::sleep(std::time::Duration::from_millis(100));
                *held += 1;
            });
            begun.wait();
            let status = fork_and(|| drop(LOCK.lock()));
            assert_eq!(libc::WEXITSTATUS(status), 7, "the child could not take the lock");
            assert_eq!(*LOCK.lock(), 1, "the fork did not wait");
        });
    }

    #[test]
    fn sections_of_a_thread_can_be_nested_and_it_can_fork_in_them() {
        let outer = NoFork::begin();
        let inner = NoFork::begin();
        assert_eq!(libc::WEXITSTATUS(fork_and(|| drop(NoFork::begin()))), 7);
        drop(inner);
        drop(outer);
        assert_eq!(DEPTH.get(), 0);
    }

    #[test]
    fn a_section_that_was_not_begun_cannot_be_ended() {
        leave();
        let section = NoFork::begin();
        assert_eq!(DEPTH.get(), 1);
        drop(section);
        assert_eq!(DEPTH.get(), 0);
    }
}
