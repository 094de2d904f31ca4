//! The bytes of one thread.

use super::probe::global_allocator;
use crate::mallctl::ThreadBytes;

/// Reads the bytes that the thread which made it has ever allocated and freed. It cannot leave that thread.
#[derive(Debug)]
pub struct ThreadCounters(ThreadBytes);

impl ThreadCounters {
    /// The counters of this thread. The first call of a process tries out the allocator with one allocation.
    ///
    /// # Errors
    ///
    /// If another allocator is in use. The message says what to do about it.
    pub fn of_this_thread() -> Result<Self, String> {
        global_allocator()?;
        ThreadBytes::of_this_thread().map(Self).map_err(|error| error.to_string())
    }

    /// Bytes allocated and bytes freed, as jemalloc rounds them to its size classes. Allocates nothing, takes no lock,
    /// and can be called while the thread ends and after a fork.
    #[inline]
    pub fn read(&self) -> (u64, u64) {
        self.0.read()
    }
}

#[cfg(test)]
mod tests {
    use memory_debug_report::__private::NOT_JEMALLOC;

    use super::*;

    // The unit tests of this crate run on the system's allocator. `tests/jemalloc.rs` tests the opposite case.
    #[test]
    fn another_allocator_has_no_counters_and_the_reason_says_so() {
        let reason = ThreadCounters::of_this_thread().unwrap_err();
        assert!(reason == NOT_JEMALLOC || reason.contains("built without feature `jemalloc`"), "{reason}");
    }
}
