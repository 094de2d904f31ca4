//! Processes that fork and do not execute another program.

use std::fs::File;
use std::io::{Read, Write, pipe};
use std::os::fd::OwnedFd;
use std::panic::{AssertUnwindSafe, catch_unwind};

/// The time after which the kernel kills a child that hangs.
const LIMIT_SECONDS: u32 = 120;

/// Runs `body` in a forked child and returns its result. The child has only this thread, and shares its
/// standard output.
///
/// # Panics
///
/// If `body` panics or hangs.
pub fn in_child(body: impl FnOnce() -> String) -> String {
    let (reader, writer) = pipe().unwrap();
    // SAFETY: after a fork in a process with threads, POSIX allows only async-signal-safe functions. On
    // Linux, glibc and jemalloc prepare their locks for more (pthread_atfork), and the tests check that this
    // is enough.
    let child = unsafe { libc::fork() };
    assert!(child >= 0, "{}", std::io::Error::last_os_error());
    if child == 0 {
        // SAFETY: sets a timer of this process, whose signal kills it.
        unsafe { libc::alarm(LIMIT_SECONDS) };
        let wrote = catch_unwind(AssertUnwindSafe(|| {
            let result = body();
            File::from(OwnedFd::from(writer)).write_all(result.as_bytes()).unwrap();
        }));
        // SAFETY: ends this process without running the exit handlers of the parent.
        unsafe { libc::_exit(i32::from(wrote.is_err())) };
    }
    drop(writer);
    let mut result = String::new();
    File::from(OwnedFd::from(reader)).read_to_string(&mut result).unwrap();
    let mut status = 0;
    // SAFETY: reads the status of the child, which no other code waits for.
    let ended = unsafe { libc::waitpid(child, &mut status, 0) };
    assert_eq!((ended, status), (child, 0), "the child panicked or hung: {result}");
    result
}
