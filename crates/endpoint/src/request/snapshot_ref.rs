//! References to snapshots, as parameters spell them.

use std::fmt;
use std::sync::Arc;

use memory_debug_core::{NotKept, Snapshot, SnapshotId, Snapshots};

use crate::reply::Problem;
use crate::request::query::Query;

/// A reference to a kept snapshot.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Base {
    First,
    Last,
    Id(SnapshotId),
}

/// The later side of a diff.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Target {
    Now,
    Snapshot(Base),
}

impl Base {
    /// Reads the parameter `base`. An empty text counts as missing, because forms send empty fields.
    pub(crate) fn read(query: &mut Query) -> Option<Self> {
        let base = query.read("base", |value| match Self::parse(value) {
            None if !value.is_empty() => {
                Err("must be the id of a snapshot, `first` or `last`; GET /snapshots lists them".to_owned())
            }
            base => Ok(base),
        });
        base.flatten()
    }

    fn parse(text: &str) -> Option<Self> {
        match text {
            "first" => Some(Self::First),
            "last" => Some(Self::Last),
            id => id.parse().ok().map(Self::Id),
        }
    }

    /// The snapshot, if it is still kept.
    pub(crate) fn find(self, snapshots: &Snapshots) -> Result<Arc<Snapshot>, Problem> {
        let all = || snapshots.list();
        match self {
            Self::First => all().first().cloned().ok_or(Problem::UnknownSnapshot),
            Self::Last => all().last().cloned().ok_or(Problem::UnknownSnapshot),
            Self::Id(id) => snapshots.get(id).map_err(Problem::from),
        }
    }
}

impl fmt::Display for Base {
    /// Writes the value of the parameter.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::First => f.write_str("first"),
            Self::Last => f.write_str("last"),
            Self::Id(id) => write!(f, "{id}"),
        }
    }
}

impl Target {
    /// Reads the parameter `target`. The default is the present state.
    pub(crate) fn read(query: &mut Query) -> Self {
        let target = query.read("target", |value| {
            Self::parse(value).ok_or_else(|| "must be the id of a snapshot, `last` or `now`".to_owned())
        });
        target.unwrap_or(Self::Now)
    }

    fn parse(text: &str) -> Option<Self> {
        if text == "now" { Some(Self::Now) } else { Base::parse(text).map(Self::Snapshot) }
    }
}

impl fmt::Display for Target {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Now => f.write_str("now"),
            Self::Snapshot(base) => base.fmt(f),
        }
    }
}

impl From<NotKept> for Problem {
    fn from(reason: NotKept) -> Self {
        match reason {
            NotKept::Gone => Self::SnapshotGone,
            _ => Self::UnknownSnapshot,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn snapshots_are_referenced_by_id_or_by_position() {
        let id = "000102030405060708090a0b0c0d0e0f";
        assert_eq!(Base::parse(id), id.parse().ok().map(Base::Id));
        assert_eq!((Base::parse("first"), Base::parse("last")), (Some(Base::First), Some(Base::Last)));
        assert_eq!(
            (Target::parse("now"), Target::parse("last")),
            (Some(Target::Now), Some(Target::Snapshot(Base::Last)))
        );
        for text in ["now", "first", "last", id] {
            assert_eq!(Target::parse(text).unwrap().to_string(), text);
        }
        for text in ["", "now", "First", "0", "../x"] {
            assert_eq!(Base::parse(text), None, "{text}");
        }
        let none = Snapshots::default();
        assert_eq!(Base::Last.find(&none).unwrap_err(), Problem::UnknownSnapshot);
    }
}
