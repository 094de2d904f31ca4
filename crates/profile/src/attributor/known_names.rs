//! Names of stacks, kept from one profile to the next.

use std::sync::Arc;

use rustc_hash::FxHashMap;

use crate::attribution::place;
use crate::attribution::stack::Attribution;
use crate::attribution::step::Step;
use crate::symbolized::{Names, Owner, Place};
use crate::type_name::{Qualify, ReadableNames};

/// What is known about stacks of earlier symbolized profiles. Empty while a profile is being made.
#[derive(Debug, Default)]
pub(super) struct KnownNames {
    pub(super) names: Names,
    /// Handles in `names`, by handles of the frame table and of the attributor.
    pub(super) functions: FxHashMap<u32, u32>,
    pub(super) owners: FxHashMap<u32, u32>,
    /// Sites by the hash of their stack.
    pub(super) sites: FxHashMap<u64, Site>,
}

/// The place where a stack allocates, and how many of its frames belong to the allocator.
#[derive(Clone, Copy, Debug)]
pub(super) struct Site {
    /// A handle in `names`.
    pub(super) place: u32,
    pub(super) of_allocator: u32,
}

/// The owner that a stack was attributed to.
pub(super) fn owner(attribution: &Attribution, names: &mut ReadableNames) -> Owner {
    Owner {
        name: attribution.name(Qualify::Last, names).into(),
        full_type: attribution.type_or_function(Qualify::Whole, names).into(),
        is_attributed: attribution.is_type(),
    }
}

/// The place where a stack allocates, given the position of its allocation site. Without a file, no line.
pub(super) fn place(steps: &[Step<'_>], file: Option<Arc<str>>, line: Option<u32>) -> Place {
    Place {
        function: place::function(steps).map(Arc::from),
        line: line.filter(|_| file.is_some()).unwrap_or(0),
        file,
        crate_name: place::crate_name(steps).map(Arc::from),
    }
}
