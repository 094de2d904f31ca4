use super::*;

/// A report of the trace.
fn report(trace: Trace) -> TraceReport {
    TraceReport::new(crate::sample::report().instance, "2026-11-20T12:12:00Z", trace)
}

/// A trace whose nodes have these depths and own busy times.
fn trace(nodes: &[(u64, u64)]) -> Trace {
    let node = |(depth, own_busy_ns): &(u64, u64)| TraceNode {
        depth: *depth,
        name: format!("n{own_busy_ns}"),
        own_busy_ns: *own_busy_ns,
        ..TraceNode::default()
    };
    Trace { nodes: nodes.iter().map(node).collect(), ..Trace::default() }
}

#[test]
fn a_parent_is_the_closest_node_before_it_that_is_less_deep() {
    let trace = trace(&[(0, 1), (1, 2), (2, 3), (1, 4), (0, 5), (1, 6)]);
    assert_eq!(trace.parents(), [None, Some(0), Some(1), Some(0), None, Some(4)]);
}

#[test]
fn the_weight_of_a_node_is_the_sum_of_own_numbers_below_it() {
    let trace = trace(&[(0, 1), (1, 20), (2, 300), (1, u64::MAX), (0, 5)]);
    assert_eq!(trace.weights(TraceEvent::Busy), [u64::MAX, 320, 300, u64::MAX, 5]);
    assert_eq!(trace.weights(TraceEvent::Allocated), [0; 5], "missing bytes count as 0");
}

#[test]
fn the_largest_nodes_are_kept_and_the_rest_is_counted() {
    let mut trace = trace(&[(0, 1), (1, 20), (2, 300), (1, 4), (0, 50)]);
    trace.routes = vec![RouteTrace::default(); 5];
    let once = report(trace).shortened(3, TraceEvent::Busy);
    for shortened in [once.shortened(3, TraceEvent::Busy), once] {
        let trace = shortened.trace.unwrap();
        let names: Vec<_> = trace.nodes.iter().map(|node| &*node.name).collect();
        assert_eq!((names, trace.omitted), (vec!["n1", "n20", "n300"], 2));
        assert_eq!((trace.routes.len(), trace.omitted_routes), (3, 2));
    }
}

/// All trees with this many nodes, as depths in preorder.
fn trees(nodes: usize) -> Vec<Vec<u64>> {
    let Some(fewer) = nodes.checked_sub(1) else { return vec![Vec::new()] };
    let deepened = |tree: Vec<u64>| {
        let deepest = tree.last().map_or(0, |last| last + 1);
        (0..=deepest).map(move |depth| [tree.clone(), vec![depth]].concat()).collect::<Vec<_>>()
    };
    trees(fewer).into_iter().flat_map(deepened).collect()
}

#[test]
fn kept_nodes_are_a_tree() {
    for tree in (0..7).flat_map(trees) {
        for (top, factor) in (1..7).flat_map(|top| [(top, 0), (top, 3), (top, 5)]) {
            let nodes: Vec<_> =
                tree.iter().zip(1..).map(|(depth, place)| (*depth, place * factor % 7)).collect();
            let kept = report(trace(&nodes)).shortened(top, TraceEvent::Busy).trace.unwrap();
            assert_eq!(kept.nodes.len(), top.min(tree.len()), "{nodes:?}");
            assert_eq!(kept.omitted as usize, tree.len() - kept.nodes.len(), "{nodes:?}");
            for (node, parent) in kept.nodes.iter().zip(kept.parents()) {
                let depth = parent.map_or(0, |parent| kept.nodes[parent].depth + 1);
                assert_eq!(depth, node.depth, "{nodes:?} {top}");
            }
        }
    }
}
