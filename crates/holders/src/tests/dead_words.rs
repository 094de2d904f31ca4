//! Chains over dead words, beside the chains that are right.

use super::chains::rows;
use super::heap::{Heap, PAGE};
use super::long_ways::list;
use crate::*;

/// A queue with a job, and an object that leads to it over a large block that was freed.
fn queue_behind_a_freed_block(heap: &mut Heap) -> (u64, u64) {
    let job = heap.sample("Box<Job>", &[7, 7]);
    let queue = heap.small(&[job, 1, 1, 1]);
    let freed = heap.large(&[0, 0, queue], 16 << 10);
    (queue, heap.small(&[vec![freed], vec![1; 63]].concat()))
}

#[test]
fn a_dead_word_into_a_list_does_not_take_the_rest_of_it() {
    let mut heap = Heap::new();
    let blocks = list(&mut heap, 40);
    // Padding of other objects near to the roots points into the list, and is reached before the list gets there.
    for at in [5, 11, 23, 31] {
        let stale = heap.small(&[3, 3, 3, 3, 3, 3, blocks[at], 3]);
        heap.fixed(&format!("shop::PAGES{at}"), &[stale]);
    }
    let first = *blocks.last().unwrap();
    let channel = heap.small(&[first, 9, 9, 9, 9, 9]);
    heap.fixed("shop::CHANNEL", &[channel]);
    let found = heap.holders();
    assert_eq!(
        rows(&found, "Box<Message>"),
        ["Box<Message> ← [32 bytes]* ← [48 bytes] ← Static shop::CHANNEL"]
    );
}

#[test]
fn of_equal_chains_the_one_with_fewer_words_that_can_be_dead_is_chosen() {
    let mut heap = Heap::new();
    let message = heap.sample("Arc<Message>", &[1, 1, 7, 7]);
    let slots = heap.small(&[message, 3]);
    let mut padded = vec![9; 64];
    padded[40] = slots;
    // The larger object comes first, and both are at the same distance.
    let padded = heap.small(&padded);
    let shared = heap.small(&[1, 1, slots, 4, 0, 0, 0, 0]);
    heap.fixed("shop::CHANNEL", &[padded]);
    heap.fixed("shop::BROADCAST", &[shared]);
    let found = heap.holders();
    assert_eq!(
        rows(&found, "Arc<Message>"),
        ["Arc<Message> ← [16 bytes] ← [64 bytes] ← Static shop::BROADCAST"]
    );
}

#[test]
fn a_stack_that_holds_a_queue_counts_more_than_a_large_block_that_was_freed() {
    let mut heap = Heap::new();
    let (queue, node) = queue_behind_a_freed_block(&mut heap);
    heap.root(RootKind::ThreadLocal, Some("worker"), &[node]);
    heap.stack("consumer", &[queue]);
    let found = heap.holders();
    assert_eq!(rows(&found, "Box<Job>"), ["Box<Job> ← [32 bytes] ← Stack consumer"]);
}

#[test]
fn a_root_counts_even_if_many_dead_words_point_to_the_same_object() {
    let mut heap = Heap::new();
    let timers = heap.sample("BinaryHeap<Timer>", &[7; 1000]);
    let stale: Vec<u64> = (0..60).map(|at| heap.small(&[3, timers + at * 64, 3, 3])).collect();
    heap.fixed("shop::PAGES", &stale);
    heap.fixed("shop::TIMERS", &[1000, timers, 1000]);
    let found = heap.holders();
    assert_eq!(rows(&found, "BinaryHeap<Timer>"), ["BinaryHeap<Timer> ← Static shop::TIMERS"]);
}

#[test]
fn a_pointer_that_the_type_of_its_holder_excludes_is_doubtful() {
    let mut heap = Heap::new();
    let task = heap.sample("task shop::run", &[7; 6]);
    let page = heap.sample("Vec<Page>", &[7; 4]);
    // An unused slot of a node still has a pointer.
    let node = heap.sample("BTreeMap<String, Vec<Page>>", &[1, page, 1, task]);
    heap.fixed("shop::PAGES", &[node]);
    let found = heap.holders();
    let chain = |name: &str| {
        let held = found.types.iter().find(|held| held.type_name == name).unwrap();
        (held.chains.len(), held.chains[0].doubtful)
    };
    assert_eq!((chain("task shop::run"), chain("Vec<Page>")), ((1, true), (1, false)));
    // Any other chain is better, even from a stack.
    heap.stack("worker", &[task]);
    assert_eq!(rows(&heap.holders(), "task shop::run"), ["task shop::run ← Stack worker"]);
}

/// A tree whose nodes have pointers to their parents, as a dead word reaches it from its middle.
#[test]
fn a_dead_word_into_a_tree_with_pointers_to_parents_does_not_take_it() {
    let mut heap = Heap::new();
    let nodes: Vec<u64> = (0..31).map(|_| heap.small(&[0; 6])).collect();
    for (at, node) in nodes.iter().enumerate() {
        let body = heap.sample("Box<Body>", &[7, 7]);
        let parent = if at == 0 { 0 } else { nodes[(at - 1) / 2] };
        let children: Vec<u64> =
            [2 * at + 1, 2 * at + 2].iter().filter_map(|at| nodes.get(*at).copied()).collect();
        let buffer = heap.small(&[&children[..], &[0, 0]].concat()[..2]);
        heap.write(*node, &[1, 1, body, parent, buffer, 2]);
    }
    let stale = heap.small(&[vec![3; 255], vec![nodes[9]]].concat());
    let outer = heap.small(&[vec![3; 127], vec![stale]].concat());
    let outer = heap.small(&[vec![3; 255], vec![outer]].concat());
    heap.fixed("shop::PAGES", &[outer]);
    heap.stack("tree", &[nodes[0]]);
    let found = heap.holders();
    let rows = rows(&found, "Box<Body>");
    assert!(rows.iter().all(|row| row.ends_with("← Stack tree")), "{rows:?}");
}

/// The results of an earlier scan lie in memory that was used before.
#[test]
fn a_dead_word_in_memory_of_the_library_counts_only_if_nothing_else_does() {
    let mut heap = Heap::new();
    let blocks = list(&mut heap, 10);
    let held = heap.sample("Vec<Other>", &[7; 4]);
    let results = heap.large(&[vec![5; 600], vec![blocks[4], held]].concat(), 8 * PAGE);
    heap.own_extents.insert(results);
    heap.fixed("shop::REPORT", &[3, results, 3]);
    heap.stack("consumer", &[*blocks.last().unwrap()]);
    let found = heap.holders();
    assert_eq!(rows(&found, "Box<Message>"), ["Box<Message> ← [32 bytes]* ← Stack consumer"]);
    // It is not lost, as the program can have given it to the library.
    let other = found.types.iter().find(|held| held.type_name == "Vec<Other>").unwrap();
    assert!(other.chains[0].doubtful && other.unreachable.is_none(), "{other:?}");
}

#[test]
fn text_in_the_gaps_of_an_object_does_not_make_it_a_text() {
    let mut heap = Heap::new();
    let blocks = list(&mut heap, 10);
    let text = u64::from_ne_bytes(*b"sessions");
    let shared = heap.small(&[vec![1, 1], vec![text; 13], vec![*blocks.last().unwrap()]].concat());
    heap.fixed("shop::CHANNEL", &[shared]);
    let held = heap.sample("Vec<Other>", &[7; 4]);
    // What is behind the end of a text was freed.
    let buffer = heap.small(&[vec![text; 14], vec![held, 0]].concat());
    heap.fixed("shop::NAME", &[buffer, 112]);
    let found = heap.holders();
    let doubtful = |name: &str| {
        let held = found.types.iter().find(|held| held.type_name == name).unwrap();
        held.chains.iter().map(|chain| chain.doubtful).collect::<Vec<_>>()
    };
    assert_eq!((doubtful("Box<Message>"), doubtful("Vec<Other>")), (vec![false], vec![true]));
}

/// Most pointers between regions are found before the words of stacks.
#[test]
fn a_stack_is_remembered_even_if_all_room_for_further_pointers_is_taken() {
    let mut heap = Heap::new();
    let (queue, node) = queue_behind_a_freed_block(&mut heap);
    heap.take_room_for_further_pointers();
    heap.root(RootKind::ThreadLocal, Some("worker"), &[node]);
    heap.stack("consumer", &[queue]);
    let found = heap.holders();
    assert_eq!(rows(&found, "Box<Job>"), ["Box<Job> ← [32 bytes] ← Stack consumer"]);
}

/// Tasks are linked with each other, so a dead word that leads to one of them leads to all.
#[test]
fn a_pointer_back_to_a_holder_confirms_it() {
    let mut heap = Heap::new();
    let runtime = heap.small(&[1; 40]);
    let tasks: Vec<u64> = (0..20).map(|_| heap.sample("task shop::run", &[7; 12])).collect();
    for (at, task) in tasks.iter().enumerate() {
        let neighbour = |at: Option<usize>| at.and_then(|at| tasks.get(at)).copied().unwrap_or(0);
        heap.write(*task, &[3, 3, 3, runtime, neighbour(at.checked_sub(1)), neighbour(at.checked_add(1))]);
    }
    let lists = heap.small(&[&[0; 60][..], &[tasks[0], tasks[19]]].concat());
    heap.write(runtime, &[21, 1, lists, 4]);
    heap.root(RootKind::ThreadLocal, Some("CONTEXT"), &[runtime]);
    let channel = heap.small(&[3, 3, 3, tasks[7], 3, 3, 3, 3]);
    heap.fixed("shop::CHANNEL", &[channel]);
    let found = heap.holders();
    let rows = rows(&found, "task shop::run");
    assert!(rows.iter().all(|row| row.ends_with("← ThreadLocal CONTEXT")), "{rows:?}");
}

/// Each task has dropped a sender, and the memory of its channel belongs to another channel now.
#[test]
fn pointers_back_that_a_counter_does_not_count_are_dead() {
    let mut heap = Heap::new();
    let runtime = heap.small(&[1; 40]);
    let channel = heap.small(&[1; 8]);
    let tasks: Vec<u64> = (0..20).map(|_| heap.sample("task shop::run", &[7; 12])).collect();
    for task in &tasks {
        heap.write(*task, &[3, 3, 3, runtime, channel]);
    }
    let list = heap.small(&[&[0; 42][..], &tasks].concat());
    heap.write(runtime, &[21, 1, list, 4]);
    heap.root(RootKind::ThreadLocal, Some("CONTEXT"), &[runtime]);
    let slots = heap.small(&[&tasks[..], &[0; 4]].concat());
    heap.write(channel, &[2, 1, slots]);
    heap.fixed("shop::CHANNEL", &[channel]);
    let found = heap.holders();
    assert_eq!(
        rows(&found, "task shop::run"),
        ["task shop::run ← [496 bytes] ← [320 bytes] ← ThreadLocal CONTEXT"]
    );
    // With as many references, nothing speaks against them, and the shorter chain is chosen.
    heap.write(channel, &[20, 1]);
    let found = heap.holders();
    assert_eq!(
        rows(&found, "task shop::run"),
        ["task shop::run ← [192 bytes] ← [64 bytes] ← Static shop::CHANNEL"]
    );
}

/// A static of a dependency is not generic, so it hardly holds what the program's own types hold.
#[test]
fn of_two_equal_ways_the_one_to_the_program_counts() {
    let mut heap = Heap::new();
    let image = heap.sample("Arc<Image>", &[1, 1, 7]);
    let table = heap.small(&[vec![image], vec![1; 63]].concat());
    let cache = heap.small(&[vec![1; 20], vec![table], vec![1; 75]].concat());
    let padded = heap.small(&[vec![1; 9], vec![table], vec![1; 70]].concat());
    heap.fixed("shop::IMAGES", &[cache]);
    heap.fixed("epoch::COLLECTOR", &[padded]);
    let rows = rows(&heap.holders(), "Arc<Image>");
    assert!(rows[0].ends_with("← Static shop::IMAGES"), "{rows:?}");
}
