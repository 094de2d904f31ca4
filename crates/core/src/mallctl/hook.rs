//! The two hooks that jemalloc calls for a sampled allocation and for its end.
//!
//! They are not in the manual. Their types are from jemalloc 5.3.1, `prof_hook.h`; the keys check `opt.prof` when they
//! are written (`ctl.c`).

use std::ffi::{c_uint, c_void};

use super::{Error, backend};

/// `prof_sample_hook_t`: the address, the bytes that the program asked for, the return addresses and their number, the
/// bytes that the allocation has.
pub(crate) type SampleHook = unsafe extern "C" fn(*const c_void, usize, *mut *mut c_void, c_uint, usize);

/// `prof_sample_free_hook_t`: the address, and the bytes that the allocation had.
pub(crate) type SampleFreeHook = unsafe extern "C" fn(*const c_void, usize);

/// `experimental.hooks.prof_sample` (rw). `None` if it is not set.
pub(crate) fn read_sample_hook() -> Result<Option<SampleHook>, Error> {
    // SAFETY: the key is a `prof_sample_hook_t`, a function pointer that can be null.
    unsafe { backend::read(c"experimental.hooks.prof_sample") }
}

/// `experimental.hooks.prof_sample_free` (rw). `None` if it is not set.
pub(crate) fn read_sample_free_hook() -> Result<Option<SampleFreeHook>, Error> {
    // SAFETY: the key is a `prof_sample_free_hook_t`, a function pointer that can be null.
    unsafe { backend::read(c"experimental.hooks.prof_sample_free") }
}

/// Sets or removes the hook of sampled allocations.
///
/// # Errors
///
/// If the heap profiler was not enabled at start.
///
/// # Safety
///
/// jemalloc can call the hook from now on, on any thread, until the process ends. The hook must not unwind.
pub(crate) unsafe fn write_sample_hook(hook: Option<SampleHook>) -> Result<(), Error> {
    // SAFETY: the type as above; the caller promises the rest.
    unsafe { backend::write(c"experimental.hooks.prof_sample", hook) }
}

/// Sets or removes the hook of sampled allocations that are freed.
///
/// # Errors
///
/// If the heap profiler was not enabled at start.
///
/// # Safety
///
/// As for [`write_sample_hook`].
pub(crate) unsafe fn write_sample_free_hook(hook: Option<SampleFreeHook>) -> Result<(), Error> {
    // SAFETY: the type as above; the caller promises the rest.
    unsafe { backend::write(c"experimental.hooks.prof_sample_free", hook) }
}
