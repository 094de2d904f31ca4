//! Blocked workers of a runtime.
//!
//! Two counters of tokio tell, without `tokio_unstable`, whether a worker has come back to its scheduler: how often it
//! parked and unparked, which is odd while it is parked, and how long it was busy, which grows at least once in 61
//! polls. An active worker whose counters stand still is in one long poll, or in at most 61 shorter ones. Either way
//! its IO and its timers stand still. A worker that hands over its duties (`block_in_place`) parks or goes on
//! elsewhere, so its counters move.

#[cfg(not(feature = "tokio"))]
mod disabled;
#[cfg(feature = "tokio")]
mod enabled;
#[cfg(feature = "tokio")]
mod progress;
#[cfg(feature = "tokio")]
mod starvation;
#[cfg(feature = "tokio")]
mod suspect;
#[cfg(feature = "tokio")]
mod text;
#[cfg(feature = "tokio")]
mod worker;

#[cfg(not(feature = "tokio"))]
pub(crate) use disabled::Workers;
#[cfg(feature = "tokio")]
pub(crate) use enabled::Workers;

use std::time::Duration;

use memory_debug_core::MonitorEvent;

/// What a look at the workers found.
#[derive(Debug, Default)]
pub(crate) struct Look {
    /// When to look again at the latest. `None` if all workers have been idle for a while.
    pub(crate) next: Option<Duration>,
    pub(crate) events: Vec<MonitorEvent>,
}

/// How long a worker may be blocked before it is an event.
pub(crate) const THRESHOLD: Duration = Duration::from_millis(250);

/// The lowest threshold. Looks would be more frequent than it is worth.
pub(crate) const MIN_THRESHOLD: Duration = Duration::from_millis(20);
