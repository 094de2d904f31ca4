//! Pointers in spare capacity: beyond the length of a vector, or outside of the used part of a ring buffer. The program
//! has dropped or moved what they point to, so a chain over them is doubtful, wherever in the chain they are.

mod buffer;

use std::collections::{BTreeMap, BTreeSet};

use crate::chain::Chain;
use crate::input::ScanInput;
use crate::memory::{Hidden, Memory, Span};
use crate::names::Link;
use crate::objects::{Names, Objects};
use crate::page_map::{PageMap, Place};
use crate::parent::parent_span;
use crate::peek::{head, peek, words};
use buffer::{Buffer, Family, MAX_BYTES, Use, family};

/// Bytes of a buffer in which pointers to further objects are searched.
const MAX_SEARCH: u64 = 64 << 10;

/// Marks chains as doubtful that lead over spare capacity. `links` has one entry for each chain with a direct holder, in
/// the same order.
pub(crate) fn doubt_spare_capacity<M: Memory + ?Sized>(
    (input, map, root_words): (&ScanInput, &PageMap, &[Hidden]),
    links: &[Link],
    (objects, names): (&Objects, &Names),
    chains: &mut [Vec<Chain>],
    memory: &mut M,
) {
    // Each buffer once, with the memory in which its header lies.
    let holders: BTreeSet<u32> = chains.iter().flatten().flat_map(|chain| &chain.objects).copied().collect();
    let buffer = |index: u32| {
        let object = objects.get(index)?;
        let family = object.name.map_or(Some(Family::Unknown), |name| family(Some(names.get(name.index))))?;
        let place = objects.place(map, object)?;
        let header = parent_span(object.parent?, (input, map, root_words), objects, MAX_BYTES)?;
        let sample = object.sample.and_then(|sample| input.samples.get(sample as usize));
        let requested = sample.map(|sample| sample.sample.requested);
        Some((Buffer { object: index, place, family, requested }, header))
    };
    let (buffers, spans): (Vec<Buffer>, Vec<Span>) = holders.into_iter().filter_map(buffer).unzip();
    let mut uses: BTreeMap<u32, (Place, Use)> = BTreeMap::new();
    peek(memory, &spans, |at, bytes| {
        if let Some(buffer) = buffers.get(at) {
            let words: Vec<u64> = words(bytes).collect();
            uses.extend(buffer.find_use(&words).map(|found| (buffer.object, (buffer.place, found))));
        }
    });
    let spare = spare_pairs((map, objects), &uses, chains, memory);
    let direct = chains.iter_mut().flatten().filter(|chain| !chain.objects.is_empty());
    for (chain, link) in direct.zip(links) {
        let found = uses.get(&link.holder);
        chain.doubtful |= found.is_some_and(|(_, found)| found.is_spare(u64::from(link.offset)))
            || pairs(chain).any(|pair| spare.contains(&pair));
    }
}

/// Each object of a chain that another one holds, with its holder.
fn pairs(chain: &Chain) -> impl Iterator<Item = (u32, u32)> {
    chain.objects.iter().copied().zip(chain.objects.iter().skip(1).copied())
}

/// The objects to which a buffer has pointers only in its spare capacity, each with the buffer.
fn spare_pairs<M: Memory + ?Sized>(
    (map, objects): (&PageMap, &Objects),
    uses: &BTreeMap<u32, (Place, Use)>,
    chains: &[Vec<Chain>],
    memory: &mut M,
) -> BTreeSet<(u32, u32)> {
    let all = chains.iter().flatten().flat_map(pairs).filter(|(_, holder)| uses.contains_key(holder));
    let wanted: BTreeSet<(u32, u32)> = all.collect();
    let buffers: BTreeSet<u32> = wanted.iter().map(|(_, holder)| *holder).collect();
    let buffers: Vec<(u32, &(Place, Use))> =
        buffers.into_iter().filter_map(|buffer| Some((buffer, uses.get(&buffer)?))).collect();
    let spans: Vec<Span> =
        buffers.iter().map(|(_, (place, _))| head(place.address, place.bytes, MAX_SEARCH / 8)).collect();
    let (mut used, mut spare) = (BTreeSet::new(), BTreeSet::new());
    peek(memory, &spans, |at, bytes| {
        let Some((buffer, (_, found))) = buffers.get(at) else { return };
        for (word, offset) in words(bytes).zip((0_u64..).step_by(8)) {
            let pair = objects.at(map, word).map(|held| (held, *buffer));
            if let Some(pair) = pair.filter(|pair| wanted.contains(pair)) {
                if found.is_spare(offset) {
                    spare.insert(pair)
                } else {
                    used.insert(pair)
                };
            }
        }
    });
    &spare - &used
}
