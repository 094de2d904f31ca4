//! A tree, made stack by stack.

use std::io;
use std::sync::Arc;

use rustc_hash::{FxHashMap, FxHashSet};

use super::{MAX_NODES, damaged};
use crate::call_tree::{CallKind, CallNode, CallTree, Event};

/// A tree while it is read. Equal functions below one caller are one node.
pub(super) struct Builder {
    tree: CallTree,
    places: FxHashMap<(Option<usize>, Site), usize>,
    texts: FxHashSet<Arc<str>>,
}

/// A name, a file and a line.
#[derive(Clone, PartialEq, Eq, Hash)]
pub(super) struct Site {
    kind: CallKind,
    name: Arc<str>,
    file: Option<Arc<str>>,
    line: Option<u32>,
}

impl Builder {
    pub(super) fn new(title: &str, events: Vec<Event>) -> Self {
        let tree = CallTree { title: title.into(), events, nodes: Vec::new() };
        Self { tree, places: FxHashMap::default(), texts: FxHashSet::default() }
    }

    /// A function or type, from the label that formats without types write.
    pub(super) fn site(&mut self, label: &str, file: Option<&str>, line: Option<u32>) -> Site {
        let of_type = label.strip_prefix('[').and_then(|label| label.strip_suffix(']'));
        // A name that would be written without its spaces is not ours.
        let of_type = of_type.filter(|name| !name.is_empty() && *name == name.trim());
        let kind = if of_type.is_some() { CallKind::Type } else { CallKind::Function };
        let name = self.text(of_type.unwrap_or(label));
        let file = file.filter(|file| !file.is_empty()).map(|file| self.text(file));
        Site { kind, name, file, line: line.filter(|line| *line > 0) }
    }

    /// The place of a function below its caller.
    pub(super) fn place(&mut self, parent: Option<usize>, site: &Site) -> io::Result<usize> {
        let key = (parent, site.clone());
        if let Some(place) = self.places.get(&key) {
            return Ok(*place);
        }
        let place = self.tree.nodes.len();
        if place == MAX_NODES {
            return Err(damaged(format!("has more than {MAX_NODES} functions and ways to call them")));
        }
        let Site { kind, name, file, line } = site.clone();
        let own = vec![0; self.tree.events.len()];
        let node = CallNode { parent, kind, name, file, line, calls: 0, own, inclusive: Vec::new() };
        self.tree.nodes.push(node);
        self.places.insert(key, place);
        Ok(place)
    }

    /// Adds to the own number of a node.
    pub(super) fn add(&mut self, place: usize, event: usize, number: i64) {
        let own = &mut self.tree.nodes[place].own[event];
        *own = own.saturating_add(number);
    }

    pub(super) fn add_call(&mut self, place: usize) {
        self.tree.nodes[place].calls += 1;
    }

    pub(super) fn finish(self) -> CallTree {
        let mut tree = self.tree;
        tree.sum_up();
        tree
    }

    /// A text. Equal texts are in memory once.
    fn text(&mut self, text: &str) -> Arc<str> {
        if let Some(known) = self.texts.get(text) {
            return known.clone();
        }
        let text: Arc<str> = text.into();
        self.texts.insert(text.clone());
        text
    }
}
