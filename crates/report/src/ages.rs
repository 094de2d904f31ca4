//! For which part of the live heap the age is known.

use serde::{Deserialize, Serialize};

/// Since when the age of memory is recorded, and for how much of it.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[non_exhaustive]
#[serde(default)]
pub struct RecordedAges {
    /// When recording began, RFC 3339 in UTC. Older memory has no age, but it is at least as old as the recording.
    pub recorded_since: Option<String>,
    /// Seconds since then.
    pub recorded_seconds: f64,
    /// The part of the table's bytes whose age is recorded, from 0 to 1. `None` if the table is empty.
    pub known_share: Option<f64>,
    /// Samples that found no place in the table of live samples. If there are any, memory without a recorded age can be
    /// of any age.
    pub dropped_samples: u64,
}

impl RecordedAges {
    /// Whether the age of all bytes is recorded.
    pub(crate) fn are_complete(&self) -> bool {
        self.known_share.is_none_or(|share| share >= 1.0 - 1e-9)
    }

    /// Whether the age of any byte is recorded. In the first second, all that is known is that memory is older than 0 s.
    pub(crate) fn are_known(&self) -> bool {
        self.recorded_seconds >= 1.0 && self.known_share.is_some_and(|share| share > 0.0)
    }
}
