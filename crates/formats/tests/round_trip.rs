//! Random trees, written and read again: nothing is lost but what the format does not hold.

use memory_debug_formats::{CallKind, CallNode, CallTree, Event, TreeFormat, Unit};
use proptest::prelude::*;

/// Trees with names of all kinds. Numbers of one event are of one unit.
fn any_tree(unit: Unit, event: &'static str, low: i64) -> impl Strategy<Value = CallTree> {
    let name = prop_oneof!["[a-z]{1,3}", ".{0,6}", Just("a;b".to_owned()), Just("(1) x'2".to_owned())];
    let file = proptest::option::of(prop_oneof![Just("src/a.rs".to_owned()), ".{0,4}"]);
    let number = prop_oneof![Just(0), low..5_000_i64, low..1 << 33];
    let node = (any::<u32>(), any::<bool>(), name, file, proptest::option::of(0..9_u32), 0..3_u64, number);
    proptest::collection::vec(node, 0..24).prop_map(move |nodes| {
        let mut tree = CallTree {
            title: "a\nb".into(),
            events: vec![Event::new(event, "random", unit), Event::new("Calls", "random", Unit::Count)],
            nodes: Vec::new(),
        };
        for (parent, is_type, name, file, line, calls, number) in nodes {
            // One in four is a root.
            let count = tree.nodes.len();
            let parent = (count > 0 && parent % 4 > 0).then(|| parent as usize % count);
            let kind = if is_type { CallKind::Type } else { CallKind::Function };
            let own = vec![number * 1_000, calls as i64];
            let (name, file) = (name.into(), file.map(Into::into));
            tree.nodes.push(CallNode { parent, kind, name, file, line, calls, own, inclusive: Vec::new() });
        }
        tree.sum_up();
        tree
    })
}

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
        if !tree.nodes.is_empty() && !(*format == TreeFormat::Collapsed && file.is_empty()) {
            assert_eq!(TreeFormat::of_content(&file), Some(*format), "{}", String::from_utf8_lossy(&file));
        }
        let read = format.read(&file).unwrap();
        assert_eq!(read.totals()[0], tree.totals()[0], "{}", format.name());
        assert_eq!(lines(&read), lines(tree), "{}", format.name());
    }
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
