//! Writes under a limit on the size of files (`RLIMIT_FSIZE`: `ulimit -f`, `LimitFSIZE=` of systemd).
//!
//! If a thread writes beyond the limit, the kernel sends it SIGXFSZ, which ends the process unless it is handled
//! (setrlimit(2)). The limit also applies to memory files. While the signal is blocked, only the write fails.

#[cfg(target_os = "linux")]
#[allow(unsafe_code, reason = "signals are blocked by calls of the C library")]
mod blocked;

/// Runs `write` on this thread, with the signal blocked.
pub fn without_signal<R>(write: impl FnOnce() -> R) -> R {
    #[cfg(target_os = "linux")]
    let _blocked = blocked::Blocked::new();
    write()
}
