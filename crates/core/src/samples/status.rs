//! The state of recording, as a value.

use std::time::Duration;

/// Since when samples are recorded, and how many are live.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RecordingStatus {
    /// When recording began, or began again because jemalloc had discarded its samples. RFC 3339, UTC.
    pub since: String,
    /// The time since then.
    pub recorded: Duration,
    /// Samples that were recorded since then and are live.
    pub live: u64,
    /// Samples since then that found no place in the table.
    pub dropped: u64,
    /// Frees since then whose allocation was not in the table: memory that is older than recording, or was dropped.
    pub orphan_frees: u64,
}
