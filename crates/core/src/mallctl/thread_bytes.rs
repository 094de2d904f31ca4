//! The two counters that jemalloc keeps for each thread, read without a call.

#[cfg(target_os = "linux")]
use std::ptr::NonNull;

use super::Error;
#[cfg(target_os = "linux")]
use super::backend;

/// Where jemalloc counts the bytes of the thread that made this value. It cannot leave that thread.
#[cfg(target_os = "linux")]
#[derive(Debug)]
pub(crate) struct ThreadBytes {
    /// Not null, and neither `Send` nor `Sync`.
    allocated: NonNull<u64>,
    freed: NonNull<u64>,
}

#[cfg(target_os = "linux")]
impl ThreadBytes {
    /// Asks jemalloc where it counts.
    pub(crate) fn of_this_thread() -> Result<Self, Error> {
        // SAFETY: `thread.allocatedp` is a `uint64_t *` (r-) by the manual.
        let allocated = unsafe { backend::read::<*mut u64>(c"thread.allocatedp") }?;
        // SAFETY: `thread.deallocatedp` is a `uint64_t *` (r-) by the manual.
        let freed = unsafe { backend::read::<*mut u64>(c"thread.deallocatedp") }?;
        match (NonNull::new(allocated), NonNull::new(freed)) {
            (Some(allocated), Some(freed)) => Ok(Self { allocated, freed }),
            _ => Err(Error::new(c"thread.allocatedp", "the pointer is null")),
        }
    }

    /// Bytes that this thread has ever allocated, and freed. Reads two words.
    #[inline]
    pub(crate) fn read(&self) -> (u64, u64) {
        // SAFETY: on Linux, jemalloc keeps its counters in static thread-local storage (`tsd_tls.h`), which lasts as
        // long as the thread. The value cannot leave the thread, and only this thread writes the counter.
        let allocated = unsafe { self.allocated.read_volatile() };
        // SAFETY: as above.
        let freed = unsafe { self.freed.read_volatile() };
        (allocated, freed)
    }
}

/// Elsewhere jemalloc can free its counters before the thread ends, so each reading asks for them.
#[cfg(not(target_os = "linux"))]
#[derive(Debug)]
pub(crate) struct ThreadBytes {
    _not_send: std::marker::PhantomData<*const u64>,
}

#[cfg(not(target_os = "linux"))]
impl ThreadBytes {
    pub(crate) fn of_this_thread() -> Result<Self, Error> {
        super::THREAD_ALLOCATED.read()?;
        super::THREAD_DEALLOCATED.read()?;
        Ok(Self { _not_send: std::marker::PhantomData })
    }

    pub(crate) fn read(&self) -> (u64, u64) {
        let read = |key: super::Key<u64>| key.read().unwrap_or_default();
        (read(super::THREAD_ALLOCATED), read(super::THREAD_DEALLOCATED))
    }
}
