//! Chains that enter a list or a tree at an inner node.
//!
//! Where the nodes know what is in front of them or above them, a pointer to any node leads to all of them. But a list is
//! held at an end, and a tree at its top: there the field that leads on in the other nodes is empty. A dead word can lead
//! to any node, and most nodes are inner ones. So from such a node the field is followed to the end, and from there further
//! chains lead on. An index leads to inner nodes, too, but to many.

mod field;
mod like;

use std::collections::{BTreeMap, BTreeSet};

use crate::chain::{Chain, Walker, Ways};
use crate::memory::Memory;
use crate::objects::{Object, Objects};
use field::{Ends, Field};
use like::Like;

/// Nodes that are compared with each entry.
const MAX_NODES: usize = 4;

/// Holders of one kind that lead to more nodes are an index.
const MAX_ENTRIES: usize = 8;

/// What holds a node at which chains enter: an object, or a word of a root.
type Holder = Option<u32>;

/// What is known of a node at which chains enter.
#[derive(Debug, Default)]
struct Entry {
    holders: BTreeSet<Holder>,
    /// Nodes of the same kind below it, each with what lies between, and the entry itself.
    nodes: BTreeMap<u32, BTreeSet<u32>>,
}

/// Says which chains enter a structure at an inner node, and adds chains that lead on from its end to another root.
/// `root_of` names the root of a word.
pub(crate) fn leave_inner_nodes<M: Memory + ?Sized>(
    ways: &Ways<'_>,
    walker: &mut Walker,
    chains: &mut [Vec<Chain>],
    objects: &mut Objects,
    mut root_of: impl FnMut(usize) -> u32,
    memory: &mut M,
) {
    let entries = entries(chains, objects);
    let mut ends = Ends::default();
    // For each inner node the chains from the end of its structure on.
    let mut inner: BTreeMap<u32, Vec<Chain>> = BTreeMap::new();
    for (entry, field) in Field::find_all(&entries, ways, objects, memory) {
        let Some(region) = objects.get(entry).map(Object::region) else { continue };
        // Without another end, the node is an end, or the structure is a circle.
        let end = ends.of(region, &field, ways, objects, memory).filter(|end| *end != region);
        let Some(region) = end else { continue };
        let Some(end) = objects.index_of(ways.map, ways.mark, ways.input, region) else { continue };
        let mut tails = Vec::new();
        for source in ways.sources(region) {
            // Some lead over the node again.
            let found = walker.walk(source, ways, objects, &mut root_of).into_iter();
            tails.extend(found.filter(|tail| !tail.objects.contains(&entry)).map(|tail| {
                let objects = [&[end], &*tail.objects].concat();
                Chain { objects, ..tail }
            }));
        }
        inner.insert(entry, tails);
    }
    // Where a chain enters a structure at an inner node, and the chains from the end on.
    let entered = |chain: &Chain| {
        (0..chain.objects.len()).rev().find_map(|at| {
            let object = chain.objects.get(at)?;
            let holder = chain.objects.get(at + 1).copied();
            let is_entry = entries.get(object).is_some_and(|entry| entry.holders.contains(&holder));
            inner.get(object).filter(|_| is_entry).map(|tails| (at, tails))
        })
    };
    for chains in chains {
        let sure = chains.iter().filter(|chain| !chain.doubtful);
        let mut roots: BTreeSet<u32> = sure.map(|chain| root_of(chain.root_word)).collect();
        let mut further = Vec::new();
        for chain in chains.iter_mut() {
            let Some((at, tails)) = entered(chain) else { continue };
            for tail in tails.iter().filter(|tail| roots.insert(root_of(tail.root_word))) {
                let objects = chain.objects.iter().take(at + 1).chain(&tail.objects).copied().collect();
                further.push(Chain { objects, root_word: tail.root_word, ..*chain });
            }
            chain.is_inner = true;
        }
        chains.append(&mut further);
    }
}

fn entries(chains: &[Vec<Chain>], objects: &Objects) -> BTreeMap<u32, Entry> {
    let mut entries: BTreeMap<u32, Entry> = BTreeMap::new();
    for chain in chains.iter().flatten() {
        let Some((node, at)) = entry(chain, objects) else { continue };
        let Some((entry, node_object)) = chain.objects.get(at).zip(chain.objects.get(node)) else { continue };
        let between = chain.objects.get(node + 1..=at).unwrap_or_default();
        let entry = entries.entry(*entry).or_default();
        entry.holders.insert(chain.objects.get(at + 1).copied());
        if entry.nodes.len() < MAX_NODES || entry.nodes.contains_key(node_object) {
            entry.nodes.entry(*node_object).or_default().extend(between);
        }
    }
    let mut count: BTreeMap<Option<Like>, usize> = BTreeMap::new();
    let kind = |holder: &Holder| holder.and_then(|holder| objects.get(holder)).map(Like::of);
    for holder in entries.values().flat_map(|entry| &entry.holders) {
        *count.entry(kind(holder)).or_default() += 1;
    }
    for entry in entries.values_mut() {
        entry.holders.retain(|holder| count.get(&kind(holder)).is_some_and(|count| *count <= MAX_ENTRIES));
    }
    entries.retain(|_, entry| !entry.holders.is_empty());
    entries
}

/// The topmost object of a chain that is of the kind of one below it, and has a holder of another kind than all of these.
/// Returns the nearest object below it that is of its kind, and the object itself.
fn entry(chain: &Chain, objects: &Objects) -> Option<(usize, usize)> {
    let known: Vec<Like> =
        chain.objects.iter().map(|index| objects.get(*index).map(Like::of)).collect::<Option<_>>()?;
    let is_alike = |one: usize, other: usize| match (known.get(one), known.get(other)) {
        (Some(one), Some(other)) => one.is_like(*other),
        (one, other) => one.is_none() && other.is_none(),
    };
    (1..known.len()).rev().find_map(|at| {
        let mut below = (0..at).rev().filter(|below| is_alike(*below, at)).peekable();
        let node = *below.peek()?;
        (!below.any(|below| is_alike(below + 1, at + 1))).then_some((node, at))
    })
}
