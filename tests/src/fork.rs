//! Processes that fork and do not execute another program.

use std::fs::File;
use std::io::{Read, Write, pipe};
use std::os::fd::OwnedFd;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::mpsc;
use std::thread;
use std::time::Duration;

/// The time after which the kernel kills a child that hangs.
const LIMIT_SECONDS: u32 = 120;

/// The time that the first thread of a child may take to start. It starts within milliseconds, or never.
const START: Duration = Duration::from_secs(20);

/// The number of forks until a child can start threads.
const ATTEMPTS: usize = 5;

/// The exit status of a child that cannot start threads.
const NO_THREADS: i32 = 3;

/// Whether this process can start threads.
///
/// The standard library takes a lock when a thread starts and when it ends, to name the thread if its stack
/// overflows (`stack_overflow::thread_info`). It does not release this lock in a child, so that a fork at
/// such a moment leaves a child in which all new threads wait for ever, with or without this library.
fn can_start_threads() -> bool {
    let (started, starts) = mpsc::channel();
    thread::spawn(move || started.send(()));
    starts.recv_timeout(START).is_ok()
}

/// Runs `body` in a forked child and returns its result. The child has only this thread, and shares its
/// standard output. A child that cannot start threads is replaced by another one.
///
/// # Panics
///
/// If `body` panics or hangs, or if no child can start threads.
pub fn in_child(body: impl Fn() -> String) -> String {
    (0..ATTEMPTS).find_map(|_| try_in_child(&body)).expect("no child can start threads")
}

/// The result of `body` in a child, or nothing if the child cannot start threads.
fn try_in_child(body: impl FnOnce() -> String) -> Option<String> {
    let (reader, writer) = pipe().unwrap();
    // SAFETY: after a fork in a process with threads, POSIX allows only async-signal-safe functions. On
    // Linux, glibc and jemalloc prepare their locks for more (pthread_atfork), and the tests check that this
    // is enough.
    let child = unsafe { libc::fork() };
    assert!(child >= 0, "{}", std::io::Error::last_os_error());
    if child == 0 {
        // SAFETY: sets a timer of this process, whose signal kills it.
        unsafe { libc::alarm(LIMIT_SECONDS) };
        if !can_start_threads() {
            // SAFETY: as at the end.
            unsafe { libc::_exit(NO_THREADS) };
        }
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
    if libc::WIFEXITED(status) && libc::WEXITSTATUS(status) == NO_THREADS {
        return None;
    }
    assert_eq!((ended, status), (child, 0), "the child panicked or hung: {result}");
    Some(result)
}
