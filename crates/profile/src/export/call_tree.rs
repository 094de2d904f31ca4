//! A heap profile as a call tree, for the formats of `memory-debug-formats`.

use std::sync::Arc;

use memory_debug_formats::{CallKind, CallNode, CallTree, Event, Unit};
use rustc_hash::FxHashMap;

use super::collapsed::Leaf;
use crate::amount::Amount;
use crate::symbolized::{Line, NamedStack, ProfileKind, SymbolizedProfile, SymbolizedStack};

impl SymbolizedProfile {
    /// The profile as a call tree. Inlined functions are nodes, and each line of a function that calls or allocates is
    /// one, too. With [`Leaf::Type`], the types are below the functions that allocated them, at the place of the
    /// service that did so.
    ///
    /// The tree has at most `max_nodes` nodes, and one more for the sum of all stacks that find no room: `(12 smaller)`.
    /// The stacks with the most bytes come first.
    ///
    /// The events are `Bytes` and `Objects`, then `Allocated` and `Allocations` if the profile knows them. For growth,
    /// they are `GrownBytes` and `GrownObjects`.
    pub fn call_tree(&self, title: impl Into<String>, leaf: Leaf, max_nodes: usize) -> CallTree {
        let mut nodes = Nodes { profile: self, leaf, nodes: Vec::new(), places: FxHashMap::default() };
        let (mut smaller, mut rest) = (0_u64, Vec::new());
        for stack in self.stacks_by_bytes() {
            let (stack, own) = (stack.stack, self.numbers(&stack));
            if own.iter().all(|number| *number == 0) {
                continue;
            }
            // With its leaf.
            let depth = self.lines_of(stack).count() + 1;
            if nodes.nodes.len() + depth > max_nodes {
                smaller += 1;
                add(&mut rest, &own);
            } else {
                let at = nodes.of_stack(stack);
                add(&mut nodes.nodes[at].own, &own);
            }
        }
        let mut nodes = nodes.nodes;
        if smaller > 0 {
            let name = format!("({smaller} smaller)").into();
            nodes.push(CallNode { own: rest, ..node(None, CallKind::Function, (name, None, 0)) });
        }
        let mut tree = CallTree { title: title.into(), events: events(self.kind), nodes };
        tree.sum_up();
        tree
    }

    /// The numbers of a stack, in the order of the events.
    fn numbers(&self, stack: &SymbolizedStack<'_>) -> Vec<i64> {
        let mut numbers = vec![stack.live.bytes, stack.live.objects];
        if self.kind == ProfileKind::LiveAndAllocated {
            let samples = stack.parts.iter().flat_map(|part| self.samples_of(part));
            let allocated: Amount = samples.map(|sample| sample.allocated).sum();
            numbers.extend([allocated.bytes, allocated.objects]);
        }
        numbers
    }
}

/// The nodes of a tree, while it is built.
struct Nodes<'p> {
    profile: &'p SymbolizedProfile,
    leaf: Leaf,
    nodes: Vec<CallNode>,
    places: FxHashMap<(Option<usize>, Key), usize>,
}

impl Nodes<'_> {
    /// The place of the node that has the numbers of a stack.
    fn of_stack(&mut self, stack: &NamedStack) -> usize {
        let profile = self.profile;
        let mut at = None;
        for line in profile.lines_of(stack).rev() {
            at = Some(self.place(at, Key::Line(line), || {
                let function = profile.function(line);
                (function.name.clone(), function.file.clone(), line.line)
            }));
        }
        match (self.leaf, at) {
            (Leaf::Function, Some(at)) => at,
            (Leaf::Function, None) => self.place(None, Key::Unknown, || ("".into(), None, 0)),
            (Leaf::Type, at) => self.place(at, Key::Type(stack.owner, stack.place), || {
                let owner = &profile.owners[stack.owner as usize];
                let place = &profile.places[stack.place as usize];
                let name = if owner.is_attributed { owner.name.clone() } else { "unattributed".into() };
                (name, place.file.clone(), place.line)
            }),
        }
    }

    /// The place of a node below `parent`. `site` describes the node if it is new.
    fn place(&mut self, parent: Option<usize>, key: Key, site: impl FnOnce() -> Site) -> usize {
        *self.places.entry((parent, key)).or_insert_with(|| {
            let kind = if matches!(key, Key::Type(..)) { CallKind::Type } else { CallKind::Function };
            self.nodes.push(node(parent, kind, site()));
            self.nodes.len() - 1
        })
    }
}

fn add(sums: &mut Vec<i64>, numbers: &[i64]) {
    sums.resize(numbers.len(), 0);
    sums.iter_mut().zip(numbers).for_each(|(sum, number)| *sum = sum.saturating_add(*number));
}

/// What tells a node from the other nodes below its caller.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
enum Key {
    Line(Line),
    /// Indices of the owner and of the place.
    Type(u32, u32),
    /// A stack without functions.
    Unknown,
}

/// A name, a file and a line.
type Site = (Arc<str>, Option<Arc<str>>, u32);

fn node(parent: Option<usize>, kind: CallKind, (name, file, line): Site) -> CallNode {
    CallNode {
        parent,
        kind,
        name,
        file,
        line: (line > 0).then_some(line),
        // A sampled profile does not count calls.
        calls: 0,
        own: Vec::new(),
        inclusive: Vec::new(),
    }
}

fn events(kind: ProfileKind) -> Vec<Event> {
    let live = [
        Event::new("Bytes", "live heap bytes", Unit::Bytes),
        Event::new("Objects", "live objects", Unit::Count),
    ];
    match kind {
        ProfileKind::Live => live.into(),
        ProfileKind::LiveAndAllocated => {
            let [bytes, objects] = live;
            let allocated = Event::new("Allocated", "bytes allocated since the start", Unit::Bytes);
            let allocations = Event::new("Allocations", "objects allocated since the start", Unit::Count);
            vec![bytes, objects, allocated, allocations]
        }
        ProfileKind::Growth => vec![
            Event::new("GrownBytes", "growth of live heap bytes", Unit::Bytes),
            Event::new("GrownObjects", "growth of live objects", Unit::Count),
        ],
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use memory_debug_formats::TreeFormat;
    use proptest::prelude::*;

    use super::*;
    use crate::selection::Selection;
    use crate::symbolized::tests::{any_profile, profile};

    #[test]
    fn types_are_below_the_functions_that_allocated_them() {
        let profile = profile(&[
            ("Vec<A>", &["push", "main"], 2, 200),
            ("Box<A>", &["push", "main"], 1, 50),
            ("A", &[], 1, 1),
        ]);
        let lines = |leaf| {
            let mut lines = Vec::new();
            TreeFormat::Collapsed.write(&profile.call_tree("", leaf, usize::MAX), &mut lines).unwrap();
            String::from_utf8(lines).unwrap()
        };
        assert_eq!(lines(Leaf::Function), "main;push 250\nunknown code 1\n");
        assert_eq!(lines(Leaf::Type), "main;push;[Vec<A>] 200\nmain;push;[Box<A>] 50\n[A] 1\n");
    }

    #[test]
    fn stacks_without_room_are_summed() {
        let profile =
            profile(&[("A", &["a", "main"], 1, 9), ("B", &["b", "main"], 2, 8), ("C", &["c"], 3, 7)]);
        let tree = profile.call_tree("", Leaf::Type, 3);
        let labels: Vec<_> = tree.nodes.iter().map(|node| (node.label(), node.own[0])).collect();
        let expected = [("main", 0), ("a", 0), ("[A]", 9), ("(2 smaller)", 15)];
        assert_eq!(labels, expected.map(|(label, bytes)| (label.into(), bytes)));
    }

    proptest! {
        #[test]
        fn numbers_of_a_tree_are_the_numbers_of_the_table(
            profile in prop_oneof![
                any_profile(ProfileKind::Live),
                any_profile(ProfileKind::LiveAndAllocated),
                any_profile(ProfileKind::Growth),
            ],
        ) {
            let tree = profile.call_tree("", Leaf::Type, usize::MAX);
            let total = profile.total();
            let totals = tree.totals();
            prop_assert_eq!(&totals[..2], &[total.bytes, total.objects][..]);
            prop_assert_eq!(totals.len(), tree.events.len());
            prop_assert_eq!(profile.call_tree("", Leaf::Function, 3).totals(), totals);
            let mut rows: BTreeMap<&str, i64> = BTreeMap::new();
            for node in tree.nodes.iter().filter(|node| node.kind == CallKind::Type) {
                *rows.entry(&node.name).or_default() += node.own[0];
            }
            for row in profile.summarize(&Selection::default()).entries {
                let bytes = rows.get(&*row.type_name).copied().unwrap_or(0);
                prop_assert_eq!(bytes as f64, row.estimate.bytes, "{}", row.type_name);
            }
        }
    }
}
