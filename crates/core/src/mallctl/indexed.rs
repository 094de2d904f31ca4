//! Keys that contain numbers of arenas or size classes and are read repeatedly.
//!
//! A name is looked up once, and its value is then read by the name's numbers (`mallctlnametomib`, `mallctlbymib`).
//! This takes a fraction of the time. As in `key`, this table gives each key the type from jemalloc's manual, and
//! keys are made in this file only.

use std::ffi::CStr;
use std::marker::PhantomData;

use super::key::Plain;
use super::{Error, backend};

/// The number of parts of the longest name below.
const MAX_PARTS: usize = 7;

/// The number that stands for all arenas together (`MALLCTL_ARENAS_ALL`, `jemalloc_macros.h`).
pub(crate) const ALL_ARENAS: usize = 4096;

/// A name that contains `N` numbers, written as zeros. Arena 0 and class 0 always exist, so the name can be looked
/// up.
pub(crate) struct IndexedKey<T, const N: usize> {
    name: &'static CStr,
    value: PhantomData<fn() -> T>,
}

/// The numbers of an [`IndexedKey`] that was looked up.
pub(crate) struct Mib<T, const N: usize> {
    key: IndexedKey<T, N>,
    parts: [usize; MAX_PARTS],
    length: usize,
    /// Which parts are the numbers.
    indexes: [usize; N],
}

macro_rules! keys {
    ($($(#[$doc:meta])* $name:ident: $type:ty, $indexes:literal = $key:literal;)*) => {
        $($(#[$doc])* pub(crate) const $name: IndexedKey<$type, $indexes> =
            IndexedKey { name: $key, value: PhantomData };)*

        #[cfg(test)]
        const NAMES: &[(&CStr, usize)] = &[$(($key, $indexes)),*];
    };
}

keys! {
    /// `arena.<i>.initialized` (bool, r-).
    ARENA_INITIALIZED: bool, 1 = c"arena.0.initialized";
    /// `stats.arenas.<i>.nthreads` (unsigned, r-): threads that allocate from it.
    ARENA_THREADS: u32, 1 = c"stats.arenas.0.nthreads";
    /// `stats.arenas.<i>.dirty_decay_ms` (ssize_t, r-).
    ARENA_DIRTY_DECAY_MS: isize, 1 = c"stats.arenas.0.dirty_decay_ms";
    /// `stats.arenas.<i>.muzzy_decay_ms` (ssize_t, r-).
    ARENA_MUZZY_DECAY_MS: isize, 1 = c"stats.arenas.0.muzzy_decay_ms";
    /// `stats.arenas.<i>.pactive` (size_t, r-): in pages.
    ARENA_ACTIVE_PAGES: usize, 1 = c"stats.arenas.0.pactive";
    /// `stats.arenas.<i>.pdirty` (size_t, r-): in pages.
    ARENA_DIRTY_PAGES: usize, 1 = c"stats.arenas.0.pdirty";
    /// `stats.arenas.<i>.pmuzzy` (size_t, r-): in pages.
    ARENA_MUZZY_PAGES: usize, 1 = c"stats.arenas.0.pmuzzy";
    /// `stats.arenas.<i>.mapped` (size_t, r-).
    ARENA_MAPPED: usize, 1 = c"stats.arenas.0.mapped";
    /// `stats.arenas.<i>.retained` (size_t, r-).
    ARENA_RETAINED: usize, 1 = c"stats.arenas.0.retained";
    /// `stats.arenas.<i>.resident` (size_t, r-).
    ARENA_RESIDENT: usize, 1 = c"stats.arenas.0.resident";
    /// `stats.arenas.<i>.base` (size_t, r-): metadata without which the arena could not allocate.
    ARENA_BASE: usize, 1 = c"stats.arenas.0.base";
    /// `stats.arenas.<i>.internal` (size_t, r-): metadata that jemalloc allocates as a program would.
    ARENA_INTERNAL: usize, 1 = c"stats.arenas.0.internal";
    /// `stats.arenas.<i>.tcache_bytes` (size_t, r-): free objects in the caches of threads.
    ARENA_THREAD_CACHES: usize, 1 = c"stats.arenas.0.tcache_bytes";
    /// `stats.arenas.<i>.small.allocated` (size_t, r-).
    ARENA_SMALL_ALLOCATED: usize, 1 = c"stats.arenas.0.small.allocated";
    /// `stats.arenas.<i>.large.allocated` (size_t, r-).
    ARENA_LARGE_ALLOCATED: usize, 1 = c"stats.arenas.0.large.allocated";

    /// `arenas.bin.<i>.size` (size_t, r-).
    BIN_SIZE: usize, 1 = c"arenas.bin.0.size";
    /// `arenas.bin.<i>.nregs` (uint32_t, r-): regions per slab.
    BIN_REGIONS: u32, 1 = c"arenas.bin.0.nregs";
    /// `arenas.bin.<i>.slab_size` (size_t, r-).
    BIN_SLAB_SIZE: usize, 1 = c"arenas.bin.0.slab_size";
    /// `stats.arenas.<i>.bins.<j>.nmalloc` (uint64_t, r-).
    BIN_ALLOCATED: u64, 2 = c"stats.arenas.0.bins.0.nmalloc";
    /// `stats.arenas.<i>.bins.<j>.ndalloc` (uint64_t, r-).
    BIN_FREED: u64, 2 = c"stats.arenas.0.bins.0.ndalloc";
    /// `stats.arenas.<i>.bins.<j>.nrequests` (uint64_t, r-).
    BIN_REQUESTS: u64, 2 = c"stats.arenas.0.bins.0.nrequests";
    /// `stats.arenas.<i>.bins.<j>.curregs` (size_t, r-).
    BIN_LIVE_REGIONS: usize, 2 = c"stats.arenas.0.bins.0.curregs";
    /// `stats.arenas.<i>.bins.<j>.curslabs` (size_t, r-).
    BIN_SLABS: usize, 2 = c"stats.arenas.0.bins.0.curslabs";
    /// `stats.arenas.<i>.bins.<j>.nonfull_slabs` (size_t, r-).
    BIN_NONFULL_SLABS: usize, 2 = c"stats.arenas.0.bins.0.nonfull_slabs";
    /// `stats.arenas.<i>.bins.<j>.mutex.num_wait` (uint64_t, r-).
    BIN_LOCK_WAITS: u64, 2 = c"stats.arenas.0.bins.0.mutex.num_wait";
    /// `stats.arenas.<i>.bins.<j>.mutex.total_wait_time` (uint64_t, r-): in nanoseconds.
    BIN_LOCK_WAIT_NS: u64, 2 = c"stats.arenas.0.bins.0.mutex.total_wait_time";

    /// `arenas.lextent.<i>.size` (size_t, r-).
    LARGE_SIZE: usize, 1 = c"arenas.lextent.0.size";
    /// `stats.arenas.<i>.lextents.<j>.nmalloc` (uint64_t, r-).
    LARGE_ALLOCATED: u64, 2 = c"stats.arenas.0.lextents.0.nmalloc";
    /// `stats.arenas.<i>.lextents.<j>.ndalloc` (uint64_t, r-).
    LARGE_FREED: u64, 2 = c"stats.arenas.0.lextents.0.ndalloc";
    /// `stats.arenas.<i>.lextents.<j>.curlextents` (size_t, r-).
    LARGE_LIVE: usize, 2 = c"stats.arenas.0.lextents.0.curlextents";
}

impl<T: Plain, const N: usize> IndexedKey<T, N> {
    /// Looks the name up.
    pub(crate) fn look_up(self) -> Result<Mib<T, N>, Error> {
        let (mut length, mut found, mut indexes) = (0, 0, [0; N]);
        for (position, part) in self.name.to_bytes().split(|byte| *byte == b'.').enumerate() {
            length = position + 1;
            if part == b"0" && found < N {
                indexes[found] = position;
                found += 1;
            }
        }
        let mut parts = [0; MAX_PARTS];
        backend::name_to_mib(self.name, &mut parts[..length])?;
        Ok(Mib { key: self, parts, length, indexes })
    }
}

impl<T: Plain, const N: usize> Mib<T, N> {
    /// Reads the value with these numbers instead of the zeros, as of the last write to `epoch`.
    pub(crate) fn read(&self, numbers: [usize; N]) -> Result<T, Error> {
        let mut parts = self.parts;
        for (position, number) in self.indexes.into_iter().zip(numbers) {
            parts[position] = number;
        }
        // SAFETY: the table above gives every key the manual's type.
        unsafe { backend::read_mib(self.key.name, &parts[..self.length]) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_name_has_its_numbers_and_fits() {
        for (name, indexes) in NAMES {
            let parts: Vec<_> = name.to_str().unwrap().split('.').collect();
            assert!(parts.len() <= MAX_PARTS, "{name:?}");
            assert_eq!(parts.iter().filter(|part| **part == "0").count(), *indexes, "{name:?}");
        }
    }

    #[cfg(feature = "jemalloc")]
    #[test]
    fn a_number_that_does_not_exist_is_an_error() {
        let size = BIN_SIZE.look_up().unwrap();
        assert_eq!(size.read([0]), Ok(8));
        let error = size.read([100_000]).unwrap_err().to_string();
        assert!(error.starts_with("mallctl arenas.bin.0.size: "), "{error}");
    }

    #[cfg(feature = "jemalloc")]
    #[test]
    fn jemalloc_knows_every_name() {
        for (name, _) in NAMES {
            let parts = name.to_bytes().split(|byte| *byte == b'.').count();
            backend::name_to_mib(name, &mut [0; MAX_PARTS][..parts]).unwrap();
        }
    }

    #[cfg(not(feature = "jemalloc"))]
    #[test]
    fn without_jemalloc_there_is_a_reason() {
        let error = BIN_SIZE.look_up().err().unwrap().to_string();
        assert_eq!(error, "mallctl arenas.bin.0.size: built without feature `jemalloc`");
    }
}
