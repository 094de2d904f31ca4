use std::collections::BTreeMap;

use proptest::prelude::*;

use super::*;
use crate::sample::profile;

/// A rate at which a sample of small objects stands for half a megabyte.
const RATE: u64 = 524_288;

fn options(nodes: usize) -> TreeOptions {
    TreeOptions { nodes, ..TreeOptions::default() }
}

fn short(function: &str) -> &str {
    function.strip_prefix("code without symbols in ").unwrap_or(function)
}

/// The nodes as an indented list: `main 3`.
fn outline(tree: &CallTree<'_>) -> Vec<String> {
    let mut depths: Vec<usize> = Vec::new();
    let line = |node: &CallNode<'_>| {
        let depth = node.parent.map_or(0, |parent| depths[parent] + 1);
        depths.push(depth);
        let name = match node.label {
            CallLabel::Root => "all".to_owned(),
            CallLabel::Function(frame) => short(frame.function).to_owned(),
            CallLabel::Type(name) => format!("[{}]", name.unwrap_or("unattributed")),
            CallLabel::Smaller(count) => format!("({count} smaller)"),
        };
        format!("{}{name} {}", " ".repeat(depth), node.live.bytes)
    };
    tree.nodes.iter().map(line).collect()
}

#[test]
fn functions_of_all_stacks_are_one_tree() {
    let profile = profile(
        1,
        &[
            (&["push", "read", "main"], 2, 200),
            (&["insert", "read", "main"], 1, 50),
            (&["read", "main"], 1, 7),
        ],
    );
    let tree = CallTree::of(None, &profile, &options(100));
    assert_eq!(outline(&tree), ["all 257", " main 257", "  read 257", "   insert 50", "   push 200"]);
    let types = TreeOptions { shows_types: true, ..options(100) };
    assert_eq!(
        outline(&CallTree::of(None, &profile, &types)),
        [
            "all 257",
            " main 257",
            "  read 257",
            "   insert 50",
            "    [unattributed] 50",
            "   push 200",
            "    [unattributed] 200",
            "   [unattributed] 7"
        ]
    );
}

#[test]
fn the_smallest_nodes_become_one_node_of_their_parent() {
    let profile = profile(
        1,
        &[
            (&["big", "read", "main"], 1, 900),
            (&["x", "read", "main"], 1, 30),
            (&["inner", "y", "read", "main"], 1, 20),
            (&["thread"], 1, 40),
        ],
    );
    let tree = CallTree::of(None, &profile, &options(6));
    assert_eq!(
        outline(&tree),
        ["all 990", " main 950", "  read 950", "   big 900", "   (3 smaller) 50", " thread 40"]
    );
    assert_eq!(tree.pruned, Pruned { nodes: 3, bytes: 50 });
    assert_eq!(CallTree::of(None, &profile, &options(8)).pruned, Pruned::default());
}

#[test]
fn only_selected_stacks_count() {
    let profile = profile(1, &[(&["a", "main"], 1, 5), (&["b", "main"], 1, 3)]);
    let mut focused = options(100);
    focused.selection.focus = Some("in b".to_owned());
    assert_eq!(outline(&CallTree::of(None, &profile, &focused)), ["all 3", " main 3", "  b 3"]);
}

#[test]
fn a_node_with_several_lines_has_no_line() {
    let profile = profile(1, &[(&["read"], 1, 1)]);
    let tree = CallTree::of(None, &profile, &options(9));
    let CallLabel::Function(read) = tree.nodes[1].label else { panic!("{tree:?}") };
    let frame = |line| {
        let mut frame = read;
        frame.line = line;
        frame
    };
    let mut growing =
        Growing { nodes: vec![(CallNode::new(None, CallLabel::Root), Sums::default())], smaller: vec![None] };
    let node = growing.add(0, Step::Function(frame(7)), true);
    growing.meet(node, Step::Function(frame(7)));
    assert_eq!(growing.nodes[node].0.label, CallLabel::Function(frame(7)));
    growing.meet(node, Step::Function(frame(9)));
    assert_eq!(growing.nodes[node].0.label, CallLabel::Function(frame(0)));
}

#[test]
fn only_changes_beyond_noise_are_significant() {
    // Objects of 64 bytes, each of which stands for 8,192.
    let sampled = |functions, objects| (functions, objects, 64 * objects);
    let still: &[&str] = &["cache", "main"];
    let base = profile(
        RATE,
        &[
            sampled(still, 10_000),
            sampled(&["leak", "main"], 1),
            sampled(&["noise", "main"], 100),
            sampled(&["gone", "main"], 90),
        ],
    );
    let now = profile(
        RATE,
        &[sampled(still, 10_000), sampled(&["leak", "main"], 90), sampled(&["noise", "main"], 105)],
    );
    let tree = CallTree::of(Some(&base), &now, &options(100));
    let changes: BTreeMap<_, _> = tree
        .nodes
        .iter()
        .filter_map(|node| match (node.label, node.change) {
            (CallLabel::Function(frame), Some(change)) => {
                let samples = change.before.bytes as f64 / RATE as f64;
                Some((short(frame.function), (samples.round() as u64, change.is_significant)))
            }
            _ => None,
        })
        .collect();
    assert_eq!(
        changes.into_iter().collect::<Vec<_>>(),
        [
            ("cache", (10_001, false)),
            ("gone", (90, true)),
            ("leak", (1, true)),
            ("main", (10_192, false)),
            ("noise", (100, false))
        ]
    );
    assert_eq!(tree.threshold, Some(significant_stderrs(tree.nodes.len())));
    assert!(CallTree::of(None, &now, &options(100)).nodes.iter().all(|node| node.change.is_none()));
}

/// A small random profile.
fn any_profile() -> impl Strategy<Value = SymbolizedProfile> {
    let function = prop::sample::select(vec!["a", "b", "c", "d", "e"]);
    let stack = (prop::collection::vec(function, 1..6), 1..1000_u64, 1..1_000_000_u64);
    prop::collection::vec(stack, 0..20).prop_map(|stacks| {
        let mut sums: BTreeMap<Vec<&str>, (u64, u64)> = BTreeMap::new();
        for (functions, objects, bytes) in stacks {
            let sum = sums.entry(functions).or_default();
            *sum = (sum.0 + objects, sum.1 + bytes);
        }
        let stacks: Vec<_> =
            sums.iter().map(|(functions, (objects, bytes))| (&functions[..], *objects, *bytes)).collect();
        profile(RATE, &stacks)
    })
}

proptest! {
    #[test]
    fn a_tree_of_any_size_has_all_memory(
        base in any_profile(),
        now in any_profile(),
        nodes in 2_usize..40,
        shows_types: bool,
    ) {
        let options = TreeOptions { shows_types, ..options(nodes) };
        for (tree, earlier) in [
            (CallTree::of(None, &now, &options), Amount::default()),
            (CallTree::of(Some(&base), &now, &options), base.total()),
        ] {
            prop_assert!(tree.nodes.len() <= nodes);
            prop_assert_eq!(tree.nodes[0].live, now.total());
            let before = |node: &CallNode<'_>| node.change.map_or(Amount::default(), |change| change.before);
            prop_assert_eq!(before(&tree.nodes[0]), earlier);
            let mut below = vec![Amount::default(); tree.nodes.len()];
            for (at, node) in tree.nodes.iter().enumerate().skip(1) {
                prop_assert!(node.parent.is_some_and(|parent| parent < at));
                below[node.parent.unwrap()] += node.live;
            }
            for (node, below) in tree.nodes.iter().zip(below) {
                prop_assert!(node.live.bytes >= below.bytes && node.live.objects >= below.objects);
            }
        }
    }

    /// The nodes of a profile and itself have changed by nothing.
    #[test]
    fn nothing_changes_between_a_profile_and_itself(profile in any_profile()) {
        let tree = CallTree::of(Some(&profile), &profile, &options(1000));
        for node in &tree.nodes {
            let change = node.change.unwrap();
            prop_assert_eq!(change, NodeChange { before: node.live, ..NodeChange::default() });
        }
    }
}
