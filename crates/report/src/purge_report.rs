//! The result of a purge, as values.

use serde::{Deserialize, Serialize};

use crate::instance::InstanceInfo;
use crate::schema::SCHEMA;
use crate::unavailable::Unavailable;

/// Result of a purge.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct PurgeReport {
    /// Always [`SCHEMA`](crate::SCHEMA).
    pub schema: String,
    /// The process that was purged.
    pub instance: InstanceInfo,
    /// When the purge began, RFC 3339 in UTC.
    pub purged_at: String,
    /// How long the purge took, without reading the numbers before and after.
    pub purge_us: u64,
    /// How much the process's resident memory shrank; negative if it grew in the meantime.
    pub returned_bytes: Option<i64>,
    /// Whether background threads also purge, after the decay time.
    pub background_threads: Option<bool>,
    /// The numbers before.
    pub before: PurgeMoment,
    /// The numbers after.
    pub after: PurgeMoment,
    /// Why a value is `None`, keyed by its path.
    pub unavailable: Unavailable,
}

/// Memory of the process and of jemalloc right before or after a purge.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
#[serde(default)]
pub struct PurgeMoment {
    /// Resident set size of the process (`VmRSS`).
    pub resident_bytes: Option<u64>,
    /// Resident anonymous memory of the process (`RssAnon`).
    pub anonymous_bytes: Option<u64>,
    /// Memory that jemalloc counts as resident, an upper bound (`stats.resident`).
    pub allocator_resident_bytes: Option<u64>,
    /// Unused pages, not yet returned to the system.
    pub dirty_bytes: Option<u64>,
    /// Unused pages that the kernel may reclaim when it needs memory; it counts them as resident until then.
    pub muzzy_bytes: Option<u64>,
    /// Memory that the kernel may reclaim without swapping it, of jemalloc and of others (`LazyFree`).
    pub lazy_free_bytes: Option<u64>,
    /// Addresses kept for later, without physical pages (`stats.retained`).
    pub retained_bytes: Option<u64>,
    /// Pages that hold objects (`stats.active`), which a purge cannot return.
    pub active_bytes: Option<u64>,
    /// Bytes that the program holds (`stats.allocated`).
    pub allocated_bytes: Option<u64>,
    /// Free objects in thread caches. Only a thread itself can empty its cache, so these objects and their pages stay.
    pub thread_cache_bytes: Option<u64>,
}

impl PurgeReport {
    /// The result of a purge that began at `purged_at` (RFC 3339, in UTC), with the numbers `before` and `after`.
    pub fn new(
        instance: InstanceInfo,
        purged_at: impl Into<String>,
        before: PurgeMoment,
        after: PurgeMoment,
    ) -> Self {
        Self {
            schema: SCHEMA.into(),
            instance,
            purged_at: purged_at.into(),
            purge_us: 0,
            returned_bytes: None,
            background_threads: None,
            before,
            after,
            unavailable: Unavailable::default(),
        }
    }
}
