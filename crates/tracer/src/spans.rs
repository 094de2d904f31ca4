//! The open spans, by their id.

use std::sync::atomic::{AtomicU32, AtomicU64, Ordering};

use crate::chunks::Chunks;
use crate::node::{NO_NODE, NodeId};
use crate::position::{OpenCall, Position};
use crate::slots::SlotId;

/// Entries are made in chunks of this many.
const CHUNK_BITS: u32 = 8;

/// Entries in which a span can stand. In a table that is half full, all of them are taken once in four billion spans.
const PLACES: u64 = 32;

/// Calls by the id of their span, in a table of fixed size.
///
/// The extensions of a span could hold its call, but they allocate for each span.
#[derive(Debug)]
pub(crate) struct Spans {
    entries: Chunks<Entry>,
    mask: u64,
}

/// A span, or room for one. Only the thread that takes an entry and the thread that gives it back write to it.
#[derive(Debug, Default)]
struct Entry {
    /// 0 if it is free.
    span: AtomicU64,
    node: AtomicU32,
    parent: AtomicU32,
    slot: AtomicU64,
    parent_slot: AtomicU64,
}

impl Spans {
    /// A table that is half full with `most` spans.
    pub(crate) fn new(most: u32) -> Self {
        let entries = (u64::from(most) * 2).next_power_of_two();
        Self { entries: Chunks::new(usize::try_from(entries).unwrap_or(1), CHUNK_BITS), mask: entries - 1 }
    }

    /// Notes a span. Returns false if all its places are taken.
    pub(crate) fn insert(&self, span: u64, call: &OpenCall) -> bool {
        let take = |entry: &&Entry| {
            entry.span.compare_exchange(0, span, Ordering::Acquire, Ordering::Relaxed).is_ok()
        };
        let mut entries = self.places(span).filter_map(|number| self.entries.get_or_make(number));
        let Some(entry) = entries.find(take) else { return false };
        // Other threads learn the id of the span after this.
        let (node, slot) = words(Some(call.position));
        let (parent, parent_slot) = words(call.parent);
        entry.node.store(node, Ordering::Relaxed);
        entry.slot.store(slot, Ordering::Relaxed);
        entry.parent.store(parent, Ordering::Relaxed);
        entry.parent_slot.store(parent_slot, Ordering::Relaxed);
        true
    }

    /// The call of a span of this counting. `None` if the span began before.
    #[inline]
    pub(crate) fn get(&self, span: u64, generation: u64) -> Option<OpenCall> {
        self.entry(span).and_then(|entry| entry.call(generation))
    }

    /// Removes a span that closes.
    pub(crate) fn remove(&self, span: u64, generation: u64) -> Option<OpenCall> {
        let entry = self.entry(span)?;
        let call = entry.call(generation);
        entry.span.store(0, Ordering::Release);
        call
    }

    #[inline]
    fn entry(&self, span: u64) -> Option<&Entry> {
        let is_this = |entry: &&Entry| entry.span.load(Ordering::Relaxed) == span;
        self.places(span).filter_map(|number| self.entries.get(number)).find(is_this)
    }

    /// The numbers of the entries in which a span can stand.
    ///
    /// A registry has ids of 38 bits for the address, which it uses again, 13 for the thread, and a generation. The
    /// first place depends on address and thread alone, so that spans which come and go use the same entries again and
    /// do not touch new memory. The next places are far away, where another thread's addresses are not.
    #[inline]
    fn places(&self, span: u64) -> impl Iterator<Item = u32> {
        let thread = span >> 38 & 0x1fff;
        let first = span.wrapping_add(thread.wrapping_mul(0x9e37));
        let mask = self.mask;
        (0..PLACES).map(move |step| (first.wrapping_add(step.wrapping_mul(0x9e37_79b1)) & mask) as u32)
    }
}

impl Entry {
    #[inline]
    fn call(&self, generation: u64) -> Option<OpenCall> {
        let position = |node: &AtomicU32, slot: &AtomicU64| {
            position(node.load(Ordering::Relaxed), slot.load(Ordering::Relaxed))
        };
        let parent = position(&self.parent, &self.parent_slot);
        Some(OpenCall { generation, position: position(&self.node, &self.slot)?, parent, is_request: false })
    }
}

/// A position as the two words of an entry.
fn words(position: Option<Position>) -> (NodeId, u64) {
    match position {
        Some(Position { node, slot }) => (node, slot.map_or(0, SlotId::word)),
        None => (NO_NODE, 0),
    }
}

fn position(node: NodeId, slot: u64) -> Option<Position> {
    (node != NO_NODE).then(|| Position { node, slot: SlotId::from_word(slot) })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::slots::Slots;

    fn call(node: u32, parent: Option<Position>) -> OpenCall {
        OpenCall { generation: 1, position: Position { node, slot: None }, parent, is_request: false }
    }

    #[test]
    fn a_span_is_found_until_it_is_removed() {
        let (spans, slots) = (Spans::new(64), Slots::new(64));
        let parent = Position { node: 7, slot: slots.take() };
        let open = OpenCall { position: Position { node: 8, slot: slots.take() }, ..call(8, Some(parent)) };
        assert!(spans.insert(3, &open) && spans.insert(4, &call(9, None)));
        let found = spans.get(3, 1).unwrap();
        assert_eq!((found.position, found.parent), (open.position, open.parent));
        assert_eq!(spans.remove(4, 1).unwrap().position.node, 9);
        assert!(spans.get(4, 1).is_none() && spans.remove(4, 1).is_none() && spans.get(3, 1).is_some());
    }

    #[test]
    fn spans_of_many_threads_fit() {
        const OPEN: u32 = 4_096;
        let spans = Spans::new(OPEN);
        let ids = || (0..u64::from(OPEN)).map(|number| (number % 8) << 38 | (number / 8 + 1));
        for id in ids() {
            assert!(spans.insert(id, &call(id as u32, None)), "{id:x}");
        }
        for id in ids() {
            assert_eq!(spans.remove(id, 1).unwrap().position.node, id as u32);
        }
    }

    #[test]
    fn a_full_table_refuses_a_span() {
        let spans = Spans::new(16);
        let taken = (1..=100).filter(|id| spans.insert(*id, &call(1, None))).count();
        assert_eq!(taken, 32);
    }

    #[test]
    fn an_id_that_is_used_again_has_its_entry_again() {
        let spans = Spans::new(1 << 16);
        for generation in 0..1_000_u64 {
            let id = generation << 51 | 5;
            assert!(spans.insert(id, &call(1, None)) && spans.remove(id, 1).is_some());
        }
        let made = (0..1 << 17).filter(|number| spans.entries.get(*number).is_some()).count();
        assert_eq!(made, 1 << CHUNK_BITS);
    }
}
