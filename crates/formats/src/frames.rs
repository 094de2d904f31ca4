//! The distinct functions of a tree, by name, file and line.

use rustc_hash::FxHashMap;

use crate::call_tree::{CallNode, CallTree};

/// The distinct frames of a tree, in the order in which its nodes use them.
pub(crate) struct Frames<'t> {
    /// A node that has the frame.
    pub(crate) frames: Vec<&'t CallNode>,
    /// The frame of each node, as a place in `frames`.
    pub(crate) of_node: Vec<usize>,
}

impl<'t> Frames<'t> {
    pub(crate) fn of(tree: &'t CallTree) -> Self {
        let mut places = FxHashMap::default();
        let mut frames = Vec::new();
        let place = |node: &'t CallNode| {
            let key = (node.kind, &*node.name, node.file.as_deref(), node.line);
            *places.entry(key).or_insert_with(|| {
                frames.push(node);
                frames.len() - 1
            })
        };
        let of_node = tree.nodes.iter().map(place).collect();
        Self { frames, of_node }
    }
}
