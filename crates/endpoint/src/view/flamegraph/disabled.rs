//! The answer without the cargo feature `flamegraph`: no picture is drawn.

use memory_debug_core::Count;

use crate::reply::{Problem, Reply};
use crate::view::page_request::{Material, RenderRequest};
use crate::view::tree_source::TreeSource;

pub(super) fn draw(
    _request: &RenderRequest,
    _source: &TreeSource,
    _count: Count,
    _material: Material<'_>,
) -> Result<Reply, Problem> {
    let reason = "flame graphs are not built in: add the cargo feature `flamegraph`, or draw one from ?format=collapsed";
    Err(Problem::NotBuiltIn(reason.into()))
}
