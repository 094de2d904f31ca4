//! The chains of a report as one graph with a bounded number of nodes.

use std::collections::HashMap;

use memory_debug_report::units::short_name;

use crate::holders_report::{HolderChain, HolderLink, HoldersReport, UnreachableMemory};

/// What a node stands for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum GraphKind {
    /// A root: a static, a thread-local, a stack.
    Root,
    /// The place of memory to which no pointer was found.
    Unreachable,
    /// A type, which holds others, is held, or both.
    Type,
    /// All chains that found no room.
    More,
}

/// A node.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct GraphNode {
    /// What it stands for.
    pub kind: GraphKind,
    /// Its printable name. It is short enough for a line of text, but not for a box.
    pub name: String,
    /// Bytes that are held through it, or in it: the sum of its chains.
    pub bytes: u64,
    /// Its distance from a root, in holders. Edges that close a circle do not count.
    pub layer: usize,
}

/// An edge, from a holder to what it holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct GraphEdge {
    /// The place of the holder among the nodes.
    pub from: usize,
    /// The place of the held node.
    pub to: usize,
    /// Bytes that are held through it.
    pub bytes: u64,
}

/// Who holds what, as a graph. Equal names are one node.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct HolderGraph {
    /// The nodes. The first ones come from the chains with the most bytes.
    pub nodes: Vec<GraphNode>,
    /// The edges, without duplicates.
    pub edges: Vec<GraphEdge>,
}

/// A path from a root down to a type.
struct Path {
    steps: Vec<(GraphKind, String)>,
    bytes: u64,
    /// Whether an edge leads from the last step back to the second.
    is_cycle: bool,
}

impl HolderGraph {
    /// The graph of a report with at most `most` nodes. The chains with the most bytes come first; all chains that find no
    /// room are one node, `7 more chains`.
    #[must_use]
    pub fn of(report: &HoldersReport, most: usize) -> Self {
        let mut paths: Vec<Path> = Vec::new();
        for held in &report.types {
            paths.extend(held.chains.iter().map(|chain| Path::of_chain(&held.type_name, chain)));
            paths.extend(held.unreachable.iter().map(|memory| Path::of_unreachable(&held.type_name, memory)));
        }
        // The sort is stable, so equal reports give equal graphs.
        paths.sort_by_key(|path| std::cmp::Reverse(path.bytes));
        let mut graph = Self::default();
        let mut places = HashMap::new();
        let (mut omitted, mut omitted_bytes) =
            (report.types.iter().map(|held| held.omitted_chains).sum::<u64>(), 0_u64);
        for path in paths {
            let new = path.steps.iter().filter(|step| !places.contains_key(*step)).count();
            // One place is kept for the chains that find no room.
            if graph.nodes.len() + new < most {
                graph.add(path, &mut places);
            } else {
                omitted += 1;
                omitted_bytes = omitted_bytes.saturating_add(path.bytes);
            }
        }
        graph.set_layers();
        if omitted > 0 {
            let name = format!("{omitted} more {}", if omitted == 1 { "chain" } else { "chains" });
            graph.nodes.push(GraphNode { kind: GraphKind::More, name, bytes: omitted_bytes, layer: 0 });
        }
        graph
    }

    fn add(&mut self, path: Path, places: &mut HashMap<(GraphKind, String), usize>) {
        let mut passed = Vec::with_capacity(path.steps.len());
        for step in path.steps {
            let next = self.nodes.len();
            let place = *places.entry(step).or_insert_with_key(|(kind, name)| {
                self.nodes.push(GraphNode { kind: *kind, name: name.clone(), bytes: 0, layer: 0 });
                next
            });
            if let Some(before) = passed.last() {
                self.connect(*before, place, path.bytes);
            }
            if !passed.contains(&place) {
                self.nodes[place].bytes = self.nodes[place].bytes.saturating_add(path.bytes);
            }
            passed.push(place);
        }
        if let (true, [_, first, ..], Some(last)) = (path.is_cycle, &*passed, passed.last()) {
            self.connect(*last, *first, path.bytes);
        }
    }

    fn connect(&mut self, from: usize, to: usize, bytes: u64) {
        match self.edges.iter_mut().find(|edge| (edge.from, edge.to) == (from, to)) {
            Some(edge) => edge.bytes = edge.bytes.saturating_add(bytes),
            None => self.edges.push(GraphEdge { from, to, bytes }),
        }
    }

    /// Sets each node's layer to the length of the longest path to it. Edges that close a circle are left out.
    fn set_layers(&mut self) {
        let forward = self.forward_edges();
        // A path without circles has fewer edges than there are nodes.
        for _ in 0..self.nodes.len() {
            for edge in &forward {
                self.nodes[edge.to].layer = self.nodes[edge.to].layer.max(self.nodes[edge.from].layer + 1);
            }
        }
    }

    /// The edges that close no circle, found by a walk from each node that visits each node once.
    fn forward_edges(&self) -> Vec<GraphEdge> {
        #[derive(Clone, Copy, PartialEq)]
        enum Visit {
            New,
            Open,
            Done,
        }
        let mut visits = vec![Visit::New; self.nodes.len()];
        let mut forward = Vec::new();
        for begin in 0..self.nodes.len() {
            if visits[begin] != Visit::New {
                continue;
            }
            visits[begin] = Visit::Open;
            let mut open = vec![(begin, 0)];
            while let Some((at, next)) = open.last_mut() {
                let from = *at;
                let mut edges = self.edges.iter().filter(|edge| edge.from == from).skip(*next);
                *next += 1;
                let Some(edge) = edges.next() else {
                    visits[from] = Visit::Done;
                    open.pop();
                    continue;
                };
                match visits[edge.to] {
                    Visit::Open => {}
                    Visit::Done => forward.push(*edge),
                    Visit::New => {
                        forward.push(*edge);
                        visits[edge.to] = Visit::Open;
                        open.push((edge.to, 0));
                    }
                }
            }
        }
        forward
    }
}

impl Path {
    fn of_chain(type_name: &str, chain: &HolderChain) -> Self {
        let mut steps = vec![(GraphKind::Root, chain.root.to_string())];
        steps.extend(chain.links.iter().rev().map(|link| (GraphKind::Type, of_link(link))));
        steps.push((GraphKind::Type, short_name(type_name)));
        Self { steps, bytes: chain.bytes, is_cycle: false }
    }

    fn of_unreachable(type_name: &str, memory: &UnreachableMemory) -> Self {
        let mut steps = vec![(GraphKind::Unreachable, "no pointer found".to_owned())];
        steps.push((GraphKind::Type, short_name(type_name)));
        let others = memory.cycle.iter().filter(|name| *name != type_name);
        steps.extend(others.map(|name| (GraphKind::Type, short_name(name))));
        Self { steps, bytes: memory.bytes, is_cycle: !memory.cycle.is_empty() }
    }
}

/// The name of a holder. A type is one node, whether it was inferred or not.
fn of_link(link: &HolderLink) -> String {
    HolderLink { inferred: false, repeated: false, ..link.clone() }.to_string()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sample;

    fn graph(most: usize) -> HolderGraph {
        HolderGraph::of(&sample::report(), most)
    }

    /// The edges by name.
    fn edges(graph: &HolderGraph) -> Vec<String> {
        let name = |at: usize| &*graph.nodes[at].name;
        graph.edges.iter().map(|edge| format!("{} > {}", name(edge.from), name(edge.to))).collect()
    }

    #[test]
    fn chains_lead_from_roots_to_types_and_equal_names_are_one_node() {
        let graph = graph(100);
        assert_eq!(
            edges(&graph),
            [
                "static shop::SESSIONS > HashMap<u64, Arc<Session>>",
                "HashMap<u64, Arc<Session>> > Session",
                "Session > String",
                "no pointer found > shop::Node",
                "shop::Node > Vec<Arc<Node>>",
                "Vec<Arc<Node>> > shop::Node",
                "thread-local shop::CACHE (also static shop::INDEX) > [640 bytes]",
                "[640 bytes] > Node",
                "Node > String",
                "no pointer found > Vec<u8>",
                "stack of thread worker-3 > Vec<String>",
                "Vec<String> > String",
            ]
        );
        let string = graph.nodes.iter().find(|node| node.name == "String").unwrap();
        assert_eq!((string.bytes, string.layer), (24_536_678 + (5 << 20), 3));
        // Two chains were left out of the report.
        assert_eq!(graph.nodes.last().unwrap().name, "2 more chains");
    }

    #[test]
    fn the_number_of_nodes_is_bounded_and_the_rest_is_one_node() {
        for most in 0..20 {
            let graph = graph(most);
            assert!(graph.nodes.len() <= most.max(1), "{most}: {graph:?}");
            let all = graph.nodes.iter().filter(|node| node.kind == GraphKind::More).count();
            assert_eq!(all, 1, "{most}");
        }
        let last = graph(5).nodes.pop().unwrap();
        assert_eq!((&*last.name, last.bytes), ("6 more chains", (8 + 4 + 2 + 1) << 20));
    }

    #[test]
    fn layers_grow_along_edges_and_a_circle_ends() {
        let graph = graph(100);
        let is_back = |edge: &&GraphEdge| graph.nodes[edge.to].layer <= graph.nodes[edge.from].layer;
        let back: Vec<_> = graph.edges.iter().filter(is_back).collect();
        assert_eq!(back.len(), 1, "only the cycle of nodes leads back: {back:?}");
        let mut report = sample::report();
        report.types[1].unreachable.as_mut().unwrap().cycle = vec!["shop::Node".into()];
        let own = HolderGraph::of(&report, 100);
        assert!(edges(&own).contains(&"shop::Node > shop::Node".to_owned()), "{own:?}");
    }

    #[test]
    fn a_report_without_chains_has_no_nodes() {
        let mut report = sample::report();
        report.types.clear();
        assert_eq!(HolderGraph::of(&report, 10), HolderGraph::default());
    }
}
