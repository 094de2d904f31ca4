//! The answer without the cargo feature `prometheus`: there are no metrics.

use memory_debug_core::MonitorHandle;

use crate::reply::{Problem, Reply};
use crate::view::page_request::{Material, RenderRequest};

pub(super) fn write(
    _request: &RenderRequest,
    _series: usize,
    _knows_types: bool,
    _monitor: Option<&MonitorHandle>,
    _material: Material<'_>,
) -> Result<Reply, Problem> {
    Err(Problem::NotBuiltIn("metrics are not built in: add the cargo feature `prometheus`".into()))
}
