//! Random trees in the formats that are not read again: the numbers of all entries add up to the totals of the tree.

#![allow(clippy::unwrap_used, reason = "the functions here are parts of tests")]

#[path = "any_tree/any_tree.rs"]
mod any_tree;

use std::io::Read as _;

use any_tree::any_tree;
use memory_debug_formats::{CallTree, HeapGraph, TreeFormat, Unit};
use proptest::prelude::*;

/// The own numbers of a callgrind file, added up, and what its `summary` and `totals` say.
fn callgrind(text: &str) -> [Vec<i64>; 3] {
    let numbers =
        |line: &str| line.split(' ').skip(1).map(|word| word.parse().unwrap()).collect::<Vec<i64>>();
    let [mut sums, mut summary, mut totals] = [vec![0, 0], Vec::new(), Vec::new()];
    let mut is_call = false;
    for line in text.lines() {
        if line.starts_with("summary:") {
            summary = numbers(line);
        } else if line.starts_with("totals:") {
            totals = numbers(line);
        } else if line.starts_with(|c: char| c.is_ascii_digit()) && !is_call {
            sums.iter_mut().zip(numbers(line)).for_each(|(sum, number)| *sum += number);
        }
        is_call = line.strip_prefix("calls=").is_some_and(|calls| {
            assert!(!calls.starts_with('0'), "callgrind_annotate would count the next line twice");
            true
        });
    }
    [sums, summary, totals]
}

/// A message of profile.proto, as far as sums need it.
#[derive(Clone, PartialEq, prost::Message)]
struct Profile {
    #[prost(message, repeated, tag = "1")]
    sample_type: Vec<ValueType>,
    #[prost(message, repeated, tag = "2")]
    sample: Vec<Sample>,
    #[prost(message, repeated, tag = "4")]
    location: Vec<Location>,
    #[prost(message, repeated, tag = "5")]
    function: Vec<Function>,
    #[prost(string, repeated, tag = "6")]
    string_table: Vec<String>,
    #[prost(int64, tag = "14")]
    default_sample_type: i64,
}

#[derive(Clone, Copy, PartialEq, prost::Message)]
struct ValueType {
    #[prost(int64, tag = "1")]
    name: i64,
    #[prost(int64, tag = "2")]
    unit: i64,
}

#[derive(Clone, PartialEq, prost::Message)]
struct Sample {
    #[prost(uint64, repeated, tag = "1")]
    location_id: Vec<u64>,
    #[prost(int64, repeated, tag = "2")]
    value: Vec<i64>,
}

#[derive(Clone, PartialEq, prost::Message)]
struct Location {
    #[prost(uint64, tag = "1")]
    id: u64,
    #[prost(message, repeated, tag = "4")]
    line: Vec<Line>,
}

#[derive(Clone, Copy, PartialEq, prost::Message)]
struct Line {
    #[prost(uint64, tag = "1")]
    function_id: u64,
}

#[derive(Clone, Copy, PartialEq, prost::Message)]
struct Function {
    #[prost(uint64, tag = "1")]
    id: u64,
    #[prost(int64, tag = "2")]
    name: i64,
}

fn written(format: TreeFormat, tree: &CallTree) -> Vec<u8> {
    let mut out = Vec::new();
    format.write(tree, &mut out).unwrap();
    out
}

/// The lines of collapsed stacks, as a pprof file has them, with equal stacks added up.
fn lines(profile: &Profile) -> Vec<String> {
    let name = |id: &u64| {
        let location = profile.location.iter().find(|location| location.id == *id).unwrap();
        let function = location.line[0].function_id;
        let function = profile.function.iter().find(|known| known.id == function).unwrap();
        profile.string_table[function.name as usize].replace(';', ",")
    };
    let mut sums = std::collections::BTreeMap::<String, i64>::new();
    for sample in &profile.sample {
        // The leaf comes first.
        let stack: Vec<_> = sample.location_id.iter().rev().map(name).collect();
        *sums.entry(stack.join(";")).or_default() += sample.value[0];
    }
    sums.into_iter().filter(|(_, sum)| *sum != 0).map(|(stack, sum)| format!("{stack} {sum}")).collect()
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn callgrind_adds_up(tree in any_tree(Unit::Nanoseconds, "Busy", 0)) {
        let text = String::from_utf8(written(TreeFormat::Callgrind, &tree)).unwrap();
        let ours = tree.totals();
        let expected = vec![ours[0] / 1_000, ours[1]];
        prop_assert_eq!(callgrind(&text), [expected.clone(), expected.clone(), expected]);
        prop_assert_eq!(text.matches("\nfl=").count(), text.matches("\nfn=").count());
    }

    #[test]
    fn pprof_adds_up(tree in any_tree(Unit::Bytes, "Bytes", -5_000)) {
        let mut message = Vec::new();
        flate2::read::GzDecoder::new(&*written(TreeFormat::Pprof, &tree)).read_to_end(&mut message).unwrap();
        let profile = <Profile as prost::Message>::decode(&*message).unwrap();
        prop_assert_eq!(&profile.string_table[0], "");
        let names: Vec<_> = profile.sample_type.iter().map(|kind| &*profile.string_table[kind.name as usize]).collect();
        prop_assert_eq!(names, ["inuse_space", "calls"]);
        prop_assert_eq!(&profile.string_table[profile.default_sample_type as usize], "inuse_space");
        prop_assert!(profile.sample.iter().all(|sample| sample.value.len() == 2));
        for (event, total) in tree.totals().into_iter().enumerate() {
            prop_assert_eq!(profile.sample.iter().map(|sample| sample.value[event]).sum::<i64>(), total);
        }
        let is_negative = tree.nodes.iter().any(|node| node.own[0] < 0 || node.inclusive[0] < 0);
        if !is_negative {
            let text = String::from_utf8(written(TreeFormat::Collapsed, &tree)).unwrap();
            let mut sums = std::collections::BTreeMap::<&str, i64>::new();
            for (stack, number) in text.lines().map(|line| line.rsplit_once(' ').unwrap()) {
                *sums.entry(stack).or_default() += number.parse::<i64>().unwrap();
            }
            let expected: Vec<_> = sums.into_iter().map(|(stack, number)| format!("{stack} {number}")).collect();
            prop_assert_eq!(lines(&profile), expected);
        }
    }

    #[test]
    fn heap_graphs_add_up(tree in any_tree(Unit::Bytes, "Bytes", 0)) {
        let graph = HeapGraph::of_tree(&tree).unwrap();
        prop_assert_eq!(graph.nodes.iter().map(|node| i64::from(node.bytes)).sum::<i64>(), tree.totals()[0]);
        let totals = graph.traces.totals();
        // A type that nothing allocated has no trace.
        let without: i64 = graph.nodes.iter().filter(|node| node.trace.is_none()).map(|node| i64::from(node.bytes)).sum();
        prop_assert_eq!(totals[1] + without, tree.totals()[0]);
        let mut ids: Vec<_> = graph.nodes.iter().map(|node| node.id).collect();
        ids.sort_unstable();
        ids.dedup();
        prop_assert!(ids.len() == graph.nodes.len() && ids.iter().all(|id| id % 2 == 1 && *id > 1));
        // One edge leads to each node, and begins at a node before it.
        prop_assert_eq!(graph.edges.len(), graph.nodes.len());
        prop_assert!(graph.edges.iter().enumerate().all(|(at, edge)| edge.to == at && edge.from < Some(at)));
    }

    #[test]
    fn what_is_summed_is_not_lost(tree in any_tree(Unit::Bytes, "Bytes", 0), count in 0..24_usize) {
        let largest = tree.largest(count);
        prop_assert_eq!(largest.totals(), tree.totals());
        prop_assert!(largest.nodes.len() <= 2 * count + 1);
        prop_assert!(largest.nodes.iter().enumerate().all(|(at, node)| node.parent < Some(at)));
        let roots = |tree: &CallTree| -> i64 {
            tree.nodes.iter().filter(|node| node.parent.is_none()).map(|node| node.inclusive[0]).sum()
        };
        prop_assert_eq!(roots(&largest), roots(&tree));
    }
}
