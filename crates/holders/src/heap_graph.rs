//! The chains of a report as a heap graph, for Chrome's DevTools and memlab.

use std::collections::{HashMap, HashSet};
use std::sync::Arc;

use memory_debug_formats::__private::{FNV_BEGIN, fnv1a};
use memory_debug_formats::{HeapEdge, HeapGraph, HeapKind, HeapNode};
use memory_debug_report::units::printable;

use crate::holders_report::{HeldType, HolderLink, HoldersReport};

const NOTE: &str = "Equal chains of holders are one path. A type has the bytes of its chain; a holder has the bytes of the \
                    chains that end at it, and none of its own otherwise. Numbers are estimates from samples.";

/// The name of every edge.
const HOLDS: &str = "holds";

/// The most nodes that one node is split into, because readers take 32 bits. They hold 16 TiB.
const MOST_PARTS: u64 = 1 << 12;

impl HoldersReport {
    /// The graph whose edges lead from roots over holders to what they hold, so that a retained size is what a holder keeps
    /// alive. It has at most `most` chains, the ones with the most bytes.
    ///
    /// Memory without a known holder, and memory that nothing points to, hang below nodes that say so.
    #[must_use]
    pub fn heap_graph(&self, most: usize) -> HeapGraph {
        let mut paths: Vec<(Vec<String>, u64)> = self.types.iter().flat_map(paths).collect();
        // The sort is stable, so equal reports give equal graphs.
        paths.sort_by_key(|(_, bytes)| std::cmp::Reverse(*bytes));
        let rest = paths.split_off(most.min(paths.len()));
        let left_out = rest.iter().fold(0_u64, |sum, (_, bytes)| sum.saturating_add(*bytes));
        if left_out > 0 {
            paths.push((vec![format!("({} smaller chains)", rest.len())], left_out));
        }
        let mut builder = Builder::default();
        builder.graph.meaning =
            format!("(root: edges are holders, found by a scan at {})", printable(&self.scanned_at));
        NOTE.clone_into(&mut builder.graph.note);
        for (path, bytes) in &paths {
            builder.add(path, *bytes);
        }
        builder.finish()
    }
}

/// The paths of a type from the roots, each with its bytes.
fn paths(held: &HeldType) -> Vec<(Vec<String>, u64)> {
    let name = || held.type_name.clone();
    let mut paths: Vec<_> = held
        .chains
        .iter()
        .map(|chain| {
            let links = chain.links.iter().rev().map(HolderLink::to_string);
            ([chain.root.to_string()].into_iter().chain(links).chain([name()]).collect(), chain.bytes)
        })
        .collect();
    paths.extend(
        held.unreachable.as_ref().map(|memory| (vec!["(no pointer found)".to_owned(), name()], memory.bytes)),
    );
    if held.unknown_bytes > 0 {
        paths.push((vec!["(holder not known)".to_owned(), name()], held.unknown_bytes));
    }
    paths
}

#[derive(Default)]
struct Builder {
    graph: HeapGraph,
    /// The nodes by their holder and their name.
    places: HashMap<(Option<usize>, String), usize>,
    /// The holder of each node, and its bytes.
    numbers: Vec<(Option<usize>, u64)>,
}

impl Builder {
    fn add(&mut self, path: &[String], bytes: u64) {
        let mut at = None;
        for name in path {
            let next = self.numbers.len();
            let place = *self.places.entry((at, name.clone())).or_insert(next);
            if place == next {
                self.numbers.push((at, 0));
                self.push(at, name.as_str().into());
            }
            at = Some(place);
        }
        if let Some(last) = at {
            self.numbers[last].1 = self.numbers[last].1.saturating_add(bytes);
        }
    }

    fn push(&mut self, from: Option<usize>, name: Arc<str>) {
        let to = self.graph.nodes.len();
        self.graph.nodes.push(HeapNode {
            kind: HeapKind::Object,
            name,
            bytes: 0,
            id: 0,
            trace: None,
            file: None,
            line: None,
        });
        self.graph.edges.push(HeapEdge { from, to, name: HOLDS.into() });
    }

    /// Sets the sizes, and the numbers by which readers compare two heaps.
    fn finish(mut self) -> HeapGraph {
        let mut hashes: Vec<u64> = Vec::with_capacity(self.numbers.len());
        let mut ids = HashSet::new();
        for (at, (holder, bytes)) in std::mem::take(&mut self.numbers).into_iter().enumerate() {
            let name = Arc::clone(&self.graph.nodes[at].name);
            let before = holder.map_or(FNV_BEGIN, |holder| hashes[holder]);
            // No name contains the byte 0xff.
            let path = [name.as_bytes(), b"\xff"].into_iter().fold(before, fnv1a);
            hashes.push(path);
            let mut state = fnv1a(path, &bytes.to_le_bytes());
            let first = u32::try_from(bytes).unwrap_or(u32::MAX);
            (self.graph.nodes[at].bytes, self.graph.nodes[at].id) = (first, id(&mut ids, state));
            let mut left = (bytes - u64::from(first)).min(MOST_PARTS * u64::from(u32::MAX));
            while left > 0 {
                let part = u32::try_from(left).unwrap_or(u32::MAX);
                left -= u64::from(part);
                state = fnv1a(state, b"part");
                self.push(holder, Arc::clone(&name));
                if let Some(node) = self.graph.nodes.last_mut() {
                    (node.bytes, node.id) = (part, id(&mut ids, state));
                }
            }
        }
        self.graph
    }
}

/// An odd number above 1 that follows from `state`. If another node has it already, the next free one.
fn id(ids: &mut HashSet<u32>, state: u64) -> u32 {
    let mut id = (state >> 32) as u32 | 1;
    while id == 1 || !ids.insert(id) {
        id = id.wrapping_add(2);
    }
    id
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sample;

    /// The path of each node that has bytes.
    fn sized(graph: &HeapGraph) -> Vec<(String, u32)> {
        let holder = |to: usize| graph.edges.iter().find(|edge| edge.to == to).unwrap().from;
        let path = |at: usize| {
            let holders = std::iter::successors(Some(at), |at| holder(*at));
            let mut names: Vec<_> = holders.map(|at| &*graph.nodes[at].name).collect();
            names.reverse();
            names.join(" > ")
        };
        let sized = (0..graph.nodes.len()).filter(|at| graph.nodes[*at].bytes > 0);
        sized.map(|at| (path(at), graph.nodes[at].bytes)).collect()
    }

    #[test]
    fn bytes_hang_below_their_holders() {
        assert_eq!(
            sized(&sample::report().heap_graph(100)),
            [
                ("static shop::SESSIONS > HashMap<u64, Arc<Session>> > Session > String".to_owned(), 24_536_678),
                ("(no pointer found) > shop::Node".into(), 8 << 20),
                (
                    "thread-local shop::CACHE (also static shop::INDEX) > [640 bytes] > list of Node > String".into(),
                    4 << 20
                ),
                ("(no pointer found) > Vec<u8>".into(), 2 << 20),
                ("stack of thread worker-3 > ≈ Vec<String> > String".into(), 1 << 20),
                ("(holder not known) > String".into(), 1 << 20),
            ]
        );
    }

    #[test]
    fn chains_beyond_the_maximum_are_one_node() {
        let graph = sample::report().heap_graph(1);
        assert_eq!(sized(&graph)[1], ("(5 smaller chains)".to_owned(), 16 << 20));
    }

    #[test]
    fn a_node_keeps_its_number_while_it_does_not_change() {
        let number = |report: &HoldersReport, name: &str| {
            let graph = report.heap_graph(100);
            let ids: HashSet<u32> = graph.nodes.iter().map(|node| node.id).collect();
            assert_eq!(ids.len(), graph.nodes.len());
            assert!(ids.iter().all(|id| id % 2 == 1 && *id > 1));
            graph.nodes.iter().find(|node| &*node.name == name).unwrap().id
        };
        let (first, mut later) = (sample::report(), sample::report());
        later.types[1].unreachable.as_mut().unwrap().bytes += 1;
        assert_eq!(number(&first, "Session"), number(&later, "Session"));
        assert_ne!(number(&first, "shop::Node"), number(&later, "shop::Node"));
    }

    #[test]
    fn more_than_4_gib_are_several_nodes() {
        let mut report = sample::report();
        report.types.truncate(2);
        report.types.remove(0);
        report.types[0].unreachable.as_mut().unwrap().bytes = 9 << 30;
        let graph = report.heap_graph(100);
        let bytes: Vec<_> = graph.nodes.iter().map(|node| u64::from(node.bytes)).collect();
        assert_eq!((bytes.len(), bytes.iter().sum::<u64>()), (4, 9 << 30));
        assert!(graph.edges.iter().filter(|edge| edge.from == Some(0)).count() == 3);
    }
}
