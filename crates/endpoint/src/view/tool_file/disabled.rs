//! The answer without the cargo feature `formats`: no file is written.

use memory_debug_formats::{CallTree, HeapGraph, TreeFormat};

use crate::reply::{Problem, Reply};
use crate::view::page_request::RenderRequest;

pub(in crate::view) fn write(
    _request: &RenderRequest,
    format: TreeFormat,
    _tree: impl FnOnce() -> CallTree,
    _max_bytes: usize,
) -> Result<Reply, Problem> {
    Err(not_built_in(format))
}

pub(in crate::view) fn write_graph(
    _request: &RenderRequest,
    _chains: usize,
    _graph: impl Fn(usize) -> HeapGraph,
    _max_bytes: usize,
) -> Result<Reply, Problem> {
    Err(not_built_in(TreeFormat::HeapSnapshot))
}

fn not_built_in(format: TreeFormat) -> Problem {
    let reason = format!(
        "the format {} is not built in: add the cargo feature `formats`, or make the file with \
         `memory-debug convert`",
        format.name()
    );
    Problem::NotBuiltIn(reason.into())
}
