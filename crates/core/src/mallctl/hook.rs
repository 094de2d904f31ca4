//! The hooks that jemalloc calls for a sampled allocation, for its stack and for its end.
//!
//! They are not in the manual. Their types are from jemalloc 5.3.1, `prof_hook.h`; the keys check `opt.prof` when they
//! are written (`ctl.c`).

use std::ffi::{CStr, c_uint, c_void};

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

/// The function that reads the stack of a sample: `prof_backtrace_hook_t` in `prof_hook.h`. It writes at most `max`
/// return addresses to `vector`, the innermost first, and their number to `length`, which is 0 before.
///
/// jemalloc calls it inside `malloc`, without a lock of its own, and in a section that lets it allocate.
pub(crate) type BacktraceHook =
    unsafe extern "C" fn(vector: *mut *mut c_void, length: *mut c_uint, max: c_uint);

const BACKTRACE_HOOK: &CStr = c"experimental.hooks.prof_backtrace";

/// `experimental.hooks.prof_backtrace` (prof_backtrace_hook_t, rw; `ctl.c` of 5.3.1, not in the manual): the present
/// unwinder. `None` if the profiler is off.
pub(crate) fn read_backtrace_hook() -> Result<Option<BacktraceHook>, Error> {
    // SAFETY: `ctl.c` reads a `prof_backtrace_hook_t`, which may be null.
    unsafe { backend::read(BACKTRACE_HOOK) }
}

/// Sets `experimental.hooks.prof_backtrace`. jemalloc refuses it if the profiler is off.
///
/// # Safety
///
/// `hook` can be called as [`BacktraceHook`] says, from any thread, until the process ends.
pub(crate) unsafe fn set_backtrace_hook(hook: BacktraceHook) -> Result<(), Error> {
    // SAFETY: `ctl.c` takes a `prof_backtrace_hook_t`; the caller promises that jemalloc can call it.
    unsafe { backend::write(BACKTRACE_HOOK, hook) }
}
