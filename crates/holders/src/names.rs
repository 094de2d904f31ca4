//! Names objects that were not sampled. An object that no rule names stays without a name: never guessed.

mod dynamic;
mod kinds;
mod task;
mod votes;

use crate::chain::Chain;
use crate::input::{ScanInput, Symbols};
use crate::memory::{Hidden, Memory};
use crate::objects::{Names, Objects};
use crate::page_map::PageMap;
use memory_debug_profile::holds_pointers;

/// A pointer from an object to a sample.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Link {
    pub(crate) holder: u32,
    /// Where the pointer lies in the holder, in bytes.
    pub(crate) offset: u32,
    pub(crate) sample: u32,
}

/// What naming has to go by.
#[derive(Debug)]
pub(crate) struct Evidence<'a> {
    pub(crate) input: &'a ScanInput,
    pub(crate) map: &'a PageMap,
    pub(crate) links: &'a [Link],
    /// For each sample its chains.
    pub(crate) chains: &'a [Vec<Chain>],
    /// The words of roots from which the mark began.
    pub(crate) root_words: &'a [Hidden],
    /// For each word of a root the root.
    pub(crate) roots: &'a [u32],
    /// Holder and held of objects that no root reaches, sorted.
    pub(crate) unreached: &'a [(u32, u32)],
    /// For each type whether its objects can hold pointers. Others hold nothing.
    pub(crate) can_hold: Vec<bool>,
}

impl<'a> Evidence<'a> {
    pub(crate) fn new(
        input: &'a ScanInput,
        map: &'a PageMap,
        links: &'a [Link],
        chains: &'a [Vec<Chain>],
        (root_words, roots): (&'a [Hidden], &'a [u32]),
        unreached: &'a [(u32, u32)],
    ) -> Self {
        let can_hold = input.types.iter().map(|name| holds_pointers(name)).collect();
        Self { input, map, links, chains, root_words, roots, unreached, can_hold }
    }

    fn type_of(&self, sample: u32) -> Option<u32> {
        self.input.samples.get(sample as usize).map(|object| object.type_index)
    }

    fn can_hold(&self, name: u32) -> bool {
        self.can_hold.get(name as usize).copied().unwrap_or(true)
    }
}

/// Names as many objects as the evidence allows. Stops early if the time is over.
pub(crate) fn name_objects<M: Memory + ?Sized>(
    evidence: &Evidence<'_>,
    memory: &mut M,
    symbols: &dyn Symbols,
    objects: &mut Objects,
    names: &mut Names,
) {
    task::name_tasks(evidence, memory, symbols, objects, names);
    dynamic::name_dynamic(evidence, memory, symbols, objects, names);
    kinds::name_by_kinds(evidence, memory, symbols, objects);
    votes::name_by_votes(evidence, objects, names);
}

/// Sizes that one type has in the same role. The buffers of a type grow, and a large extent can have a page more than
/// its object.
pub(crate) fn size_class(bytes: u64) -> u64 {
    if bytes < 16 << 10 { bytes } else { 1 << bytes.ilog2() }
}

/// The hidden address of a vtable, with an order.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
struct Vtable(u64);

impl Vtable {
    fn new(address: u64) -> Self {
        Self(!address)
    }

    fn address(self) -> u64 {
        !self.0
    }
}
