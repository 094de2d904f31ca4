//! Lists and trees with pointers in both directions, and dead words that lead into their middle.

use super::chains::rows;
use super::heap::Heap;

/// Words of an object that has a dead word.
fn stale(dead: u64) -> Vec<u64> {
    [vec![3; 5], vec![dead], vec![3; 8]].concat()
}

fn roots(heap: &mut Heap, type_name: &str) -> Vec<String> {
    let found = heap.holders();
    let mut roots: Vec<String> = { rows(&found, type_name) }
        .iter()
        .map(|row| row.rsplit(" ← ").next().unwrap_or_default().to_owned())
        .collect();
    roots.sort();
    roots.dedup();
    roots
}

/// A node with children on each of `levels` levels. Each node has a sampled value, and knows its parent.
fn tree(heap: &mut Heap, parent: u64, levels: u32, nodes: &mut Vec<u64>) -> u64 {
    let value = heap.sample("Box<Leaf>", &[7, 7]);
    let node = heap.small(&[1, 1, 0, value, 0, parent]);
    nodes.push(node);
    if levels > 0 {
        let children: Vec<u64> = (0..6).map(|_| tree(heap, node, levels - 1, nodes)).collect();
        let list = heap.small(&[children, vec![0, 0]].concat());
        heap.write(node + 16, &[list]);
    }
    node
}

#[test]
fn a_dead_word_to_an_inner_node_does_not_take_a_tree_from_a_stack() {
    for inner in [1, 2, 9] {
        let mut heap = Heap::new();
        let mut nodes = Vec::new();
        let top = tree(&mut heap, 0, 3, &mut nodes);
        heap.stack("tree", &[top]);
        let other = heap.small(&stale(nodes[inner]));
        heap.fixed("shop::OTHER", &[other]);
        assert_eq!(roots(&mut heap, "Box<Leaf>"), ["Stack tree"], "{inner}");
    }
}

#[test]
fn a_dead_word_to_an_inner_node_does_not_take_a_list_with_two_directions_from_a_stack() {
    let mut heap = Heap::new();
    let mut nodes: Vec<u64> = Vec::new();
    for _ in 0..40 {
        let value = heap.sample("Box<Leaf>", &[7, 7]);
        let before = nodes.last().copied().unwrap_or(0);
        nodes.push(heap.small(&[before, value, 0, 1]));
        if before != 0 {
            heap.write(before + 16, &[*nodes.last().unwrap()]);
        }
    }
    heap.stack("list", &[nodes[0], *nodes.last().unwrap()]);
    let other = heap.small(&stale(nodes[20]));
    heap.fixed("shop::OTHER", &[other]);
    assert_eq!(roots(&mut heap, "Box<Leaf>"), ["Stack list"]);
}

/// Leaves and inner nodes have different sizes.
#[test]
fn a_dead_word_to_a_leaf_does_not_take_a_b_tree_from_a_stack() {
    let mut heap = Heap::new();
    let top = heap.small(&[0; 24]);
    let mut leaves = Vec::new();
    for _ in 0..11 {
        let texts: Vec<u64> = (0..11).map(|_| heap.sample("String", &[7, 7])).collect();
        leaves.push(heap.small(&[vec![top], texts].concat()));
    }
    heap.write(top, &[vec![0; 13], leaves.clone()].concat());
    heap.stack("worker", &[top]);
    let other = heap.small(&stale(leaves[4]));
    heap.fixed("shop::OTHER", &[other]);
    assert_eq!(roots(&mut heap, "String"), ["Stack worker"]);
}

/// Here the static is the holder, and the word on the stack leads to an inner node.
#[test]
fn the_end_of_a_list_is_no_inner_node() {
    let mut heap = Heap::new();
    let mut nodes = Vec::new();
    let top = tree(&mut heap, 0, 3, &mut nodes);
    let other = heap.small(&stale(top));
    heap.fixed("shop::TREE", &[other]);
    heap.stack("tree", &[nodes[3]]);
    assert_eq!(roots(&mut heap, "Box<Leaf>"), ["Static shop::TREE"]);
}
