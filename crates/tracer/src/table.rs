//! The nodes of one counting.

use std::hash::{Hash, Hasher};
use std::sync::atomic::{AtomicU32, Ordering};

use memory_debug_report::TraceKind;
use rustc_hash::FxHasher;

use crate::chunks::Chunks;
use crate::index::Index;
use crate::name::Name;
use crate::node::{Key, NO_NODE, Node, NodeId, Place};

/// Nodes are made in chunks of this many.
const CHUNK_BITS: u32 = 7;

/// The name of the node for calls beyond the limit.
pub(crate) const OTHER: &str = "(other)";

/// Nodes by their key. Each parent can have one node more, `(other)`, for what no longer fits.
#[derive(Debug)]
pub(crate) struct Table {
    nodes: Chunks<Node>,
    /// Nodes for calls beyond the limit, numbered from `max`.
    others: Chunks<Node>,
    index: Index,
    max: u32,
    used: AtomicU32,
    used_others: AtomicU32,
}

impl Table {
    pub(crate) fn new(max: u32) -> Self {
        let others = max as usize + 1;
        Self {
            nodes: Chunks::new(max as usize, CHUNK_BITS),
            others: Chunks::new(others, CHUNK_BITS),
            index: Index::new(max as usize + others),
            max,
            used: AtomicU32::new(0),
            used_others: AtomicU32::new(0),
        }
    }

    /// The most nodes.
    pub(crate) fn max(&self) -> u32 {
        self.max
    }

    #[inline]
    pub(crate) fn node(&self, id: NodeId) -> Option<&Node> {
        match id.checked_sub(self.max) {
            None => self.nodes.get(id),
            Some(other) => self.others.get(other),
        }
    }

    /// The node with this key. Makes it if it fits, and otherwise returns `(other)` below the same parent.
    #[inline]
    pub(crate) fn find_or_add(&self, key: &Key<'_>) -> Option<NodeId> {
        // What is called below `(other)` counts there as well.
        if self.is_other(key.parent) {
            return Some(key.parent);
        }
        self.find(key, || add(&self.nodes, &self.used, self.max, key)).or_else(|| self.other(key.parent))
    }

    fn is_other(&self, id: NodeId) -> bool {
        id >= self.max && id != NO_NODE
    }

    /// The node `(other)` below `parent`.
    #[cold]
    pub(crate) fn other(&self, parent: NodeId) -> Option<NodeId> {
        let key = Key { parent, kind: TraceKind::Other, name: Name::Static(OTHER), place: Place::default() };
        let most = self.max.saturating_add(1);
        self.find(&key, || Some(self.max + add(&self.others, &self.used_others, most, &key)?))
    }

    #[inline]
    fn find(&self, key: &Key<'_>, add: impl FnOnce() -> Option<NodeId>) -> Option<NodeId> {
        let mut hasher = FxHasher::default();
        key.hash(&mut hasher);
        let is = |id| self.node(id).and_then(|node| node.key.get()).is_some_and(|kept| kept.is(key));
        self.index.find_or_add(hasher.finish(), is, add)
    }

    /// All nodes, in the order in which they were made. Parents come first.
    pub(crate) fn iter(&self) -> impl Iterator<Item = (NodeId, &Node)> {
        let used = self.used.load(Ordering::Acquire).min(self.max);
        let others = self.used_others.load(Ordering::Acquire);
        let ids = (0..used).chain((0..others).map(|other| self.max.saturating_add(other)));
        ids.filter_map(|id| Some((id, self.node(id)?)))
    }
}

/// Writes the key into the next unused node.
#[cold]
fn add(nodes: &Chunks<Node>, used: &AtomicU32, most: u32, key: &Key<'_>) -> Option<u32> {
    let next = |used: u32| (used < most).then(|| used + 1);
    let number = used.fetch_update(Ordering::AcqRel, Ordering::Relaxed, next).ok()?;
    // An error cannot happen: each number is given out once.
    let _ = nodes.get_or_make(number)?.key.set(key.keep());
    Some(number)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn key(parent: NodeId, name: &'static str) -> Key<'static> {
        Key { parent, kind: TraceKind::Future, name: Name::Static(name), place: Place::default() }
    }

    fn name(table: &Table, id: NodeId) -> String {
        table.node(id).unwrap().key.get().unwrap().name.text()
    }

    #[test]
    fn a_node_is_its_parent_kind_name_and_place() {
        let table = Table::new(100);
        let root = table.find_or_add(&key(NO_NODE, "a")).unwrap();
        assert_eq!(table.find_or_add(&key(NO_NODE, "a")), Some(root));
        let mut others = vec![root];
        let mut new = |key: Key<'static>| {
            let id = table.find_or_add(&key).unwrap();
            assert!(!others.contains(&id), "{key:?}");
            assert_eq!(table.find_or_add(&key), Some(id));
            others.push(id);
        };
        new(key(root, "a"));
        new(key(NO_NODE, "b"));
        new(Key { kind: TraceKind::Span, ..key(NO_NODE, "a") });
        new(Key { place: Place { file: Some("a.rs"), line: 1 }, ..key(NO_NODE, "a") });
        new(Key { place: Place { file: Some("a.rs"), line: 2 }, ..key(NO_NODE, "a") });
        new(Key { place: Place { file: Some("b.rs"), line: 1 }, ..key(NO_NODE, "a") });
    }

    #[test]
    fn what_does_not_fit_counts_under_other_of_the_same_parent() {
        let table = Table::new(2);
        let one = table.find_or_add(&key(NO_NODE, "one")).unwrap();
        let two = table.find_or_add(&key(one, "two")).unwrap();
        let below = |parent| {
            let other = table.find_or_add(&key(parent, "three")).unwrap();
            assert_eq!(name(&table, other), OTHER);
            assert_eq!(table.node(other).unwrap().key.get().unwrap().parent, parent);
            assert_eq!(table.find_or_add(&key(parent, "four")), Some(other));
            assert_eq!(table.find_or_add(&key(other, "five")), Some(other));
            other
        };
        let others = [NO_NODE, one, two].map(below);
        assert_eq!(others.iter().collect::<std::collections::BTreeSet<_>>().len(), 3);
        assert_eq!(table.find_or_add(&key(one, "two")), Some(two));
        assert_eq!(table.iter().count(), 5);
    }

    #[test]
    fn threads_that_add_the_same_keys_agree() {
        const NAMES: [&str; 8] = ["a", "b", "c", "d", "e", "f", "g", "h"];
        let table = Table::new(1_000);
        let found = std::thread::scope(|scope| {
            let threads = [(); 8]
                .map(|()| scope.spawn(|| NAMES.map(|name| table.find_or_add(&key(NO_NODE, name)).unwrap())));
            threads.map(|thread| thread.join().unwrap())
        });
        assert!(found.iter().all(|ids| *ids == found[0]));
        assert_eq!(found[0].map(|id| name(&table, id)), NAMES);
    }
}
