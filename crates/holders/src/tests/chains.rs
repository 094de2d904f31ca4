//! Who holds it: chains, roots and their names.

use super::heap::Heap;
use crate::*;

/// A row as `String ← Session ← static shop::SESSIONS`.
pub(super) fn row(held: &HeldType, chain: &HolderChain) -> String {
    let mut text = vec![held.type_name.clone()];
    for link in &chain.links {
        let name = link.type_name.clone().unwrap_or_else(|| format!("[{} bytes]", link.bytes));
        text.push(if link.repeated { format!("{name}*") } else { name });
    }
    let name = chain.root.name.as_deref().unwrap_or("?");
    text.push(format!("{:?} {name}", chain.root.kind));
    text.join(" ← ")
}

/// All rows of a type.
pub(super) fn rows(found: &Holders, type_name: &str) -> Vec<String> {
    let held = found.types.iter().find(|held| held.type_name == type_name).unwrap();
    held.chains.iter().map(|chain| row(held, chain)).collect()
}

#[test]
fn a_chain_leads_from_an_object_over_its_holders_to_a_static() {
    let mut heap = Heap::new();
    let text = heap.sample("String", &[7; 4]);
    let session = heap.sample("Arc<Session>", &[1, 1, 32, text, 32]);
    let table = heap.sample("HashMap<u64, Arc<Session>>", &[3, session]);
    heap.fixed("shop::SESSIONS", &[0, table]);
    let found = heap.holders();
    assert_eq!(
        rows(&found, "String"),
        ["String ← Arc<Session> ← HashMap<u64, Arc<Session>> ← Static shop::SESSIONS"]
    );
    assert_eq!(
        rows(&found, "HashMap<u64, Arc<Session>>"),
        ["HashMap<u64, Arc<Session>> ← Static shop::SESSIONS"]
    );
    assert!(found.types.iter().all(|held| held.unreachable.is_none() && held.unknown_bytes == 0));
}

#[test]
fn a_holder_that_is_large_or_was_not_sampled_is_part_of_the_chain() {
    let mut heap = Heap::new();
    let text = heap.sample("String", &[7; 4]);
    let inner = heap.small(&[text, 1, 1]);
    let outer = heap.large(&[0, inner], 40 << 10);
    heap.fixed("shop::STATE", &[outer]);
    let found = heap.holders();
    assert_eq!(rows(&found, "String"), ["String ← [32 bytes] ← [40960 bytes] ← Static shop::STATE"]);
}

#[test]
fn pointers_into_the_middle_of_an_object_hold_it_and_pointers_past_its_end_do_not() {
    let mut heap = Heap::new();
    let slice = heap.sample("Bytes", &[0; 100]);
    let other = heap.sample("Bytes", &[0; 100]);
    let third = heap.sample("Vec<Job>", &[0; 100]);
    heap.fixed("shop::SLICES", &[slice + 400, other + 800, third + 799]);
    let found = heap.holders();
    let held = &found.types.iter().find(|held| held.type_name == "Bytes").unwrap();
    assert_eq!((held.samples, held.chains[0].samples), (2, 1));
    assert!(held.unknown_bytes > 0 && held.unreachable.is_none());
    assert_eq!(rows(&found, "Vec<Job>"), ["Vec<Job> ← Static shop::SLICES"]);
}

#[test]
fn a_stack_holds_only_what_nothing_else_holds() {
    let mut heap = Heap::new();
    let both = heap.sample("Session", &[0; 4]);
    let only = heap.sample("Job", &[0; 4]);
    let table = heap.small(&[both]);
    // The stack is listed first, and its chain is shorter.
    heap.stack("worker-1", &[both, only]);
    heap.fixed("shop::SESSIONS", &[table]);
    let found = heap.holders();
    assert_eq!(rows(&found, "Session"), ["Session ← [16 bytes] ← Static shop::SESSIONS"]);
    assert_eq!(rows(&found, "Job"), ["Job ← Stack worker-1"]);
}

#[test]
fn roots_are_followed_in_the_order_of_their_certainty() {
    let mut heap = Heap::new();
    // The later roots are nearer to the object. Only a static is as near as a thread-local.
    let kinds = [RootKind::Static, RootKind::ThreadLocal, RootKind::Stack, RootKind::CHeap];
    let mut expected = Vec::new();
    for first in 0..kinds.len() {
        let object = heap.sample(&format!("Object{first}"), &[7, 7]);
        let block = heap.small(&[object, 1, 2, 3]);
        let far = heap.small(&[block, 4, 5, 6]);
        // A stack without a name is the last of all, though it is listed first.
        heap.root(RootKind::Stack, None, &[block]);
        for kind in kinds[first..].iter().rev() {
            let is_far = *kind == kinds[first] && *kind != RootKind::Static;
            let target = if is_far { far } else { block };
            heap.root(*kind, Some("main"), &[target]);
        }
        expected.push((format!("Object{first}"), kinds[first]));
    }
    let found = heap.holders();
    for (type_name, kind) in expected {
        let held = found.types.iter().find(|held| held.type_name == type_name).unwrap();
        let roots: Vec<(RootKind, bool)> =
            held.chains.iter().map(|chain| (chain.root.kind, chain.root.name.is_some())).collect();
        assert_eq!(roots, [(kind, true)], "{type_name}");
    }
}

#[test]
fn each_kind_of_root_has_its_name() {
    let mut heap = Heap::new();
    for (kind, name, type_name) in [
        (RootKind::ThreadLocal, Some("worker-2"), "A"),
        (RootKind::CHeap, None, "B"),
        (RootKind::Mapping, None, "C"),
    ] {
        let object = heap.sample(type_name, &[1]);
        let start = heap.root(kind, name, &[0, object, 0]);
        if kind == RootKind::ThreadLocal {
            heap.statics.push((start + 8, start + 16, "shop::LOCALS".into()));
        }
    }
    let found = heap.holders();
    assert_eq!(rows(&found, "A"), ["A ← ThreadLocal shop::LOCALS"]);
    assert_eq!(rows(&found, "B"), ["B ← CHeap ?"]);
    assert_eq!(rows(&found, "C"), ["C ← Mapping ?"]);
    // Without a symbol, the thread names its thread-locals.
    heap.statics.clear();
    assert_eq!(rows(&heap.holders(), "A"), ["A ← ThreadLocal worker-2"]);
}

#[test]
fn equal_chains_are_one_row_and_the_most_common_one_is_chosen() {
    let mut heap = Heap::new();
    let sessions: Vec<u64> = (0..5).map(|_| heap.sample("Session", &[0; 8])).collect();
    let jobs = heap.sample("Vec<Arc<Session>>", &sessions[..1]);
    let table = heap.sample("HashMap<u64, Arc<Session>>", &sessions);
    heap.fixed("shop::JOBS", &[jobs]);
    heap.fixed("shop::SESSIONS", &[table]);
    let found = heap.holders();
    assert_eq!(rows(&found, "Session"), ["Session ← HashMap<u64, Arc<Session>> ← Static shop::SESSIONS"]);
    let chain = &found.types.iter().find(|held| held.type_name == "Session").unwrap().chains[0];
    assert_eq!(chain.samples, 5);
    // A small sample stands for the bytes between two samples, and five of them have the error of six.
    let expected = 5.0 * super::heap::RATE as f64;
    assert!((chain.bytes as f64 / expected - 1.0).abs() < 0.001, "{}", chain.bytes);
    assert!((chain.bytes_stderr / chain.bytes as f64 - 6_f64.sqrt() / 5.0).abs() < 0.001, "{chain:?}");
}

#[test]
fn bytes_that_look_like_text_hold_only_what_nothing_else_holds() {
    let mut heap = Heap::new();
    let text = u64::from_ne_bytes(*b"sessions");
    let lost = heap.sample("Session", &[0; 8]);
    let held = heap.sample("Job", &[0; 8]);
    let page = heap.small(&[text, text, lost, held, text, text]);
    let large: Vec<u64> = (0..600).map(|at| if at == 300 { lost } else { text }).collect();
    let book = heap.large(&large, 8192);
    let list = heap.small(&[held, 0]);
    heap.fixed("shop::PAGES", &[page, book]);
    heap.fixed("shop::JOBS", &[list]);
    let found = heap.holders();
    let chains = |name: &str| found.types.iter().find(|held| held.type_name == name).unwrap().chains.clone();
    assert!(chains("Session")[0].doubtful);
    assert_eq!(rows(&found, "Job"), ["Job ← [16 bytes] ← Static shop::JOBS"]);
    assert!(!chains("Job")[0].doubtful);
}

#[test]
fn pointers_in_spare_capacity_are_doubtful() {
    let mut heap = Heap::new();
    let jobs: Vec<u64> = (0..4).map(|_| heap.sample("Box<Job>", &[3; 8])).collect();
    // Two of four are in use. The others were popped, and one of these has another holder.
    let buffer = heap.sample("Vec<Box<Job>>", &jobs);
    let list = heap.small(&[1, jobs[3]]);
    heap.fixed("shop::STALE", &[4, buffer, 2]);
    heap.fixed("shop::OTHER", &[list]);
    let ring: Vec<u64> = (0..4).map(|_| heap.sample("Task", &[3; 8])).collect();
    let queue = heap.sample("VecDeque<Task>", &ring);
    // From the third on, around the end: one is free.
    let state = heap.small(&[0, 4, queue, 2, 3]);
    heap.fixed("shop::QUEUE", &[state]);
    let found = heap.holders();
    let of = |name: &str| found.types.iter().find(|held| held.type_name == name).unwrap().clone();
    let counts = |held: &HeldType| -> Vec<(u64, bool)> {
        held.chains.iter().map(|chain| (chain.samples, chain.doubtful)).collect()
    };
    let jobs = of("Box<Job>");
    assert_eq!(counts(&jobs), [(2, false), (1, false), (1, true)]);
    assert_eq!(row(&jobs, &jobs.chains[1]), "Box<Job> ← [16 bytes] ← Static shop::OTHER");
    assert_eq!(counts(&of("Task")), [(3, false), (1, true)]);
    // Doubt is for the wording. All of them are reached.
    assert!(jobs.unreachable.is_none() && jobs.unknown_bytes == 0);
}

/// The allocator shifts samples within their first page.
#[test]
fn the_length_of_a_vector_is_found_in_a_sample_that_begins_later_than_its_page() {
    let mut heap = Heap::new();
    let jobs: Vec<u64> = (0..4).map(|_| heap.sample("Box<Job>", &[3; 8])).collect();
    let buffer = heap.sample("Vec<Box<Job>>", &jobs);
    let state = heap.shifted_sample("Box<State>", &[4, buffer, 2, 9], 1472);
    heap.fixed("shop::STATE", &[state]);
    let found = heap.holders();
    let jobs = found.types.iter().find(|held| held.type_name == "Box<Job>").unwrap();
    let counts: Vec<_> = jobs.chains.iter().map(|chain| (chain.samples, chain.doubtful)).collect();
    assert_eq!(counts, [(2, false), (2, true)]);
}

#[test]
fn a_list_is_one_link_and_all_its_roots_are_named() {
    let mut heap = Heap::new();
    let mut nodes: Vec<u64> = Vec::new();
    for at in 0..9 {
        nodes.push(if at % 2 == 0 { heap.sample("Node", &[0; 4]) } else { heap.small(&[0; 4]) });
    }
    for (at, node) in nodes.iter().enumerate() {
        let before = if at == 0 { 0 } else { nodes[at - 1] };
        heap.write(*node, &[before, nodes.get(at + 1).copied().unwrap_or(0), 5, 6]);
    }
    heap.fixed("shop::FIRST", &[nodes[0]]);
    heap.fixed("shop::LAST", &[nodes[8]]);
    let found = heap.holders();
    let chains = &found.types[0].chains;
    let recursive: Vec<&HolderChain> = chains.iter().filter(|chain| !chain.links.is_empty()).collect();
    assert!(recursive.iter().all(|chain| chain.links.len() == 1), "{chains:?}");
    assert_eq!(recursive[0].links[0].type_name.as_deref(), Some("Node"));
    assert!(recursive.iter().any(|chain| !chain.root.also.is_empty()), "{chains:?}");
    assert_eq!(chains.iter().map(|chain| chain.samples).sum::<u64>(), 5);
}

#[test]
fn a_list_of_a_hundred_thousand_nodes_ends_at_its_root() {
    let mut heap = Heap::new();
    let state = heap.small(&[0; 6]);
    let mut next = 0;
    for at in 0..100_000 {
        let words = [next, 1, 2, 3];
        next = if at % 1000 == 0 { heap.sample("Node", &words) } else { heap.small(&words) };
    }
    heap.write(state, &[next, 0, 1, 1]);
    heap.fixed("shop::LIST", &[state]);
    let result = heap.scan();
    let found = holders(&[result], &heap.input(), &|_| true, &HoldersOptions::default());
    assert_eq!(rows(&found, "Node"), ["Node ← Node* ← [48 bytes] ← Static shop::LIST"]);
    assert_eq!(found.types[0].chains[0].samples, 100);
}

#[test]
fn options_bound_what_is_shown_and_count_the_rest() {
    let mut heap = Heap::new();
    for at in 0..6 {
        let object = heap.sample("Session", &vec![1; 8 + at]);
        let holder = heap.small(&[object]);
        let outer = heap.small(&[holder, 0, 0]);
        heap.fixed(&format!("shop::S{at}"), &[outer]);
        let other = heap.sample(&format!("T{at}"), &[1]);
        heap.fixed("shop::T", &[other]);
    }
    let results = [heap.scan()];
    let shown = |options| holders(&results, &heap.input(), &|_| true, &options);
    let some = shown(HoldersOptions { types: 2, chains: 4, depth: 1 });
    assert_eq!((some.types.len(), some.omitted), (2, 5));
    assert_eq!(some.types[0].type_name, "Session");
    assert_eq!((some.types[0].chains.len(), some.types[0].omitted_chains), (4, 2));
    assert!(some.types[0].chains.iter().all(|chain| chain.links.len() == 1));
}

#[test]
fn without_a_scan_all_holders_are_unknown() {
    let mut heap = Heap::new();
    heap.sample("Session", &[1]);
    let found = holders(&[], &heap.input(), &|_| true, &HoldersOptions::default());
    assert_eq!(found.types[0].unknown_bytes, found.types[0].bytes);
    assert!(found.types[0].chains.is_empty() && found.types[0].unreachable.is_none());
    assert_eq!(found.coverage.scans, 0);
}

#[test]
fn what_the_library_itself_holds_comes_after_all_other_roots() {
    let mut heap = Heap::new();
    let (both, only) = (heap.sample("Session", &[0; 4]), heap.sample("Callback", &[0; 4]));
    let block = heap.small(&[both, 1]);
    heap.own("memory_debug_core::process::START", &[block, only]);
    heap.root(RootKind::Mapping, None, &[7, block]);
    let found = heap.holders();
    assert_eq!(rows(&found, "Session"), ["Session ← [16 bytes] ← Mapping ?"]);
    // The program can have given it something.
    assert_eq!(rows(&found, "Callback"), ["Callback ← Static memory_debug_core::process::START"]);
}
