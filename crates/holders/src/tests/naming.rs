//! Names of holders that were not sampled.

use super::chains::rows;
use super::heap::Heap;

/// Sessions in a table, of which the first `sampled` were sampled. Each holds a sampled name.
fn sessions(heap: &mut Heap, sampled: usize, all: usize) {
    let sessions: Vec<u64> = (0..all)
        .map(|at| {
            let name = heap.sample("String", &[7; 4]);
            let words = [1, 1, 32, name, 32, at as u64];
            if at < sampled { heap.sample("Arc<Session>", &words) } else { heap.small(&words) }
        })
        .collect();
    let table = heap.sample("HashMap<u64, Arc<Session>>", &sessions);
    heap.fixed("shop::SESSIONS", &[table]);
}

#[test]
fn a_holder_has_the_name_of_sampled_objects_with_the_same_parent_and_size() {
    let mut heap = Heap::new();
    sessions(&mut heap, 2, 6);
    let found = heap.holders();
    assert_eq!(
        rows(&found, "String"),
        ["String ← Arc<Session> ← HashMap<u64, Arc<Session>> ← Static shop::SESSIONS"]
    );
    let link = &found.types.iter().find(|held| held.type_name == "String").unwrap().chains[0].links[0];
    assert_eq!(link.bytes, 48);
}

#[test]
fn a_holder_that_is_like_nothing_sampled_has_a_size_and_no_name() {
    let mut heap = Heap::new();
    sessions(&mut heap, 0, 6);
    let found = heap.holders();
    assert_eq!(
        rows(&found, "String"),
        ["String ← [48 bytes] ← HashMap<u64, Arc<Session>> ← Static shop::SESSIONS"]
    );
}

#[test]
fn a_holder_has_the_name_of_sampled_objects_with_the_same_content() {
    let mut heap = Heap::new();
    // One sample is not enough for a likeness. Unlike words leave what is held, where, and by how many bytes.
    let names: Vec<u64> = (0..5).map(|_| heap.sample("String", &[7; 4])).collect();
    let job = heap.sample("Job", &[9, names[0], 0, 0, 0, 0]);
    let next = heap.sample("Job", &[names[0], names[4], names[0], 9, 9, 9]);
    let other = heap.small(&[names[1], 0, 1, 2, 3, 4]);
    let same = heap.small(&[!0, names[2], !0, !0, !0, !0]);
    heap.fixed("shop::A", &[job, next]);
    heap.fixed("shop::B", &[same]);
    heap.fixed("shop::C", &[other, names[3]]);
    let found = heap.holders();
    let mut found = rows(&found, "String");
    found.sort();
    assert_eq!(
        found,
        [
            "String ← Job ← Static shop::A",
            "String ← Job ← Static shop::B",
            "String ← Static shop::C",
            "String ← [48 bytes] ← Static shop::C",
        ]
    );
}

#[test]
fn a_holder_has_the_name_of_sampled_objects_with_the_same_kinds_of_words() {
    let mut heap = Heap::new();
    let table = heap.vtable(&["core::ptr::drop_in_place::<shop::Mail>"]);
    let mut objects = Vec::new();
    for at in 0..4 {
        let body = heap.sample("String", &[7; 4]);
        let words = [3, table, body, at, 0, !0];
        objects.push(if at < 3 { heap.sample("Mail", &words) } else { heap.small(&words) });
    }
    // A different offset of the same content, so that only the words can tell.
    let body = heap.sample("String", &[7; 4]);
    let other = heap.small(&[body, 5, 0, 0, 0, 0]);
    heap.fixed("shop::A", &objects[..3]);
    heap.stack("worker", &[objects[3], other]);
    let found = heap.holders();
    let found = rows(&found, "String");
    assert!(found.contains(&"String ← Mail ← Stack worker".into()), "{found:?}");
    assert!(found.contains(&"String ← [48 bytes] ← Stack worker".into()), "{found:?}");
}

#[test]
fn a_task_has_the_name_of_its_future() {
    let mut heap = Heap::new();
    let poll = "tokio::runtime::task::raw::poll::<shop::refresh::{closure#0}, alloc::sync::Arc<S>>";
    let table = heap.vtable(&[poll, "tokio::runtime::task::raw::schedule::<S>"]);
    let legacy = heap.vtable(&["tokio::runtime::task::raw::poll"]);
    let one = heap.sample("Vec<u64>", &[7; 40]);
    let two = heap.sample("Vec<u64>", &[7; 50]);
    let task = heap.small(&[132, 0, table, 1, 0, one, 40, 40, 0, 0]);
    let unknown = heap.small(&[132, 0, legacy, 1, 0, 0, two, 50, 50]);
    heap.fixed("tokio::OWNED", &[task]);
    heap.fixed("tokio::OTHER", &[unknown]);
    let found = heap.holders();
    let mut found = rows(&found, "Vec<u64>");
    found.sort();
    assert_eq!(
        found,
        [
            "Vec<u64> ← [80 bytes] ← Static tokio::OTHER",
            "Vec<u64> ← task shop::refresh::{closure} ← Static tokio::OWNED",
        ]
    );
}

#[test]
fn debug_information_names_a_task_whose_symbols_have_no_arguments() {
    let mut heap = Heap::new();
    let dealloc = "tokio::runtime::task::raw::dealloc = tokio::runtime::task::raw::dealloc<shop::audit::{async_fn_env#0}, S>";
    // Debug information has no function into which no other one is inlined.
    let table =
        heap.vtable(&["tokio::runtime::task::raw::poll", "tokio::runtime::task::raw::schedule", dealloc]);
    let log = heap.sample("Vec<u64>", &[7; 40]);
    let task = heap.small(&[132, 0, table, 1, 0, log, 40, 40, 0, 0]);
    heap.fixed("tokio::OWNED", &[task]);
    let found = heap.holders();
    assert_eq!(rows(&found, "Vec<u64>"), ["Vec<u64> ← task shop::audit::{async_fn} ← Static tokio::OWNED"]);
}

#[test]
fn a_type_that_holds_no_pointers_names_no_holder() {
    let mut heap = Heap::new();
    // A text in the same place and of the same size as the holder.
    let texts: Vec<u64> = (0..4).map(|_| heap.sample("String", &[7; 6])).collect();
    let body = heap.sample("Mail", &[1, 2]);
    let holder = heap.small(&[0, body, 0, 0, 0, 0]);
    heap.fixed("shop::ALL", &[texts[0], texts[1], texts[2], texts[3], holder]);
    let found = heap.holders();
    assert_eq!(rows(&found, "Mail"), ["Mail ← [48 bytes] ← Static shop::ALL"]);
}

#[test]
fn buffers_of_other_sizes_in_the_same_role_have_the_same_name() {
    let mut heap = Heap::new();
    let jobs: Vec<u64> = (0..4).map(|_| heap.sample("Job", &[1, 2])).collect();
    let first = heap.sample("Vec<Job>", &[vec![0; 2500], jobs[..2].to_vec()].concat());
    let second = heap.large(&jobs[2..], 24 << 10);
    heap.fixed("shop::JOBS", &[first, second]);
    let found = heap.holders();
    assert_eq!(rows(&found, "Job"), ["Job ← Vec<Job> ← Static shop::JOBS"]);
    assert!(found.types.iter().any(|held| held.type_name == "Job" && held.chains[0].samples == 4));
}

/// S60, S61: neither addresses nor contents leave the scan.
#[test]
fn s60_a_result_has_no_address_and_no_content() {
    let mut heap = Heap::new();
    sessions(&mut heap, 2, 6);
    for _ in 0..3 {
        let held = heap.small(&[0x1234_5678_9abc, 1]);
        heap.sample("Forgotten", &[0x1234_5678_9abc, held]);
    }
    let result = heap.scan();
    let found = heap.holders();
    let text = format!("{result:?} {found:?} {:?}", heap.input());
    let numbers =
        text.split(|c: char| !c.is_ascii_digit() && c != '.').filter_map(|number| number.parse::<f64>().ok());
    // Page numbers would be larger than the sizes and the identities of this heap.
    let largest = numbers.filter(|number| *number != f64::from(u32::MAX)).fold(0.0, f64::max);
    assert!(largest > 1e5 && largest < 1e8, "{largest}");
}

#[test]
fn an_object_behind_dyn_has_the_name_of_its_vtable_if_the_size_fits() {
    let mut heap = Heap::new();
    // The value alone would have this size class.
    heap.bins.insert(80);
    let mail = heap.dynamic(&["core::ptr::drop_in_place::<shop::Mail>"], &[40, 8]);
    // Without anything to drop, a method names the type.
    let pay = heap.dynamic(&["shop::none", "<shop::Pay as shop::Job>::run"], &[70, 8]);
    let other = heap.dynamic(&["core::ptr::drop_in_place::<shop::Other>"], &[400, 8]);
    let body: Vec<u64> = (0..4).map(|_| heap.sample("String", &[7; 4])).collect();
    let jobs = [
        heap.small(&[1, body[0], 0, 0, 5]),
        // Two counters, then the value.
        heap.small(&[1, 1, body[1], 0, 0, 0, 0, 0, 0, 0, 6, 0]),
        heap.small(&[body[2], 1, 2, 3, 4, 5, 6, 7]),
    ];
    // A root can have the pointer, too.
    let last = heap.small(&[body[3], 9, 9, 9, 9]);
    let queue = heap.small(&[jobs[0], mail, jobs[1], pay, jobs[2], other, 0, 0, 0, 0, 0, 0, 0, 0]);
    heap.fixed("shop::QUEUE", &[0, queue]);
    heap.fixed("shop::LAST", &[last, mail]);
    let found = heap.holders();
    let mut found = rows(&found, "String");
    found.sort();
    assert_eq!(
        found,
        [
            "String ← Arc<Pay> ← [112 bytes] ← Static shop::QUEUE",
            "String ← Box<Mail> ← Static shop::LAST",
            "String ← Box<Mail> ← [112 bytes] ← Static shop::QUEUE",
            "String ← [64 bytes] ← [112 bytes] ← Static shop::QUEUE",
        ]
    );
}

#[test]
fn a_holder_has_the_name_of_the_only_type_of_its_size_that_mentions_its_content() {
    let mut heap = Heap::new();
    let mut message = |name: &str| heap.sample(name, &[1, 2]);
    let (one, two) = (message("Box<Mail>"), message("Box<Pay>"));
    // Blocks of two channels look alike, and no sampled block holds a sampled message.
    for (name, message) in [("mpsc::channel<Box<Mail>>", one), ("crossbeam::channel<Box<Pay>>", two)] {
        for root in ["shop::A", "shop::B"] {
            let block = heap.sample(name, &[1, 0, 1, 0, 1, 0, 1, 0]);
            heap.fixed(root, &[block]);
        }
        let block = heap.small(&[1, message, 1, 0, 1, 0, 1, 0]);
        heap.fixed("shop::CHANNEL", &[0, block]);
    }
    let found = heap.holders();
    assert_eq!(rows(&found, "Box<Mail>"), ["Box<Mail> ← mpsc::channel<Box<Mail>> ← Static shop::CHANNEL"]);
    assert_eq!(rows(&found, "Box<Pay>"), ["Box<Pay> ← crossbeam::channel<Box<Pay>> ← Static shop::CHANNEL"]);
}

#[test]
fn a_holder_of_unsampled_objects_has_the_name_of_sampled_holders_of_such_objects() {
    let mut heap = Heap::new();
    let mut state = Vec::new();
    for at in 0..4 {
        let leaf = heap.sample("Leaf", &[1, 2]);
        let list = heap.small(&[leaf, 0, 0, 0]);
        // The words differ, so that they are not alike.
        let fill = [at, !0, 0x5555_0000_0000, 0, at, !0];
        let mut words = vec![list];
        words.extend((0..5).map(|word| fill[(word + at as usize) % 6]));
        state.push(if at < 3 { heap.sample("Rc<Node>", &words) } else { heap.small(&words) });
    }
    for (at, node) in state.iter().enumerate() {
        heap.fixed(&format!("shop::S{at}"), &[*node]);
    }
    let found = heap.holders();
    let mut rows = rows(&found, "Leaf");
    rows.sort();
    assert_eq!(rows[3], "Leaf ← [32 bytes] ← Rc<Node> ← Static shop::S3");
}

#[test]
fn an_array_of_owners_is_named_by_its_header_and_its_elements() {
    let mut heap = Heap::new();
    heap.bins.extend([32, 48, 64, 80, 96]);
    let boxes = |heap: &mut Heap, name: &str| -> Vec<u64> {
        (0..10).map(|at| if at < 3 { heap.sample(name, &[1, 2]) } else { heap.small(&[1, 2]) }).collect()
    };
    let job = boxes(&mut heap, "Box<Job>");
    let vector = heap.small(&[&job[..8], &[3, 4, 5, 6]].concat());
    heap.fixed("shop::VECTOR", &[12, vector, 8]);
    let rule = boxes(&mut heap, "Box<Rule>");
    let slice = heap.small(&[&rule[..], &rule[..2]].concat());
    heap.fixed("shop::SLICE", &[3, slice, 12]);
    let node = boxes(&mut heap, "Rc<Node>");
    // Around the end, with words in the unused part that are no pointers.
    let ring = heap.small(&[&node[..6], &[3, 3], &node[6..]].concat());
    heap.fixed("shop::RING", &[12, ring, 8, 10]);
    let some = boxes(&mut heap, "Box<Some>");
    let options = heap.small(&[&some[..], &[0, 0]].concat());
    heap.fixed("shop::OPTIONS", &[12, options, 12]);
    // Nothing owns these any more.
    let expired: Vec<u64> = (0..12).map(|_| heap.sample("Arc<Expired>", &[0, 1])).collect();
    let weak = heap.small(&expired);
    heap.fixed("shop::WEAK", &[12, weak, 12]);
    // The length says that other words are elements, too.
    let other = boxes(&mut heap, "Box<Other>");
    let table = heap.small(&[&other[..], &[3, 4]].concat());
    heap.fixed("shop::TABLE", &[12, table, 12]);
    let found = heap.holders();
    for (held, expected) in [
        ("Box<Job>", "Vec<Box<Job>> ← Static shop::VECTOR"),
        ("Box<Rule>", "Box<[Box<Rule>]> ← Static shop::SLICE"),
        ("Rc<Node>", "VecDeque<Rc<Node>> ← Static shop::RING"),
        ("Box<Some>", "Vec<Option<Box<Some>>> ← Static shop::OPTIONS"),
        ("Arc<Expired>", "Vec<Weak<Expired>> ← Static shop::WEAK"),
        ("Box<Other>", "[96 bytes] ← Static shop::TABLE"),
    ] {
        assert_eq!(rows(&found, held), [format!("{held} ← {expected}")]);
        let held = found.types.iter().find(|found| found.type_name == held).unwrap();
        assert_eq!(held.chains[0].links[0].inferred, held.chains[0].links[0].type_name.is_some());
    }
}

#[test]
fn a_node_that_could_belong_to_two_containers_has_no_name() {
    let mut heap = Heap::new();
    let mut message = || heap.sample("Box<Message>", &[7; 4]);
    let messages = [message(), message(), message()];
    let one = heap.sample("mpsc::channel<Box<Message>>", &[messages[0], 1]);
    let other = heap.sample("LinkedList<Box<Message>>", &[messages[1], 2]);
    let unnamed = heap.small(&[messages[2], 3]);
    heap.fixed("shop::BOTH", &[one, other, unnamed]);
    let found = heap.holders();
    assert!(
        rows(&found, "Box<Message>").iter().any(|row| row.contains("[16 bytes]")),
        "{:?}",
        rows(&found, "Box<Message>")
    );
}
