//! Writing where the size of files is limited (`RLIMIT_FSIZE`: `ulimit -f`, `LimitFSIZE=` of systemd).
//!
//! To a thread that writes beyond the limit the kernel sends SIGXFSZ, which ends the process unless it is prepared
//! (setrlimit(2)). Memory files are limited as well. While the signal is blocked, the write fails and nothing else.

#[cfg(target_os = "linux")]
#[allow(unsafe_code, reason = "signals are blocked by calls of the C library")]
mod blocked;

/// Runs `write` on this thread, with the signal blocked.
pub(crate) fn without_signal<R>(write: impl FnOnce() -> R) -> R {
    #[cfg(target_os = "linux")]
    let _blocked = blocked::Blocked::new();
    write()
}
