//! Writing files.

use memory_debug_formats::{CallTree, HeapGraph, TreeFormat};

use crate::reply::{Problem, Reply};
use crate::view::fit::{half, written};
use crate::view::page_request::RenderRequest;

/// Writes a tree. If it does not fit, small functions below a function are summed.
pub(in crate::view) fn write(
    request: &RenderRequest,
    format: TreeFormat,
    tree: impl FnOnce() -> CallTree,
    max_bytes: usize,
) -> Result<Reply, Problem> {
    let tree = tree();
    request.until_it_fits(tree.nodes.len(), half, max_bytes, |body, nodes| {
        if nodes < tree.nodes.len() {
            return written(format.write(&tree.largest(nodes), body));
        }
        written(format.write(&tree, body))
    })
}

/// Writes a heap snapshot. If it does not fit, `graph` leaves out more chains.
pub(in crate::view) fn write_graph(
    request: &RenderRequest,
    chains: usize,
    graph: impl Fn(usize) -> HeapGraph,
    max_bytes: usize,
) -> Result<Reply, Problem> {
    request.until_it_fits(chains, half, max_bytes, |body, chains| written(graph(chains).write_snapshot(body)))
}
