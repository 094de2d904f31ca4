//! Marks everything that the roots reach, whether it was sampled or not.
//!
//! The mark is conservative: each aligned word that could be a pointer into the heap is followed. What it does not reach
//! has no pointer to it. What it reaches may be dead: a stale word can look like a pointer.

mod others;
mod queue;
mod read;
mod words;

use memory_debug_profile::holds_pointers;

use crate::bits::Bits;
use crate::holders_report::RootKind;
use crate::input::{Root, ScanInput};
use crate::memory::{Hidden, Memory, Span};
use crate::page_map::{MAX_REGIONS, PageMap};
pub(crate) use others::Others;
use queue::Queue;
use read::Part;

/// The most pointers to one sample that are remembered.
const MAX_EDGES: u32 = 64;

/// The most regions that are read once more because one that they pointed to had changed.
const MAX_RETRIES: u32 = 100_000;

/// The most regions near roots that are read once more.
const MAX_HEADS: u32 = 100_000;

/// Where a pointer was found: a region, or, from `ROOTS` on, a word of a root.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) struct Source(pub(crate) u32);

impl Source {
    const ROOTS: u32 = MAX_REGIONS;

    pub(crate) fn region(self) -> Option<u32> {
        (1..Self::ROOTS).contains(&self.0).then_some(self.0)
    }

    /// The index of a word in [`Mark::root_words`].
    pub(crate) fn root_word(self) -> Option<usize> {
        self.0.checked_sub(Self::ROOTS).map(|index| index as usize)
    }
}

/// A pointer to a sample.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Edge {
    pub(crate) sample: u32,
    /// What has the pointer.
    pub(crate) source: Source,
    /// Where in it, in bytes.
    pub(crate) offset: u32,
    /// Whether it lies among bytes that look like text.
    pub(crate) doubtful: bool,
}

/// What the roots reach.
#[derive(Debug, Default)]
pub(crate) struct Mark {
    /// For each region what reached it first. 0 if nothing did.
    parents: Vec<u32>,
    /// What else points to regions.
    pub(crate) others: Others,
    /// Addresses of words of roots.
    pub(crate) root_words: Vec<Hidden>,
    /// Pointers to samples.
    pub(crate) edges: Vec<Edge>,
    /// For each sample how many pointers to it were seen.
    edge_counts: Vec<u32>,
    /// Bytes of the heap that were read.
    pub(crate) read_bytes: u64,
    /// Bytes that belong to the program and could not be read.
    pub(crate) unreadable_bytes: u64,
    /// Whether the time was over before everything was read.
    pub(crate) is_cut: bool,
    /// Bytes of memory that the mark took at its end.
    pub(crate) own_bytes: usize,
}

impl Mark {
    /// What reached a region first. `None` if nothing did.
    pub(crate) fn parent(&self, region: u32) -> Option<Source> {
        self.parents.get(region as usize).copied().filter(|parent| *parent != 0).map(Source)
    }

    pub(crate) fn is_marked(&self, region: u32) -> bool {
        self.parent(region).is_some()
    }
}

/// Marks what the roots reach.
pub(crate) fn mark<M: Memory + ?Sized>(input: &ScanInput, memory: &mut M, map: &mut PageMap) -> Mark {
    let mut marker = Marker::new(input, map);
    marker.mark.is_cut = !marker.run(memory);
    marker.finish()
}

struct Marker<'a> {
    input: &'a ScanInput,
    map: &'a mut PageMap,
    mark: Mark,
    queue: Queue,
    /// Regions that look like text and have words that look like pointers. They are read last.
    deferred: Bits,
    /// The same for parts of large objects.
    deferred_parts: Vec<Part>,
    /// Regions that are read once more.
    retries: Bits,
    retries_left: u32,
    heads_left: u32,
    /// Whether the deferred regions are being read.
    is_last: bool,
    /// Whether roots and regions are being read once more.
    is_repeat: bool,
    /// For each type whether its objects hold pointers.
    holds_pointers: Vec<bool>,
    /// Words that need an answer of the allocator before they are followed.
    unsure: Vec<words::Word>,
    heap_bytes: u64,
}

impl<'a> Marker<'a> {
    fn new(input: &'a ScanInput, map: &'a mut PageMap) -> Self {
        // Room for regions that appear during the scan. A vector that has to move takes twice its memory for a moment, and
        // zeroed memory that is never written takes none.
        let regions = map.next_region as usize;
        let mut parents = vec![0; regions + regions / 8 + (1 << 16)];
        parents.truncate(regions);
        let others = Others::new(map.next_region);
        let mark = Mark { parents, others, edge_counts: vec![0; input.samples.len()], ..Mark::default() };
        let heap_bytes = map.heap_bytes();
        let holds_pointers = input.types.iter().map(|name| holds_pointers(name)).collect();
        Self {
            input,
            map,
            mark,
            queue: Queue::default(),
            deferred: Bits::default(),
            deferred_parts: Vec::new(),
            retries: Bits::default(),
            retries_left: MAX_RETRIES,
            heads_left: MAX_HEADS,
            is_last: false,
            is_repeat: false,
            holds_pointers,
            unsure: Vec::new(),
            heap_bytes,
        }
    }

    /// Returns `false` if the time was over.
    fn run<M: Memory + ?Sized>(&mut self, memory: &mut M) -> bool {
        self.follow_all_roots(memory) && self.repeat(memory) && self.read_deferred(memory)
    }

    /// Follows the roots, the most certain ones first, each group to its end: what a group reaches belongs to it, so a dead
    /// word of a later root cannot take it away. Statics and thread-locals are one group, because structs in which they lead
    /// on have dead words, too: the nearer root counts. Stacks are full of dead words. Memory of C code and other mappings
    /// have blocks that are free, and no name. Stacks without a name come then,
    /// and at the end what belongs to this library: the program can have given it objects, so they are not lost.
    fn follow_all_roots<M: Memory + ?Sized>(&mut self, memory: &mut M) -> bool {
        let groups: [&[u8]; 5] = [&[0, 1], &[2], &[3], &[4], &[5]];
        groups
            .iter()
            .all(|ranks| ranks.iter().all(|rank| self.read_roots(memory, *rank)) && self.drain(memory))
    }

    fn read_roots<M: Memory + ?Sized>(&mut self, memory: &mut M, rank: u8) -> bool {
        let input = self.input;
        input.roots.iter().filter(|root| rank_of(root) == rank).all(|root| {
            without(root.span, &input.excluded).into_iter().all(|span| self.read_root(memory, span))
        })
    }

    /// Reads the roots again, and regions that pointed to something that has changed. While the scan ran, the program
    /// went on: a table that grew is at another place now.
    fn repeat<M: Memory + ?Sized>(&mut self, memory: &mut M) -> bool {
        self.is_repeat = true;
        let (mut from, mut pushed) = (0, 0_usize);
        let mut has_time = true;
        while let Some(region) = self.retries.take_from(from).filter(|_| has_time) {
            from = region;
            if let Some(extent) = self.map.extent_of(region) {
                self.queue.push(self.map, extent, region);
                pushed += 1;
            }
            // What a head points to now must be read before the program moves on.
            if pushed.is_multiple_of(read::MAX_SPANS) {
                has_time = self.drain(memory);
            }
        }
        has_time = has_time && self.drain(memory) && self.follow_all_roots(memory);
        self.is_repeat = false;
        has_time
    }

    fn read_deferred<M: Memory + ?Sized>(&mut self, memory: &mut M) -> bool {
        self.is_last = true;
        let parts = std::mem::take(&mut self.deferred_parts);
        if !parts.chunks(read::MAX_SPANS).all(|parts| self.read_parts(memory, parts.to_vec())) {
            return false;
        }
        let mut from = 0;
        while let Some(region) = self.deferred.take_from(from) {
            from = region;
            if let Some(extent) = self.map.extent_of(region) {
                self.queue.push(self.map, extent, region);
            }
            if self.queue.is_full() && !self.drain(memory) {
                return false;
            }
        }
        self.drain(memory)
    }

    fn finish(mut self) -> Mark {
        self.mark.own_bytes = self.map.own_bytes()
            + self.mark.parents.len() * 4
            + self.mark.others.bytes()
            + self.mark.root_words.capacity() * 8
            + self.mark.edges.capacity() * size_of::<Edge>()
            + self.queue.bytes()
            + self.deferred.bytes()
            + self.deferred_parts.capacity() * size_of::<Part>()
            + self.unsure.capacity() * size_of::<words::Word>();
        self.mark
    }
}

/// The place of a root in the order in which roots are read.
fn rank_of(root: &Root) -> u8 {
    match root.kind {
        _ if root.is_own => 5,
        RootKind::Static => 0,
        RootKind::ThreadLocal => 1,
        RootKind::Stack if root.name.is_some() => 2,
        RootKind::CHeap | RootKind::Mapping => 3,
        RootKind::Stack => 4,
    }
}

/// A span without the parts that a scan must not read.
fn without(span: Span, excluded: &[Span]) -> Vec<Span> {
    let (mut start, end) = (span.start.address(), span.start.address().saturating_add(span.bytes));
    let mut cuts: Vec<(u64, u64)> = excluded
        .iter()
        .map(|cut| (cut.start.address(), cut.start.address().saturating_add(cut.bytes)))
        .filter(|cut| cut.0 < end && cut.1 > start)
        .collect();
    cuts.sort_unstable();
    let mut kept = Vec::new();
    let mut keep = |from: u64, to: u64| {
        if from < to {
            kept.push(Span { start: Hidden::new(from), bytes: to - from });
        }
    };
    for (from, to) in cuts {
        keep(start, from);
        start = start.max(to);
    }
    keep(start, end);
    kept
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn excluded_memory_is_cut_out_of_a_span() {
        let span = |start, bytes| Span { start: Hidden::new(start), bytes };
        let cut = |span, excluded: &[Span]| -> Vec<(u64, u64)> {
            without(span, excluded).iter().map(|kept| (kept.start.address(), kept.bytes)).collect()
        };
        let whole = span(100, 100);
        assert_eq!(cut(whole, &[]), [(100, 100)]);
        assert_eq!(cut(whole, &[span(0, 100), span(200, 9)]), [(100, 100)]);
        assert_eq!(cut(whole, &[span(150, 10), span(90, 20)]), [(110, 40), (160, 40)]);
        assert_eq!(cut(whole, &[span(150, 10), span(120, 60), span(190, u64::MAX)]), [(100, 20), (180, 10)]);
        assert_eq!(cut(whole, &[span(0, 1000)]), []);
    }
}
