//! Sample trees, with what is hard to write.

use memory_debug_formats::{CallKind, CallNode, CallTree, Event, Unit};

/// All trees, with the names of their files.
pub(crate) fn all() -> [(&'static str, CallTree); 4] {
    [("trace", trace()), ("heap", heap()), ("large", large()), ("grown", grown())]
}

/// A node of `(parent, name, file and line, calls, own numbers)`.
fn node(parent: Option<usize>, name: &str, site: Option<(&str, u32)>, calls: u64, own: &[i64]) -> CallNode {
    let kind = if name.starts_with('[') { CallKind::Type } else { CallKind::Function };
    let name = name.trim_start_matches('[').trim_end_matches(']').into();
    let (file, line) = (site.map(|(file, _)| file.into()), site.map(|(_, line)| line));
    CallNode { parent, kind, name, file, line, calls, own: own.to_vec(), inclusive: Vec::new() }
}

fn tree(title: &str, events: Vec<Event>, nodes: Vec<CallNode>) -> CallTree {
    let mut tree = CallTree { title: title.into(), events, nodes };
    tree.sum_up();
    tree
}

/// Requests with waiting, recursion and calls that overlap.
fn trace() -> CallTree {
    let events = vec![
        Event::new("Total", "wall time of calls", Unit::Nanoseconds),
        Event::new("Busy", "time inside polls", Unit::Nanoseconds),
        Event::new("Idle", "wall time outside of polls", Unit::Nanoseconds),
        Event::new("Allocated", "bytes allocated inside polls", Unit::Bytes),
        Event::new("Freed", "bytes freed inside polls", Unit::Bytes),
    ];
    let us = |total: i64, busy: i64, bytes: i64, freed: i64| {
        [total * 1_000, busy * 1_000, (total - busy).max(0) * 1_000, bytes, freed]
    };
    let nodes = vec![
        node(None, "GET /items/{id}", None, 12, &us(700, 650, 4_096, 1_024)),
        node(Some(0), "load", Some(("src/db.rs", 17)), 12, &us(90_000, 1_200, 1 << 20, 1 << 19)),
        node(Some(1), "load", Some(("src/db.rs", 17)), 3, &us(4_000, 400, 1 << 18, 0)),
        node(Some(2), "load", Some(("src/db.rs", 17)), 1, &us(1_000, 100, 77, 7)),
        node(
            Some(1),
            "decode \"quoted\" \\ 한국어",
            Some(("src/db.rs", 40)),
            24,
            &us(3_000, 3_000, 5_000, 5_000),
        ),
        node(Some(0), "render", Some(("src/page.rs", 9)), 12, &us(2_500, 2_500, 65_536, 60_000)),
        node(None, "POST /items", None, 2, &us(1_500, 300, 100, 100)),
        node(Some(6), "load", Some(("src/db.rs", 17)), 2, &us(5_000, 50, 9, 9)),
        node(None, "(other)", None, 0, &[999, 999, 0, 0, 0]),
    ];
    let mut tree = tree("trace of shop, pid 7", events, nodes);
    // Two loads at the same time: more than the request that waits for both.
    tree.nodes[0].inclusive[0] = 60_000_000;
    tree
}

fn live() -> Vec<Event> {
    vec![
        Event::new("Bytes", "live heap bytes", Unit::Bytes),
        Event::new("Objects", "live objects", Unit::Count),
    ]
}

fn heap_nodes(of_largest: i64) -> Vec<CallNode> {
    vec![
        node(None, "main", Some(("src/main.rs", 5)), 0, &[0, 0]),
        node(Some(0), "shop::handler::{closure#0}", Some(("src/handler.rs", 20)), 0, &[0, 0]),
        node(Some(1), "[Vec<u8>]", Some(("src/handler.rs", 20)), 0, &[3_000, 30]),
        node(Some(1), "shop::parse", Some(("src/parse.rs", 8)), 0, &[0, 0]),
        node(Some(3), "shop::parse", Some(("src/parse.rs", 11)), 0, &[0, 0]),
        node(Some(4), "[HashMap<String, Vec<u8>>]", Some(("src/parse.rs", 11)), 0, &[of_largest, 12]),
        node(Some(0), "cache;fill", Some(("src/cache.rs", 1)), 0, &[0, 0]),
        node(Some(6), "[Vec<u8>]", Some(("src/cache.rs", 1)), 0, &[7_777, 7]),
        node(None, "", None, 0, &[0, 0]),
        node(Some(8), "[unattributed]", None, 0, &[123, 4]),
    ]
}

/// Types below the functions that allocated them.
fn heap() -> CallTree {
    tree("live heap of shop, pid 7", live(), heap_nodes(1 << 20))
}

/// A type that holds more than 32 bits can express.
fn large() -> CallTree {
    tree("live heap of shop, pid 7", live(), heap_nodes(10 << 30))
}

/// Growth, with negative numbers.
fn grown() -> CallTree {
    tree("growth of shop, pid 7", live(), heap_nodes(-4_096))
}
