//! Names objects that were not sampled. An object that no rule names stays without a name: never guessed.

mod buffer;
mod contradicted;
mod dynamic;
mod header;
mod kinds;
mod nodes;
mod table;
mod task;
mod value_bytes;
mod votes;

pub(crate) use votes::mentions;

use crate::chain::Chain;
use crate::input::{ScanInput, Symbols};
use crate::mark::Source;
use crate::memory::{Hidden, Memory, Span};
use crate::objects::{Names, Objects};
use crate::page_map::PageMap;
use crate::parent::parent_span;
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

    /// The size class of a number of bytes.
    fn class_of(&self, bytes: u64) -> u64 {
        let regions = self.input.bins.iter().map(|bin| bin.region_bytes);
        let small = regions.filter(|region| *region >= bytes).min();
        small.unwrap_or_else(|| {
            bytes.checked_next_multiple_of(self.input.page_bytes.max(1)).unwrap_or(u64::MAX)
        })
    }

    /// Whether an object of this size is what the allocator gives for a number of bytes.
    fn fits(&self, bytes: u64, given: u64) -> bool {
        let is_small = self.input.bins.iter().any(|bin| bin.region_bytes == given);
        // A large class is at most a quarter larger, and an extent can have a page more.
        let spare = self.input.page_bytes.saturating_mul(2).saturating_add(bytes / 4);
        if is_small { self.class_of(bytes) == given } else { bytes <= given && given - bytes <= spare }
    }

    /// The memory in which a parent has a pointer.
    fn parent_span(&self, parent: Source, objects: &Objects) -> Option<Span> {
        parent_span(parent, (self.input, self.map, self.root_words), objects, MAX_PARENT)
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
    // A header and elements are more than a likeness to a sampled object.
    buffer::name_buffers(evidence, memory, objects, names);
    nodes::name_nodes(evidence, objects, names);
    kinds::name_by_kinds(evidence, memory, symbols, objects);
    // A wrong name must not lead to more.
    contradicted::take_back_contradicted(evidence, objects, names);
    votes::name_by_votes(evidence, objects, names);
    contradicted::take_back_contradicted(evidence, objects, names);
}

/// The part of all votes that a name needs.
const MAJORITY: f64 = 0.6;

/// Bytes of a parent that are searched for a pointer.
const MAX_PARENT: u64 = 64 << 10;

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
