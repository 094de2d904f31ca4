//! pprof's format, `profile.proto` in gzip: what `go tool pprof`, Pyroscope, Parca and speedscope open.
//!
//! Written with everything that the profile knows, it is also the format in which profiles are kept: reading it back
//! gives an equal profile. What pprof has no field for stands in labels of the samples.

mod decode;
mod encode;
mod header;
mod labels;
mod message;
mod proto;
mod selection;
mod strings;
#[cfg(test)]
mod tests;
mod wire;

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

/// Tags of the profile's fields.
mod tag {
    pub(super) const SAMPLE_TYPE: u64 = 1;
    pub(super) const SAMPLE: u64 = 2;
    pub(super) const MAPPING: u64 = 3;
    pub(super) const LOCATION: u64 = 4;
    pub(super) const FUNCTION: u64 = 5;
    pub(super) const STRING: u64 = 6;
    pub(super) const TIME_NANOS: u64 = 9;
    pub(super) const DURATION_NANOS: u64 = 10;
    pub(super) const PERIOD_TYPE: u64 = 11;
    pub(super) const PERIOD: u64 = 12;
    pub(super) const COMMENT: u64 = 13;
    pub(super) const DEFAULT_SAMPLE_TYPE: u64 = 14;
}

/// As pprof has times.
fn nanos(duration: Duration) -> i64 {
    i64::try_from(duration.as_nanos()).unwrap_or(i64::MAX)
}

/// Keys of labels.
mod label {
    /// The type that owns the memory, as in the table.
    pub(super) const TYPE: &str = "type";
    /// The same with whole paths.
    pub(super) const FULL_TYPE: &str = "full_type";
    /// The function that asked for memory of unknown type; instead of a type.
    pub(super) const UNATTRIBUTED: &str = "unattributed";
    pub(super) const THREAD: &str = "thread";
    /// Mean size of the objects, as Go's heap profiles have it.
    pub(super) const BYTES: &str = "bytes";
    /// Where in the service it was asked for.
    pub(super) const FUNCTION: &str = "function";
    pub(super) const FILE: &str = "file";
    pub(super) const LINE: &str = "line";
    pub(super) const CRATE: &str = "crate";
}

/// Names of the values, in Go's order.
mod value {
    pub(super) const ALLOC_OBJECTS: (&str, &str) = ("alloc_objects", "count");
    pub(super) const ALLOC_SPACE: (&str, &str) = ("alloc_space", "bytes");
    pub(super) const INUSE_OBJECTS: (&str, &str) = ("inuse_objects", "count");
    pub(super) const INUSE_SPACE: (&str, &str) = ("inuse_space", "bytes");
    pub(super) const GROWTH_OBJECTS: (&str, &str) = ("growth_objects", "count");
    pub(super) const GROWTH_SPACE: (&str, &str) = ("growth_space", "bytes");

    use crate::symbolized::ProfileKind;

    pub(super) fn of_kind(kind: ProfileKind) -> &'static [(&'static str, &'static str)] {
        match kind {
            ProfileKind::Live => &[INUSE_OBJECTS, INUSE_SPACE],
            ProfileKind::LiveAndAllocated => &[ALLOC_OBJECTS, ALLOC_SPACE, INUSE_OBJECTS, INUSE_SPACE],
            ProfileKind::Growth => &[GROWTH_OBJECTS, GROWTH_SPACE],
        }
    }

    /// The one that readers look at first.
    pub(super) fn first_look(kind: ProfileKind, prefers_allocated: bool) -> (&'static str, &'static str) {
        match kind {
            ProfileKind::LiveAndAllocated if prefers_allocated => ALLOC_SPACE,
            ProfileKind::Live | ProfileKind::LiveAndAllocated => INUSE_SPACE,
            ProfileKind::Growth => GROWTH_SPACE,
        }
    }

    pub(super) const KINDS: [ProfileKind; 3] =
        [ProfileKind::Live, ProfileKind::LiveAndAllocated, ProfileKind::Growth];
}

/// Each mapping has addresses of its own, this far apart, so that no two overlap: 64 GiB, so that a thousand of them stay
/// below where processes have theirs.
const MAPPING_SPACING: u64 = 1 << 36;

/// Begins the comment that says, with a number, which sizes large objects were taken to have (see `large`). A difference
/// from a profile with other sizes must not take that for a change.
const LARGE_BELOW: &str =
    "millionths of the way to the next lower size class that large objects are smaller: ";

/// Stands among the comments, with a number, of a profile whose mappings do not show which of them are the program's
/// own: so many, from the first. Without it those are that have the first one's file and build-id.
const PROGRAM_MAPPINGS: &str = "mappings of the program itself: ";
