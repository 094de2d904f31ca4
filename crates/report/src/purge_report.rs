//! What a purge gave back.

use serde::{Deserialize, Serialize};

use crate::instance::InstanceInfo;
use crate::report::SCHEMA;
use crate::unavailable::Unavailable;

/// What a purge gave back to the system.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct PurgeReport {
    /// Always [`SCHEMA`](crate::SCHEMA).
    pub schema: String,
    /// Which process this is.
    pub instance: InstanceInfo,
    /// When it began, RFC 3339 in UTC.
    pub purged_at: String,
    /// How long the purge took, without the reading of numbers before and after.
    pub purge_us: u64,
    /// By how much the process's resident memory became smaller; negative if it grew in the meantime.
    pub returned_bytes: Option<i64>,
    /// Whether background threads purge anyway, in the course of time.
    pub background_threads: Option<bool>,
    /// The numbers before.
    pub before: PurgeMoment,
    /// The numbers after.
    pub after: PurgeMoment,
    /// Why a value is `None`, keyed by its path.
    pub unavailable: Unavailable,
}

/// The numbers that a purge moves, and those that it does not.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
#[serde(default)]
pub struct PurgeMoment {
    /// Resident set size of the process (`VmRSS`).
    pub resident_bytes: Option<u64>,
    /// Resident anonymous memory of the process (`RssAnon`).
    pub anonymous_bytes: Option<u64>,
    /// What jemalloc counts as resident, an upper bound (`stats.resident`).
    pub allocator_resident_bytes: Option<u64>,
    /// Unused pages that the system has not got back.
    pub dirty_bytes: Option<u64>,
    /// Unused pages that the system may take when it needs them; it counts them as resident until then.
    pub muzzy_bytes: Option<u64>,
    /// What the kernel may take without swapping it, of jemalloc and of others (`LazyFree`).
    pub lazy_free_bytes: Option<u64>,
    /// Addresses kept for later, without physical pages (`stats.retained`).
    pub retained_bytes: Option<u64>,
    /// Pages that hold something (`stats.active`): what a purge cannot give back.
    pub active_bytes: Option<u64>,
    /// What the program holds (`stats.allocated`).
    pub allocated_bytes: Option<u64>,
    /// Free objects that threads keep in their caches. Only a thread itself can empty its cache, so these stay, and
    /// the pages that they are in.
    pub thread_cache_bytes: Option<u64>,
}

impl PurgeReport {
    /// What `before` and `after` say of a purge that began at `purged_at` (RFC 3339, in UTC).
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
