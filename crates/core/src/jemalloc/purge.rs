//! Returns unused pages to the system.

use crate::mallctl::{self, Error};

/// Empties this thread's cache and makes all arenas return their unused pages now, dirty and muzzy ones.
///
/// jemalloc lets no thread empty the cache of another thread, so the contents of other caches stay. Each arena's
/// lock is taken in turn, for as long as the kernel takes for its pages. Threads that need fresh pages from that
/// arena wait.
pub(crate) fn purge() -> Result<(), Error> {
    // jemalloc refuses only if there is no cache, which is fine too.
    let _ = mallctl::THREAD_TCACHE_FLUSH.call();
    mallctl::ALL_ARENAS_PURGE.call()
}
