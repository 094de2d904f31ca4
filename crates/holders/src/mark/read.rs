//! Reads regions and roots in large portions.

use super::queue::Entry;
use super::{Marker, words};
use crate::memory::{Hidden, Memory, Span};
use crate::page_map::PageMap;

/// The most spans of one read.
pub(super) const MAX_SPANS: usize = 256;

/// The most bytes of one read, and of one part of a large object: a quarter of a millisecond of work, after which the
/// memory can give way to other threads.
const MAX_BYTES: u64 = 1 << 18;

/// Levels from the roots on whose regions are read twice, and the most bytes of such a region.
const HEADS: u32 = 3;
const MAX_HEAD_BYTES: u64 = 4096;

/// Regions with a smaller gap between them are read as one span.
const MAX_GAP: u64 = 512;

/// A region, or a part of a large object, that is to be read.
#[derive(Clone, Copy, Debug)]
pub(super) struct Part {
    pub(super) extent: u32,
    pub(super) region: u32,
    /// Where it begins in the object.
    pub(super) offset: u64,
    start: Hidden,
    bytes: u64,
}

impl Part {
    fn end(&self) -> u64 {
        self.start.address().saturating_add(self.bytes)
    }
}

impl Marker<'_> {
    /// Reads everything in the queue, and what it leads to. Returns `false` if the time was over.
    pub(super) fn drain<M: Memory + ?Sized>(&mut self, memory: &mut M) -> bool {
        let (mut level, mut parts) = (Vec::new(), Vec::new());
        for depth in 0_u32.. {
            self.queue.take_level(self.map, &mut level);
            if level.is_empty() {
                break;
            }
            if depth < HEADS {
                level.iter().for_each(|entry| self.read_head_again(*entry));
            }
            let mut at = 0;
            while at < level.len() {
                at = self.fill(&mut level, at, &mut parts);
                if !self.read_parts(memory, std::mem::take(&mut parts)) {
                    return false;
                }
            }
        }
        true
    }

    /// Reads a small region once more at the end. Near the roots lie the heads of lists. While the scan read a wide level,
    /// a queue has given out its first blocks, and what has replaced them does not lead to the rest.
    fn read_head_again(&mut self, entry: Entry) {
        let Some(extent) = self.map.extent(entry.extent).filter(|_| !self.is_repeat && !self.is_last) else {
            return;
        };
        let region = extent.first + if extent.is_slab() { entry.number } else { 0 };
        let is_small = self.map.place(&extent, region).bytes <= MAX_HEAD_BYTES;
        if is_small && self.heads_left > 0 && self.retries.insert(region) {
            self.heads_left -= 1;
        }
    }

    /// Collects as many parts as one read takes. Returns the place of the first entry that is left.
    fn fill(&self, level: &mut [Entry], mut at: usize, parts: &mut Vec<Part>) -> usize {
        let (mut spans, mut bytes) = (0, 0);
        while let Some(entry) = level.get_mut(at) {
            let (part, is_end) = self.part(*entry);
            if let Some(part) = part {
                let gap = parts.last().and_then(|last: &Part| gap(self.map, last, &part));
                let grown = bytes + part.bytes + gap.unwrap_or(0);
                let grown_spans = spans + usize::from(gap.is_none());
                if !parts.is_empty() && (grown > MAX_BYTES || grown_spans > MAX_SPANS) {
                    break;
                }
                (bytes, spans) = (grown, grown_spans);
                parts.push(part);
            }
            if is_end {
                at += 1;
            } else {
                entry.number += 1;
            }
        }
        at
    }

    /// The memory of an entry, and whether it is all that is left of it. `None` if there is nothing to read.
    fn part(&self, entry: Entry) -> (Option<Part>, bool) {
        let Some(extent) = self.map.extent(entry.extent) else { return (None, true) };
        let (region, offset) = if extent.is_slab() {
            (extent.first + entry.number, 0)
        } else {
            (extent.first, u64::from(entry.number) * MAX_BYTES)
        };
        let place = self.map.place(&extent, region);
        let (mut start, mut bytes) = (place.address, place.bytes);
        if let Some(object) = extent.sample().and_then(|sample| self.input.samples.get(sample)) {
            if self.holds_pointers.get(object.type_index as usize) == Some(&false) {
                return (None, true);
            }
            start = object.address.address();
            bytes = object.sample.requested.div_ceil(8).saturating_mul(8).min(object.sample.usable);
        }
        let left = bytes.saturating_sub(offset);
        let part = Part {
            extent: entry.extent,
            region,
            offset,
            start: Hidden::new(start.saturating_add(offset)),
            bytes: left.min(MAX_BYTES),
        };
        let is_readable = left > 0 && !self.map.is_excluded(part.start.address(), part.bytes);
        (is_readable.then_some(part), left <= MAX_BYTES)
    }

    /// Reads parts and follows their words. Returns `false` if the time was over.
    pub(super) fn read_parts<M: Memory + ?Sized>(&mut self, memory: &mut M, mut parts: Vec<Part>) -> bool {
        if memory.is_over() {
            return false;
        }
        self.drop_changed(memory, &mut parts);
        let mut rest = &parts[..];
        while !rest.is_empty() {
            let done = self.read_some(memory, rest);
            rest = rest.get(done.max(1)..).unwrap_or_default();
            self.follow_unsure(memory);
        }
        memory.progress(self.mark.read_bytes, self.heap_bytes);
        true
    }

    /// Drops parts whose pages are used in another way by now.
    fn drop_changed<M: Memory + ?Sized>(&mut self, memory: &mut M, parts: &mut Vec<Part>) {
        let mut pages: Vec<(u64, u32)> = Vec::with_capacity(parts.len());
        for part in parts.iter() {
            let Some(extent) = self.map.extent(part.extent) else { continue };
            let page = if extent.is_slab() { self.map.page_of(part.start.address()) } else { extent.page };
            if pages.last() != Some(&(page, part.extent)) {
                pages.push((page, part.extent));
            }
        }
        let asked: Vec<Hidden> = pages.iter().map(|(page, _)| self.map.hidden(*page)).collect();
        let mut uses = Vec::new();
        memory.uses(&asked, &mut uses);
        let mut changed: Vec<u32> = Vec::new();
        for (at, (_, index)) in pages.iter().enumerate() {
            let is_same = self
                .map
                .extent(*index)
                .is_some_and(|extent| uses.get(at).is_some_and(|found| extent.is_described_by(*found)));
            if !is_same && changed.last() != Some(index) {
                changed.push(*index);
                self.map.forget(*index);
            }
        }
        if changed.is_empty() {
            return;
        }
        changed.sort_unstable();
        for part in parts.iter().filter(|part| changed.binary_search(&part.extent).is_ok()) {
            self.retry_parent(part.region);
        }
        parts.retain(|part| changed.binary_search(&part.extent).is_err());
    }

    /// Reads the first parts in one go and follows their words. Returns how many parts are done.
    fn read_some<M: Memory + ?Sized>(&mut self, memory: &mut M, parts: &[Part]) -> usize {
        let mut spans: Vec<Span> = Vec::new();
        let mut places = Vec::with_capacity(parts.len());
        let mut total = 0;
        let mut last: Option<&Part> = None;
        for part in parts {
            let gap = last.and_then(|last| gap(self.map, last, part));
            if gap.is_none() && spans.len() >= MAX_SPANS {
                break;
            }
            match (gap, spans.last_mut()) {
                (Some(gap), Some(span)) => {
                    span.bytes += gap + part.bytes;
                    total += gap;
                }
                _ => spans.push(Span { start: part.start, bytes: part.bytes }),
            }
            places.push(total);
            total += part.bytes;
            last = Some(part);
        }
        let bytes = memory.read(&spans);
        for (at, (part, place)) in parts.iter().zip(&places).enumerate() {
            let got = bytes.get(*place as usize..).unwrap_or_default();
            let whole = got.get(..part.bytes as usize);
            self.read_part(*part, whole.unwrap_or(got));
            if whole.is_none() {
                let missing = part.bytes - got.len() as u64;
                self.give_up(memory, part, missing);
                return at + 1;
            }
        }
        places.len()
    }

    /// A part could not be read to its end. If the allocator still uses the page in the same way, then something may be
    /// hidden there.
    fn give_up<M: Memory + ?Sized>(&mut self, memory: &mut M, part: &Part, missing: u64) {
        if self.map.verify(memory, part.extent, part.start.address()) {
            self.mark.unreadable_bytes += missing;
        } else {
            self.retry_parent(part.region);
        }
    }

    fn retry_parent(&mut self, region: u32) {
        if let Some(parent) = self.mark.parent(region).and_then(|parent| parent.region()) {
            self.retry(parent);
        }
    }

    /// Has a region read once more, because something that it pointed to has changed.
    pub(super) fn retry(&mut self, region: u32) {
        if !self.is_repeat && !self.is_last && self.retries_left > 0 && self.retries.insert(region) {
            self.retries_left -= 1;
        }
    }

    fn read_part(&mut self, part: Part, bytes: &[u8]) {
        self.mark.read_bytes += bytes.len() as u64;
        if !words::has_word_in(bytes, self.map.range()) || (part.offset == 0 && words::is_thread_cache(bytes))
        {
            return;
        }
        // Text and random bytes, and what this library allocated, such as the results of earlier scans: what looks like a
        // pointer there is read last, so that it explains only what nothing else does.
        let extent = self.map.extent(part.extent);
        if !self.is_last && (extent.is_some_and(|extent| extent.is_own) || words::looks_like_text(bytes)) {
            if extent.is_some_and(|extent| extent.is_slab()) {
                self.deferred.insert(part.region);
            } else {
                self.deferred_parts.push(part);
            }
            return;
        }
        self.follow_words(bytes, words::From::Region { region: part.region, offset: part.offset });
    }

    /// Reads a root and follows its words. Returns `false` if the time was over.
    pub(super) fn read_root<M: Memory + ?Sized>(&mut self, memory: &mut M, span: Span) -> bool {
        let end = span.start.address().saturating_add(span.bytes) & !7;
        let mut at = span.start.address().saturating_add(7) & !7;
        while at < end {
            if memory.is_over() {
                return false;
            }
            let bytes = (end - at).min(MAX_BYTES);
            let got = memory.read(&[Span { start: Hidden::new(at), bytes }]);
            let got = got.get(..bytes as usize).unwrap_or(got);
            let read = got.len() as u64 & !7;
            self.follow_words(got, words::From::Root { address: at });
            self.follow_unsure(memory);
            at += read;
            if read < bytes {
                // The page that could not be read is left out.
                let next = ((self.map.page_of(at) + 1) * self.map.page_bytes()).min(end);
                self.mark.unreadable_bytes += next - at;
                at = next;
            }
        }
        true
    }
}

/// The bytes between two parts, if they are few and can be read.
fn gap(map: &PageMap, first: &Part, second: &Part) -> Option<u64> {
    let gap = second.start.address().checked_sub(first.end()).filter(|gap| *gap <= MAX_GAP)?;
    (!map.is_excluded(first.end(), gap)).then_some(gap)
}
