//! Where a call stands among the others.

use crate::node::NodeId;
use crate::slots::SlotId;

/// Where a call stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Position {
    pub(crate) node: NodeId,
    /// Where its children are counted. `None` if too many calls are open.
    pub(crate) slot: Option<SlotId>,
}

/// A call that began.
#[derive(Clone, Copy, Debug)]
pub(crate) struct OpenCall {
    /// The counting in which it began.
    pub(crate) generation: u64,
    pub(crate) position: Position,
    pub(crate) parent: Option<Position>,
    /// Whether it is a request, whose bytes are counted apart.
    pub(crate) is_request: bool,
}
