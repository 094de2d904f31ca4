//! A few numbers of jemalloc, read without an allocation.

use super::detail::read_own;
use crate::mallctl;

/// Totals of all arenas, in bytes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct AllocatorTotals {
    /// `stats.allocated`
    pub allocated: u64,
    /// `stats.active`
    pub active: u64,
    /// `stats.metadata`
    pub metadata: u64,
    /// `stats.resident`
    pub resident: u64,
    /// `stats.retained`
    pub retained: u64,
    /// `stats.arenas.*.pdirty`, in bytes.
    pub dirty: u64,
}

/// Reads the totals of a new epoch. Takes jemalloc's control lock and every arena's statistics lock for a moment.
/// Allocates nothing, except at the first call and when it fails.
///
/// # Errors
///
/// If jemalloc refused a number. The text says which.
pub fn read_totals() -> Result<AllocatorTotals, String> {
    let read = || {
        mallctl::EPOCH.write(1)?;
        let stat = |key: mallctl::Key<usize>| key.read().map(|bytes| bytes as u64);
        Ok(AllocatorTotals {
            allocated: stat(mallctl::STATS_ALLOCATED)?,
            active: stat(mallctl::STATS_ACTIVE)?,
            metadata: stat(mallctl::STATS_METADATA)?,
            resident: stat(mallctl::STATS_RESIDENT)?,
            retained: stat(mallctl::STATS_RETAINED)?,
            dirty: read_own()?.dirty_bytes,
        })
    };
    read().map_err(|error: mallctl::Error| error.to_string())
}
