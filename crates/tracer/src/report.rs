//! What was counted, as a value.

use std::cmp::Reverse;
use std::collections::HashMap;
use std::sync::atomic::{AtomicU64, Ordering};

use memory_debug_core::__private::global_allocator;
use memory_debug_report::__private::timestamp;
use memory_debug_report::{RouteTrace, Trace, TraceKind, TraceNode, Unavailable};

use crate::counts::Counts;
use crate::node::{Cost, NO_NODE, Node, NodeId};
use crate::routes::OTHER_ROUTES;
use crate::table::OTHER;

/// Why no report has live bytes by route.
const NO_LIVE: &str = "live bytes by route need live samples, which this version does not have";

/// What `counts` holds now. Values that are missing get a reason.
pub(crate) fn trace(counts: &Counts, unavailable: &mut Unavailable) -> Trace {
    let counted_bytes = global_allocator();
    let has_bytes = counted_bytes.is_ok();
    if let Err(reason) = counted_bytes {
        for path in ["trace.nodes.allocated", "trace.nodes.freed", "trace.routes.allocated"] {
            unavailable.note(path, &reason);
        }
    }
    unavailable.note("trace.routes.live", NO_LIVE);

    let counted = counts.counted();
    let nodes: Vec<(NodeId, NodeId, TraceNode)> = counts
        .table
        .iter()
        .filter_map(|(id, node)| Some((id, node.key.get()?.parent, read(node, counted, has_bytes)?)))
        .collect();

    let mut trace = Trace::default();
    trace.counting = counts.is_on();
    trace.started_at = Some(timestamp::seconds(counts.started_at));
    let limit = counts.limit.filter(|_| trace.counting);
    trace.ends_at = limit.and_then(|limit| counts.started_at.checked_add(limit)).map(timestamp::seconds);
    trace.started_by = counts.started_by.clone();
    trace.counted_ns = counted;
    trace.max_nodes = counts.table.max().into();
    trace.calls_in_other =
        nodes.iter().filter(|(.., node)| node.kind == TraceKind::Other).map(|(.., node)| node.calls).sum();
    trace.routes = routes(counts, &nodes, has_bytes);
    trace.nodes = preorder(nodes);
    trace
}

/// The numbers of a node until `now`. `None` if nothing called it.
fn read(node: &Node, now: u64, has_bytes: bool) -> Option<TraceNode> {
    let key = node.key.get()?;
    let load = |number: &AtomicU64| number.load(Ordering::Relaxed);
    let (pending, total) = node.total.read(now);
    let (_, covered) = node.covered.read(now);
    let inclusive = |cost: fn(&Cost) -> &AtomicU64| {
        // Another thread can have written one of the two, which makes the sum negative.
        let sum = load(cost(&node.inside)).wrapping_add(load(cost(&node.own)));
        sum.cast_signed().max(0).cast_unsigned()
    };
    // A poll inside a poll of one node is known before the outer one ends.
    let own = |cost: fn(&Cost) -> &AtomicU64| load(cost(&node.own)).min(inclusive(cost));
    let [allocated, freed]: [fn(&Cost) -> &AtomicU64; 2] = [|cost| &cost.allocated, |cost| &cost.freed];
    let mut read = TraceNode::default();
    read.name = key.name.text();
    read.kind = key.kind;
    read.file = key.place.file.map(str::to_owned);
    read.line = Some(key.place.line).filter(|line| *line > 0);
    read.completed = load(&node.completed);
    read.cancelled = load(&node.cancelled);
    read.pending = pending;
    // Not counted by itself, so that it is the sum at every moment.
    read.calls = read.completed + read.cancelled + read.pending;
    read.polls = load(&node.polls);
    read.total_ns = total;
    read.own_total_ns = total.saturating_sub(covered);
    read.own_busy_ns = own(|cost| &cost.busy);
    read.busy_ns = inclusive(|cost| &cost.busy);
    read.longest_poll_ns = load(&node.longest_poll);
    if has_bytes {
        (read.own_allocated, read.allocated) = (Some(own(allocated)), Some(inclusive(allocated)));
        (read.own_freed, read.freed) = (Some(own(freed)), Some(inclusive(freed)));
    }
    (read.calls > 0).then_some(read)
}

/// Parents before their children, the child with the most total time first.
fn preorder(nodes: Vec<(NodeId, NodeId, TraceNode)>) -> Vec<TraceNode> {
    let mut children: HashMap<NodeId, Vec<(NodeId, TraceNode)>> = HashMap::new();
    let count = nodes.len();
    for (id, parent, node) in nodes {
        children.entry(parent).or_default().push((id, node));
    }
    for siblings in children.values_mut() {
        // The last one is taken first.
        siblings.sort_by(|(_, one), (_, other)| order(other).cmp(&order(one)));
    }
    let mut ordered = Vec::with_capacity(count);
    let mut way = vec![NO_NODE];
    while let Some(parent) = way.last() {
        match children.get_mut(parent).and_then(Vec::pop) {
            Some((id, mut node)) => {
                node.depth = way.len() as u64 - 1;
                ordered.push(node);
                way.push(id);
            }
            None => {
                way.pop();
            }
        }
    }
    ordered
}

fn order(node: &TraceNode) -> impl Ord + '_ {
    (Reverse(node.total_ns), &node.name, &node.file, node.line)
}

/// The routes, from their nodes, the one that allocated the most first.
fn routes(counts: &Counts, nodes: &[(NodeId, NodeId, TraceNode)], has_bytes: bool) -> Vec<RouteTrace> {
    let mut routes: HashMap<&str, RouteTrace> = HashMap::new();
    for (id, _, node) in nodes.iter().filter(|(.., node)| node.kind == TraceKind::Route) {
        let number = counts.table.node(*id).and_then(|node| node.route.get()).copied();
        let is_new = !routes.contains_key(node.name.as_str());
        let is_beyond = number == Some(OTHER_ROUTES) || is_new && routes.len() >= OTHER_ROUTES as usize;
        let route = routes.entry(if is_beyond { OTHER } else { &node.name }).or_default();
        route.requests += node.calls;
        route.cancelled += node.cancelled;
        route.in_flight += node.pending;
        route.total_ns += node.total_ns;
        route.busy_ns += node.busy_ns;
        route.longest_poll_ns = route.longest_poll_ns.max(node.longest_poll_ns);
        if let Some(number) = number.filter(|_| has_bytes) {
            route.allocated = counts.routes.read(number);
        }
    }
    let mut routes: Vec<RouteTrace> = routes
        .into_iter()
        .map(|(name, mut route)| {
            route.route = name.to_owned();
            route
        })
        .collect();
    let allocated = |route: &RouteTrace| route.allocated.map_or(0, |bytes| bytes.total);
    routes.sort_by(|one, other| {
        (Reverse(allocated(one)), Reverse(one.total_ns), &one.route).cmp(&(
            Reverse(allocated(other)),
            Reverse(other.total_ns),
            &other.route,
        ))
    });
    routes
}
