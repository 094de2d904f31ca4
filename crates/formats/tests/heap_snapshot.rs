//! The rules of heap snapshots whose violation DevTools do not report: they read wrong numbers.

#![allow(clippy::unwrap_used, reason = "the functions here are parts of tests")]

#[path = "../examples/write_all/trees.rs"]
mod trees;

use std::collections::BTreeMap;

use memory_debug_formats::{CallTree, HeapGraph, HeapKind, TreeFormat};
use serde_json::Value;

/// The number of a node's fields.
const FIELDS: usize = 7;

struct Snapshot(Value);

impl Snapshot {
    fn of(tree: &CallTree, format: TreeFormat) -> Self {
        let mut out = Vec::new();
        format.write(tree, &mut out).unwrap();
        let text = String::from_utf8(out).unwrap();
        let order =
            ["\"snapshot\":", "\"nodes\":", "\"edges\":", "\"trace_function_infos\":", "\"trace_tree\":"];
        let order = [&order[..], &["\"samples\":", "\"locations\":", "\"strings\":"]].concat();
        let places: Vec<_> = order.iter().map(|name| text.find(name).unwrap()).collect();
        assert!(places.is_sorted(), "readers scan forward");
        Self(serde_json::from_str(&text).unwrap())
    }

    fn numbers(&self, name: &str) -> Vec<usize> {
        let list = self.0[name].as_array().unwrap();
        list.iter().map(|number| number.as_u64().unwrap() as usize).collect()
    }

    fn count(&self, name: &str) -> usize {
        self.0["snapshot"][name].as_u64().unwrap() as usize
    }

    fn string(&self, place: usize) -> &str {
        self.0["strings"][place].as_str().unwrap()
    }

    /// Checks what every snapshot must hold. Returns the bytes by class.
    fn check(&self) -> BTreeMap<String, usize> {
        let (nodes, edges) = (self.numbers("nodes"), self.numbers("edges"));
        let count = nodes.len() / FIELDS;
        assert_eq!((nodes.len() % FIELDS, count), (0, self.count("node_count")));
        assert_eq!(edges.len(), 3 * self.count("edge_count"));
        assert_eq!(self.numbers("trace_function_infos").len(), 6 * self.count("trace_function_count"));
        let node = |at: usize| &nodes[at * FIELDS..(at + 1) * FIELDS];
        assert_eq!((0..count).map(|at| node(at)[4]).sum::<usize>(), self.count("edge_count"));
        // Node 0 is the root, and all nodes can be reached from it.
        assert!(self.string(node(0)[1]).contains("edges are allocation sites, not references"));
        let first_edge: Vec<_> = (0..count)
            .scan(0, |edges, at| {
                *edges += node(at)[4];
                Some(*edges - node(at)[4])
            })
            .collect();
        let (mut open, mut is_reached) = (vec![0], vec![false; count]);
        while let Some(at) = open.pop() {
            assert!(!std::mem::replace(&mut is_reached[at], true), "a tree has one way to each node");
            for edge in first_edge[at]..first_edge[at] + node(at)[4] {
                assert_eq!(edges[edge * 3 + 2] % FIELDS, 0);
                open.push(edges[edge * 3 + 2] / FIELDS);
            }
        }
        assert!(!is_reached.contains(&false));
        let ids: Vec<_> = (0..count).map(|at| node(at)[2]).collect();
        assert!(ids.is_sorted() && ids.iter().all(|id| *id <= u32::MAX as usize));
        assert_eq!(ids.iter().filter(|id| **id % 2 == 0).count(), 1, "only the note is not in the time line");
        let mut classes = BTreeMap::new();
        for at in 0..count {
            assert!(node(at)[3] <= u32::MAX as usize);
            *classes.entry(self.string(node(at)[1]).to_owned()).or_default() += node(at)[3];
        }
        let traces = self.traces();
        assert!((0..count).all(|at| node(at)[5] == 0 || traces.contains_key(&node(at)[5])));
        classes
    }

    /// The objects and bytes of each trace.
    fn traces(&self) -> BTreeMap<usize, (usize, usize)> {
        let mut traces = BTreeMap::new();
        let mut open = vec![self.0["trace_tree"].as_array().unwrap()];
        while let Some(siblings) = open.pop() {
            for fields in siblings.chunks(5) {
                let number = |field: usize| fields[field].as_u64().unwrap() as usize;
                assert!(number(1) < self.count("trace_function_count"));
                assert_eq!(traces.insert(number(0), (number(2), number(3))), None);
                open.push(fields[4].as_array().unwrap());
            }
        }
        traces
    }
}

fn tree(name: &str) -> CallTree {
    trees::all().into_iter().find(|(known, _)| *known == name).unwrap().1
}

#[test]
fn numbers_are_the_numbers_of_the_tree() {
    for name in ["heap", "large"] {
        let tree = tree(name);
        for format in [TreeFormat::HeapSnapshot, TreeFormat::HeapTimeline] {
            let snapshot = Snapshot::of(&tree, format);
            let classes = snapshot.check();
            let [bytes, objects] = tree.totals().try_into().unwrap();
            assert_eq!(classes.values().sum::<usize>() as i64, bytes);
            assert_eq!(classes["Vec<u8>"], 3_000 + 7_777);
            let traces = snapshot.traces();
            let sums = traces.values().fold((0, 0), |sum, trace| (sum.0 + trace.0, sum.1 + trace.1));
            assert_eq!((sums.0 as i64, sums.1 as i64), (objects, bytes));
        }
    }
}

#[test]
fn stacks_have_objects_if_they_have_bytes() {
    let tree = tree("heap").with_events(&["Bytes"]).unwrap();
    let traces = Snapshot::of(&tree, TreeFormat::HeapSnapshot).traces();
    let with_bytes: Vec<_> = traces.values().filter(|(_, bytes)| *bytes > 0).collect();
    assert!(with_bytes.len() > 2 && with_bytes.iter().all(|(objects, _)| *objects > 0), "{traces:?}");
}

#[test]
fn nodes_above_32_bits_are_split() {
    let graph = HeapGraph::of_tree(&tree("large")).unwrap();
    let parts =
        graph.nodes.iter().filter(|node| node.kind == HeapKind::Object && node.name.starts_with("HashMap"));
    let parts: Vec<_> = parts.map(|node| node.bytes).collect();
    assert_eq!(parts, [u32::MAX, u32::MAX, (10_u64 << 30).wrapping_sub(2 * u64::from(u32::MAX)) as u32]);
}

#[test]
fn a_node_has_another_number_only_if_it_changed() {
    let ids = |tree: &CallTree| -> BTreeMap<_, _> {
        let graph = HeapGraph::of_tree(tree).unwrap();
        let key = |node: &memory_debug_formats::HeapNode| {
            (node.name.clone(), node.file.clone(), node.line, node.trace)
        };
        graph.nodes.iter().map(|node| (key(node), node.id)).collect()
    };
    let before = tree("heap");
    let mut after = before.clone();
    let changed = after.nodes.iter_mut().find(|node| node.name.starts_with("HashMap")).unwrap();
    changed.own[0] += 1;
    assert_eq!(ids(&before), ids(&before.clone()));
    let (before, after) = (ids(&before), ids(&after));
    let differ: Vec<_> =
        before.iter().filter(|(key, id)| after[*key] != **id).map(|(key, _)| &*key.0).collect();
    assert_eq!(differ, ["HashMap<String, Vec<u8>>"]);
}

#[test]
fn time_line_has_all_objects_in_its_second_bar() {
    let snapshot = Snapshot::of(&tree("heap"), TreeFormat::HeapTimeline);
    let last = *snapshot.numbers("nodes").chunks(FIELDS).map(|node| &node[2]).max().unwrap();
    assert_eq!(snapshot.numbers("samples"), [0, 1, 1_000_000, last]);
    assert!(Snapshot::of(&tree("heap"), TreeFormat::HeapSnapshot).numbers("samples").is_empty());
}
