//! The id in the path of a page.

use memory_debug_core::{RowId, SnapshotId};

/// The id in a path, if the path has one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum PathId {
    None,
    Snapshot(SnapshotId),
    Row(RowId),
}

impl PathId {
    /// Compares the path `rest` with `pattern`, in which `{id}` stands for the id of a snapshot and `{row}` for the id
    /// of a row. `None` if they differ.
    pub(crate) fn of(rest: &str, pattern: &str) -> Option<Self> {
        let between = |name| {
            let (before, after) = pattern.split_once(name)?;
            rest.strip_prefix(before)?.strip_suffix(after)
        };
        let id = || between("{id}")?.parse().ok().map(Self::Snapshot);
        let row = || between("{row}")?.parse().ok().map(Self::Row);
        if rest == pattern && !pattern.contains('{') { Some(Self::None) } else { id().or_else(row) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn s20_an_id_has_its_place_and_its_form() {
        let (id, row) = ("000102030405060708090a0b0c0d0e0f", "00010203040506ff");
        let of = PathId::of;
        assert_eq!(of("/types", "/types"), Some(PathId::None));
        assert_eq!(of(&format!("/a/{id}"), "/a/{id}"), Some(PathId::Snapshot(id.parse().unwrap())));
        assert_eq!(of(&format!("/a/{id}/b"), "/a/{id}/b"), Some(PathId::Snapshot(id.parse().unwrap())));
        assert_eq!(of(&format!("/a/{row}"), "/a/{row}"), Some(PathId::Row(row.parse().unwrap())));
        for (rest, pattern) in [
            ("/type", "/types"),
            ("/a/{id}", "/a/{id}"),
            ("/a/{row}", "/a/{row}"),
            (&format!("/a/{row}"), "/a/{id}"),
            (&format!("/a/{id}"), "/a/{row}"),
            (&format!("/a/{id}"), "/a/{id}/b"),
            (&format!("/a/{id}/b"), "/a/{id}"),
            ("/a/", "/a/{row}"),
        ] {
            assert_eq!(of(rest, pattern), None, "{rest} {pattern}");
        }
    }
}
