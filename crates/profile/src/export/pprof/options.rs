//! Options of a written profile.

use std::time::{Duration, SystemTime};

/// How a profile is written.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct PprofOptions {
    /// Which names are written.
    pub symbols: PprofSymbols,
    /// When the profile was taken, in nanoseconds since 1970 (UTC). 0 leaves it out.
    pub time_nanos: i64,
    /// How long the profile covers, in nanoseconds. 0 for live memory at one moment.
    pub duration_nanos: i64,
    /// Remarks for readers of the file.
    pub comments: Vec<String>,
    /// Makes total allocations the default value, if the profile knows them, like Go's `allocs`.
    pub prefers_allocated: bool,
    /// Leaves out what only this library reads. The file becomes smaller, but cannot be read back in full.
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
    /// Functions without those inlined into them.
    Functions,
    /// None: only positions in files with build-ids, for tools that have the symbols.
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
}

/// A duration as pprof writes it.
fn nanos(duration: Duration) -> i64 {
    i64::try_from(duration.as_nanos()).unwrap_or(i64::MAX)
}
