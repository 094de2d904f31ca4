//! The answer without the cargo feature `flamegraph`: no picture is drawn.

use memory_debug_core::{Count, Leaf};

use crate::reply::{Problem, Reply};
use crate::request::Base;
use crate::view::page_request::{Material, RenderRequest};

pub(super) fn draw(
    _request: &RenderRequest,
    _leaf: Leaf,
    _count: Count,
    _base: Option<Base>,
    _material: Material<'_>,
) -> Result<Reply, Problem> {
    let reason = "flame graphs are not built in: add the cargo feature `flamegraph`, or draw one from ?format=collapsed";
    Err(Problem::NotBuiltIn(reason.into()))
}
