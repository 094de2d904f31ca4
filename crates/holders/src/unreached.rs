//! What lies behind samples that no root reaches: what they hold, and whether they hold each other.

use std::collections::VecDeque;
use std::time::Duration;

use crate::bits::Bits;
use crate::input::ScanInput;
use crate::mark::Mark;
use crate::memory::{Hidden, Memory, Span};
use crate::names::Link;
use crate::objects::Objects;
use crate::page_map::PageMap;
use crate::peek::{peek, words};
use memory_debug_profile::holds_pointers;

/// Younger samples can be on their way: in a register, or in memory that was read a moment too early.
pub(crate) const MIN_AGE: Duration = Duration::from_secs(60);

/// Objects that are followed in all, and bytes of one object that are read. A longer list still shows its beginning.
const MAX_OBJECTS: usize = 200_000;
const MAX_BYTES: u64 = 64 << 10;

/// Bytes that are read before their pointers are followed, so that the pointers fit into little memory.
const PORTION: u64 = 1 << 20;

/// Pointers among objects that no root reaches.
#[derive(Debug, Default)]
pub(crate) struct Unreached {
    /// Holder and held, as indices of objects. Sorted, without duplicates.
    pub(crate) edges: Vec<(u32, u32)>,
    /// The same pointers where the held object is a sample, for naming the holder.
    pub(crate) links: Vec<Link>,
}

/// Follows the pointers of old samples that no root reaches, through memory that no root reaches.
pub(crate) fn follow_unreached<M: Memory + ?Sized>(
    (input, mark): (&ScanInput, &Mark),
    map: &mut PageMap,
    objects: &mut Objects,
    memory: &mut M,
) -> Unreached {
    let can_hold: Vec<bool> = input.types.iter().map(|name| holds_pointers(name)).collect();
    let mut seen = Bits::default();
    let mut queue = VecDeque::new();
    for object in input.samples.iter().filter(|object| object.sample.age >= MIN_AGE) {
        let region = region_of(map, object.address.address());
        if let Some(region) = region.filter(|region| !mark.is_marked(*region) && seen.insert(*region)) {
            queue.push_back(region);
        }
    }
    let mut found = Unreached::default();
    let mut left = MAX_OBJECTS;
    while !queue.is_empty() && left > 0 {
        let (mut level, mut spans, mut portion) = (Vec::new(), Vec::new(), 0);
        while portion < PORTION && left > 0 {
            let Some(region) = queue.pop_front() else { break };
            left -= 1;
            let Some(index) = objects.index_of(map, mark, input, region) else { continue };
            let Some(object) = objects.get(index) else { continue };
            let sample = object.sample.and_then(|sample| input.samples.get(sample as usize));
            let is_empty =
                sample.is_some_and(|sample| can_hold.get(sample.type_index as usize) == Some(&false));
            let bytes = sample.map_or(object.bytes, |sample| sample.sample.requested);
            if let Some(place) = objects.place(map, object).filter(|_| !is_empty) {
                level.push(index);
                let bytes = bytes.min(place.bytes).min(MAX_BYTES);
                portion += bytes;
                spans.push(Span { start: Hidden::new(place.address), bytes });
            }
        }
        // Region identities are no addresses, so they can be kept.
        let mut pointers: Vec<(u32, u32, u32)> = Vec::new();
        peek(memory, &spans, |at, bytes| {
            let Some(holder) = level.get(at) else { return };
            for (number, word) in words(bytes).enumerate() {
                if let Some(region) = region_of(map, word).filter(|region| !mark.is_marked(*region)) {
                    pointers.push((*holder, number as u32 * 8, region));
                }
            }
        });
        for (holder, offset, region) in pointers {
            if objects.list.len() >= 2 * MAX_OBJECTS && objects.find(region).is_none() {
                continue;
            }
            let Some(held) = objects.index_of(map, mark, input, region) else { continue };
            found.edges.push((holder, held));
            if let Some(sample) = objects.get(held).and_then(|held| held.sample) {
                found.links.push(Link { holder, offset, sample });
            }
            if seen.insert(region) {
                queue.push_back(region);
            }
        }
    }
    found.edges.sort_unstable();
    found.edges.dedup();
    found
}

fn region_of(map: &PageMap, address: u64) -> Option<u32> {
    let (extent, region) = map.located(address)?;
    (!map.is_dead(&extent)).then_some(region)
}
