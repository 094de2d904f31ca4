//! What a thread keeps of a counting from one call to the next.

use std::sync::Arc;

use crate::adding::Adding;
use crate::lane::Lane;
use crate::node::NodeId;
use crate::numbers::Numbers;
use crate::slots::SlotId;
use crate::table::Table;

/// The most routes whose nodes a thread keeps.
const ROUTES: usize = 32;

/// A thread keeps this so that most calls leave alone what all threads share.
#[derive(Debug, Default)]
pub(crate) struct Kept {
    /// A slot for the next call.
    pub(crate) spare: Option<SlotId>,
    /// `None` if other threads have all lanes. Then the thread adds to the numbers that all share.
    pub(crate) lane: Option<Arc<Lane>>,
    pub(crate) route_nodes: RouteNodes,
}

impl Kept {
    /// The numbers of a node, for this thread.
    #[inline]
    pub(crate) fn numbers<'a>(&'a self, table: &'a Table, node: NodeId) -> Option<(&'a Numbers, Adding)> {
        match self.lane.as_ref().and_then(|lane| lane.numbers(node)) {
            Some(numbers) => Some((numbers, Adding::Alone)),
            None => Some((&table.node(node)?.numbers, Adding::Shared)),
        }
    }
}

/// The nodes of some routes, by the number of the route and by the parent of the node. A route that comes later takes
/// the place of another one.
#[derive(Debug)]
pub(crate) struct RouteNodes([Option<RouteNode>; ROUTES]);

#[derive(Clone, Copy, Debug)]
struct RouteNode {
    route: u32,
    parent: NodeId,
    node: NodeId,
}

impl RouteNodes {
    pub(crate) const fn new() -> Self {
        Self([None; ROUTES])
    }

    #[inline]
    pub(crate) fn find(&self, route: u32, parent: NodeId) -> Option<NodeId> {
        let kept = self.0[route as usize % ROUTES]?;
        (kept.route == route && kept.parent == parent).then_some(kept.node)
    }

    pub(crate) fn keep(&mut self, route: u32, parent: NodeId, node: NodeId) {
        self.0[route as usize % ROUTES] = Some(RouteNode { route, parent, node });
    }
}

impl Default for RouteNodes {
    fn default() -> Self {
        Self::new()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_later_route_takes_the_place_of_another() {
        let mut nodes = RouteNodes::new();
        nodes.keep(1, 7, 10);
        assert_eq!((nodes.find(1, 7), nodes.find(1, 8), nodes.find(2, 7)), (Some(10), None, None));
        nodes.keep(1 + ROUTES as u32, 7, 11);
        assert_eq!((nodes.find(1, 7), nodes.find(1 + ROUTES as u32, 7)), (None, Some(11)));
    }
}
