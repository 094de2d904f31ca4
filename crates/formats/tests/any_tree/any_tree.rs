//! Random trees.

use memory_debug_formats::{CallKind, CallNode, CallTree, Event, Unit};
use proptest::prelude::*;

/// Trees with names of all kinds. Numbers of one event are of one unit.
pub(crate) fn any_tree(unit: Unit, event: &'static str, low: i64) -> impl Strategy<Value = CallTree> {
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
