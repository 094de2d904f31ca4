//! Names of stacks, kept from one profile to the next.

use rustc_hash::FxHashMap;

use crate::symbolized::Names;

/// What is known about stacks of earlier symbolized profiles. Empty while a profile is being made.
#[derive(Debug, Default)]
pub(super) struct KnownNames {
    pub(super) names: Names,
    /// Handles in `names`, by those of the frame table and of the attributor.
    pub(super) functions: FxHashMap<u32, u32>,
    pub(super) owners: FxHashMap<u32, u32>,
    /// By hash.
    pub(super) sites: FxHashMap<u64, Site>,
}

/// The place where a stack allocates, and how many of its frames belong to the allocator.
#[derive(Clone, Copy, Debug)]
pub(super) struct Site {
    /// A handle in `names`.
    pub(super) place: u32,
    pub(super) of_allocator: u32,
}
