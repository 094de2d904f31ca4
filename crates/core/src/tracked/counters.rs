//! One pair of counters for every tracked type, found without locks.
//!
//! The registry is a list that only grows. Nodes are made once per type and live for ever, so a counter is a
//! plain `&'static` reference. Programs track a handful of types, and walking the list takes nanoseconds.

use std::any::{TypeId, type_name};
use std::iter;
use std::sync::OnceLock;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};

use memory_debug_report::TypeRow;

/// The number of counters per type. More threads than this share counters.
const SHARDS: usize = 16;

/// How many values of a type were created and dropped.
#[derive(Debug)]
pub(super) struct Counters {
    created: [Shard; SHARDS],
    dropped: [Shard; SHARDS],
}

/// The counters of a type at one moment.
#[derive(Clone, Copy)]
struct Totals {
    created: u64,
    dropped: u64,
}

/// A counter on a cache line of its own (two lines, because processors fetch pairs), so that threads that count
/// at the same time do not wait for each other.
#[derive(Debug, Default)]
#[repr(align(128))]
struct Shard(AtomicU64);

impl Counters {
    /// The counters of `T`.
    pub(super) fn of<T: 'static>() -> &'static Self {
        let mut link = &REGISTRY;
        loop {
            let node = link.get_or_init(|| Box::new(Node::of::<T>()));
            if node.id == TypeId::of::<T>() {
                return &node.counters;
            }
            link = &node.next;
        }
    }

    pub(super) fn count_created(&self) {
        self.created[shard()].0.fetch_add(1, Ordering::Release);
    }

    pub(super) fn count_dropped(&self) {
        self.dropped[shard()].0.fetch_add(1, Ordering::Release);
    }

    /// Both totals since the process started. Drops are read first and creation precedes drop, so `created` is
    /// never less. Values made during the call may or may not be included.
    fn totals(&self) -> Totals {
        let sum = |shards: &[Shard]| shards.iter().map(|shard| shard.0.load(Ordering::Acquire)).sum::<u64>();
        let dropped = sum(&self.dropped);
        Totals { created: sum(&self.created), dropped }
    }
}

/// Makes a row for every type that was ever tracked, in the order in which the types were first seen.
pub(crate) fn rows() -> Vec<TypeRow> {
    nodes().map(Node::row).collect()
}

type Link = OnceLock<Box<Node>>;

static REGISTRY: Link = OnceLock::new();

#[derive(Debug)]
struct Node {
    id: TypeId,
    type_name: &'static str,
    size: usize,
    counters: Counters,
    next: Link,
}

impl Node {
    fn of<T: 'static>() -> Self {
        Self {
            id: TypeId::of::<T>(),
            type_name: type_name::<T>(),
            size: size_of::<T>(),
            counters: Counters { created: Default::default(), dropped: Default::default() },
            next: OnceLock::new(),
        }
    }

    fn row(&self) -> TypeRow {
        let Totals { created, dropped } = self.counters.totals();
        let objects = created.saturating_sub(dropped);
        let type_name = memory_debug_profile::readable_type_name(self.type_name);
        let bytes = objects.saturating_mul(self.size as u64);
        let mut row = TypeRow::exact(type_name, self.type_name.to_owned(), objects, bytes);
        row.created = Some(created);
        row.dropped = Some(dropped);
        row
    }
}

fn nodes() -> impl Iterator<Item = &'static Node> {
    iter::successors(REGISTRY.get(), |node| node.next.get()).map(Box::as_ref)
}

/// The counter of this thread. Threads are assigned in turn.
fn shard() -> usize {
    static NEXT: AtomicUsize = AtomicUsize::new(0);
    thread_local!(static SHARD: usize = NEXT.fetch_add(1, Ordering::Relaxed) % SHARDS);
    SHARD.with(|shard| *shard)
}
