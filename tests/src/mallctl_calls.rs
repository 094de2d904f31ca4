//! Counts the calls of jemalloc's control interface.
//!
//! The linker redirects each call of `_rjem_mallctl` from outside jemalloc to `__wrap__rjem_mallctl`, and
//! each call of `__real__rjem_mallctl` to jemalloc's own function (`build.rs`).

use std::ffi::{c_char, c_int, c_void};
use std::sync::atomic::{AtomicU64, Ordering};

static CALLS: AtomicU64 = AtomicU64::new(0);

/// The number of calls of `mallctl`, `mallctlbymib` and `mallctlnametomib` in this process so far.
pub fn mallctl_calls() -> u64 {
    CALLS.load(Ordering::SeqCst)
}

// The types are from the manual, section "Synopsis".
unsafe extern "C" {
    fn __real__rjem_mallctl(
        name: *const c_char,
        old: *mut c_void,
        old_length: *mut usize,
        new: *mut c_void,
        new_length: usize,
    ) -> c_int;
    fn __real__rjem_mallctlbymib(
        mib: *const usize,
        mib_length: usize,
        old: *mut c_void,
        old_length: *mut usize,
        new: *mut c_void,
        new_length: usize,
    ) -> c_int;
    fn __real__rjem_mallctlnametomib(name: *const c_char, mib: *mut usize, mib_length: *mut usize) -> c_int;
}

#[unsafe(no_mangle)]
unsafe extern "C" fn __wrap__rjem_mallctl(
    name: *const c_char,
    old: *mut c_void,
    old_length: *mut usize,
    new: *mut c_void,
    new_length: usize,
) -> c_int {
    CALLS.fetch_add(1, Ordering::SeqCst);
    // SAFETY: the caller's arguments, unchanged.
    unsafe { __real__rjem_mallctl(name, old, old_length, new, new_length) }
}

#[unsafe(no_mangle)]
unsafe extern "C" fn __wrap__rjem_mallctlbymib(
    mib: *const usize,
    mib_length: usize,
    old: *mut c_void,
    old_length: *mut usize,
    new: *mut c_void,
    new_length: usize,
) -> c_int {
    CALLS.fetch_add(1, Ordering::SeqCst);
    // SAFETY: the caller's arguments, unchanged.
    unsafe { __real__rjem_mallctlbymib(mib, mib_length, old, old_length, new, new_length) }
}

#[unsafe(no_mangle)]
unsafe extern "C" fn __wrap__rjem_mallctlnametomib(
    name: *const c_char,
    mib: *mut usize,
    mib_length: *mut usize,
) -> c_int {
    CALLS.fetch_add(1, Ordering::SeqCst);
    // SAFETY: the caller's arguments, unchanged.
    unsafe { __real__rjem_mallctlnametomib(name, mib, mib_length) }
}
