//! Names and units of the values, in Go's order.

use crate::symbolized::ProfileKind;

pub(super) const ALLOC_OBJECTS: (&str, &str) = ("alloc_objects", "count");
pub(super) const ALLOC_SPACE: (&str, &str) = ("alloc_space", "bytes");
pub(super) const INUSE_OBJECTS: (&str, &str) = ("inuse_objects", "count");
pub(super) const INUSE_SPACE: (&str, &str) = ("inuse_space", "bytes");
pub(super) const GROWTH_OBJECTS: (&str, &str) = ("growth_objects", "count");
pub(super) const GROWTH_SPACE: (&str, &str) = ("growth_space", "bytes");

pub(super) fn of_kind(kind: ProfileKind) -> &'static [(&'static str, &'static str)] {
    match kind {
        ProfileKind::Live => &[INUSE_OBJECTS, INUSE_SPACE],
        ProfileKind::LiveAndAllocated => &[ALLOC_OBJECTS, ALLOC_SPACE, INUSE_OBJECTS, INUSE_SPACE],
        ProfileKind::Growth => &[GROWTH_OBJECTS, GROWTH_SPACE],
    }
}

/// The value that tools show by default.
pub(super) fn first_look(kind: ProfileKind, prefers_allocated: bool) -> (&'static str, &'static str) {
    match kind {
        ProfileKind::LiveAndAllocated if prefers_allocated => ALLOC_SPACE,
        ProfileKind::Live | ProfileKind::LiveAndAllocated => INUSE_SPACE,
        ProfileKind::Growth => GROWTH_SPACE,
    }
}

pub(super) const KINDS: [ProfileKind; 3] =
    [ProfileKind::Live, ProfileKind::LiveAndAllocated, ProfileKind::Growth];
