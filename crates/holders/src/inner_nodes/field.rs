//! The field of a node that leads to the node in front of it or above it.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use super::Entry;
use super::like::Like;
use crate::chain::Ways;
use crate::memory::{Memory, Span};
use crate::objects::{Object, Objects};
use crate::peek::{head, peek, words};

/// The first words of a node that are searched.
const WORDS: u64 = 64;

/// Nodes that are read on the way to ends in one scan.
const MAX_READS: usize = 1 << 17;

/// A field by its word, and what it leads to.
#[derive(Clone, Copy, Debug)]
pub(super) struct Field {
    word: usize,
    target: Like,
}

impl Field {
    /// For each entry the field that leads from the nodes below to what lies between them and the entry, if there is one
    /// and the entry has it, too. If the time is over, some are missing.
    pub(super) fn find_all<M: Memory + ?Sized>(
        entries: &BTreeMap<u32, Entry>,
        ways: &Ways<'_>,
        objects: &Objects,
        memory: &mut M,
    ) -> Vec<(u32, Self)> {
        let nodes = entries.values().flat_map(|entry| entry.nodes.keys());
        let read: BTreeSet<u32> = entries.keys().chain(nodes).copied().collect();
        let regions: Vec<u32> =
            read.iter().map(|index| objects.get(*index).map_or(0, Object::region)).collect();
        let contents: HashMap<u32, Vec<u32>> =
            read.into_iter().zip(pointers(&regions, ways, memory)).collect();
        let like = |region| Like::of_region(region, ways, objects);
        let field = |entry: &u32, nodes: &BTreeMap<u32, BTreeSet<u32>>| {
            let own = contents.get(entry)?;
            nodes.iter().find_map(|(node, above)| {
                let mut pairs = own.iter().zip(contents.get(node)?).zip(0..);
                pairs.find_map(|((own, theirs), word)| {
                    objects.find(*theirs).filter(|object| above.contains(object))?;
                    let (own, target) = (like(*own)?, like(*theirs)?);
                    own.is_like(target).then_some(Self { word, target })
                })
            })
        };
        entries.iter().filter_map(|(entry, known)| Some((*entry, field(entry, &known.nodes)?))).collect()
    }

    /// The region that the field of a node leads to, and where its words lead, if it leads back to the node. `None` at an
    /// end. `own` is where the words of the node lead.
    fn follow<M: Memory + ?Sized>(
        &self,
        (region, own): (u32, &[u32]),
        ways: &Ways<'_>,
        objects: &Objects,
        memory: &mut M,
    ) -> Option<(u32, Vec<u32>)> {
        let next = own.get(self.word).copied().filter(|next| {
            Like::of_region(*next, ways, objects).is_some_and(|next| next.is_like(self.target))
        })?;
        let below = pointers(&[next], ways, memory).concat();
        let leads_back = below.contains(&region) || {
            let regions: Vec<u32> = below.iter().copied().filter(|below| *below != 0).collect();
            pointers(&regions, ways, memory).concat().contains(&region)
        };
        leads_back.then_some((next, below))
    }
}

/// For each region the regions that its first words point to, 0 for a word that is no pointer. What cannot be read has no
/// words.
fn pointers<M: Memory + ?Sized>(regions: &[u32], ways: &Ways<'_>, memory: &mut M) -> Vec<Vec<u32>> {
    let span = |(at, region): (usize, &u32)| {
        let place = ways.place(*region)?;
        let is_readable = !ways.map.is_excluded(place.address, place.bytes);
        is_readable.then(|| (at, head(place.address, place.bytes, WORDS)))
    };
    let (read, spans): (Vec<usize>, Vec<Span>) = regions.iter().enumerate().filter_map(span).unzip();
    let mut found = vec![Vec::new(); regions.len()];
    peek(memory, &spans, |at, bytes| {
        let region = |word| ways.map.located(word).map_or(0, |(_, region)| region);
        if let Some(found) = read.get(at).and_then(|at| found.get_mut(*at)) {
            *found = words(bytes).map(region).collect();
        }
    });
    found
}

/// The ends of structures.
#[derive(Debug, Default)]
pub(super) struct Ends {
    /// For each node that was read, by its field and region, the end.
    known: HashMap<(usize, u32), Option<u32>>,
}

impl Ends {
    /// The region at the end of a structure. `None` if a field leads around in a circle, or too far.
    pub(super) fn of<M: Memory + ?Sized>(
        &mut self,
        region: u32,
        field: &Field,
        ways: &Ways<'_>,
        objects: &Objects,
        memory: &mut M,
    ) -> Option<u32> {
        let (mut passed, mut at) = (Vec::new(), region);
        let mut own = pointers(&[region], ways, memory).concat();
        let end = loop {
            if let Some(end) = self.known.get(&(field.word, at)) {
                break *end;
            }
            if self.known.len() >= MAX_READS {
                break None;
            }
            // Until the end is known, a node that is met again is part of a circle.
            self.known.insert((field.word, at), None);
            passed.push(at);
            match field.follow((at, &own), ways, objects, memory) {
                Some(next) => (at, own) = next,
                None => break Some(at),
            }
        };
        self.known.extend(passed.into_iter().map(|region| ((field.word, region), end)));
        end
    }
}
