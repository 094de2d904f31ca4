//! What was counted, as a value.

use std::cmp::Reverse;
use std::collections::HashMap;

use memory_debug_core::__private::global_allocator;
use memory_debug_core::__private::live_samples::live_bytes_by_route;
use memory_debug_report::__private::timestamp;
use memory_debug_report::{RouteTrace, Trace, TraceKind, TraceNode, Unavailable};

use crate::counts::Counts;
use crate::node::{NO_NODE, Node, NodeId};
use crate::numbers::{NumbersSum, Reading};
use crate::routes::OTHER_ROUTES;
use crate::table::OTHER;

/// What `counts` holds now. Values that are missing get a reason.
pub(crate) fn trace(counts: &Counts, unavailable: &mut Unavailable) -> Trace {
    let counted_bytes = global_allocator();
    let has_bytes = counted_bytes.is_ok();
    if let Err(reason) = counted_bytes {
        for path in ["trace.nodes.allocated", "trace.nodes.freed", "trace.routes.allocated"] {
            unavailable.note(path, &reason);
        }
    }
    let live = unavailable.keep("trace.routes.live", live_bytes_by_route());

    let counted = counts.counted();
    let nodes: Vec<(NodeId, NodeId, TraceNode)> = counts
        .nodes()
        .filter_map(|(id, node, sum)| {
            Some((id, node.key.get()?.parent, read(node, sum, counted, has_bytes)?))
        })
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
    if let Some(live) = live {
        add_live(&mut trace.routes, live);
    }
    trace.nodes = preorder(nodes);
    trace
}

/// The numbers of a node until `now`. `None` if nothing called it.
fn read(node: &Node, sum: NumbersSum, now: u64, has_bytes: bool) -> Option<TraceNode> {
    let key = node.key.get()?;
    let (pending, total) = sum.total.at(now);
    let (_, covered) = sum.covered.at(now);
    let all = sum.own.plus(sum.inside);
    // Another thread can have written one of the two, which makes the sum negative.
    let inclusive = |part: fn(Reading) -> u64| part(all).cast_signed().max(0).cast_unsigned();
    // A poll inside a poll of one node is known before the outer one ends.
    let own = |part: fn(Reading) -> u64| part(sum.own).min(inclusive(part));
    let [busy, allocated, freed]: [fn(Reading) -> u64; 3] =
        [|cost| cost.time, |cost| cost.allocated, |cost| cost.freed];
    let mut read = TraceNode::default();
    read.name = key.name.text();
    read.kind = key.kind;
    read.file = key.place.file.map(str::to_owned);
    read.line = Some(key.place.line).filter(|line| *line > 0);
    read.completed = sum.completed;
    read.cancelled = sum.cancelled;
    read.pending = pending;
    // Not counted by itself, so that it is the sum at every moment.
    read.calls = read.completed + read.cancelled + read.pending;
    read.polls = sum.polls;
    read.total_ns = total;
    read.own_total_ns = total.saturating_sub(covered);
    read.own_busy_ns = own(busy);
    read.busy_ns = inclusive(busy);
    read.longest_poll_ns = sum.longest_poll;
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
    let mut ids: HashMap<&str, (u32, Vec<NodeId>)> = HashMap::new();
    for (id, _, node) in nodes.iter().filter(|(.., node)| node.kind == TraceKind::Route) {
        let number = counts.table.node(*id).and_then(|node| node.route.get()).copied();
        let is_new = !routes.contains_key(node.name.as_str());
        let is_beyond = number == Some(OTHER_ROUTES) || is_new && routes.len() >= OTHER_ROUTES as usize;
        let name = if is_beyond { OTHER } else { &node.name };
        let route = routes.entry(name).or_default();
        route.requests += node.calls;
        route.cancelled += node.cancelled;
        route.in_flight += node.pending;
        route.total_ns += node.total_ns;
        route.busy_ns += node.busy_ns;
        route.longest_poll_ns = route.longest_poll_ns.max(node.longest_poll_ns);
        if let Some(number) = number.filter(|_| has_bytes) {
            ids.entry(name).or_insert_with(|| (number, Vec::new())).1.push(*id);
        }
    }
    for (name, (number, ids)) in ids {
        if let Some(route) = routes.get_mut(name) {
            route.allocated = counts.bytes_per_request(number, &ids);
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

/// Adds the live bytes of each route, and routes that had no request since the start but have live bytes.
fn add_live(routes: &mut Vec<RouteTrace>, live: Vec<(String, u64, f64)>) {
    for route in &mut *routes {
        route.live = Some(0);
    }
    let mut places: HashMap<String, usize> =
        routes.iter().enumerate().map(|(place, route)| (route.route.clone(), place)).collect();
    for (name, bytes, stderr) in live {
        let is_beyond = !places.contains_key(&name) && routes.len() >= OTHER_ROUTES as usize;
        let name = if is_beyond { OTHER.to_owned() } else { name };
        let place = *places.entry(name).or_insert_with_key(|name| {
            let mut route = RouteTrace::default();
            route.route = name.clone();
            routes.push(route);
            routes.len() - 1
        });
        if let Some(route) = routes.get_mut(place) {
            route.live = Some(route.live.unwrap_or(0).saturating_add(bytes));
            route.live_stderr = Some(stderr.hypot(route.live_stderr.unwrap_or(0.0)));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn route(name: &str) -> RouteTrace {
        let mut route = RouteTrace::default();
        route.route = name.to_owned();
        route
    }

    fn live(name: &str, bytes: u64, stderr: f64) -> (String, u64, f64) {
        (name.to_owned(), bytes, stderr)
    }

    #[test]
    fn live_bytes_stand_beside_the_requests_of_their_route() {
        let mut routes = vec![route("GET /a"), route("GET /b")];
        add_live(&mut routes, vec![live("(no route)", 7, 2.0), live("GET /b", 9, 3.0)]);
        let rows: Vec<_> =
            routes.iter().map(|route| (&*route.route, route.live.unwrap(), route.live_stderr)).collect();
        assert_eq!(rows, [("GET /a", 0, None), ("GET /b", 9, Some(3.0)), ("(no route)", 7, Some(2.0))]);
    }

    #[test]
    fn routes_beyond_the_limit_share_a_row() {
        let mut routes = vec![route("GET /a"); OTHER_ROUTES as usize];
        add_live(&mut routes, vec![live("GET /b", 1, 3.0), live("GET /c", 2, 4.0), live("GET /a", 8, 0.0)]);
        let row = routes.iter().find(|route| route.route == OTHER).unwrap();
        assert_eq!((row.live, row.live_stderr), (Some(3), Some(5.0)));
        assert_eq!(routes.len(), OTHER_ROUTES as usize + 1);
    }
}
