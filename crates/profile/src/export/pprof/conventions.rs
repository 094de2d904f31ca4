//! This library's conventions for addresses and comments in a profile.

/// Distance between the addresses of mappings, so that they do not overlap. With 64 GiB, a thousand mappings stay
/// below the addresses that processes use.
pub(super) const MAPPING_SPACING: u64 = 1 << 36;

/// Comment prefix that records the assumed sizes of large objects (see `large`). A comparison with a profile of other
/// assumed sizes must not report the difference as a change.
pub(super) const LARGE_BELOW: &str =
    "millionths of the way to the next lower size class that large objects are smaller: ";

/// Comment prefix that records how many of the leading mappings belong to the program, when that cannot be derived.
/// Without the comment, the program's mappings are the mappings with the file and build-id of the first mapping.
pub(super) const PROGRAM_MAPPINGS: &str = "mappings of the program itself: ";
