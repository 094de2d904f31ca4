//! Memory that nothing points to.

use std::time::Duration;

use super::heap::Heap;
use crate::*;

fn lost(found: &Holders, type_name: &str) -> Option<UnreachableMemory> {
    found.types.iter().find(|held| held.type_name == type_name).unwrap().unreachable.clone()
}

/// A heap with samples of type `Forgotten` to which nothing points.
fn forgotten(count: usize) -> Heap {
    let mut heap = Heap::new();
    let session = heap.sample("Session", &[1; 4]);
    heap.fixed("shop::SESSIONS", &[session]);
    for _ in 0..count {
        heap.sample("Forgotten", &[2; 8]);
    }
    heap
}

#[test]
fn forgotten_objects_are_found_by_three_scans() {
    let mut heap = forgotten(4);
    let found = heap.holders();
    let memory = lost(&found, "Forgotten").unwrap();
    assert_eq!((memory.samples, memory.scans), (4, 3));
    assert!(memory.bytes > 0 && memory.bytes_stderr > 0.0);
    assert!(memory.holds.is_empty() && memory.cycle.is_empty());
    let held = found.types.iter().find(|held| held.type_name == "Forgotten").unwrap();
    assert_eq!((held.unknown_bytes, held.chains.len()), (0, 0));
    assert!(lost(&found, "Session").is_none());
}

#[test]
fn fewer_than_three_scans_or_three_objects_are_no_verdict() {
    let mut heap = forgotten(4);
    let (results, input) = ([heap.scan(), heap.scan()], heap.input());
    let found = holders(&results, &input, &|_| true, &HoldersOptions::default());
    assert!(lost(&found, "Forgotten").is_none());
    let held = found.types.iter().find(|held| held.type_name == "Forgotten").unwrap();
    assert_eq!(held.unknown_bytes, held.bytes);
    assert!(lost(&forgotten(2).holders(), "Forgotten").is_none());
}

#[test]
fn only_old_objects_that_lived_through_all_scans_count() {
    let mut heap = forgotten(3);
    let young = Duration::from_secs(59);
    heap.sample_of("Forgotten", &[2; 8], 64, young);
    let results = [heap.scan(), heap.scan(), heap.scan()];
    let input = heap.input();
    let judge = |is_live: &dyn Fn(u64) -> bool, results: &[ScanResult]| {
        let found = holders(results, &input, is_live, &HoldersOptions::default());
        lost(&found, "Forgotten").map(|memory| memory.samples)
    };
    assert_eq!(judge(&|_| true, &results), Some(3));
    // One was freed in the meantime, so only two are left.
    assert_eq!(judge(&|sequence| sequence != 2, &results), None);
    // One is newer than the first scan.
    let mut older = forgotten(2);
    assert_eq!(judge(&|_| true, &[older.scan(), results[1].clone(), results[2].clone()]), None);
}

#[test]
fn an_object_that_one_scan_reached_is_not_unreachable() {
    let mut heap = forgotten(3);
    let first = heap.scan();
    let objects: Vec<u64> = heap.input().samples.iter().map(|object| object.address.address()).collect();
    let stack = heap.stack("worker", &objects[1..2]);
    let second = heap.scan();
    heap.write(stack, &[0]);
    let third = heap.scan();
    let input = heap.input();
    let found = holders(&[first, second, third], &input, &|_| true, &HoldersOptions::default());
    assert!(lost(&found, "Forgotten").is_none());
    // The one that was reached has a holder, even if it was not the last scan that reached it.
    let held = found.types.iter().find(|held| held.type_name == "Forgotten").unwrap();
    assert_eq!((held.chains.len(), held.chains[0].samples), (1, 1));
}

#[test]
fn a_cycle_is_shown_with_all_its_types() {
    let mut heap = Heap::new();
    for at in 0..4 {
        let node = heap.sample("Arc<Node>", &[1, 1, 0, 9]);
        let data = heap.sample("Vec<u8>", &[at; 4]);
        let list = heap.sample("Vec<Arc<Node>>", &[node]);
        heap.write(node, &[1, 1, list, data]);
    }
    let found = heap.holders();
    let node = lost(&found, "Arc<Node>").unwrap();
    assert_eq!(node.cycle, ["Arc<Node>", "Vec<Arc<Node>>"]);
    let held: Vec<_> = node.holds.iter().filter_map(|link| link.type_name.as_deref()).collect();
    assert_eq!(held, ["Vec<u8>", "Vec<Arc<Node>>"]);
    assert_eq!(lost(&found, "Vec<Arc<Node>>").unwrap().cycle, ["Vec<Arc<Node>>", "Arc<Node>"]);
    // It is lost with the cycle, and not part of it.
    let data = lost(&found, "Vec<u8>").unwrap();
    assert!(data.cycle.is_empty() && data.holds.is_empty() && data.samples == 4);
}

#[test]
fn a_cycle_over_an_object_that_was_not_sampled_is_a_cycle() {
    let mut heap = Heap::new();
    for _ in 0..4 {
        let one = heap.sample("Arc<Node>", &[1, 1, 0, 9]);
        let other = heap.small(&[1, 1, one, 8]);
        heap.write(one, &[1, 1, other, 9]);
    }
    assert_eq!(lost(&heap.holders(), "Arc<Node>").unwrap().cycle, ["Arc<Node>"]);
    // One that is like nothing sampled is shown with its size.
    let mut heap = Heap::new();
    for _ in 0..4 {
        let one = heap.sample("Arc<Node>", &[1, 1, 0, 9]);
        let other = heap.small(&[one, 1, 1, 1, 1, 1]);
        heap.write(one, &[1, 1, other, 9]);
    }
    assert_eq!(lost(&heap.holders(), "Arc<Node>").unwrap().cycle, ["Arc<Node>", "[48 bytes]"]);
}

#[test]
fn a_list_of_lost_objects_is_no_cycle() {
    let mut heap = Heap::new();
    let mut next = 0;
    for _ in 0..5 {
        next = heap.sample("Node", &[next, 1]);
    }
    let memory = lost(&heap.holders(), "Node").unwrap();
    assert!(memory.cycle.is_empty() && memory.samples == 5);
    assert_eq!(memory.holds.len(), 1);
}

#[test]
fn a_stale_word_in_a_region_that_nothing_reaches_hides_no_leak() {
    let mut heap = forgotten(3);
    let objects: Vec<u64> = heap.input().samples.iter().map(|object| object.address.address()).collect();
    let freed = heap.small(&[objects[1], objects[2], objects[3], 0]);
    heap.release(freed, 4);
    assert_eq!(lost(&heap.holders(), "Forgotten").map(|memory| memory.samples), Some(3));
}

#[test]
fn a_large_extent_without_a_sample_is_free_only_if_recording_is_complete() {
    for complete in [true, false] {
        let mut heap = forgotten(3);
        heap.complete = complete;
        let objects: Vec<u64> = heap.input().samples.iter().map(|object| object.address.address()).collect();
        // Freed, but a stale pointer to it is left, and the words in it.
        let freed = heap.large(&objects[1..], 8 * super::heap::RATE);
        let small = heap.large(&[], 64 << 10);
        heap.fixed("shop::STALE", &[freed, small]);
        assert_eq!(lost(&heap.holders(), "Forgotten").is_some(), complete);
    }
}

#[test]
fn random_bytes_of_a_type_without_pointers_hold_nothing_and_are_not_read() {
    let mut heap = forgotten(3);
    let objects: Vec<u64> = heap.input().samples.iter().map(|object| object.address.address()).collect();
    let bytes = heap.sample("Vec<u8>", &objects[1..]);
    let jobs = heap.sample("Vec<Job>", &[1, 2]);
    heap.fixed("shop::BYTES", &[bytes, jobs]);
    let found = heap.holders();
    assert_eq!(lost(&found, "Forgotten").map(|memory| memory.samples), Some(3));
    let is_read = |address: u64| heap.read.iter().any(|(start, end)| (*start..*end).contains(&address));
    assert!(is_read(jobs) && !is_read(bytes));
}

#[test]
fn the_cache_of_a_thread_holds_nothing() {
    let mut heap = forgotten(3);
    let objects: Vec<u64> = heap.input().samples.iter().map(|object| object.address.address()).collect();
    let cache = heap.large(&[&[0x7a7a_7a7a_7a7a_7a7a][..], &objects[1..]].concat(), 32 << 10);
    heap.fixed("shop::STALE", &[cache]);
    assert_eq!(lost(&heap.holders(), "Forgotten").map(|memory| memory.samples), Some(3));
}

#[test]
fn excluded_memory_is_never_read() {
    let mut heap = forgotten(3);
    let objects: Vec<u64> = heap.input().samples.iter().map(|object| object.address.address()).collect();
    let table = heap.large(&objects[1..], 16 << 10);
    let root = heap.fixed("memory_debug::TABLE", &[objects[1], objects[2], objects[3], table]);
    heap.excluded = vec![
        Span { start: Hidden::new(table), bytes: 16 << 10 },
        Span { start: Hidden::new(root + 8), bytes: 16 },
    ];
    let found = heap.holders();
    // The first word of the root is not excluded.
    assert!(lost(&found, "Forgotten").is_none());
    let held = found.types.iter().find(|held| held.type_name == "Forgotten").unwrap();
    assert_eq!(held.chains[0].samples, 1);
    let is_read = |from: u64, to: u64| heap.read.iter().any(|(start, end)| *start < to && from < *end);
    assert!(is_read(root, root + 8) && !is_read(root + 8, root + 24) && is_read(root + 24, root + 32));
    assert!(!is_read(table, table + (16 << 10)));
}

#[test]
fn a_sample_that_the_map_does_not_have_is_unknown() {
    let mut heap = forgotten(3);
    // The allocator knows nothing of the page of the last sample.
    let last = heap.input().samples[3].address.address();
    heap.reuse(last, 1, PageUse::default());
    let result = heap.scan();
    let reached: Vec<Reached> = result.reached().collect();
    assert_eq!(reached, [Reached::Yes, Reached::No, Reached::No, Reached::Unknown]);
}
