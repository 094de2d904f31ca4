//! Names objects by the kinds of their words, compared with sampled objects of the same size.

use std::collections::BTreeMap;

use super::Evidence;
use crate::input::Symbols;
use crate::memory::{Hidden, Memory};
use crate::objects::{Name, Objects};
use crate::page_map::PageMap;
use crate::peek::{head, peek, words};

/// Larger objects are rarely alike word by word.
const MAX_BYTES: u64 = 1024;

/// Sampled objects of one type and size that are compared.
const MAX_EXAMPLES: usize = 24;

/// How alike an object must be to the best type, and how much more than to the next one.
const LIKENESS: f64 = 0.85;
const MARGIN: f64 = 0.03;

/// What a word is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kind {
    Zero,
    Heap,
    Program,
    Small,
    Other,
}

fn kind_of(word: u64, map: &PageMap, symbols: &dyn Symbols) -> Kind {
    match word {
        0 => Kind::Zero,
        _ if word >> 32 == 0 => Kind::Small,
        _ if map.is_known(word) => Kind::Heap,
        // Most words are no addresses at all, and a search of the symbols is slow.
        _ if word >> 48 == 0 && symbols.is_program(Hidden::new(word)) => Kind::Program,
        _ => Kind::Other,
    }
}

/// How alike two objects are, from 0 to 1. Pointers count four times as much as numbers.
fn likeness(one: &[Kind], other: &[Kind]) -> f64 {
    let is_pointer = |kind: Kind| matches!(kind, Kind::Heap | Kind::Program);
    let (mut same, mut total) = (0.0, 0.0);
    for (one, other) in one.iter().zip(other) {
        let weight = if is_pointer(*one) || is_pointer(*other) { 4.0 } else { 1.0 };
        total += weight;
        if one == other {
            same += weight;
        }
    }
    if total > 0.0 { same / total } else { 0.0 }
}

/// Sampled objects by size and type.
type Examples = BTreeMap<u64, BTreeMap<u32, Vec<Vec<Kind>>>>;

/// Names objects that are like the sampled ones of a type, and less like the objects of every other type.
pub(super) fn name_by_kinds<M: Memory + ?Sized>(
    evidence: &Evidence<'_>,
    memory: &mut M,
    symbols: &dyn Symbols,
    objects: &mut Objects,
) {
    let mut unnamed = Vec::new();
    for (index, object) in objects.list.iter().enumerate() {
        if object.name.is_none() && object.bytes <= MAX_BYTES {
            unnamed.extend(objects.place(evidence.map, object).map(|place| (index, object.bytes, place)));
        }
    }
    let Some(examples) = examples(evidence, memory, symbols, unnamed.iter().map(|(_, bytes, _)| *bytes))
    else {
        return;
    };
    let spans: Vec<_> =
        unnamed.iter().map(|(_, _, place)| head(place.address, place.bytes, MAX_BYTES / 8)).collect();
    peek(memory, &spans, |at, bytes| {
        let Some((index, size, _)) = unnamed.get(at) else { return };
        let kinds: Vec<Kind> = words(bytes).map(|word| kind_of(word, evidence.map, symbols)).collect();
        let name = examples.get(size).and_then(|types| most_alike(&kinds, types));
        if let (Some(name), Some(object)) = (name, objects.list.get_mut(*index)) {
            object.name = Some(Name { index: name, inferred: true });
        }
    });
}

/// Reads sampled objects of the given sizes.
fn examples<M: Memory + ?Sized>(
    evidence: &Evidence<'_>,
    memory: &mut M,
    symbols: &dyn Symbols,
    sizes: impl Iterator<Item = u64>,
) -> Option<Examples> {
    let mut counts: BTreeMap<u64, BTreeMap<u32, usize>> = sizes.map(|size| (size, BTreeMap::new())).collect();
    let mut chosen = Vec::new();
    let mut spans = Vec::new();
    for object in &evidence.input.samples {
        let Some(types) = counts.get_mut(&object.sample.usable) else { continue };
        let count = types.entry(object.type_index).or_insert(0);
        let is_readable = !evidence.map.is_excluded(object.address.address(), object.sample.usable);
        if *count < MAX_EXAMPLES && is_readable && evidence.can_hold(object.type_index) {
            *count += 1;
            chosen.push((object.sample.usable, object.type_index));
            spans.push(head(object.address.address(), object.sample.usable, MAX_BYTES / 8));
        }
    }
    let mut examples = Examples::new();
    let is_whole = peek(memory, &spans, |at, bytes| {
        if let Some((size, name)) = chosen.get(at) {
            let kinds = words(bytes).map(|word| kind_of(word, evidence.map, symbols)).collect();
            examples.entry(*size).or_default().entry(*name).or_default().push(kinds);
        }
    });
    is_whole.then_some(examples)
}

/// The type whose objects are clearly the most alike.
fn most_alike(kinds: &[Kind], types: &BTreeMap<u32, Vec<Vec<Kind>>>) -> Option<u32> {
    // Without pointers, there is nothing to tell objects by.
    if !kinds.contains(&Kind::Heap) {
        return None;
    }
    let mut scores: Vec<(f64, usize, u32)> = types
        .iter()
        .map(|(name, examples)| {
            let mut scores: Vec<f64> = examples.iter().map(|example| likeness(kinds, example)).collect();
            scores.sort_by(|one, other| other.total_cmp(one));
            scores.truncate(3);
            (scores.iter().sum::<f64>() / scores.len().max(1) as f64, examples.len(), *name)
        })
        .collect();
    scores.sort_by(|one, other| other.0.total_cmp(&one.0));
    let &(best, examples, name) = scores.first()?;
    let next = scores.get(1).map_or(0.0, |next| next.0);
    // A type with one sample has no vote.
    (examples > 1 && best > LIKENESS && best - next > MARGIN).then_some(name)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_type_must_be_clearly_more_alike_than_the_next_one() {
        use Kind::{Heap, Other, Small, Zero};
        let session = vec![Small, Heap, Small, Heap];
        let job = vec![Heap, Small, Small, Zero];
        let types = |list: &[(u32, &Vec<Kind>, usize)]| {
            list.iter().map(|(name, kinds, count)| (*name, vec![(*kinds).clone(); *count])).collect()
        };
        assert_eq!(most_alike(&session, &types(&[(1, &session, 2), (2, &job, 2)])), Some(1));
        assert_eq!(most_alike(&session, &types(&[(1, &session, 2), (2, &session, 2)])), None);
        assert_eq!(most_alike(&session, &types(&[(1, &session, 1)])), None);
        assert_eq!(most_alike(&session, &types(&[(2, &job, 3)])), None);
        assert_eq!(most_alike(&[Other, Small], &types(&[(1, &vec![Other, Small], 3)])), None);
        assert_eq!(most_alike(&session, &types(&[])), None);
    }
}
