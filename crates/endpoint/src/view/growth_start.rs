//! Where a growth begins: the profile that the one some seconds later is compared with.

use std::sync::{Arc, OnceLock};
use std::time::{Duration, Instant, SystemTime};

use memory_debug_core::{SampleOrigin, SymbolizedProfile};

/// Set once, by the collection that it was made for. A mark is equal to itself alone.
#[derive(Clone, Debug, Default)]
pub(crate) struct Mark(Arc<OnceLock<Moment>>);

/// A profile, and when it was taken.
#[derive(Debug)]
pub(crate) struct Moment {
    pub(crate) profile: SymbolizedProfile,
    pub(crate) samples: Option<SampleOrigin>,
    pub(crate) taken_at: SystemTime,
    at: Instant,
}

impl Mark {
    /// Keeps the first profile; later ones are no beginning.
    pub(crate) fn set(&self, moment: Moment) {
        let _ = self.0.set(moment);
    }

    pub(crate) fn get(&self) -> Option<&Moment> {
        self.0.get()
    }
}

impl Moment {
    /// The present one, of which `profile` was taken, with these samples.
    pub(crate) fn now(profile: SymbolizedProfile, samples: Option<SampleOrigin>, at: Instant) -> Self {
        Self { profile, samples, taken_at: SystemTime::now(), at }
    }

    pub(crate) fn until(&self, end: Instant) -> Duration {
        end.saturating_duration_since(self.at)
    }
}

impl PartialEq for Mark {
    fn eq(&self, other: &Self) -> bool {
        Arc::ptr_eq(&self.0, &other.0)
    }
}

impl Eq for Mark {}
