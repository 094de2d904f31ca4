//! Unused pages back to the system.

use crate::mallctl::{self, Error};

/// Empties this thread's cache and makes all arenas return their unused pages now, dirty and muzzy ones.
///
/// jemalloc lets no thread empty another one's cache, so what those hold stays. Each arena's lock is taken in turn, for
/// as long as the kernel takes for its pages; threads that need fresh pages from that arena wait.
pub(crate) fn purge() -> Result<(), Error> {
    // Refused only if there is no cache, which is as good.
    let _ = mallctl::THREAD_TCACHE_FLUSH.call();
    mallctl::ALL_ARENAS_PURGE.call()
}
