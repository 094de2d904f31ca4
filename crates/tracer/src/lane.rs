//! Numbers that one thread alone adds to.

use std::sync::OnceLock;

use crate::histogram::Histogram;
use crate::node::{NO_NODE, NodeId};
use crate::numbers::{Numbers, NumbersSum};
use crate::sync::{AtomicBool, AtomicU32, Ordering};

/// The most nodes of which one thread has numbers of its own. The first ones that it works for have them, and all
/// threads share the numbers of further ones. Models have two, because loom tries more orders with more values.
const NODES: usize = if cfg!(all(test, memory_debug_loom)) { 2 } else { 32 };

/// The numbers that one thread keeps. It has 4.2 kB, and 2.9 kB more for each route.
///
/// Atomic additions to numbers that all threads share are the largest part of what a call costs, even on one core. What
/// a thread has once added stays here, so that no reader sees it twice or not at all.
#[derive(Debug)]
pub(crate) struct Lane {
    nodes: [AtomicU32; NODES],
    numbers: [Numbers; NODES],
    /// Bytes per request, of nodes that are routes. Made at the first request that ends.
    bytes: [OnceLock<Box<Histogram>>; NODES],
    /// Whether a thread adds here now.
    is_taken: AtomicBool,
}

impl Lane {
    /// A lane that this thread has taken.
    pub(crate) fn taken() -> Self {
        Self {
            nodes: std::array::from_fn(|_| AtomicU32::new(NO_NODE)),
            numbers: std::array::from_fn(|_| Numbers::default()),
            bytes: [const { OnceLock::new() }; NODES],
            is_taken: AtomicBool::new(true),
        }
    }

    /// Takes a lane that another thread gave back. What the other thread added stays.
    pub(crate) fn take(&self) -> bool {
        // Acquire: the numbers of the thread before are visible.
        self.is_taken.compare_exchange(false, true, Ordering::Acquire, Ordering::Relaxed).is_ok()
    }

    /// This thread no longer adds here.
    pub(crate) fn give_back(&self) {
        self.is_taken.store(false, Ordering::Release);
    }

    /// The numbers of a node, for the thread that has taken the lane. `None` if another node has their place.
    #[inline]
    pub(crate) fn numbers(&self, node: NodeId) -> Option<&Numbers> {
        let place = node as usize % NODES;
        if self.nodes[place].load(Ordering::Relaxed) == node || self.takes(place, node) {
            return Some(&self.numbers[place]);
        }
        None
    }

    /// Whether the node has the place from now on.
    #[cold]
    fn takes(&self, place: usize, node: NodeId) -> bool {
        let is_free = self.nodes[place].load(Ordering::Relaxed) == NO_NODE;
        if is_free {
            self.nodes[place].store(node, Ordering::Relaxed);
        }
        is_free
    }

    /// Makes the bytes per request of a node, for the thread that has taken the lane. `None` if another node has their
    /// place.
    pub(crate) fn make_bytes(&self, node: NodeId) -> Option<&Histogram> {
        self.numbers(node)?;
        // An error says that an earlier thread has made them.
        let _ = self.bytes[node as usize % NODES].set(Box::default());
        self.bytes(node)
    }

    /// The bytes per request of a node, if they exist.
    #[inline]
    pub(crate) fn bytes(&self, node: NodeId) -> Option<&Histogram> {
        let place = node as usize % NODES;
        if self.nodes[place].load(Ordering::Relaxed) == node {
            self.bytes[place].get().map(|bytes| &**bytes)
        } else {
            None
        }
    }

    /// Adds the numbers of a node to `sum`, if this lane has some.
    pub(crate) fn add_to(&self, node: NodeId, sum: &mut NumbersSum) {
        let place = node as usize % NODES;
        if self.nodes[place].load(Ordering::Relaxed) == node {
            self.numbers[place].add_to(sum);
        }
    }
}

#[cfg(all(test, memory_debug_loom))]
mod models;

#[cfg(all(test, not(memory_debug_loom)))]
mod tests {
    use super::*;
    use crate::adding::Adding;
    use crate::numbers::Outcome;

    fn completed(lane: &Lane, node: NodeId) -> u64 {
        let mut sum = NumbersSum::default();
        lane.add_to(node, &mut sum);
        sum.completed
    }

    #[test]
    fn the_first_node_has_the_place() {
        let lane = Lane::taken();
        lane.numbers(3).unwrap().end(Adding::Alone, 0, Outcome::Completed, false);
        assert!(lane.numbers(3 + NODES as u32).is_none());
        lane.numbers(4).unwrap().end(Adding::Alone, 0, Outcome::Completed, false);
        assert_eq!([3, 4, 5, 3 + NODES as u32].map(|node| completed(&lane, node)), [1, 1, 0, 0]);
    }

    #[test]
    fn the_next_thread_continues_the_numbers_of_the_last() {
        let lane = Lane::taken();
        assert!(!lane.take());
        lane.numbers(7).unwrap().end(Adding::Alone, 0, Outcome::Completed, false);
        lane.give_back();
        assert!(lane.take() && !lane.take());
        lane.numbers(7).unwrap().end(Adding::Alone, 0, Outcome::Completed, false);
        assert_eq!(completed(&lane, 7), 2);
    }
}
