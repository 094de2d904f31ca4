//! The open calls that can have children, by number.

use crate::chunks::Chunks;
use crate::sync::{AtomicU32, AtomicU64, Ordering};

/// Slots are made in chunks of this many.
const CHUNK_BITS: u32 = 10;

/// Slots that are taken one after the other have this many others between them, so that the calls of two threads do not
/// write to the same cache line: 128 bytes apart.
const APART_BITS: u32 = 3;

/// The slot of a call, as long as the version of the slot is the same.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct SlotId {
    number: u32,
    version: u32,
}

impl SlotId {
    /// A word that is not 0.
    pub(crate) fn word(self) -> u64 {
        word(self.number + 1, self.version)
    }

    pub(crate) fn from_word(word: u64) -> Option<Self> {
        let (number, version) = halves(word);
        Some(Self { number: number.checked_sub(1)?, version })
    }
}

/// Slots for a limited number of open calls. Each counts the open children of one call.
#[derive(Debug)]
pub(crate) struct Slots {
    slots: Chunks<Slot>,
    most: u32,
    used: AtomicU32,
    /// The first free slot plus 1 (lower half), and how often it has changed (upper half).
    free: AtomicU64,
}

/// A call that ended.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Closed {
    /// Whether it had open children.
    pub(crate) has_children: bool,
    /// What it had allocated.
    pub(crate) bytes: u64,
    /// The slot for the next call, which begins with it or gives it back with [`put`](Slots::put).
    pub(crate) next: SlotId,
}

#[derive(Debug)]
struct Slot {
    /// The number of open children (lower half), and the version (upper half), which changes when the call ends.
    state: AtomicU64,
    /// While the slot is free, the next free slot plus 1. While a call has it, what the call has allocated: the thread
    /// that runs the call alone adds to it.
    next_or_bytes: AtomicU64,
}

impl Default for Slot {
    fn default() -> Self {
        Self { state: AtomicU64::new(0), next_or_bytes: AtomicU64::new(0) }
    }
}

impl Slots {
    pub(crate) fn new(most: u32) -> Self {
        Self {
            slots: Chunks::new(most as usize, CHUNK_BITS),
            most,
            used: AtomicU32::new(0),
            free: AtomicU64::new(0),
        }
    }

    /// Takes a slot for a call that begins. `None` if all are in use.
    pub(crate) fn take(&self) -> Option<SlotId> {
        let number = match self.pop() {
            Some(number) => number,
            None => self
                .used
                .fetch_update(Ordering::Relaxed, Ordering::Relaxed, |used| {
                    (used < self.most).then(|| used + 1)
                })
                .map(spread)
                .ok()?,
        };
        let slot = self.slots.get_or_make(number)?;
        slot.next_or_bytes.store(0, Ordering::Relaxed);
        let (version, _) = halves(slot.state.load(Ordering::Relaxed));
        Some(SlotId { number, version })
    }

    fn pop(&self) -> Option<u32> {
        let mut free = self.free.load(Ordering::Acquire);
        loop {
            let (changes, first) = halves(free);
            let number = first.checked_sub(1)?;
            // If another thread takes the slot meanwhile, this is a number of bytes, and the exchange fails.
            let next = self.slots.get(number)?.next_or_bytes.load(Ordering::Relaxed) as u32;
            let new = word(changes.wrapping_add(1), next);
            match self.free.compare_exchange_weak(free, new, Ordering::AcqRel, Ordering::Acquire) {
                Ok(_) => return Some(number),
                Err(other) => free = other,
            }
        }
    }

    /// Gives back the slot of a call that ends. Returns whether it had open children.
    #[cfg(test)]
    pub(crate) fn give_back(&self, id: SlotId) -> bool {
        let closed = self.close(id, false);
        self.put(closed.next);
        closed.has_children
    }

    /// The call of a slot has allocated `bytes`. Only the thread that runs the call says so.
    #[inline]
    pub(crate) fn add_bytes(&self, id: SlotId, bytes: u64) {
        if let Some(slot) = self.slots.get(id.number) {
            let before = slot.next_or_bytes.load(Ordering::Relaxed);
            slot.next_or_bytes.store(before.wrapping_add(bytes), Ordering::Relaxed);
        }
    }

    /// Ends the call of a slot. `is_run_here`: only the thread that runs the call begins children of it, and that is this
    /// thread. That holds for requests, but not for spans, which any thread can name as a parent.
    #[inline]
    pub(crate) fn close(&self, id: SlotId, is_run_here: bool) -> Closed {
        let next = SlotId { version: id.version.wrapping_add(1), ..id };
        let Some(slot) = self.slots.get(id.number) else {
            return Closed { has_children: false, bytes: 0, next };
        };
        let ended = word(next.version, 0);
        let has_children = if is_run_here && slot.state.load(Ordering::Acquire) == word(id.version, 0) {
            // Without open children, no other thread knows the slot, and an exchange is the largest part of an end.
            slot.state.store(ended, Ordering::Release);
            false
        } else {
            // Children that end later find another version.
            halves(slot.state.swap(ended, Ordering::AcqRel)).1 > 0
        };
        let bytes = slot.next_or_bytes.load(Ordering::Relaxed);
        slot.next_or_bytes.store(0, Ordering::Relaxed);
        Closed { has_children, bytes, next }
    }

    /// Gives back a slot without a call.
    pub(crate) fn put(&self, id: SlotId) {
        let Some(slot) = self.slots.get(id.number) else { return };
        let mut free = self.free.load(Ordering::Relaxed);
        loop {
            let (changes, first) = halves(free);
            slot.next_or_bytes.store(first.into(), Ordering::Relaxed);
            let new = word(changes.wrapping_add(1), id.number + 1);
            match self.free.compare_exchange_weak(free, new, Ordering::AcqRel, Ordering::Relaxed) {
                Ok(_) => return,
                Err(other) => free = other,
            }
        }
    }

    /// A child begins. Returns whether it is the only open one now.
    #[inline]
    pub(crate) fn child_begins(&self, id: SlotId) -> bool {
        self.change(id, |children| children.checked_add(1)) == Some(1)
    }

    /// A child ends. Returns whether it was the last open one.
    #[inline]
    pub(crate) fn child_ends(&self, id: SlotId) -> bool {
        self.change(id, |children| children.checked_sub(1)) == Some(0)
    }

    /// Changes the number of children. `None` if the call has ended.
    #[inline]
    fn change(&self, id: SlotId, change: impl Fn(u32) -> Option<u32>) -> Option<u32> {
        let state = &self.slots.get(id.number)?.state;
        let mut found = state.load(Ordering::Relaxed);
        loop {
            let (version, children) = halves(found);
            if version != id.version {
                return None;
            }
            let children = change(children)?;
            match state.compare_exchange_weak(
                found,
                word(version, children),
                Ordering::AcqRel,
                Ordering::Relaxed,
            ) {
                Ok(_) => return Some(children),
                Err(other) => found = other,
            }
        }
    }
}

/// Another order of the slots of each chunk.
fn spread(number: u32) -> u32 {
    let place = number & ((1 << CHUNK_BITS) - 1);
    let place_apart = place << APART_BITS & ((1 << CHUNK_BITS) - 1) | place >> (CHUNK_BITS - APART_BITS);
    number - place + place_apart
}

fn word(upper: u32, lower: u32) -> u64 {
    u64::from(upper) << 32 | u64::from(lower)
}

fn halves(word: u64) -> (u32, u32) {
    ((word >> 32) as u32, word as u32)
}

#[cfg(all(test, memory_debug_loom))]
mod models;

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::*;

    #[test]
    fn the_first_child_begins_a_time_with_children_and_the_last_ends_it() {
        let slots = Slots::new(10);
        let call = slots.take().unwrap();
        assert!(slots.child_begins(call) && !slots.child_begins(call));
        assert!(!slots.child_ends(call) && slots.child_ends(call));
        assert!(slots.child_begins(call) && slots.give_back(call));
    }

    #[test]
    fn a_child_that_outlives_its_parent_changes_no_other_call() {
        let slots = Slots::new(1);
        let call = slots.take().unwrap();
        assert!(slots.child_begins(call) && slots.give_back(call));
        let next = slots.take().unwrap();
        assert_eq!(next.number, call.number);
        assert!(!slots.child_ends(call) && !slots.child_begins(call));
        assert!(slots.child_begins(next) && slots.child_ends(next) && !slots.give_back(next));
    }

    #[test]
    fn a_slot_that_a_thread_keeps_serves_its_next_call() {
        let slots = Slots::new(1);
        let call = slots.take().unwrap();
        assert!(slots.child_begins(call));
        slots.add_bytes(call, 5);
        slots.add_bytes(call, 2);
        let Closed { has_children, bytes, next } = slots.close(call, false);
        assert!(has_children && bytes == 7 && slots.take().is_none());
        assert!(!slots.child_ends(call) && !slots.child_begins(call));
        assert!(slots.child_begins(next) && slots.child_ends(next));
        let Closed { has_children, bytes, next: kept } = slots.close(next, true);
        slots.put(kept);
        assert!(!has_children && bytes == 0);
        assert_eq!(slots.take(), Some(kept));
    }

    #[test]
    fn slots_that_are_taken_in_turn_share_no_cache_line() {
        let slots = Slots::new(2_048);
        let numbers: Vec<u32> = std::iter::from_fn(|| slots.take()).map(|id| id.number).collect();
        let lines =
            |numbers: &[u32]| numbers.iter().map(|number| number * 16 / 128).collect::<HashSet<_>>().len();
        assert_eq!((lines(&numbers[..128]), lines(&numbers[1_024..1_152])), (128, 128));
        assert_eq!(numbers.iter().collect::<HashSet<_>>().len(), 2_048);
        assert_eq!(size_of::<Slot>(), 16);
    }

    #[test]
    fn slots_are_used_again_and_never_twice_at_once() {
        let slots = Slots::new(3_000);
        std::thread::scope(|scope| {
            for _ in 0..4 {
                scope.spawn(|| {
                    for round in 0..2_000 {
                        let taken: Vec<_> = (0..round % 7).filter_map(|_| slots.take()).collect();
                        for call in taken {
                            assert!(slots.child_begins(call), "another call has this slot, too");
                            assert!(slots.child_ends(call) && !slots.give_back(call));
                        }
                    }
                });
            }
        });
        let all: Vec<_> = std::iter::from_fn(|| slots.take()).collect();
        assert_eq!(all.len(), 3_000);
    }
}
