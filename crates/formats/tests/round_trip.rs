//! Random trees, written and read again: nothing is lost but what the format does not hold.

#![allow(clippy::unwrap_used, reason = "the functions here are parts of tests")]

#[path = "any_tree/any_tree.rs"]
mod any_tree;

use any_tree::any_tree;
use memory_debug_formats::{CallNode, CallTree, Event, TreeFormat, Unit};
use proptest::prelude::*;

fn written(format: TreeFormat, tree: &CallTree) -> Vec<u8> {
    let mut out = Vec::new();
    format.write(tree, &mut out).unwrap();
    out
}

/// The lines of collapsed stacks, in order and with equal stacks added up.
fn lines(tree: &CallTree) -> Vec<String> {
    let text = String::from_utf8(written(TreeFormat::Collapsed, tree)).unwrap();
    let mut sums = std::collections::BTreeMap::<&str, i64>::new();
    for (stack, number) in text.lines().map(|line| line.rsplit_once(' ').unwrap()) {
        *sums.entry(stack).or_default() += number.parse::<i64>().unwrap();
    }
    sums.into_iter().map(|(stack, number)| format!("{stack} {number}")).collect()
}

fn is_printable(file: &[u8]) -> bool {
    let text = std::str::from_utf8(file).unwrap();
    !text.contains(|c| c != '\n' && memory_debug_formats::is_unprintable(c))
}

/// Checks a tree in every format that can be read.
fn check(tree: &CallTree, formats: &[TreeFormat]) {
    for format in formats {
        let file = written(*format, tree);
        assert!(is_printable(&file), "{}", String::from_utf8_lossy(&file));
        let has_no_lines = *format == TreeFormat::Collapsed && file.is_empty();
        if !tree.nodes.is_empty() && !has_no_lines {
            assert_eq!(TreeFormat::of_content(&file), Some(*format), "{}", String::from_utf8_lossy(&file));
        }
        let read = format.read(&file).unwrap();
        assert_eq!(read.totals()[0], tree.totals()[0], "{}", format.name());
        assert_eq!(lines(&read), lines(tree), "{}", format.name());
    }
}

#[test]
fn cpuprofile_has_hits_to_divide_by() {
    let events = vec![Event::new("Busy", "time inside polls", Unit::Nanoseconds)];
    let tree = CallTree { title: "nothing".into(), events, nodes: Vec::new() };
    let profile: serde_json::Value = serde_json::from_slice(&written(TreeFormat::CpuProfile, &tree)).unwrap();
    assert_eq!(profile["nodes"][0]["hitCount"], 1);
    assert_eq!(profile["endTime"], 0);
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn heaps_are_read_as_they_were_written(tree in any_tree(Unit::Bytes, "Bytes", 0)) {
        check(&tree, &[TreeFormat::HeapProfile, TreeFormat::Speedscope, TreeFormat::Collapsed]);
    }

    #[test]
    fn times_are_read_as_they_were_written(tree in any_tree(Unit::Nanoseconds, "Busy", 0)) {
        check(&tree, &[TreeFormat::CpuProfile, TreeFormat::Speedscope, TreeFormat::Collapsed]);
    }

    #[test]
    fn only_pprof_shows_negative_numbers(tree in any_tree(Unit::Bytes, "Bytes", -5_000)) {
        let is_negative = |node: &CallNode| node.own.iter().chain(&node.inclusive).any(|number| *number < 0);
        let has_negative = tree.nodes.iter().any(is_negative);
        for format in TreeFormat::OF_HEAP {
            let mut out = Vec::new();
            let refused = format.write(&tree, &mut out).is_err();
            prop_assert_eq!(refused, has_negative && *format != TreeFormat::Pprof, "{}", format.name());
            prop_assert!(!refused || out.is_empty(), "{} wrote a part", format.name());
        }
    }
}
