//! The numbers of one node.

use std::hash::{Hash, Hasher};
use std::sync::OnceLock;
use std::sync::atomic::{AtomicU64, Ordering};

use memory_debug_report::TraceKind;

use crate::intervals::Intervals;
use crate::name::{KeptName, Name};

/// The number of a node in its table.
pub(crate) type NodeId = u32;

/// The parent of nodes that have none.
pub(crate) const NO_NODE: NodeId = NodeId::MAX;

/// What makes two calls the same node.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Key<'a> {
    pub(crate) parent: NodeId,
    pub(crate) kind: TraceKind,
    pub(crate) name: Name<'a>,
    pub(crate) place: Place,
}

/// A place in the program's source.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Place {
    pub(crate) file: Option<&'static str>,
    /// 0 if it is not known.
    pub(crate) line: u32,
}

/// A [`Key`] that a node keeps.
#[derive(Debug)]
pub(crate) struct KeptKey {
    pub(crate) parent: NodeId,
    pub(crate) kind: TraceKind,
    pub(crate) name: KeptName,
    pub(crate) place: Place,
}

/// A node. All numbers wrap, and are written in any order.
#[derive(Debug, Default)]
pub(crate) struct Node {
    /// Written once, before the node can be found.
    pub(crate) key: OnceLock<KeptKey>,
    /// The number of its route, once a request has finished.
    pub(crate) route: OnceLock<u32>,
    /// From the beginning to the end of each call.
    pub(crate) total: Intervals,
    /// While a call has open children.
    pub(crate) covered: Intervals,
    pub(crate) completed: AtomicU64,
    pub(crate) cancelled: AtomicU64,
    pub(crate) polls: AtomicU64,
    pub(crate) longest_poll: AtomicU64,
    /// Polls of this node, without what was polled inside.
    pub(crate) own: Cost,
    /// What was polled inside: what the inclusive numbers have beyond the own ones. Most polls have nothing inside, and
    /// then only `own` changes.
    pub(crate) inside: Cost,
}

/// Time and bytes of polls.
#[derive(Debug, Default)]
pub(crate) struct Cost {
    pub(crate) busy: AtomicU64,
    pub(crate) allocated: AtomicU64,
    pub(crate) freed: AtomicU64,
}

/// Time and bytes, at one moment or of a part of a poll.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Reading {
    /// Nanoseconds.
    pub(crate) time: u64,
    pub(crate) allocated: u64,
    pub(crate) freed: u64,
}

impl Cost {
    #[inline]
    pub(crate) fn add(&self, cost: Reading) {
        // Many of these numbers are 0, and a comparison is cheaper than an atomic addition.
        if cost.time != 0 {
            self.busy.fetch_add(cost.time, Ordering::Relaxed);
        }
        if cost.allocated != 0 {
            self.allocated.fetch_add(cost.allocated, Ordering::Relaxed);
        }
        if cost.freed != 0 {
            self.freed.fetch_add(cost.freed, Ordering::Relaxed);
        }
    }
}

impl Reading {
    #[inline]
    pub(crate) fn plus(self, other: Self) -> Self {
        Self {
            time: self.time.wrapping_add(other.time),
            allocated: self.allocated.wrapping_add(other.allocated),
            freed: self.freed.wrapping_add(other.freed),
        }
    }

    #[inline]
    pub(crate) fn minus(self, other: Self) -> Self {
        Self {
            time: self.time.wrapping_sub(other.time),
            allocated: self.allocated.wrapping_sub(other.allocated),
            freed: self.freed.wrapping_sub(other.freed),
        }
    }
}

impl Key<'_> {
    pub(crate) fn keep(&self) -> KeptKey {
        KeptKey { parent: self.parent, kind: self.kind, name: self.name.keep(), place: self.place }
    }
}

impl Hash for Key<'_> {
    #[inline]
    fn hash<H: Hasher>(&self, state: &mut H) {
        state.write_u32(self.parent);
        state.write_u32(self.place.line);
        self.name.hash(state);
    }
}

impl KeptKey {
    #[inline]
    pub(crate) fn is(&self, key: &Key<'_>) -> bool {
        self.parent == key.parent
            && self.kind == key.kind
            && self.place.line == key.place.line
            && self.name.is(&key.name)
            && same_file(self.place.file, key.place.file)
    }
}

#[inline]
fn same_file(one: Option<&'static str>, other: Option<&'static str>) -> bool {
    match (one, other) {
        (Some(one), Some(other)) => std::ptr::eq(one, other) || one == other,
        (None, None) => true,
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_node_is_as_small_as_the_documentation_says() {
        assert!(size_of::<Node>() <= 200, "{}", size_of::<Node>());
    }
}
