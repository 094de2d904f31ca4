//! The answer without the cargo feature `formats`: no file is written.

use memory_debug_formats::{CallTree, TreeFormat};

use crate::reply::{Problem, Reply};
use crate::view::page_request::RenderRequest;

pub(in crate::view) fn write(
    _request: &RenderRequest,
    format: TreeFormat,
    _tree: impl FnOnce() -> CallTree,
    _max_bytes: usize,
) -> Result<Reply, Problem> {
    let reason = format!(
        "the format {} is not built in: add the cargo feature `formats`, or make the file with \
         `memory-debug convert`",
        format.name()
    );
    Err(Problem::NotBuiltIn(reason.into()))
}
