//! What this library means by addresses and comments of a profile.

/// Each mapping has addresses of its own, this far apart, so that no two overlap: 64 GiB, so that a thousand of them stay
/// below where processes have theirs.
pub(super) const MAPPING_SPACING: u64 = 1 << 36;

/// Begins the comment that says, with a number, which sizes large objects were taken to have (see `large`). A difference
/// from a profile with other sizes must not take that for a change.
pub(super) const LARGE_BELOW: &str =
    "millionths of the way to the next lower size class that large objects are smaller: ";

/// Stands among the comments, with a number, of a profile whose mappings do not show which of them are the program's
/// own: so many, from the first. Without it those are that have the first one's file and build-id.
pub(super) const PROGRAM_MAPPINGS: &str = "mappings of the program itself: ";
