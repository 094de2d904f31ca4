//! Heaps that change while they are scanned, memory that cannot be read, and scans that end early.

use super::chains::rows;
use super::heap::{Heap, PAGE};
use crate::*;

/// A table with sampled sessions, held over a state that was not sampled: `(state, table)`.
fn sessions(heap: &mut Heap) -> (u64, u64) {
    let sessions: Vec<u64> = (0..4).map(|_| heap.sample("Session", &[1; 4])).collect();
    let table = heap.large(&sessions, 16 << 10);
    let state = heap.small(&[table, 0, 0, 0]);
    heap.fixed("shop::STATE", &[state]);
    (state, table)
}

#[test]
fn a_table_that_grew_during_the_scan_is_found_at_its_new_place() {
    let mut heap = Heap::new();
    let (state, table) = sessions(&mut heap);
    let sessions: Vec<u64> = heap.input().samples.iter().map(|object| object.address.address()).collect();
    heap.hook = Some(Box::new(move |heap, reads| {
        // The root is the first read, the state the second. Then the table moves.
        if reads == 1 {
            heap.reuse(table, 4, PageUse::default());
            heap.write(table, &[0; 4]);
            let grown = heap.large(&sessions, 32 << 10);
            heap.write(state, &[grown]);
        }
    }));
    let result = heap.scan();
    assert!(result.reached().all(|reached| reached == Reached::Yes));
    assert_eq!(result.coverage().ended_early, None);
    let found = holders(&[result], &heap.input(), &|_| true, &HoldersOptions::default());
    assert_eq!(rows(&found, "Session"), ["Session ← [32768 bytes] ← [32 bytes] ← Static shop::STATE"]);
}

#[test]
fn a_queue_that_gives_out_its_first_block_during_the_scan_is_read_from_its_new_head() {
    let mut heap = Heap::new();
    let messages: Vec<u64> = (0..4).map(|at| heap.sample("Message", &[at; 4])).collect();
    let blocks: Vec<u64> = messages.iter().map(|message| heap.small(&[*message, 0])).collect();
    for (at, pair) in blocks.windows(2).enumerate() {
        heap.write(pair[0], &[messages[at], pair[1]]);
    }
    let channel = heap.small(&[blocks[0], 0, 0, 0, 0, 0]);
    heap.fixed("shop::QUEUE", &[channel]);
    let (first, second) = (blocks[0], blocks[1]);
    heap.hook = Some(Box::new(move |heap, reads| {
        // The root is the first read, the channel the second. Then the first block is freed and used for something else.
        if reads == 1 {
            heap.write(first, &[0, 0]);
            heap.write(channel, &[second]);
        }
    }));
    let result = heap.scan();
    let reached: Vec<Reached> = result.reached().collect();
    // The first message is gone with its block.
    assert_eq!(reached[1..], [Reached::Yes; 3]);
}

/// A dead word leads into the queue, too. What the new head points to is seen last.
#[test]
fn a_new_head_is_remembered_even_if_all_room_for_further_pointers_is_taken() {
    let mut heap = Heap::new();
    let messages: Vec<u64> = (0..6).map(|_| heap.sample("Message", &[7; 4])).collect();
    let blocks: Vec<u64> = messages.iter().map(|message| heap.small(&[*message, 0])).collect();
    for (at, pair) in blocks.windows(2).enumerate() {
        heap.write(pair[0], &[messages[at], pair[1]]);
    }
    let channel = heap.small(&[blocks[0], 0, 0, 0, 0, 0]);
    heap.fixed("shop::QUEUE", &[channel]);
    let stale = heap.small(&[vec![3; 63], vec![blocks[2]]].concat());
    heap.fixed("shop::PAGES", &[stale]);
    heap.take_room_for_further_pointers();
    let (first, second) = (blocks[0], blocks[1]);
    heap.hook = Some(Box::new(move |heap, _| {
        let is_read = |(start, bytes): &(u64, u64)| (*start..*start + *bytes).contains(&channel);
        if heap.read.iter().any(is_read) {
            heap.write(first, &[0, 0]);
            heap.write(channel, &[second]);
        }
    }));
    let results = [heap.scan()];
    let found = holders(&results, &heap.input(), &|_| true, &HoldersOptions::default());
    let rows = rows(&found, "Message");
    assert_eq!(rows[0], "Message ← [16 bytes]* ← [48 bytes] ← Static shop::QUEUE", "{rows:?}");
}

#[test]
fn a_chain_without_doubt_counts_even_if_a_later_scan_finds_only_a_doubtful_one() {
    let mut heap = Heap::new();
    let task = heap.sample("task shop::run", &[7; 6]);
    let node = heap.sample("BTreeMap<String, Vec<Page>>", &[1, 1, 1, task]);
    heap.fixed("shop::PAGES", &[node]);
    let stack = heap.stack("worker", &[task]);
    let first = heap.scan();
    heap.write(stack, &[0]);
    let results = [first, heap.scan()];
    let found = |results: &[ScanResult]| {
        let found = holders(results, &heap.input(), &|_| true, &HoldersOptions::default());
        rows(&found, "task shop::run")
    };
    assert_eq!(found(&results), ["task shop::run ← Stack worker"]);
    let doubtful = found(&results[1..]);
    assert_eq!(doubtful, ["task shop::run ← BTreeMap<String, Vec<Page>> ← Static shop::PAGES"]);
}

#[test]
fn an_object_that_moved_to_a_root_during_the_scan_is_found_there() {
    let mut heap = Heap::new();
    let session = heap.sample("Session", &[1; 4]);
    let queue = heap.small(&[session, 0]);
    let root = heap.fixed("shop::ALL", &[0, queue]);
    heap.hook = Some(Box::new(move |heap, reads| {
        if reads == 0 {
            heap.write(queue, &[0]);
            heap.write(root, &[session]);
        }
    }));
    let result = heap.scan();
    assert!(result.reached().all(|reached| reached == Reached::Yes));
}

#[test]
fn pages_that_are_used_in_another_way_now_are_not_read_in_the_old_way() {
    let mut heap = Heap::new();
    let lost = heap.sample("Lost", &[1; 4]);
    let old = heap.small(&[lost, 0, 0, 0, 0, 0]);
    heap.fixed("shop::OLD", &[old]);
    heap.hook = Some(Box::new(move |heap, reads| {
        if reads == 0 {
            heap.reuse(old & !(2 * PAGE - 1), 2, PageUse { free: 0, regions: 2, bytes: 2 * PAGE });
        }
    }));
    let result = heap.scan();
    assert!(heap.read.iter().all(|(start, _)| *start != old));
    assert_eq!(result.reached().collect::<Vec<_>>(), [Reached::No]);
}

#[test]
fn a_page_that_vanishes_costs_only_what_lies_in_it() {
    let mut heap = Heap::new();
    let near = heap.sample("Near", &[1; 4]);
    let far = heap.sample("Far", &[1; 4]);
    // Three parts of one span: the middle one is on the page that cannot be read.
    let table = heap.large(&[&[near][..], &[0; 511], &[0; 512], &[far]].concat(), 4 * PAGE);
    let other = heap.small(&[far, 1]);
    heap.fixed("shop::A", &[table, other]);
    heap.vanished.insert(table / PAGE + 1);
    let result = heap.scan();
    assert!(result.reached().all(|reached| reached == Reached::Yes));
    // The allocator still uses the page, so pointers in it are missing.
    let reason = result.coverage().ended_early.clone().unwrap();
    assert!(reason.contains("could not be read"), "{reason}");
}

#[test]
fn memory_that_cannot_be_read_calls_nothing_unreachable() {
    let mut heap = Heap::new();
    let (state, table) = sessions(&mut heap);
    heap.vanished.insert(table / PAGE);
    let found = heap.holders();
    let held = &found.types[0];
    assert!(held.unreachable.is_none() && held.chains.is_empty());
    assert_eq!(held.unknown_bytes, held.bytes);
    assert!(found.coverage.ended_early.is_some());
    // A root that cannot be read is the same.
    let mut heap = Heap::new();
    sessions(&mut heap);
    heap.vanished.extend(heap.input().roots.iter().map(|root| root.span.start.address() / PAGE));
    let found = heap.holders();
    assert!(found.types[0].unreachable.is_none() && found.coverage.ended_early.is_some());
    assert!(state > 0);
}

#[test]
fn a_scan_that_runs_out_of_time_says_so_and_calls_nothing_unreachable() {
    let mut heap = Heap::new();
    sessions(&mut heap);
    for _ in 0..4 {
        heap.sample("Forgotten", &[2; 8]);
    }
    let complete = heap.scan();
    assert_eq!(complete.coverage().ended_early, None);
    let reads = heap.reads;
    let (mut partial, mut whole) = (0, 0);
    for reads in 0..=reads {
        heap.over_after = Some(reads);
        let found = heap.holders();
        match &found.coverage.ended_early {
            Some(reason) => {
                partial += 1;
                assert!(reason.contains("allow more seconds"), "{reason}");
                assert!(found.types.iter().all(|held| held.unreachable.is_none()), "after {reads} reads");
            }
            None => whole += 1,
        }
    }
    assert!(partial >= 3 && whole >= 1, "{partial} partial, {whole} whole");
}

#[test]
fn more_objects_than_the_queue_holds_are_all_reached() {
    let mut heap = Heap::new();
    // The table has no sample.
    heap.complete = false;
    let count = 300_000;
    let mut last = 0;
    let objects: Vec<u64> = (0..count)
        .map(|at| {
            let leaf = if at % 30_000 == 29_999 { heap.sample("Leaf", &[1, 2]) } else { 0 };
            last = heap.small(&[leaf, 0]);
            last
        })
        .collect();
    let table = heap.large(&objects, objects.len() as u64 * 8);
    heap.fixed("shop::ALL", &[table]);
    let result = heap.scan();
    assert_eq!(result.reached().filter(|reached| *reached == Reached::Yes).count(), 10);
    // The queue, its second half and a bit for each region, beside 4 bytes for each region and 40 for each extent.
    let limit =
        300_000 * 4 + (300_000 / 512 + 10) * 40 + (1 << 20) + 2 * (1 << 16) * 8 + 300_000 / 4 + 200_000;
    assert!(result.own_bytes() < limit, "{}", result.own_bytes());
}

#[test]
fn an_extent_that_appears_during_the_scan_is_read() {
    let mut heap = Heap::new();
    let session = heap.sample("Session", &[1; 4]);
    let state = heap.small(&[0, 0]);
    heap.fixed("shop::STATE", &[state]);
    heap.hook = Some(Box::new(move |heap, reads| {
        if reads == 0 {
            // A slab, a page of its own, and an object of many pages, held by a pointer to an inner page.
            let small = heap.small(&[session, 0, 0, 0, 0, 0, 0, 0]);
            let page = heap.large(&[small], PAGE);
            let large = heap.large(&[page], 5 * PAGE);
            heap.write(state, &[large + 2 * PAGE]);
            heap.bins.insert(64);
        }
    }));
    // The size class must be known from the start.
    heap.bins.insert(64);
    let result = heap.scan();
    assert_eq!(result.reached().collect::<Vec<_>>(), [Reached::Yes]);
}

#[test]
fn an_extent_that_crosses_two_mappings_is_one_extent() {
    let mut heap = Heap::new();
    let session = heap.sample("Session", &[1; 4]);
    let table = heap.large(&[&[0; 600][..], &[session]].concat(), 4 * PAGE);
    heap.fixed("shop::STATE", &[table]);
    let mut input = heap.input();
    let whole = input.mappings[0];
    let first = table + PAGE - whole.start.address();
    let rest = Span { start: Hidden::new(table + PAGE), bytes: whole.bytes - first };
    input.mappings = vec![rest, Span { bytes: first, ..whole }];
    let names = heap.names();
    let result = Scan::run(&input, &mut heap, &names);
    assert_eq!(result.reached().collect::<Vec<_>>(), [Reached::Yes]);
}

#[test]
fn a_few_excluded_bytes_hide_only_the_object_that_has_them() {
    let mut heap = Heap::new();
    let (near, far) = (heap.sample("Near", &[1; 4]), heap.sample("Far", &[1; 4]));
    let own = heap.small(&[far, 0]);
    let other = heap.small(&[near, 0]);
    heap.fixed("shop::STATE", &[own, other]);
    heap.excluded = vec![Span { start: Hidden::new(own + 8), bytes: 4 }];
    let result = heap.scan();
    assert_eq!(result.reached().collect::<Vec<_>>(), [Reached::Yes, Reached::No]);
    assert!(heap.read.iter().all(|(start, end)| *end <= own + 8 || own + 12 <= *start));
}
