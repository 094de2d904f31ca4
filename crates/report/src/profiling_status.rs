//! The state of the heap profiler, as values.

use std::fmt;

use serde::{Deserialize, Serialize};

use crate::instance::InstanceInfo;
use crate::report::ProfilingState;
use crate::schema::SCHEMA;
use crate::unavailable::Unavailable;

/// State of the heap profiler, with the end of a temporary change and the state after it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct ProfilingStatus {
    /// Always [`SCHEMA`](crate::SCHEMA).
    pub schema: String,
    /// The process that the profiler belongs to.
    pub instance: InstanceInfo,
    /// Version of the state. It differs after each change made here, including the end of a temporary change, and
    /// starts at 0 with the process.
    pub version: u64,
    /// The present state.
    pub profiling: ProfilingState,
    /// The temporary change in force, if any.
    pub window: Option<ProfilingWindow>,
    /// Samples that the change just made discarded. `None` if nothing changed or nothing was discarded.
    pub discarded: Option<DiscardedSamples>,
    /// Why a value is `None`, keyed by its path.
    pub unavailable: Unavailable,
}

impl ProfilingStatus {
    /// A profiler without a temporary change.
    pub fn new(instance: InstanceInfo, version: u64, profiling: ProfilingState) -> Self {
        Self {
            schema: SCHEMA.into(),
            instance,
            version,
            profiling,
            window: None,
            discarded: None,
            unavailable: Unavailable::default(),
        }
    }
}

/// A temporary change.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct ProfilingWindow {
    /// When it ends, RFC 3339 in UTC.
    pub until: String,
    /// Seconds until then, rounded up.
    pub seconds_left: u64,
    /// Whether allocations are sampled after the change, as they were before it.
    pub active_afterwards: bool,
    /// Mean number of bytes between samples after the change, as it was before it.
    pub sample_bytes_afterwards: Option<u64>,
    /// Whether the end of the change discards all samples, because the rate changes then. Snapshots taken before that
    /// can be compared only with each other.
    pub discards_at_end: bool,
}

impl ProfilingWindow {
    /// A change that ends at `until` (RFC 3339, in UTC); sampling is off afterwards.
    pub fn new(until: impl Into<String>, seconds_left: u64) -> Self {
        Self {
            until: until.into(),
            seconds_left,
            active_afterwards: false,
            sample_bytes_afterwards: None,
            discards_at_end: false,
        }
    }
}

/// Samples that were discarded because the rate was changed.
///
/// jemalloc cannot add up samples of different rates, so it starts over. The objects live on, but no later profile
/// shows them. The table lacks everything allocated before the change, for as long as it lives.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
#[serde(default)]
pub struct DiscardedSamples {
    /// Live bytes that the profile stood for just before the change, estimated as in the table.
    pub sampled_bytes: u64,
    /// Number of distinct stacks.
    pub stacks: u64,
}

/// Why the profiler was not changed.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum ProfilingRefusal {
    /// The program has no profiler: it uses another allocator, or jemalloc was built without it. The text says how to
    /// build it in.
    NotBuilt(String),
    /// The profiler was not enabled when the program started, and cannot be enabled later. The text says how to start
    /// the program with it.
    NotEnabled(String),
    /// The state no longer has the version that the change was meant for. It now has this version.
    VersionDiffers(u64),
    /// Sampling is on, but not because of a change made here, so it is not turned off here.
    OnByConfiguration,
    /// jemalloc or the system refused the change.
    Failed(String),
}

impl fmt::Display for ProfilingRefusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NotBuilt(reason) | Self::NotEnabled(reason) => f.write_str(reason),
            Self::VersionDiffers(version) => {
                write!(f, "the profiler was changed in the meantime; its state now has version {version}")
            }
            Self::OnByConfiguration => f.write_str(
                "sampling is on by configuration or by other code, not for a limited time, so it is not turned off \
                 here; the table would lack what is allocated meanwhile, for as long as it lives; to start without \
                 sampling, configure `prof_active:false`",
            ),
            Self::Failed(reason) => write!(f, "the profiler could not be changed: {reason}"),
        }
    }
}

impl std::error::Error for ProfilingRefusal {}
