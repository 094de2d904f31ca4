//! The profile at the start of a growth measurement.

use std::sync::{Arc, OnceLock};
use std::time::{Duration, Instant, SystemTime};

use memory_debug_core::{SampleOrigin, SymbolizedProfile};

/// The profile that growth is measured from. The first collection of the request sets it once. A value is equal only to
/// itself and its clones.
#[derive(Clone, Debug, Default)]
pub(super) struct GrowthStart(Arc<OnceLock<StartProfile>>);

/// A profile and the time when it was taken.
#[derive(Debug)]
pub(super) struct StartProfile {
    pub(super) profile: SymbolizedProfile,
    pub(super) samples: Option<SampleOrigin>,
    pub(super) taken_at: SystemTime,
    at: Instant,
}

impl GrowthStart {
    /// Stores the first profile; later calls are ignored.
    pub(super) fn set(&self, profile: StartProfile) {
        let _ = self.0.set(profile);
    }

    pub(super) fn get(&self) -> Option<&StartProfile> {
        self.0.get()
    }
}

impl StartProfile {
    /// A profile that consists of `samples` and was taken just now, at `at`.
    pub(super) fn now(profile: SymbolizedProfile, samples: Option<SampleOrigin>, at: Instant) -> Self {
        Self { profile, samples, taken_at: SystemTime::now(), at }
    }

    /// The time from this profile to `end`.
    pub(super) fn until(&self, end: Instant) -> Duration {
        end.saturating_duration_since(self.at)
    }
}

impl PartialEq for GrowthStart {
    fn eq(&self, other: &Self) -> bool {
        Arc::ptr_eq(&self.0, &other.0)
    }
}

impl Eq for GrowthStart {}
