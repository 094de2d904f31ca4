//! Names arrays of owning pointers by their header and their elements: `{capacity, pointer, length}` in the parent, and in
//! the array nothing but pointers to objects that are alike.

use std::collections::BTreeMap;

use super::{Evidence, parent_span};
use crate::memory::{Memory, Span};
use crate::objects::{Name, Names, Objects};
use crate::page_map::{Found, PageMap};
use crate::peek::{head, peek, words};

/// Bytes of an array of which the elements are compared.
const MAX_BYTES: u64 = 64 << 10;

/// The owners whose name is the name of a pointer to them.
const OWNERS: &[&str] = &["Arc<", "Box<", "Rc<"];

/// An array whose sampled elements have one type.
struct Array {
    object: u32,
    /// The type of the elements, and a sample of it.
    element: u32,
    sample: u32,
    start: u64,
    bytes: u64,
}

/// What a header says about an array.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Header {
    /// `{capacity, pointer, length}`
    Vector { length: u64 },
    /// `{capacity, pointer, head, length}`
    Ring { capacity: u64, head: u64, length: u64 },
    /// `{pointer, length}`
    Slice { length: u64 },
}

impl Header {
    fn form(self) -> (&'static str, &'static str) {
        match self {
            Self::Vector { .. } => ("Vec<", ">"),
            Self::Ring { .. } => ("VecDeque<", ">"),
            Self::Slice { .. } => ("Box<[", "]>"),
        }
    }

    /// Whether an element is in use.
    fn uses(self, element: u64) -> bool {
        match self {
            Self::Vector { length } | Self::Slice { length } => element < length,
            Self::Ring { capacity, head, length } => {
                element < capacity && (element + capacity - head) % capacity < length
            }
        }
    }
}

/// The headers that words can be. The surest one comes first. `fits` says whether a number of elements has the size of
/// the array.
fn headers(words: &[u64], start: u64, fits: impl Fn(u64) -> bool) -> Vec<Header> {
    let mut found = Vec::new();
    for (at, _) in words.iter().enumerate().filter(|(_, word)| **word == start) {
        let capacity = at.checked_sub(1).and_then(|at| words.get(at)).copied();
        let (third, fourth) = (words.get(at + 1).copied(), words.get(at + 2).copied());
        if let (Some(capacity), Some(third)) = (capacity.filter(|capacity| fits(*capacity)), third) {
            if (1..=capacity).contains(&third) {
                found.push(Header::Vector { length: third });
            }
            if let Some(length) = fourth.filter(|length| third < capacity && (1..=capacity).contains(length))
            {
                found.push(Header::Ring { capacity, head: third, length });
            }
        } else if let Some(length) = third.filter(|length| fits(*length)) {
            found.push(Header::Slice { length });
        }
    }
    found
}

/// Whether elements in use are pointers to objects of one size. `Some(true)` if some of them are null.
fn elements(words: &[u64], header: Header, map: &PageMap) -> Option<bool> {
    let used = words.iter().zip(0_u64..).filter(|(_, at)| header.uses(*at)).map(|(word, _)| *word);
    let (mut size, mut pointers, mut nulls) = (None, 0_u64, 0_u64);
    for word in used {
        if word == 0 {
            nulls += 1;
            continue;
        }
        let Found::Extent(index) = map.find(word) else { return None };
        let extent = map.extent(index)?;
        let place = map.place(&extent, map.region_at(&extent, word)?);
        // A sampled object has a page of its own, whatever its size.
        if place.address != word || (extent.is_slab() && size.is_some_and(|size| size != place.bytes)) {
            return None;
        }
        if extent.is_slab() {
            size = Some(place.bytes);
        }
        pointers += 1;
    }
    (pointers > nulls).then_some(nulls > 0)
}

/// Names arrays of owning pointers.
pub(super) fn name_arrays<M: Memory + ?Sized>(
    evidence: &Evidence<'_>,
    memory: &mut M,
    objects: &mut Objects,
    names: &mut Names,
) {
    let mut elements_of: BTreeMap<u32, Option<(u32, u32)>> = BTreeMap::new();
    for link in evidence.links {
        if objects.get(link.holder).is_some_and(|holder| holder.name.is_none()) {
            let held = evidence.type_of(link.sample).map(|element| (element, link.sample));
            elements_of
                .entry(link.holder)
                .and_modify(|known| *known = known.filter(|known| held.is_some_and(|held| held.0 == known.0)))
                .or_insert(held);
        }
    }
    let mut arrays = Vec::new();
    let mut spans: Vec<Span> = Vec::new();
    for (object, element) in elements_of {
        if let Some((element, sample)) = element
            && OWNERS.iter().any(|owner| names.get(element).starts_with(owner))
            && let Some(known) = objects.get(object)
            && let Some(place) = objects.place(evidence.map, known)
            && let Some(span) = known.parent.and_then(|parent| parent_span(parent, evidence, objects))
        {
            arrays.push(Array { object, element, sample, start: place.address, bytes: place.bytes });
            spans.push(span);
        }
    }
    let mut candidates: Vec<(usize, Vec<Header>)> = Vec::new();
    peek(memory, &spans, |at, bytes| {
        let Some(array) = arrays.get(at) else { return };
        let words: Vec<u64> = words(bytes).collect();
        let fits = |count: u64| count.checked_mul(8).is_some_and(|bytes| evidence.fits(bytes, array.bytes));
        let headers = headers(&words, array.start, fits);
        if !headers.is_empty() {
            candidates.push((at, headers));
        }
    });
    let expired = expired(&candidates, &arrays, evidence, memory);
    let spans: Vec<Span> = candidates
        .iter()
        .filter_map(|(at, _)| arrays.get(*at))
        .map(|array| head(array.start, array.bytes, MAX_BYTES / 8))
        .collect();
    peek(memory, &spans, |at, bytes| {
        let Some((array, headers)) = candidates.get(at) else { return };
        let Some(array) = arrays.get(*array) else { return };
        let words: Vec<u64> = words(bytes).collect();
        let found =
            headers.iter().find_map(|header| Some((header, elements(&words, *header, evidence.map)?)));
        if let (Some((header, is_option)), Some(object)) =
            (found, objects.list.get_mut(array.object as usize))
        {
            let (before, after) = header.form();
            let element = names.get(array.element);
            let value = element.split_once('<').filter(|_| expired.get(at) == Some(&true));
            let element = value.map_or(element.to_owned(), |(_, value)| format!("Weak<{value}"));
            let name = if is_option {
                format!("{before}Option<{element}>{after}")
            } else {
                format!("{before}{element}{after}")
            };
            object.name = Some(Name { index: names.intern(name), inferred: true });
        }
    });
}

/// For each candidate whether a sampled element has no owner: its first counter is 0, so the array has weak pointers to it.
fn expired<M: Memory + ?Sized>(
    candidates: &[(usize, Vec<Header>)],
    arrays: &[Array],
    evidence: &Evidence<'_>,
    memory: &mut M,
) -> Vec<bool> {
    let mut expired = vec![false; candidates.len()];
    let (mut counted, mut spans) = (Vec::new(), Vec::new());
    for (at, (array, _)) in candidates.iter().enumerate() {
        if let Some(object) =
            arrays.get(*array).and_then(|array| evidence.input.samples.get(array.sample as usize))
            && evidence
                .input
                .types
                .get(object.type_index as usize)
                .is_some_and(|name| !name.starts_with("Box<"))
            && !evidence.map.is_excluded(object.address.address(), 8)
        {
            counted.push(at);
            spans.push(head(object.address.address(), object.sample.usable, 1));
        }
    }
    peek(memory, &spans, |at, bytes| {
        if let Some(expired) = counted.get(at).and_then(|at| expired.get_mut(*at)) {
            *expired = words(bytes).next() == Some(0);
        }
    });
    expired
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_words_around_a_pointer_tell_what_it_points_to() {
        let fits = |count: u64| count == 10;
        let of = |words: &[u64]| headers(words, 4096, fits);
        assert_eq!(of(&[7, 10, 4096, 3]), [Header::Vector { length: 3 }]);
        assert_eq!(of(&[4096, 10, 99]), [Header::Slice { length: 10 }]);
        let ring = Header::Ring { capacity: 10, head: 8, length: 4 };
        assert_eq!(of(&[10, 4096, 8, 4]), [Header::Vector { length: 8 }, ring]);
        assert!(ring.uses(8) && ring.uses(1) && !ring.uses(2) && !ring.uses(7));
        assert_eq!(of(&[10, 4096, 11]), []);
        assert_eq!(of(&[10, 4096]), []);
        assert_eq!(of(&[9, 4096, 3]), []);
        assert_eq!(of(&[]), []);
    }
}
