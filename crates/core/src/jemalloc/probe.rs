//! Tests whether jemalloc is the global allocator.
//!
//! jemalloc may be linked and still not be used, because the program decides with `#[global_allocator]`. Its numbers
//! would then describe an idle allocator, so this question comes first.

use std::hint;
use std::sync::OnceLock;

use memory_debug_report::__private::NOT_JEMALLOC;

use crate::mallctl;

/// Larger than what other code on this thread could allocate between two reads, and small enough not to disturb
/// the page cache.
const PROBE_BYTES: usize = 4096;

/// Checks that Rust's allocations go to jemalloc. The first call finds out with one allocation.
///
/// # Errors
///
/// If another allocator is in use. The message says what to do about it.
pub fn global_allocator() -> Result<(), String> {
    static ANSWER: OnceLock<Result<(), String>> = OnceLock::new();
    ANSWER.get_or_init(probe).clone()
}

fn probe() -> Result<(), String> {
    let allocated = || mallctl::THREAD_ALLOCATED.read().map_err(|error| format!("no jemalloc: {error}"));
    let before = allocated()?;
    // Opaque, because the compiler would remove an allocation that is never read.
    drop(hint::black_box(Vec::<u8>::with_capacity(hint::black_box(PROBE_BYTES))));
    let after = allocated()?;
    if after.wrapping_sub(before) >= PROBE_BYTES as u64 { Ok(()) } else { Err(NOT_JEMALLOC.into()) }
}

#[cfg(test)]
mod tests {
    use super::*;

    // The unit tests of this crate run on the system's allocator. `tests/jemalloc.rs` tests the opposite case.
    #[test]
    fn notices_another_global_allocator_and_names_the_missing_line() {
        let reason = global_allocator().unwrap_err();
        if cfg!(feature = "jemalloc") {
            assert_eq!(reason, NOT_JEMALLOC);
        } else {
            assert!(reason.contains("built without feature `jemalloc`"), "{reason}");
        }
    }
}
