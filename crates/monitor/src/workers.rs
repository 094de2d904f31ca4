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

impl Look {
    /// When to look at the workers again after a look at `now`. Idle workers wait for the next look at the memory: a time
    /// of their own would wake the thread a second time in each interval.
    pub(crate) fn due(&self, now: Duration, next_look: Duration, interval: Duration) -> Duration {
        let latest = now.saturating_add(interval);
        match self.next {
            Some(next) => now.saturating_add(next).min(latest),
            None if next_look > now => next_look.min(latest),
            None => latest,
        }
    }
}

/// How long a worker may be blocked before it is an event.
pub(crate) const THRESHOLD: Duration = Duration::from_millis(250);

/// The lowest threshold. Looks would be more frequent than it is worth.
pub(crate) const MIN_THRESHOLD: Duration = Duration::from_millis(20);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn m4_idle_workers_wait_for_the_next_look_at_the_memory() {
        let millis = Duration::from_millis;
        let due = |next: Option<u64>, next_look| {
            let look = Look { next: next.map(millis), events: Vec::new() };
            look.due(millis(10_000), millis(next_look), millis(1_000))
        };
        assert_eq!(due(None, 10_300), millis(10_300));
        assert_eq!(due(None, 11_000), millis(11_000));
        assert_eq!(due(None, 10_000), millis(11_000), "the look at the memory is over");
        assert_eq!(due(None, 60_000), millis(11_000), "a block must be found nevertheless");
        // Active workers have a time of their own.
        assert_eq!(due(Some(62), 10_300), millis(10_062));
        assert_eq!(due(Some(5_000), 10_300), millis(11_000));
    }
}
