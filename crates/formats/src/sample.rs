//! Trees for tests.

use crate::call_tree::{CallKind, CallNode, CallTree, Event, Unit};

/// A tree of `(name, parent, bytes)`.
pub(crate) fn tree(nodes: &[(&str, Option<usize>, i64)]) -> CallTree {
    let mut tree = CallTree {
        title: "test".into(),
        events: vec![Event::new("Bytes", "live heap bytes", Unit::Bytes)],
        nodes: Vec::new(),
    };
    tree.nodes.extend(nodes.iter().map(|(name, parent, bytes)| CallNode {
        parent: *parent,
        kind: CallKind::Function,
        name: (*name).into(),
        file: None,
        line: None,
        calls: 1,
        own: vec![*bytes],
        inclusive: Vec::new(),
    }));
    tree.sum_up();
    tree
}
