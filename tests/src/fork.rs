//! Processes that are forked and never execute another program.

use std::fs::File;
use std::io::{Read, Write, pipe};
use std::os::fd::OwnedFd;
use std::panic::{AssertUnwindSafe, catch_unwind};

/// When the kernel ends a child that hangs.
const LIMIT_SECONDS: u32 = 120;

/// What `body` returns in a child forked here and now, with only this thread, whose output goes where this one's goes.
///
/// # Panics
///
/// If it panics there, or hangs.
pub fn in_child(body: impl FnOnce() -> String) -> String {
    let (reader, writer) = pipe().unwrap();
    // SAFETY: POSIX allows a child of a process with threads nothing but async-signal-safe functions; on Linux, glibc
    // and jemalloc prepare their locks for more (pthread_atfork), and that this is enough is what is tested.
    let child = unsafe { libc::fork() };
    assert!(child >= 0, "{}", std::io::Error::last_os_error());
    if child == 0 {
        // SAFETY: sets a timer of this process, whose signal ends it.
        unsafe { libc::alarm(LIMIT_SECONDS) };
        let wrote = catch_unwind(AssertUnwindSafe(|| {
            let result = body();
            File::from(OwnedFd::from(writer)).write_all(result.as_bytes()).unwrap();
        }));
        // SAFETY: ends this process without what the parent registered for its own end.
        unsafe { libc::_exit(i32::from(wrote.is_err())) };
    }
    drop(writer);
    let mut result = String::new();
    File::from(OwnedFd::from(reader)).read_to_string(&mut result).unwrap();
    let mut status = 0;
    // SAFETY: writes the status of the child, which nobody else waits for.
    let ended = unsafe { libc::waitpid(child, &mut status, 0) };
    assert_eq!((ended, status), (child, 0), "the child panicked or hung: {result}");
    result
}
