//! What makes two calls the same node.

use std::hash::{Hash, Hasher};
use std::sync::OnceLock;

use memory_debug_report::TraceKind;

use crate::name::{KeptName, Name};
use crate::numbers::Numbers;

/// The number of a node in its table.
pub(crate) type NodeId = u32;

/// The parent of nodes that have none.
pub(crate) const NO_NODE: NodeId = NodeId::MAX;

/// Calls with equal keys are one node.
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

/// A node, with the numbers that all threads share.
#[derive(Debug, Default)]
pub(crate) struct Node {
    /// Written once, before the node can be found.
    pub(crate) key: OnceLock<KeptKey>,
    /// The number of its route, once a request has finished.
    pub(crate) route: OnceLock<u32>,
    pub(crate) numbers: Numbers,
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
