//! The state of the profiler, as it is told.

use std::fmt;

use serde::{Deserialize, Serialize};

use crate::instance::InstanceInfo;
use crate::report::{ProfilingState, SCHEMA};
use crate::unavailable::Unavailable;

/// How the heap profiler stands, until when, and what comes then.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct ProfilingStatus {
    /// Always [`SCHEMA`](crate::SCHEMA).
    pub schema: String,
    /// Which process this is.
    pub instance: InstanceInfo,
    /// Differs after each change made here, also when a time ends. Starts at 0 with the process.
    pub version: u64,
    /// The state now.
    pub profiling: ProfilingState,
    /// The change that is in force, if there is one.
    pub window: Option<ProfilingWindow>,
    /// What the change just made has discarded. `None` if nothing was changed or the change discarded nothing.
    pub discarded: Option<DiscardedSamples>,
    /// Why a value is `None`, keyed by its path.
    pub unavailable: Unavailable,
}

impl ProfilingStatus {
    /// A profiler that no change is in force of.
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

/// A change for a time.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct ProfilingWindow {
    /// When it ends by itself, RFC 3339 in UTC.
    pub until: String,
    /// Seconds until then, rounded up.
    pub seconds_left: u64,
    /// Whether allocations are sampled afterwards, as before it.
    pub active_afterwards: bool,
    /// Mean number of bytes between samples afterwards, as before it.
    pub sample_bytes_afterwards: Option<u64>,
    /// Whether its end discards all samples, because the rate changes then. Snapshots of this time can then be compared
    /// with each other only.
    pub discards_at_end: bool,
}

impl ProfilingWindow {
    /// A change that ends at `until` (RFC 3339, in UTC), after which sampling is off.
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
/// jemalloc cannot sum samples of different rates, so it starts anew. The objects live on, but are in no profile from
/// now on: all that was allocated before the change is missing in the table, for as long as it lives.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
#[serde(default)]
pub struct DiscardedSamples {
    /// Live bytes that the profile stood for right before the change, estimated as in the table.
    pub sampled_bytes: u64,
    /// Distinct stacks.
    pub stacks: u64,
}

/// Why the profiler was not changed.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum ProfilingRefusal {
    /// There is no profiler in this program: another allocator, or built without. Says how to build it in.
    NotBuilt(String),
    /// The profiler was not enabled when the program was started, and cannot be later. Says how to start it.
    NotEnabled(String),
    /// The state is not of the version that the change was meant for, but of this one.
    VersionDiffers(u64),
    /// Sampling is on, but not by a change made here, so it is not turned off here.
    OnByConfiguration,
    /// jemalloc or the system refused.
    Failed(String),
}

impl fmt::Display for ProfilingRefusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NotBuilt(reason) | Self::NotEnabled(reason) => f.write_str(reason),
            Self::VersionDiffers(version) => {
                write!(f, "the profiler was changed in the meantime; its state is now of version {version}")
            }
            Self::OnByConfiguration => f.write_str(
                "sampling is on by configuration or by other code, not for a time; it is not turned off here, because \
                 what is allocated while it is off would be missing in the table for as long as it lives; configure \
                 `prof_active:false` to start without",
            ),
            Self::Failed(reason) => write!(f, "the profiler could not be changed: {reason}"),
        }
    }
}

impl std::error::Error for ProfilingRefusal {}
