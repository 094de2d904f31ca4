//! Is jemalloc the global allocator?
//!
//! It may be linked and still not be used: the program decides with `#[global_allocator]`. Its numbers would then be
//! those of an idle allocator, so nothing else may be asked before this question.

use std::hint;
use std::sync::OnceLock;

use memory_debug_report::__private::NOT_JEMALLOC;

use crate::mallctl;

/// Larger than what other code of this thread could allocate between two reads; smaller than the page cache would mind.
const PROBE_BYTES: usize = 4096;

/// `Ok` if Rust's allocations go to jemalloc; found out by one allocation, the first time this is called.
///
/// # Errors
///
/// Says what to do about it.
pub(crate) fn global_allocator() -> Result<(), String> {
    static ANSWER: OnceLock<Result<(), String>> = OnceLock::new();
    ANSWER.get_or_init(probe).clone()
}

fn probe() -> Result<(), String> {
    let allocated = || mallctl::THREAD_ALLOCATED.read().map_err(|error| format!("no jemalloc: {error}"));
    let before = allocated()?;
    // Opaque, or the compiler removes the allocation that nobody reads.
    drop(hint::black_box(Vec::<u8>::with_capacity(hint::black_box(PROBE_BYTES))));
    let after = allocated()?;
    if after.wrapping_sub(before) >= PROBE_BYTES as u64 { Ok(()) } else { Err(NOT_JEMALLOC.into()) }
}

#[cfg(test)]
mod tests {
    use super::*;

    // The unit tests of this crate run on the system's allocator; `tests/jemalloc.rs` has the other answer.
    #[test]
    fn another_global_allocator_is_noticed_and_the_missing_line_named() {
        let reason = global_allocator().unwrap_err();
        if cfg!(feature = "jemalloc") {
            assert_eq!(reason, NOT_JEMALLOC);
        } else {
            assert!(reason.contains("built without feature `jemalloc`"), "{reason}");
        }
    }
}
