//! Which thread runs.

/// The id of this thread, as the kernel counts it.
pub(crate) fn thread_id() -> u32 {
    #[cfg(target_os = "linux")]
    let id = rustix::thread::gettid().as_raw_nonzero().get().unsigned_abs();
    // The monitor runs on Linux only.
    #[cfg(not(target_os = "linux"))]
    let id = 1;
    id
}
