//! The numbers of one look.

use std::time::Duration;

/// The numbers of one look. A number that could not be read is `None`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Reading {
    /// Time since the monitor started, by a clock that cannot be set.
    pub(crate) at: Duration,
    /// Milliseconds since 1970, by the system clock.
    pub(crate) unix_ms: u64,
    pub(crate) container: Option<ContainerUse>,
    pub(crate) resident: Option<u64>,
    pub(crate) unique: Option<u64>,
    pub(crate) threads: Option<u64>,
    pub(crate) open_files: Option<u64>,
    pub(crate) allocator: Option<AllocatorUse>,
    /// Kills for lack of memory that the kernel counted in the container.
    pub(crate) oom_kills: Option<u64>,
    /// Time that processes waited for memory, in microseconds.
    pub(crate) pressure_total_us: Option<u64>,
}

/// Memory of the container against the limit that is reached first, in bytes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct ContainerUse {
    /// Working set: usage without inactive page cache.
    pub(crate) used: u64,
    pub(crate) limit: u64,
    pub(crate) inactive_file: u64,
}

/// jemalloc's numbers, in bytes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct AllocatorUse {
    pub(crate) allocated: u64,
    pub(crate) active: u64,
    pub(crate) metadata: u64,
    pub(crate) resident: u64,
    pub(crate) retained: u64,
    pub(crate) dirty: u64,
}
