//! Frames as the Chrome DevTools protocol describes them (`Runtime.CallFrame`).

use std::io::{self, Write};

use rustc_hash::FxHashMap;

use crate::call_tree::{CallNode, CallTree};
use crate::json::write_text;

/// The number of each source file. DevTools tells functions of equal name apart by this number, and not by the file.
pub(crate) struct Scripts<'t> {
    numbers: FxHashMap<&'t str, usize>,
}

impl<'t> Scripts<'t> {
    pub(crate) fn of(tree: &'t CallTree) -> Self {
        let mut numbers = FxHashMap::default();
        for file in tree.nodes.iter().filter_map(|node| node.file.as_deref()) {
            let next = numbers.len() + 1;
            numbers.entry(file).or_insert(next);
        }
        Self { numbers }
    }

    /// The number of a node's file. 0 if the file is not known.
    pub(crate) fn number(&self, node: &CallNode) -> usize {
        node.file.as_deref().and_then(|file| self.numbers.get(file).copied()).unwrap_or(0)
    }

    /// Writes the member `callFrame`. Lines count from 0 there, and -1 means that it is not known.
    pub(crate) fn write(&self, node: &CallNode, out: &mut dyn Write) -> io::Result<()> {
        let (line, column) = node.line.map_or((-1, -1), |line| (i64::from(line) - 1, 0));
        write!(out, "\"callFrame\":{{\"functionName\":")?;
        write_text(&node.label(), out)?;
        write!(out, ",\"scriptId\":\"{}\",\"url\":", self.number(node))?;
        write_text(&node.file().unwrap_or_default(), out)?;
        write!(out, ",\"lineNumber\":{line},\"columnNumber\":{column}}}")
    }
}

/// The frame above all functions, which the format requires.
pub(crate) const ROOT: &str = "\"callFrame\":{\"functionName\":\"(root)\",\"scriptId\":\"0\",\"url\":\"\",\
                               \"lineNumber\":-1,\"columnNumber\":-1}";
