//! How a profile is written.

use std::time::{Duration, SystemTime};

/// How a profile is written.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct PprofOptions {
    /// Which names are written.
    pub symbols: PprofSymbols,
    /// When the profile was taken, in nanoseconds since 1970 (UTC); 0 if that is not to be told.
    pub time_nanos: i64,
    /// How long it covers, in nanoseconds; 0 for what is held at one moment.
    pub duration_nanos: i64,
    /// Remarks for whoever opens it.
    pub comments: Vec<String>,
    /// Has readers look first at all that was allocated, if the profile knows that, as Go's `allocs` has.
    pub prefers_allocated: bool,
    /// Leaves out what only this library reads, which makes the file smaller. It then cannot be read back whole.
    pub is_lean: bool,
    /// Writes at most this many stacks, those that hold the most. All others are one stack of one function, `(n smaller)`.
    pub max_stacks: Option<usize>,
}

/// Which names of functions are written.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum PprofSymbols {
    /// Functions and the ones inlined into them.
    #[default]
    Inlined,
    /// Functions without the ones inlined into them.
    Functions,
    /// None: positions in files with their build-ids, for tools that have the symbols.
    None,
}

impl PprofOptions {
    /// What this library needs to read the profile back, taken at that time.
    pub fn taken_at(time: SystemTime) -> Self {
        let time_nanos = match time.duration_since(SystemTime::UNIX_EPOCH) {
            Ok(since) => nanos(since),
            Err(before) => -nanos(before.duration()),
        };
        Self { time_nanos, ..Self::default() }
    }

    /// Of what happened within that time.
    #[must_use]
    pub fn covering(self, duration: Duration) -> Self {
        Self { duration_nanos: nanos(duration), ..self }
    }
}

/// As pprof has times.
fn nanos(duration: Duration) -> i64 {
    i64::try_from(duration.as_nanos()).unwrap_or(i64::MAX)
}
