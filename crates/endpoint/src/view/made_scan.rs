//! The result of scans, kept for other pages of the same run and of the next.

use std::sync::Arc;

use memory_debug_core::HoldersReport;

/// What a request wants to be scanned.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct ScanWanted {
    /// The most holders of a chain.
    pub(super) depth: usize,
    /// The number of scans.
    pub(super) scans: u32,
    /// The most time of all scans, in seconds.
    pub(super) seconds: u64,
}

/// Scans that were made, and their result.
pub(crate) struct MadeScan {
    pub(super) wanted: ScanWanted,
    pub(super) report: Arc<HoldersReport>,
}
