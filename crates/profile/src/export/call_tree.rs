//! A heap profile as a call tree, for the formats of `memory-debug-formats`.

use std::sync::Arc;

use memory_debug_formats::{CallKind, CallNode, CallTree, Event, Unit};
use rustc_hash::FxHashMap;

use super::collapsed::Leaf;
use crate::amount::Amount;
use crate::symbolized::{Line, NamedStack, ProfileKind, SymbolizedProfile};

impl SymbolizedProfile {
    /// The profile as a call tree. Inlined functions are nodes, and each line of a function that calls or allocates is
    /// one, too. With [`Leaf::Type`], the types are below the functions that allocated them, at the place of the
    /// service that did so.
    ///
    /// The events are `Bytes` and `Objects`, then `Allocated` and `Allocations` if the profile knows them. For growth,
    /// they are `GrownBytes` and `GrownObjects`.
    pub fn call_tree(&self, title: impl Into<String>, leaf: Leaf) -> CallTree {
        let events = events(self.kind);
        let mut tree = CallTree { title: title.into(), events, nodes: Vec::new() };
        let mut places = FxHashMap::default();
        for stack in &self.stacks {
            let own = self.numbers(stack);
            if own.iter().all(|number| *number == 0) {
                continue;
            }
            let mut at = None;
            for line in self.lines_of(stack).rev() {
                at = Some(*places.entry((at, Key::Line(line))).or_insert_with(|| {
                    tree.nodes.push(self.function_node(at, line));
                    tree.nodes.len() - 1
                }));
            }
            let leaf = match leaf {
                Leaf::Type => Some(Key::Type(stack.owner, stack.place)),
                // Every number needs a node.
                Leaf::Function => at.is_none().then_some(Key::Unknown),
            };
            if let Some(leaf) = leaf {
                at = Some(*places.entry((at, leaf)).or_insert_with(|| {
                    tree.nodes.push(match leaf {
                        Key::Type(..) => self.type_node(at, stack),
                        Key::Line(_) | Key::Unknown => node(None, CallKind::Function, ("".into(), None, 0)),
                    });
                    tree.nodes.len() - 1
                }));
            }
            if let Some(at) = at {
                let sums = &mut tree.nodes[at].own;
                sums.resize(own.len(), 0);
                sums.iter_mut().zip(&own).for_each(|(sum, number)| *sum = sum.saturating_add(*number));
            }
        }
        tree.sum_up();
        tree
    }

    /// The numbers of a stack, in the order of the events.
    fn numbers(&self, stack: &NamedStack) -> Vec<i64> {
        let live = self.live(stack);
        let mut numbers = vec![live.bytes, live.objects];
        if self.kind == ProfileKind::LiveAndAllocated {
            let allocated: Amount = self.samples_of(stack).iter().map(|sample| sample.allocated).sum();
            numbers.extend([allocated.bytes, allocated.objects]);
        }
        numbers
    }

    fn function_node(&self, parent: Option<usize>, line: Line) -> CallNode {
        let function = self.function(line);
        node(parent, CallKind::Function, (function.name.clone(), function.file.clone(), line.line))
    }

    fn type_node(&self, parent: Option<usize>, stack: &NamedStack) -> CallNode {
        let (owner, place) = (&self.owners[stack.owner as usize], &self.places[stack.place as usize]);
        let name = if owner.is_attributed { owner.name.clone() } else { "unattributed".into() };
        node(parent, CallKind::Type, (name, place.file.clone(), place.line))
    }
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
            TreeFormat::Collapsed.write(&profile.call_tree("", leaf), &mut lines).unwrap();
            String::from_utf8(lines).unwrap()
        };
        assert_eq!(lines(Leaf::Function), "unknown code 1\nmain;push 250\n");
        assert_eq!(lines(Leaf::Type), "[A] 1\nmain;push;[Box<A>] 50\nmain;push;[Vec<A>] 200\n");
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
            let tree = profile.call_tree("", Leaf::Type);
            let total = profile.total();
            let totals = tree.totals();
            prop_assert_eq!(&totals[..2], &[total.bytes, total.objects][..]);
            prop_assert_eq!(totals.len(), tree.events.len());
            prop_assert_eq!(profile.call_tree("", Leaf::Function).totals(), totals);
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
