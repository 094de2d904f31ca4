//! Returns unused pages to the system.

use crate::mallctl::{self, Error};

/// Empties this thread's cache and makes all arenas return their unused dirty and muzzy pages now.
///
/// jemalloc lets no thread empty the cache of another thread, so the contents of other caches stay. jemalloc holds
/// the lock of one arena at a time, for as long as the kernel takes to free its pages. Threads that need fresh pages
/// from that arena wait.
pub(crate) fn purge() -> Result<(), Error> {
    // jemalloc refuses only if there is no cache, which is fine too.
    let _ = mallctl::THREAD_TCACHE_FLUSH.call();
    mallctl::ALL_ARENAS_PURGE.call()
}
