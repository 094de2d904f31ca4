//! The memory outside of the heap that keeps objects alive.

mod thread_memory;

use std::ops::Range;
use std::time::Instant;

use memory_debug_holders::{Hidden, Root, RootKind, Span};

use self::thread_memory::ThreadMemory;
use super::areas::{Area, AreaKind};
use super::control_blocks::{self, ControlBlock};
use super::foreign::PageWalk;
use super::names::{AllocatorVariables, LibraryVariables, Names};
use super::pages::Pages;
use super::private_words::PrivateWords;
use super::ranges::{common, merged, sort, without};
use super::reader::Reader;
use super::threads::Thread;

/// The most bytes in which control blocks of threads are looked for. Areas with stacks are small, so areas are searched
/// in the order of their size.
const MAX_SEARCHED_BYTES: u64 = 256 << 20;

/// Words that are read at a time.
const WORDS_AT_ONCE: usize = 1 << 17;

/// What is known about the process.
pub(super) struct Process<'a> {
    pub(super) areas: &'a [Area],
    pub(super) threads: &'a [Thread],
    pub(super) names: &'a Names,
    pub(super) allocator: &'a AllocatorVariables,
    /// The thread that scans. Its memory is no root.
    pub(super) own: u32,
    /// Memory that is no root, such as what the scan uses.
    pub(super) excluded: &'a [Range<u64>],
    /// When the scan ends. Roots that are not found by then are missing.
    pub(super) deadline: Instant,
}

/// The roots of a process.
#[derive(Debug, Default)]
pub(super) struct Roots {
    pub(super) roots: Vec<Root>,
    /// The thread pointers of all threads.
    pub(super) thread_pointers: Vec<u64>,
    /// Bytes that are swapped out, and so are not read.
    pub(super) swapped: u64,
    /// Threads whose thread-local variables were not found.
    pub(super) unknown_threads: usize,
}

/// Finds the roots.
///
/// # Errors
///
/// If jemalloc refused a question about pages, or no memory could be mapped.
pub(super) fn find(
    process: &Process<'_>,
    walk: &mut PageWalk,
    pages: &mut Pages,
    reader: &mut Reader,
) -> Result<Roots, String> {
    let mut copy = PrivateWords::new(WORDS_AT_ONCE).map_err(|error| error.to_string())?;
    let mut found = Roots::default();
    let statics = process.names.statics();
    let mut pieces = Vec::new();
    for area in process.areas.iter().filter(|area| area.is_private_data) {
        let range = area.start..area.end;
        let may_be_heap = matches!(area.kind, AreaKind::Anonymous | AreaKind::CHeap);
        for part in statics.iter().map(|part| common(part, &range)).filter(|part| !part.is_empty()) {
            pieces.push((part, RootKind::Static));
        }
        let rest = without(range, &statics);
        let kind = if area.kind == AreaKind::CHeap { RootKind::CHeap } else { RootKind::Mapping };
        for part in rest {
            let parts = if may_be_heap {
                let is_in_time = || Instant::now() < process.deadline;
                let mut first_words = |at| is_in_time().then(|| words_at(reader, at))?;
                walk.parts(part, &mut first_words, process.deadline).map_err(|error| error.to_string())?
            } else {
                vec![part]
            };
            pieces.extend(parts.into_iter().map(|part| (part, kind)));
        }
    }
    let ids: Vec<u32> = process.threads.iter().map(|thread| thread.id).collect();
    let foreign = pieces.iter().filter(|(_, kind)| *kind == RootKind::Mapping).map(|(part, _)| part.clone());
    let mut present = |part| pages.present(part, &mut 0, process.deadline);
    let blocks = control_blocks_in(foreign.collect(), &ids, &mut present, reader, &mut copy);
    found.thread_pointers = blocks.iter().map(|block| block.thread_pointer).collect();
    let memory = ThreadMemory::of(process, &blocks, &pieces);
    found.unknown_threads = memory.unknown_threads;
    found.add(process, memory, pieces, pages, &copy);
    Ok(found)
}

impl Roots {
    fn add(
        &mut self,
        process: &Process<'_>,
        memory: ThreadMemory,
        pieces: Vec<(Range<u64>, RootKind)>,
        pages: &mut Pages,
        copy: &PrivateWords,
    ) {
        let mut holes = process.excluded.to_vec();
        holes.push(copy.addresses());
        holes.extend(process.allocator.statics.iter().cloned());
        holes.extend(memory.excluded);
        sort(&mut holes);
        let mut claimed: Vec<Range<u64>> = memory.roots.iter().map(|(range, ..)| range.clone()).collect();
        claimed.extend(holes.iter().cloned());
        sort(&mut claimed);
        let library = process.names.of_library().unwrap_or_default();
        let library = library_ranges(library, &self.thread_pointers);
        let mut add = |part: Range<u64>, kind, name: Option<&str>| {
            for other in without(part.clone(), &library) {
                self.add_present(other, (kind, name, false), (pages, process.deadline));
            }
            for own in library.iter().map(|own| common(own, &part)).filter(|own| !own.is_empty()) {
                self.add_present(own, (kind, name, true), (pages, process.deadline));
            }
        };
        for (range, kind, name) in memory.roots {
            without(range, &holes).into_iter().for_each(|part| add(part, kind, name.as_deref()));
        }
        for (piece, kind) in pieces {
            without(piece, &claimed).into_iter().for_each(|part| add(part, kind, None));
        }
    }

    fn add_present(
        &mut self,
        part: Range<u64>,
        (kind, name, is_own): (RootKind, Option<&str>, bool),
        (pages, deadline): (&mut Pages, Instant),
    ) {
        for part in pages.present(part, &mut self.swapped, deadline) {
            let span = Span { start: Hidden::new(part.start), bytes: part.end - part.start };
            self.roots.push(Root { span, kind, name: name.map(str::to_owned), is_own });
        }
    }
}

/// Where the variables of this library lie, for these threads.
fn library_ranges(variables: LibraryVariables, thread_pointers: &[u64]) -> Vec<Range<u64>> {
    let mut ranges = variables.statics;
    for pointer in thread_pointers {
        let locals = variables.below_thread_pointer.iter();
        ranges.extend(
            locals.map(|below| pointer.saturating_sub(below.start)..pointer.saturating_sub(below.end)),
        );
    }
    merged(ranges.into_iter())
}

/// The first two words of a page.
fn words_at(reader: &mut Reader, address: u64) -> Option<[u64; 2]> {
    let mut bytes = [0; 16];
    let copied = reader.read(&[Span { start: Hidden::new(address), bytes: 16 }], &mut bytes);
    let (low, high) = bytes.split_at(8);
    (copied == 16)
        .then_some([u64::from_ne_bytes(low.try_into().ok()?), u64::from_ne_bytes(high.try_into().ok()?)])
}

/// Searches memory for control blocks of threads.
fn control_blocks_in(
    mut parts: Vec<Range<u64>>,
    threads: &[u32],
    present: &mut dyn FnMut(Range<u64>) -> Vec<Range<u64>>,
    reader: &mut Reader,
    copy: &mut PrivateWords,
) -> Vec<ControlBlock> {
    parts.sort_unstable_by_key(|part| part.end - part.start);
    let mut blocks: Vec<ControlBlock> = Vec::new();
    let mut searched = 0;
    let at_once = (copy.len() * size_of::<u64>()) as u64;
    // Neighbours of what was read at a time overlap by a block, so that no block is cut.
    let step = at_once - control_blocks::BLOCK_BYTES;
    for part in parts.into_iter().flat_map(present) {
        let mut at = part.start;
        while at < part.end && searched < MAX_SEARCHED_BYTES {
            let bytes = (part.end - at).min(at_once);
            let copied = reader.read(&[Span { start: Hidden::new(at), bytes }], copy.bytes_mut());
            searched += bytes;
            control_blocks::find(at, &copy[..copied / size_of::<u64>()], threads, &mut blocks);
            at += if bytes < at_once { bytes } else { step };
        }
    }
    // A block in an overlap is found twice.
    blocks.sort_unstable_by_key(|block| (block.thread_pointer, block.thread.is_none()));
    blocks.dedup_by_key(|block| block.thread_pointer);
    blocks
}
