//! What stacks were named, kept from one profile to the next.

use rustc_hash::FxHashMap;

use crate::symbolized::Names;

/// What is known of stacks that became part of a symbolised profile. Empty while one is made.
#[derive(Debug, Default)]
pub(super) struct KnownNames {
    pub(super) names: Names,
    /// The names' handles, by those of the frame table and of the attributor.
    pub(super) functions: FxHashMap<u32, u32>,
    pub(super) owners: FxHashMap<u32, u32>,
    /// By hash.
    pub(super) sites: FxHashMap<u64, Site>,
}

/// Where a stack allocates, and how many of its frames are the allocator's own.
#[derive(Clone, Copy, Debug)]
pub(super) struct Site {
    /// A handle of the names.
    pub(super) place: u32,
    pub(super) of_allocator: u32,
}
