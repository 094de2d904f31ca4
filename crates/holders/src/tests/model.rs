//! Random heaps, compared with a simple search.

use proptest::collection::vec;
use proptest::prelude::*;

use super::heap::{Heap, RATE};
use crate::*;

/// An object: how it was allocated, and what it points to.
#[derive(Clone, Debug)]
struct Node {
    kind: u8,
    pointers: Vec<usize>,
}

fn node() -> impl Strategy<Value = Node> {
    (0..6_u8, vec(0..40_usize, 0..5)).prop_map(|(kind, pointers)| Node { kind, pointers })
}

/// Builds a heap of nodes. Returns their addresses, and the index of the sample of each one that has a sample.
fn build(heap: &mut Heap, nodes: &[Node]) -> (Vec<u64>, Vec<Option<usize>>) {
    let (mut addresses, mut samples) = (Vec::new(), Vec::new());
    for (at, node) in nodes.iter().enumerate() {
        let type_name = ["Session", "Vec<Job>", "Arc<Node>"][at % 3];
        samples.push((node.kind >= 3).then(|| heap.input().samples.len()));
        addresses.push(match node.kind {
            0 => heap.small(&[0; 6]),
            1 => heap.small(&[0; 8]),
            2 => heap.large(&[], 24 << 10),
            3 | 4 => heap.sample(type_name, &[0; 6]),
            _ => heap.sample(type_name, &[0; 1000]),
        });
    }
    for (node, address) in nodes.iter().zip(&addresses) {
        let pointers: Vec<u64> = node.pointers.iter().map(|to| addresses[to % nodes.len()]).collect();
        // Another word before the pointers, so that not all of them are first.
        heap.write(*address, &[&[3][..], &pointers].concat());
    }
    (addresses, samples)
}

fn reference(nodes: &[Node], roots: &[usize]) -> Vec<bool> {
    let mut reached = vec![false; nodes.len()];
    let mut queue: Vec<usize> = roots.iter().map(|root| root % nodes.len()).collect();
    while let Some(at) = queue.pop() {
        if !std::mem::replace(&mut reached[at], true) {
            queue.extend(nodes[at].pointers.iter().map(|to| to % nodes.len()));
        }
    }
    reached
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 300, ..ProptestConfig::default() })]

    /// A sample is reached exactly if a search over the pointers reaches it, and each chain is a path of pointers.
    #[test]
    fn what_is_reached_equals_a_simple_search(
        nodes in vec(node(), 1..40),
        fixed in vec(0..40_usize, 0..3),
        stack in vec(0..40_usize, 0..3),
        freed in vec((0..64_usize, 0..40_usize), 0..3),
    ) {
        let mut heap = Heap::new();
        let (addresses, samples) = build(&mut heap, &nodes);
        let words = |roots: &[usize]| -> Vec<u64> {
            roots.iter().map(|root| addresses[root % nodes.len()]).chain([0]).collect()
        };
        heap.fixed("shop::STATE", &words(&fixed));
        heap.stack("worker", &words(&stack));
        // Stale words in free regions, and in a large free extent that a root still points to.
        for (_, to) in &freed {
            let stale = heap.small(&[addresses[to % nodes.len()], 0, 0, 0]);
            heap.release(stale, 4);
        }
        let free = heap.large(&addresses, 8 * RATE);
        heap.fixed("shop::STALE", &[free]);

        let result = heap.scan();
        let roots: Vec<usize> = fixed.iter().chain(&stack).copied().collect();
        let expected = reference(&nodes, &roots);
        let by_static = reference(&nodes, &fixed);
        let reached: Vec<Reached> = result.reached().collect();
        for (at, sample) in samples.iter().enumerate() {
            let Some(sample) = sample else { continue };
            let is_reached = if expected[at] { Reached::Yes } else { Reached::No };
            prop_assert_eq!(reached[*sample], is_reached, "object {}", at);
        }

        let found = heap.holders();
        for held in &found.types {
            let of_type = |at: &usize| ["Session", "Vec<Job>", "Arc<Node>"][at % 3] == held.type_name;
            let sampled: Vec<usize> = (0..nodes.len()).filter(|at| samples[*at].is_some() && of_type(at)).collect();
            let lost = sampled.iter().filter(|at| !expected[**at]).count() as u64;
            let unreachable = held.unreachable.as_ref().map_or(0, |memory| memory.samples);
            prop_assert_eq!(unreachable, if lost >= 3 { lost } else { 0 });
            prop_assert_eq!(held.chains.iter().map(|chain| chain.samples).sum::<u64>(), sampled.len() as u64 - lost);
            // What a static reaches is never said to be held by a stack.
            let only_stack = sampled.iter().filter(|at| expected[**at] && !by_static[**at]).count() as u64;
            let by_stack = held.chains.iter().filter(|chain| chain.root.kind == RootKind::Stack);
            prop_assert!(by_stack.map(|chain| chain.samples).sum::<u64>() >= only_stack);
        }
    }

    /// Whatever a heap contains, and whenever it ends, a scan neither panics nor calls a reachable object unreachable.
    #[test]
    fn no_content_makes_a_scan_fail(
        nodes in vec(node(), 1..40),
        noise in vec((0..40_usize, 0..5_usize, 0..40_usize, any::<i8>(), any::<u64>()), 0..60),
        vanished in vec(0..60_u64, 0..4),
        over_after in proptest::option::of(0..40_usize),
        complete in any::<bool>(),
    ) {
        let mut heap = Heap::new();
        let (addresses, samples) = build(&mut heap, &nodes);
        heap.fixed("shop::STATE", &[addresses[0]]);
        for (at, word, to, offset, number) in noise {
            let address = addresses[at % nodes.len()];
            // Half of the noise is near objects, the rest is any number.
            let near = addresses[to % nodes.len()].wrapping_add_signed(i64::from(offset) * 40);
            heap.write(address + word as u64 * 8, &[if number % 2 == 0 { near } else { number }]);
        }
        heap.vanished = vanished.into_iter().map(|page| super::heap::HEAP / 4096 + page).collect();
        heap.complete = complete;
        heap.over_after = over_after;
        let found = heap.holders();
        let total: u64 = found.types.iter().map(|held| held.samples).sum();
        prop_assert_eq!(total, samples.iter().flatten().count() as u64);
        if samples[0].is_some() && found.coverage.ended_early.is_none() {
            prop_assert_ne!(heap.scan().reached().next(), Some(Reached::No));
        }
        for held in &found.types {
            let shown: u64 = held.chains.iter().map(|chain| chain.samples).sum();
            let lost = held.unreachable.as_ref().map_or(0, |memory| memory.samples);
            prop_assert!(shown + lost <= held.samples);
        }
    }
}
