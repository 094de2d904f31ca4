//! The origin of a profile's samples.

use serde::{Deserialize, Serialize};

use crate::error::{Error, ErrorKind};
use crate::instance::InstanceInfo;
use crate::units::printable;

/// The samples that a heap profile is made of, and the time since which they were taken.
///
/// If the sampling rate changes, jemalloc discards all samples. Objects that live on are in no later profile. So two
/// profiles show what was freed in between only if they have the same process and generation.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct SampleOrigin {
    /// How often the process discarded its samples before it took these. A discard by other code counts if it changed
    /// the rate; a discard at the same rate cannot be noticed.
    pub generation: u64,
    /// Earliest time of these samples, RFC 3339. What was allocated before is in no profile of this generation.
    /// `None` if other code started the sampling.
    pub began_at: Option<String>,
    /// Mean number of bytes between two samples.
    pub sample_bytes: u64,
    /// How often sampling was turned off and on again since then. What was allocated during a pause is in no profile.
    pub pauses: u64,
    /// When the last pause ended, RFC 3339. `None` without a pause, or if other code ended it.
    pub resumed_at: Option<String>,
}

impl SampleOrigin {
    /// Describes samples of this generation, taken at this rate without a pause since an unknown time.
    pub fn new(generation: u64, sample_bytes: u64) -> Self {
        Self { generation, began_at: None, sample_bytes, pauses: 0, resumed_at: None }
    }

    /// Determines the origin of a dump from its sampling rate and from the states read before and after it.
    ///
    /// # Errors
    ///
    /// If the samples were discarded meanwhile, and the rate does not show whether that was before or after the dump.
    pub fn of_dump(before: Self, after: Self, dump_bytes: u64) -> Result<Self, Error> {
        let fits = |origin: &Self| origin.sample_bytes == dump_bytes;
        let is_one = before.generation == after.generation;
        match (fits(&before), fits(&after)) {
            // If a pause ended meanwhile, the dump may be older; then it is more complete than this says.
            (_, true) if is_one || !fits(&before) => Ok(after),
            (true, false) => Ok(before),
            _ => Err(Error::new(
                ErrorKind::Profile,
                "the sampling rate changed while the profile was taken; request it again",
            )),
        }
    }

    /// Whether every allocation since the start of the process may have been sampled.
    pub(crate) fn is_whole(&self, instance: &InstanceInfo) -> bool {
        self.pauses == 0 && self.began_at.is_some() && self.began_at == instance.started_at
    }

    /// The time since which every allocation may have been sampled, in words.
    pub fn complete_since(&self) -> String {
        let since = if self.pauses > 0 { &self.resumed_at } else { &self.began_at };
        since.as_deref().map_or_else(|| "an unknown time".to_owned(), printable)
    }

    /// A note for samples that do not reach back to the start of their process.
    pub fn note(&self, instance: &InstanceInfo) -> Option<String> {
        (!self.is_whole(instance)).then(|| {
            format!(
                "samples are complete only since {}; a type that replaces older memory seems to grow until all of \
                 it is replaced",
                self.complete_since()
            )
        })
    }
}

#[cfg(test)]
mod tests;
