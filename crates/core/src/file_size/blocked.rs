//! Blocks the signal SIGXFSZ for a while.

use std::mem::MaybeUninit;
use std::ptr;

/// Blocks SIGXFSZ on the thread that made it, until dropped.
pub(super) struct Blocked {
    signal: libc::sigset_t,
    /// The signals that were blocked before. `None` if SIGXFSZ was already blocked, or could not be blocked.
    before: Option<libc::sigset_t>,
}

impl Blocked {
    pub(super) fn new() -> Self {
        let (mut signal, mut before) = (MaybeUninit::uninit(), MaybeUninit::uninit());
        // SAFETY: sigemptyset(3) initialises the set it is given.
        unsafe { libc::sigemptyset(signal.as_mut_ptr()) };
        // SAFETY: sigaddset(3) on the initialised set, with a valid signal.
        unsafe { libc::sigaddset(signal.as_mut_ptr(), libc::SIGXFSZ) };
        // SAFETY: initialised above.
        let signal = unsafe { signal.assume_init() };
        // SAFETY: pthread_sigmask(3) reads the first set and initialises the second.
        let failed = unsafe { libc::pthread_sigmask(libc::SIG_BLOCK, &signal, before.as_mut_ptr()) };
        if failed != 0 {
            return Self { signal, before: None };
        }
        // SAFETY: initialised, because there was no error.
        let before = unsafe { before.assume_init() };
        // SAFETY: sigismember(3) reads the initialised set.
        let was_blocked = unsafe { libc::sigismember(&before, libc::SIGXFSZ) } != 0;
        Self { signal, before: (!was_blocked).then_some(before) }
    }
}

impl Drop for Blocked {
    fn drop(&mut self) {
        let Some(before) = &self.before else { return };
        let at_once = libc::timespec { tv_sec: 0, tv_nsec: 0 };
        // SAFETY: sigtimedwait(2) reads the set and the time. It takes the signal if one is pending, which would
        // otherwise be delivered below.
        unsafe { libc::sigtimedwait(&self.signal, ptr::null_mut(), &at_once) };
        // SAFETY: pthread_sigmask(3) reads the set that it returned before.
        unsafe { libc::pthread_sigmask(libc::SIG_SETMASK, before, ptr::null_mut()) };
    }
}

#[cfg(test)]
mod tests {
    use std::fs::File;
    use std::io::Write;
    use std::process::Command;

    use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};

    use super::super::without_signal;
    use super::*;

    /// The limit applies to the whole process, so the test below runs this test in a process of its own.
    #[test]
    #[ignore = "limits the files of its process"]
    fn in_a_process_with_small_files_a_write_fails() {
        let mut file: File =
            rustix::fs::memfd_create("test", rustix::fs::MemfdFlags::CLOEXEC).unwrap().into();
        let limit = Rlimit { current: Some(10), ..getrlimit(Resource::Fsize) };
        setrlimit(Resource::Fsize, limit).unwrap();
        for _ in 0..2 {
            let failed = without_signal(|| file.write_all(&[0; 11]).unwrap_err());
            assert_eq!(failed.raw_os_error(), Some(libc::EFBIG));
        }
    }

    #[test]
    fn s45_a_limit_on_files_does_not_end_the_process() {
        let child = Command::new(std::env::current_exe().unwrap())
            .args([
                "--exact",
                "file_size::blocked::tests::in_a_process_with_small_files_a_write_fails",
                "--ignored",
                "--nocapture",
            ])
            .output()
            .unwrap();
        let output = String::from_utf8_lossy(&child.stdout);
        assert!(child.status.success() && output.contains("1 passed"), "{}: {output}", child.status);
    }

    #[test]
    fn a_signal_that_was_blocked_stays_blocked() {
        without_signal(|| without_signal(|| ()));
        let outer = Blocked::new();
        let inner = Blocked::new();
        assert!(outer.before.is_some() && inner.before.is_none());
        drop(inner);
        assert!(Blocked::new().before.is_none(), "the inner block does not end the outer one");
        drop(outer);
        assert!(Blocked::new().before.is_some());
    }
}
