//! Options of a written profile.

use std::io::BufRead;
use std::time::{Duration, SystemTime};

use memory_debug_formats::profile_proto::tag;

use super::decode::unpacked;
use super::value;
use super::wire::{Field, Fields};
use crate::error::Error;

/// Options for writing a profile.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct PprofOptions {
    /// The names to write.
    pub symbols: PprofSymbols,
    /// When the profile was taken, in nanoseconds since 1970 (UTC). 0 leaves it out.
    pub time_nanos: i64,
    /// How long the profile covers, in nanoseconds. 0 for live memory at one moment.
    pub duration_nanos: i64,
    /// Remarks for readers of the file.
    pub comments: Vec<String>,
    /// Makes total allocations the default value, if the profile knows them, like Go's `allocs`.
    pub prefers_allocated: bool,
    /// Leaves out data that only this library reads. The file becomes smaller, but cannot be read back in full.
    pub is_lean: bool,
    /// Writes at most this many stacks, the largest ones. The rest becomes one stack with the function `(n smaller)`.
    pub max_stacks: Option<usize>,
}

/// Which function names are written.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum PprofSymbols {
    /// Functions and the functions inlined into them.
    #[default]
    Inlined,
    /// Functions, without the functions inlined into them.
    Functions,
    /// No names: only positions in files with build-ids, for tools that have the symbols.
    None,
}

impl PprofOptions {
    /// Options for a profile that can be read back in full, taken at `time`.
    pub fn taken_at(time: SystemTime) -> Self {
        let time_nanos = match time.duration_since(SystemTime::UNIX_EPOCH) {
            Ok(since) => nanos(since),
            Err(before) => -nanos(before.duration()),
        };
        Self { time_nanos, ..Self::default() }
    }

    /// Sets how long the profile covers.
    #[must_use]
    pub fn covering(self, duration: Duration) -> Self {
        Self { duration_nanos: nanos(duration), ..self }
    }

    /// Reads when a profile was taken, how long it covers, and its default value, so that it can be written again.
    /// The comments come with the profile: [`read_pprof`](crate::SymbolizedProfile::read_pprof).
    ///
    /// # Errors
    ///
    /// Errors of `read_pprof` if the file is not in pprof's format.
    pub fn read(pprof: impl BufRead) -> Result<Self, Error> {
        let message = unpacked(pprof)?;
        let mut options = Self::default();
        let (mut strings, mut first_look) = (Vec::new(), 0);
        for field in Fields::of(&message) {
            match field? {
                (tag::STRING, Field::Bytes(text)) => strings.push(text),
                // Signed numbers are written as unsigned ones.
                (tag::TIME_NANOS, Field::Number(nanos)) => options.time_nanos = nanos as i64,
                (tag::DURATION_NANOS, Field::Number(nanos)) => options.duration_nanos = nanos as i64,
                (tag::DEFAULT_SAMPLE_TYPE, Field::Number(position)) => first_look = position,
                _ => {}
            }
        }
        let first_look = usize::try_from(first_look).ok().and_then(|position| strings.get(position));
        let first_look = first_look.ok_or_else(|| Error::pprof("has no text for its default type"))?;
        options.prefers_allocated = *first_look == value::ALLOC_SPACE.0.as_bytes();
        Ok(options)
    }
}

/// Converts a duration to pprof's nanoseconds.
fn nanos(duration: Duration) -> i64 {
    i64::try_from(duration.as_nanos()).unwrap_or(i64::MAX)
}
