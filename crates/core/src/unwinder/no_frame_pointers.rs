//! The twin of `frame_pointers` for programs without jemalloc and for systems on which no stack was walked in a test.

use memory_debug_report::UnwinderState;

const CAUSE: &str = "the walk along frame pointers needs jemalloc, Linux, and x86-64 or aarch64";

/// Does nothing: libgcc stays.
pub extern "C" fn start_unwinder() {}

/// The unwinder of jemalloc's sampler.
///
/// # Errors
///
/// Always: it is unknown here.
pub(crate) fn read_unwinder() -> Result<UnwinderState, String> {
    Err(CAUSE.into())
}
