//! jemalloc's control interface, `mallctl`, as typed keys.
//!
//! Everything here can be called at any time from any thread. Without the cargo feature `jemalloc`, every key
//! returns an [`Error`], so that callers need no `cfg`.

#[cfg(not(feature = "jemalloc"))]
mod disabled;
#[cfg(feature = "jemalloc")]
mod enabled;
mod error;
mod heap_pages;
#[cfg(all(feature = "jemalloc", target_os = "linux"))]
mod hook;
mod indexed;
mod key;
mod thread_bytes;

#[cfg(not(feature = "jemalloc"))]
use disabled as backend;
#[cfg(feature = "jemalloc")]
use enabled as backend;

use std::sync::OnceLock;

pub(crate) use error::Error;
#[cfg(all(test, feature = "jemalloc", target_pointer_width = "64"))]
pub(crate) use heap_pages::tests::allocate;
pub(crate) use heap_pages::{HeapPages, NUMBERS};
#[cfg(all(feature = "jemalloc", target_os = "linux"))]
pub(crate) use hook::*;
pub(crate) use indexed::*;
pub(crate) use key::*;
pub(crate) use thread_bytes::ThreadBytes;

/// The address of jemalloc's code. `None` without jemalloc.
pub(crate) fn code_address() -> Option<u64> {
    backend::code_address()
}

/// `2^lg_prof_sample`.
pub(crate) fn sample_bytes(lg: usize) -> Result<u64, String> {
    u32::try_from(lg)
        .ok()
        .and_then(|lg| 1_u64.checked_shl(lg))
        .ok_or_else(|| format!("jemalloc reports an impossible lg_prof_sample of {lg}"))
}

/// Keys or values that never change in a process. Calls `look_up` until it succeeds once.
pub(crate) fn once<T>(known: &OnceLock<T>, look_up: impl FnOnce() -> Result<T, Error>) -> Result<&T, Error> {
    match known.get() {
        Some(known) => Ok(known),
        None => {
            let found = look_up()?;
            Ok(known.get_or_init(|| found))
        }
    }
}
