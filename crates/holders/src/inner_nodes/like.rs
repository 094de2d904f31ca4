//! What an object is like.

use crate::chain::Ways;
use crate::objects::{Object, Objects};

/// The type of an object, if it was sampled, and its size.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Like {
    type_index: Option<u32>,
    bytes: u64,
}

impl Like {
    pub(super) fn of(object: &Object) -> Self {
        Self { type_index: object.name.map(|name| name.index), bytes: object.bytes }
    }

    /// What lies in a region.
    pub(super) fn of_region(region: u32, ways: &Ways<'_>, objects: &Objects) -> Option<Self> {
        if let Some(object) = objects.find(region).and_then(|index| objects.get(index)) {
            return Some(Self::of(object));
        }
        Some(match ways.sample(region).and_then(|sample| ways.input.samples.get(sample)) {
            Some(object) => Self { type_index: Some(object.type_index), bytes: object.sample.usable },
            None => Self { type_index: None, bytes: ways.place(region)?.bytes },
        })
    }

    /// Whether both are of one kind, as far as is known.
    pub(super) fn is_like(self, other: Self) -> bool {
        match (self.type_index, other.type_index) {
            (Some(one), Some(other)) => one == other,
            _ => self.bytes == other.bytes,
        }
    }
}
