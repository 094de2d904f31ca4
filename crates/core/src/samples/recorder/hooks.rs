//! The functions that jemalloc calls for a sampled allocation and for its end.
//!
//! They run in the middle of an allocation, on any thread, also on a thread that ends. So they allocate nothing, take no
//! lock, use no thread-local that has a destructor or is made on first use, and cannot panic: a panic in an `extern "C"`
//! function would abort the process.

use std::ffi::{c_uint, c_void};
use std::{ptr, slice};

use memory_debug_profile::StackHash;

use super::super::label;
use super::super::table::Allocation;
use super::super::table::storage::table;
use super::birth;
use crate::mallctl::{self, Error, SampleFreeHook, SampleHook};

/// The heap profiler has to be enabled before the process has allocated anything.
const NOT_ENABLED: &str = "live samples need jemalloc's heap profiler, which was not enabled at start; use `install!()`, or \
                           start the program with `_RJEM_MALLOC_CONF=prof:true,prof_active:true` (`MALLOC_CONF` if \
                           jemalloc is built unprefixed)";

/// Why there are no live samples if another library is here first.
const FOREIGN: &str = "another part of the program uses jemalloc's hooks for samples (experimental.hooks.prof_sample, \
                       experimental.hooks.prof_sample_free), and jemalloc has only one of each, so live samples are not \
                       recorded; remove the other hooks to get ages, routes and holders";

/// Records a sampled allocation.
///
/// # Safety
///
/// `frames` points to `count` return addresses, or is null.
unsafe extern "C" fn on_sample(
    address: *const c_void,
    requested: usize,
    frames: *mut *mut c_void,
    count: c_uint,
    usable: usize,
) {
    let frames = if frames.is_null() {
        &[]
    } else {
        // SAFETY: jemalloc passes its own copy of the stack, which nothing changes or frees during the call.
        unsafe { slice::from_raw_parts(frames.cast_const(), count as usize) }
    };
    let stack = StackHash::of(frames.iter().map(|frame| frame.addr() as u64));
    table().insert(Allocation {
        address: address.addr() as u64,
        requested: requested as u64,
        usable: usable as u64,
        stack: stack.0,
        birth: birth::pack(now_ms(), label::current()),
    });
}

/// Forgets a sampled allocation.
unsafe extern "C" fn on_free(address: *const c_void, usable: usize) {
    table().remove(address.addr() as u64, usable as u64);
}

/// Milliseconds of a clock that never goes back and costs a few nanoseconds. It advances every one to four milliseconds.
pub(super) fn now_ms() -> u64 {
    let mut now = libc::timespec { tv_sec: 0, tv_nsec: 0 };
    // SAFETY: the kernel writes to a valid value of its type. This clock cannot fail since Linux 2.6.32.
    unsafe { libc::clock_gettime(libc::CLOCK_MONOTONIC_COARSE, &raw mut now) };
    (now.tv_sec as u64).wrapping_mul(1000).wrapping_add(now.tv_nsec as u64 / 1_000_000)
}

/// Asks jemalloc to call the functions.
///
/// # Errors
///
/// If other code has set a hook, or the profiler was not enabled at start.
pub(super) fn install() -> Result<(), String> {
    if mallctl::OPT_PROF.read() == Ok(false) {
        return Err(NOT_ENABLED.to_owned());
    }
    let failed = |error: Error| format!("cannot record live samples: {error}");
    let (sample, free) = (mallctl::read_sample_hook(), mallctl::read_sample_free_hook());
    if sample.map_err(failed)?.is_some() || free.map_err(failed)?.is_some() {
        return Err(FOREIGN.to_owned());
    }
    // The hook for frees comes first. Otherwise the end of a recorded allocation could go unseen.
    // SAFETY: the function stays for the life of the process and does not unwind.
    unsafe { mallctl::write_sample_free_hook(Some(on_free)) }.map_err(failed)?;
    // SAFETY: as above; jemalloc passes the stack as the function expects it.
    unsafe { mallctl::write_sample_hook(Some(on_sample)) }.map_err(|error| {
        // SAFETY: removes the hook that was set above.
        let _ = unsafe { mallctl::write_sample_free_hook(None) };
        failed(error)
    })
}

/// Whether jemalloc still calls the functions. Other code can have replaced them.
pub(super) fn are_installed() -> bool {
    let sample = mallctl::read_sample_hook().ok().flatten();
    let free = mallctl::read_sample_free_hook().ok().flatten();
    sample.is_some_and(|hook| ptr::fn_addr_eq(hook, on_sample as SampleHook))
        && free.is_some_and(|hook| ptr::fn_addr_eq(hook, on_free as SampleFreeHook))
}
