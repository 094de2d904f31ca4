//! Names buffers of containers by their header and their elements: `{capacity, pointer, length}` in the parent, and in the
//! buffer values that have the size and the pointers of what the buffer holds.
//!
//! The content tells the type of the elements: what holds `Vec<Point>` in values of 24 bytes is a `Vec<Vec<Point>>`.

use std::collections::{BTreeMap, BTreeSet};

use super::header::{Content, Form, Header, headers, shift_of, tables};
use super::table::{Table, name_of_table};
use super::value_bytes::{is_owner, slice_of, value_bytes};
use super::{Evidence, MAJORITY};
use crate::holders_report::RootKind;
use crate::mark::Source;
use crate::memory::{Hidden, Memory, Span};
use crate::objects::{Name, Names, Objects};
use crate::page_map::{PageMap, Place};
use crate::peek::{head, peek, words};

/// Bytes of a buffer in which elements are compared.
const MAX_BYTES: u64 = 64 << 10;

/// Each round names the buffers that hold those which the round before has named.
const ROUNDS: usize = 2;

/// The least elements that show what a buffer without a header holds.
const MIN_ELEMENTS: u64 = 8;

/// The part of the elements in use that must have a pointer where the others have one. The program can change them
/// meanwhile.
const LIKE_OTHERS: f64 = 0.95;

/// No value has a larger alignment.
const MAX_ALIGNMENT: u64 = 4096;

/// A buffer without a name.
struct Buffer {
    object: u32,
    place: Place,
    is_small: bool,
    /// Whether a word of a stack points to it.
    is_on_stack: bool,
    contents: Vec<Content>,
}

impl Buffer {
    /// The type of most of the contents in elements in use, and where the elements have their pointer. Without a header,
    /// all elements are in use.
    fn element(&self, header: Option<&Header>) -> Option<(u32, u64)> {
        let mut votes: BTreeMap<(u32, u64), u32> = BTreeMap::new();
        let mut total = 0;
        for content in &self.contents {
            let field = match header {
                Some(header) => {
                    let element = content.offset.saturating_sub(header.shift) / header.stride;
                    header.field(content.offset).filter(|_| header.uses(element))
                }
                None => Some(0),
            };
            if let Some(field) = field {
                *votes.entry((content.name, field)).or_default() += 1;
                total += 1;
            }
        }
        let (winner, most) = votes.into_iter().max_by_key(|(_, votes)| *votes)?;
        (f64::from(most) >= MAJORITY * f64::from(total)).then_some(winner)
    }

    /// A vector whose length is not known. It has at least as many elements as its contents say.
    fn without_header(&self, words: &[u64], page_bytes: u64) -> Option<Header> {
        let shift = words.iter().find_map(|word| shift_of(*word, self.place, self.is_small, page_bytes))?;
        let last = self.contents.iter().filter_map(|content| content.offset.checked_sub(shift)).max()?;
        let (capacity, length) = (self.place.bytes.saturating_sub(shift) / 8, last / 8 + 1);
        (length >= MIN_ELEMENTS).then_some(Header {
            form: Form::Unknown,
            shift,
            stride: 8,
            capacity,
            head: 0,
            length,
        })
    }
}

/// Names buffers of containers.
pub(super) fn name_buffers<M: Memory + ?Sized>(
    evidence: &Evidence<'_>,
    memory: &mut M,
    objects: &mut Objects,
    names: &mut Names,
) {
    for _ in 0..ROUNDS {
        if !name_some(evidence, memory, objects, names) {
            return;
        }
    }
}

/// Returns whether a buffer was named.
fn name_some<M: Memory + ?Sized>(
    evidence: &Evidence<'_>,
    memory: &mut M,
    objects: &mut Objects,
    names: &mut Names,
) -> bool {
    let (mut buffers, spans) = buffers(evidence, memory, objects);
    let page = evidence.input.page_bytes;
    let mut candidates: Vec<(usize, Vec<Header>)> = Vec::new();
    peek(memory, &spans, |at, bytes| {
        let Some(buffer) = buffers.get(at) else { return };
        let words: Vec<u64> = words(bytes).collect();
        let Some((element, _)) = buffer.element(None) else {
            // The keys and the values of a table can be different types.
            candidates.push((at, tables(&words, buffer.place, buffer.is_small, page)));
            return;
        };
        let shift = |word| shift_of(word, buffer.place, buffer.is_small, page);
        let fits = |bytes: u64| evidence.fits(bytes, buffer.place.bytes);
        let sizes = value_bytes(names.get(element));
        let mut found: Vec<Header> =
            sizes.iter().flat_map(|stride| headers(&words, shift, *stride, fits)).collect();
        found.extend(tables(&words, buffer.place, buffer.is_small, page));
        // Anywhere else the length lies beside the pointer, and what has none is no vector: the block of a channel.
        if found.is_empty() && buffer.is_on_stack && sizes.contains(&8) {
            found.extend(buffer.without_header(&words, page));
        }
        candidates.push((at, found));
    });
    candidates.retain(|(_, headers)| !headers.is_empty());
    let expired = expired(&candidates, &buffers, evidence, memory, names);
    let full = control_bytes(&candidates, &buffers, evidence, memory);
    let spans: Vec<Span> = candidates
        .iter()
        .filter_map(|(at, _)| buffers.get(*at))
        .map(|buffer| head(buffer.place.address, buffer.place.bytes, MAX_BYTES / 8))
        .collect();
    let mut found: Vec<(u32, String)> = Vec::new();
    peek(memory, &spans, |at, bytes| {
        let Some((buffer, headers)) = candidates.get(at) else { return };
        let Some(buffer) = buffers.get_mut(*buffer) else { return };
        let words: Vec<u64> = words(bytes).collect();
        let is_expired = expired.get(at) == Some(&true);
        let name = headers.iter().enumerate().find_map(|(number, header)| match header.form {
            Form::Table => {
                let full = full.get(&(at, number))?;
                name_of_table(&Table { header, full, contents: &buffer.contents }, evidence, names)
            }
            _ => name_of_vector(buffer, header, &words, is_expired, evidence, names),
        });
        found.extend(name.map(|name| (buffer.object, name)));
    });
    for (object, name) in &found {
        if let Some(object) = objects.list.get_mut(*object as usize) {
            object.name = Some(Name { index: names.intern(name.clone()), inferred: true });
        }
    }
    !found.is_empty()
}

/// The unnamed holders with what they hold, each with the memory in which its header lies.
fn buffers<M: Memory + ?Sized>(
    evidence: &Evidence<'_>,
    memory: &mut M,
    objects: &Objects,
) -> (Vec<Buffer>, Vec<Span>) {
    let is_unnamed = |index: u32| objects.get(index).is_some_and(|object| object.name.is_none());
    let mut contents: BTreeMap<u32, Vec<Content>> = BTreeMap::new();
    let mut seen = BTreeSet::new();
    for link in evidence.links.iter().filter(|link| is_unnamed(link.holder)) {
        if let Some(name) = evidence.type_of(link.sample)
            && seen.insert((link.holder, link.offset, link.sample))
        {
            let content = Content { name, offset: u64::from(link.offset), sample: Some(link.sample) };
            contents.entry(link.holder).or_default().push(content);
        }
    }
    // Objects that were not sampled have a name by now, but where the pointer to them lies is not known yet.
    let mut named: BTreeSet<u32> = BTreeSet::new();
    for pair in evidence.chains.iter().flatten().flat_map(|chain| chain.objects.windows(2)) {
        if let [held, holder] = pair
            && is_unnamed(*holder)
            && objects.get(*held).is_some_and(|held| held.sample.is_none() && held.name.is_some())
        {
            named.insert(*holder);
        }
    }
    let named: Vec<(u32, Place)> = named
        .into_iter()
        .filter_map(|holder| Some((holder, objects.place(evidence.map, objects.get(holder)?)?)))
        .collect();
    let spans: Vec<Span> =
        named.iter().map(|(_, place)| head(place.address, place.bytes, MAX_BYTES / 8)).collect();
    peek(memory, &spans, |at, bytes| {
        let Some((holder, _)) = named.get(at) else { return };
        let own = contents.entry(*holder).or_default();
        for (word, offset) in words(bytes).zip((0_u64..).step_by(8)) {
            let held = objects.at(evidence.map, word).and_then(|held| objects.get(held));
            if let Some(held) = held.filter(|held| held.sample.is_none())
                && let Some(name) = held.name
            {
                own.push(Content { name: name.index, offset, sample: None });
            }
        }
    });
    contents
        .into_iter()
        .filter_map(|(index, contents)| {
            let object = objects.get(index)?;
            let place = objects.place(evidence.map, object)?;
            let span = object.parent.and_then(|parent| evidence.parent_span(parent, objects))?;
            let is_small = evidence.input.bins.iter().any(|bin| bin.region_bytes == place.bytes);
            let is_on_stack = object.parent.is_some_and(|parent| is_on_stack(parent, evidence));
            Some((Buffer { object: index, place, is_small, is_on_stack, contents }, span))
        })
        .unzip()
}

/// Whether a source is a word of a stack.
fn is_on_stack(parent: Source, evidence: &Evidence<'_>) -> bool {
    let word = parent.root_word().and_then(|word| evidence.root_words.get(word));
    word.is_some_and(|word| {
        evidence.input.roots.iter().any(|root| {
            let offset = word.address().checked_sub(root.span.start.address());
            root.kind == RootKind::Stack && offset.is_some_and(|offset| offset < root.span.bytes)
        })
    })
}

fn name_of_vector(
    buffer: &Buffer,
    header: &Header,
    words: &[u64],
    is_expired: bool,
    evidence: &Evidence<'_>,
    names: &Names,
) -> Option<String> {
    let (element, field) = buffer.element(Some(header))?;
    let element = names.get(element);
    if !value_bytes(element).contains(&header.stride) {
        return None;
    }
    if let Some((slice, length)) = slice_of(element).filter(|_| header.stride == 16) {
        let mut lengths = used(words, header).filter_map(|element| element.get(1));
        let is_same = lengths.all(|word| *word == length);
        return (is_same && has_like_pointers(words, header, field, evidence.map))
            .then(|| header.form.of(&slice));
    }
    if header.stride > 8 {
        return has_like_pointers(words, header, field, evidence.map).then(|| header.form.of(element));
    }
    let is_option = owners(words, header, evidence)?;
    let value = element.split_once('<').filter(|_| is_expired);
    let element = value.map_or(element.to_owned(), |(_, value)| format!("Weak<{value}"));
    Some(header.form.of(&if is_option { format!("Option<{element}>") } else { element }))
}

/// The elements in use, as far as their words were read.
fn used<'a>(words: &'a [u64], header: &'a Header) -> impl Iterator<Item = &'a [u64]> {
    let elements = words.get(header.shift as usize / 8..).unwrap_or_default();
    let elements = elements.chunks_exact((header.stride as usize / 8).max(1)).zip(0_u64..);
    elements.filter(|(_, at)| header.uses(*at)).map(|(element, _)| element)
}

/// Whether elements have a pointer in the same place. An empty value has none, but its alignment. One pointer is no
/// likeness: the counters of an `Arc` can look like the alignment of a value in front of it.
fn has_like_pointers(words: &[u64], header: &Header, field: u64, map: &PageMap) -> bool {
    let (mut pointers, mut empty, mut total) = (0_u32, 0_u32, 0_u32);
    for word in used(words, header).filter_map(|element| element.get(field as usize / 8)) {
        total += 1;
        pointers += u32::from(map.is_known(*word));
        empty += u32::from(word.is_power_of_two() && *word <= MAX_ALIGNMENT);
    }
    pointers > 1 && f64::from(pointers + empty) >= LIKE_OTHERS * f64::from(total)
}

/// Whether elements in use are pointers to objects of one size. `Some(true)` if some of them are null.
fn owners(words: &[u64], header: &Header, evidence: &Evidence<'_>) -> Option<bool> {
    let (mut size, mut pointers, mut nulls) = (None, 0_u64, 0_u64);
    for word in used(words, header).filter_map(|element| element.first().copied()) {
        if word == 0 {
            nulls += 1;
            continue;
        }
        let bytes = small_object(word, evidence)?;
        // A sampled object has a page of its own, whatever its size.
        if bytes.is_some() && size.is_some() && bytes != size {
            return None;
        }
        size = size.or(bytes);
        pointers += 1;
    }
    (pointers > nulls).then_some(nulls > 0)
}

/// The bytes of the small object that begins at an address; `Some(None)` for a sample or a large object. `None` if nothing
/// begins there.
fn small_object(address: u64, evidence: &Evidence<'_>) -> Option<Option<u64>> {
    let map = evidence.map;
    let (extent, region) = map.located(address)?;
    let place = map.place(&extent, region);
    if let Some(sample) = extent.sample() {
        let object = evidence.input.samples.get(sample)?;
        return (object.address.address() == address).then_some(None);
    }
    shift_of(address, place, extent.is_slab(), map.page_bytes())?;
    Some(extent.is_slab().then_some(place.bytes))
}

/// For each candidate whether a sampled element has no owner: its first counter is 0, so the buffer has weak pointers to it.
fn expired<M: Memory + ?Sized>(
    candidates: &[(usize, Vec<Header>)],
    buffers: &[Buffer],
    evidence: &Evidence<'_>,
    memory: &mut M,
    names: &Names,
) -> Vec<bool> {
    let mut expired = vec![false; candidates.len()];
    let (mut counted, mut spans) = (Vec::new(), Vec::new());
    for (at, (buffer, _)) in candidates.iter().enumerate() {
        let Some(buffer) = buffers.get(*buffer) else { continue };
        let Some((element, _)) = buffer.element(None) else { continue };
        let name = names.get(element);
        if !is_owner(name) || name.starts_with("Box<") {
            continue;
        }
        let sample = buffer
            .contents
            .iter()
            .filter(|content| content.name == element)
            .find_map(|content| content.sample);
        if let Some(object) = sample.and_then(|sample| evidence.input.samples.get(sample as usize))
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

/// For each header of a table, as (candidate, header), which of its elements are in use, as far as it was read.
fn control_bytes<M: Memory + ?Sized>(
    candidates: &[(usize, Vec<Header>)],
    buffers: &[Buffer],
    evidence: &Evidence<'_>,
    memory: &mut M,
) -> BTreeMap<(usize, usize), Vec<bool>> {
    let (mut keys, mut spans) = (Vec::new(), Vec::new());
    for (at, (buffer, headers)) in candidates.iter().enumerate() {
        let Some(buffer) = buffers.get(*buffer) else { continue };
        for (number, header) in headers.iter().enumerate().filter(|(_, header)| header.form == Form::Table) {
            let elements = header.stride.saturating_mul(header.capacity).next_multiple_of(16);
            let start = buffer.place.address.saturating_add(header.shift).saturating_add(elements);
            let bytes = header.capacity.min(MAX_BYTES);
            if !evidence.map.is_excluded(start, bytes) {
                keys.push((at, number));
                spans.push(Span { start: Hidden::new(start), bytes });
            }
        }
    }
    let mut full = BTreeMap::new();
    peek(memory, &spans, |at, bytes| {
        // The first bit of a control byte is set if the element is not in use.
        if let Some(key) = keys.get(at) {
            full.insert(*key, bytes.iter().map(|byte| byte >> 7 == 0).collect());
        }
    });
    full
}
