//! Chains of many holders, with dead words on the way.

use super::chains::rows;
use super::heap::Heap;
use crate::*;

/// A list of blocks, each with a sampled message. Returns the blocks, the last one first.
pub(super) fn list(heap: &mut Heap, length: usize) -> Vec<u64> {
    let mut blocks = Vec::new();
    for _ in 0..length {
        let message = heap.sample("Box<Message>", &[7, 7]);
        let next = blocks.last().copied().unwrap_or(0);
        blocks.push(heap.small(&[next, 1, message, 1]));
    }
    blocks
}

fn doubtful(found: &Holders, name: &str) -> Vec<bool> {
    let held = found.types.iter().find(|held| held.type_name == name).unwrap();
    held.chains.iter().map(|chain| chain.doubtful).collect()
}

/// The blocks of a channel lie where nodes of a map had vectors before, and the nodes know their parents.
#[test]
fn the_way_along_a_list_is_found_past_more_dead_words_than_a_walk_tries() {
    let mut heap = Heap::new();
    let blocks = list(&mut heap, 120);
    let top = heap.sample("BTreeMap<String, Vec<Page>>", &[1; 100]);
    let nodes: Vec<u64> = { blocks.chunks(2) }
        .map(|blocks| {
            let node = [vec![top], vec![1; 60], vec![blocks[0]], vec![1; 18]].concat();
            heap.sample("BTreeMap<String, Vec<Page>>", &node)
        })
        .collect();
    heap.write(top, &nodes);
    heap.fixed("shop::PAGES", &[top]);
    let outer = heap.small(&[vec![*blocks.last().unwrap()], vec![9; 31]].concat());
    let outer = heap.small(&[vec![3; 31], vec![outer]].concat());
    heap.fixed("shop::CHANNEL", &[outer]);
    let found = heap.holders();
    let rows = rows(&found, "Box<Message>");
    assert!(rows.iter().all(|row| row.ends_with("← Static shop::CHANNEL")), "{rows:?}");
    assert!(!doubtful(&found, "Box<Message>").contains(&true));
}

/// Each thread has a variable of this name. Over a dead word, what one thread has leads to what another one has.
#[test]
fn the_shortest_way_to_a_name_counts_even_if_a_longer_one_was_found_before() {
    let mut heap = Heap::new();
    let account = heap.sample("Box<Account>", &[7, 7]);
    let state = heap.small(&[account, 1, 1, 1]);
    // The longer way is the first one: of two objects at the same distance, the one with the lower address is read first.
    let stale = heap.large(&[vec![9; 500], vec![state]].concat(), 4 * 4096);
    let runtime = heap.small(&[vec![9; 100], vec![state], vec![9; 27]].concat());
    heap.root(RootKind::ThreadLocal, Some("CONTEXT"), &[stale]);
    heap.root(RootKind::ThreadLocal, Some("CONTEXT"), &[runtime]);
    // Shorter than the way over the stale object, longer than the other one.
    let channel = heap.small(&[vec![runtime], vec![3; 63]].concat());
    heap.fixed("shop::CHANNEL", &[channel]);
    let found = heap.holders();
    assert_eq!(
        rows(&found, "Box<Account>"),
        ["Box<Account> ← [32 bytes] ← [1024 bytes] ← ThreadLocal CONTEXT"]
    );
}

/// A buffer of events is as large as the most events of one call, and few of them are in use.
#[test]
fn a_pointer_in_spare_capacity_is_doubtful_in_the_middle_of_a_chain_too() {
    let mut heap = Heap::new();
    let job = heap.sample("Box<Job>", &[7, 7]);
    let queue = heap.small(&[job, 1, 1, 1]);
    let mut events = vec![0; 150];
    events[90] = queue;
    // Elements of twelve bytes.
    let events = heap.sample("Vec<epoll_event>", &events);
    let poll = heap.small(&[100, events, 1, 4]);
    heap.root(RootKind::ThreadLocal, Some("worker"), &[poll]);
    let found = heap.holders();
    assert_eq!(doubtful(&found, "Box<Job>"), [true]);
    heap.stack("consumer", &[queue]);
    let found = heap.holders();
    assert_eq!(rows(&found, "Box<Job>"), ["Box<Job> ← [32 bytes] ← Stack consumer"]);
    assert_eq!(doubtful(&found, "Box<Job>"), [false]);
    // In use, it is a holder like any other.
    heap.write(poll, &[100, events, 99, 4]);
    let found = heap.holders();
    assert!(rows(&found, "Box<Job>")[0].ends_with("← ThreadLocal worker"), "{:?}", rows(&found, "Box<Job>"));
}

/// On a stack, a small number beside a pointer looks like the length of a slice.
#[test]
fn the_counters_of_an_arc_are_no_empty_elements() {
    let mut heap = Heap::new();
    let jobs: Vec<u64> = (0..12).map(|_| heap.sample("Box<Job>", &[7, 7])).collect();
    let ring = heap.sample("VecDeque<Box<Job>>", &jobs);
    // {strong, weak, mutex, capacity, pointer, head, length}: two elements of 32 bytes, the first one empty?
    let shared = heap.small(&[6, 1, 0, 12, ring, 0, 12, 0]);
    heap.stack("worker", &[7, shared, 2, 9]);
    let found = heap.holders();
    assert_eq!(rows(&found, "Box<Job>"), ["Box<Job> ← VecDeque<Box<Job>> ← [64 bytes] ← Stack worker"]);
}
