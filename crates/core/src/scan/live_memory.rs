//! The memory of this process, as a scan reads it.

use std::ops::Range;
use std::path::Path;
use std::time::{Duration, Instant};

use memory_debug_holders::{Hidden, Memory, PageUse, Span};

use super::areas;
use super::foreign::PageWalk;
use super::pages::Pages;
use super::private_words::PrivateWords;
use super::reader::Reader;
use crate::headroom::Headroom;
use crate::seccomp::is_filtered;
use crate::thread::arena_in_use;

/// The most bytes that one read returns.
const MAX_READ_BYTES: usize = 64 << 20;

/// Bytes that a read usually wants.
const USUAL_READ_BYTES: usize = 1 << 18;

/// A scan ends if less memory than this is left.
const SPARED_BYTES: u64 = 16 << 20;

/// The most holes that one read looks into. Each takes a list of all mappings.
const MAX_HOLES: usize = 16;

const TIME_IS_OVER: &str = "the time was over before all of the heap was read; allow more seconds";

/// How often a scan looks at the memory that is left.
const LOOK_AGAIN: Duration = Duration::from_millis(250);

/// Where a scan is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct ReadSoFar {
    pub(crate) read_bytes: u64,
    pub(crate) heap_bytes: u64,
}

/// The memory of this process.
pub(super) struct LiveMemory<'a> {
    pub(super) reader: Reader,
    pub(super) walk: PageWalk,
    pub(super) pages: Pages,
    copy: PrivateWords,
    /// The arena of the threads that collect.
    own_arena: Option<u32>,
    /// Whether the scan gives way to other threads.
    gives_way: bool,
    /// Bytes that were not read because they are swapped out.
    pub(super) swapped: u64,
    pub(super) deadline: Instant,
    looked_at: Instant,
    /// Why the scan has to end.
    ended: Option<String>,
    tell: &'a dyn Fn(ReadSoFar),
}

impl<'a> LiveMemory<'a> {
    /// # Errors
    ///
    /// If no memory could be mapped.
    pub(super) fn new(
        (reader, walk, pages): (Reader, PageWalk, Pages),
        deadline: Instant,
        tell: &'a dyn Fn(ReadSoFar),
    ) -> Result<Self, String> {
        let copy =
            PrivateWords::new(USUAL_READ_BYTES / size_of::<u64>()).map_err(|error| error.to_string())?;
        let looked_at = Instant::now();
        let own_arena = arena_in_use();
        let gives_way = !is_filtered(Path::new("/proc"));
        Ok(Self {
            reader,
            walk,
            pages,
            copy,
            own_arena,
            gives_way,
            swapped: 0,
            deadline,
            looked_at,
            ended: None,
            tell,
        })
    }

    /// The addresses that the scan uses for itself.
    pub(super) fn own_addresses(&self) -> Vec<Range<u64>> {
        let [addresses, answers] = self.walk.own_addresses();
        vec![self.reader.addresses(), addresses, answers, self.copy.addresses()]
    }

    /// Why the scan has to end. `None` if it was not cut short.
    pub(super) fn ended(&self) -> Option<&str> {
        self.ended.as_deref()
    }

    /// Makes room for a read. A larger copy lies elsewhere, and was made after the roots were found, so it is not one of them.
    fn make_room(&mut self, bytes: usize) {
        let bytes = bytes.min(MAX_READ_BYTES);
        if bytes > self.copy.bytes().len() {
            let larger = PrivateWords::new(bytes.next_power_of_two() / size_of::<u64>());
            // Without room, the read is shorter.
            if let Ok(larger) = larger {
                self.copy = larger;
            }
        }
    }
}

impl LiveMemory<'_> {
    /// Copies spans to `self.copy` from `at` on, up to the first byte that cannot be read or is swapped out. Returns how
    /// many bytes it copied.
    fn copy_spans(&mut self, spans: &[Span], at: usize) -> usize {
        let into = self.copy.bytes_mut().get_mut(at..).unwrap_or_default();
        if !self.pages.has_swapped() {
            return self.reader.read(spans, into);
        }
        let mut readable = Vec::with_capacity(spans.len());
        for span in spans {
            let bytes = self.pages.before_swapped(span.start.address(), span.bytes);
            readable.push(Span { start: span.start, bytes });
            if bytes < span.bytes {
                self.swapped = self.swapped.saturating_add(span.bytes - bytes);
                break;
            }
        }
        self.reader.read(&readable, into)
    }

    /// How many bytes from an address on the program itself cannot use any more: a thread has ended, or a buffer is gone. 0
    /// if the program can use the address, so that something may be hidden there.
    fn gone_bytes(&self, address: u64) -> u64 {
        let Ok(areas) = areas::read(Path::new("/proc")) else { return 0 };
        let next = areas.iter().find(|area| area.is_private_data && address < area.end);
        next.map_or(u64::MAX, |area| area.start).saturating_sub(address)
    }
}

/// The spans behind the first `bytes` bytes.
fn behind(spans: &[Span], bytes: u64) -> Vec<Span> {
    let mut left = bytes;
    let mut rest = Vec::new();
    for span in spans {
        let skipped = left.min(span.bytes);
        left -= skipped;
        if skipped < span.bytes {
            let start = Hidden::new(span.start.address().saturating_add(skipped));
            rest.push(Span { start, bytes: span.bytes - skipped });
        }
    }
    rest
}

impl Memory for LiveMemory<'_> {
    /// Memory that the program cannot use any more reads as zeros: it holds nothing.
    fn read(&mut self, spans: &[Span]) -> &[u8] {
        let wanted = spans.iter().fold(0_u64, |sum, span| sum.saturating_add(span.bytes));
        self.make_room(usize::try_from(wanted).unwrap_or(usize::MAX));
        let mut copied = self.copy_spans(spans, 0);
        for _ in 0..MAX_HOLES {
            let rest = behind(spans, copied as u64);
            let Some(first) = rest.first() else { break };
            let gone = self.gone_bytes(first.start.address()).min(first.bytes);
            let hole = self.copy.bytes_mut().get_mut(copied..).unwrap_or_default();
            let gone = usize::try_from(gone).unwrap_or(usize::MAX).min(hole.len());
            if gone == 0 {
                break;
            }
            hole[..gone].fill(0);
            copied += gone;
            copied += self.copy_spans(&behind(&rest, gone as u64), copied);
        }
        &self.copy.bytes()[..copied]
    }

    fn uses(&mut self, pages: &[Hidden], uses: &mut Vec<PageUse>) {
        uses.clear();
        uses.reserve(pages.len());
        let asked = self.walk.ask(pages.iter().map(|page| page.address()), |answer| {
            uses.push(PageUse { free: answer.free, regions: answer.regions, bytes: answer.bytes });
        });
        if let Err(error) = asked {
            // Pages that jemalloc did not tell about count as unknown.
            uses.resize(pages.len(), PageUse::default());
            self.ended.get_or_insert(error.to_string());
        }
    }

    fn is_heap(&mut self, page: Hidden) -> bool {
        self.walk.is_heap(page.address())
    }

    /// Threads that collect have an arena of their own.
    fn is_own(&mut self, page: Hidden) -> bool {
        self.own_arena.is_some() && self.walk.arena_of(page.address()) == self.own_arena
    }

    fn is_over(&mut self) -> bool {
        self.give_way();
        if self.ended.is_some() {
            return true;
        }
        let now = Instant::now();
        if now >= self.deadline {
            self.ended = Some(TIME_IS_OVER.to_owned());
        } else if now.duration_since(self.looked_at) >= LOOK_AGAIN {
            self.looked_at = now;
            let headroom = Headroom::new(SPARED_BYTES, SPARED_BYTES);
            if headroom.is_short() {
                self.ended = Some(format!("memory became short: {headroom}"));
            }
        }
        self.ended.is_some()
    }

    /// Whatever the priorities are, Linux lets a thread finish its slice of some milliseconds before another one runs that has
    /// become ready. Under a filter of system calls (seccomp) nothing is tried.
    fn give_way(&mut self) {
        if self.gives_way {
            std::thread::yield_now();
        }
    }

    fn progress(&mut self, read_bytes: u64, heap_bytes: u64) {
        (self.tell)(ReadSoFar { read_bytes, heap_bytes });
    }
}

#[cfg(feature = "jemalloc")]
#[cfg(test)]
mod tests {
    use std::cell::Cell;

    use memmap2::MmapMut;

    use super::*;

    fn memory(deadline: Instant, tell: &dyn Fn(ReadSoFar)) -> LiveMemory<'_> {
        let proc = Path::new("/proc");
        let parts = (Reader::new(proc).unwrap(), PageWalk::new(4096).unwrap(), Pages::new(proc, 4096));
        LiveMemory::new(parts, deadline, tell).unwrap()
    }

    #[test]
    fn reads_spans_of_any_size_and_asks_about_any_number_of_pages() {
        let mut memory = memory(Instant::now() + Duration::from_secs(3600), &|_| {});
        let large = vec![7_u8; 3 << 20];
        let span = Span { start: Hidden::new(large.as_ptr() as u64), bytes: large.len() as u64 };
        assert_eq!(memory.read(&[span]), large);
        assert_eq!(memory.read(&[]), b"");
        let object = crate::mallctl::allocate(100 << 10);
        assert!(memory.is_heap(Hidden::new(object)));
        let mut uses = vec![PageUse::default(); 3];
        memory.uses(&vec![Hidden::new(object); 10_000], &mut uses);
        assert_eq!(uses.len(), 10_000);
        assert!(uses.iter().all(|found| found.regions == 1 && found.bytes >= 100 << 10));
        assert!(!memory.is_over());
    }

    #[test]
    fn an_extent_belongs_to_this_library_if_the_arena_of_its_threads_has_it() {
        let mut memory = memory(Instant::now() + Duration::from_secs(3600), &|_| {});
        let object = crate::mallctl::allocate(100 << 10);
        memory.own_arena = memory.walk.arena_of(object);
        assert!(memory.own_arena.is_some() && memory.is_own(Hidden::new(object)));
        assert!(!memory.is_own(Hidden::new(&raw const memory as u64)));
        // Without such an arena, nothing is, not even what no arena has.
        memory.own_arena = None;
        assert!(!memory.is_own(Hidden::new(object)) && !memory.is_own(Hidden::new(64)));
    }

    #[test]
    fn memory_that_is_not_mapped_any_more_reads_as_zeros() {
        let mut memory = memory(Instant::now() + Duration::from_secs(3600), &|_| {});
        let (mut first, mut second) = (MmapMut::map_anon(1 << 16).unwrap(), MmapMut::map_anon(4096).unwrap());
        first.fill(1);
        second.fill(2);
        let span = |map: &MmapMut| Span { start: Hidden::new(map.as_ptr() as u64), bytes: map.len() as u64 };
        let spans = [span(&second), span(&first), span(&second)];
        let sum = |bytes: &[u8]| bytes.iter().map(|byte| u32::from(*byte)).sum::<u32>();
        assert_eq!(sum(memory.read(&spans)), 2 * 8192 + (1 << 16));
        drop(first);
        let found = memory.read(&spans);
        assert_eq!(found.len(), 8192 + (1 << 16));
        // Another test may have mapped something of its own there.
        assert!(sum(&found[..4096]) == 8192 && sum(&found[4096 + (1 << 16)..]) == 8192);
    }

    #[test]
    fn spans_behind_a_number_of_bytes_are_cut_where_it_ends() {
        let spans = [100, 200].map(|start| Span { start: Hidden::new(start), bytes: 10 });
        let places = |bytes| {
            let rest = behind(&spans, bytes);
            rest.iter().map(|span| (span.start.address(), span.bytes)).collect::<Vec<_>>()
        };
        assert_eq!(places(0), [(100, 10), (200, 10)]);
        assert_eq!(places(4), [(104, 6), (200, 10)]);
        assert_eq!(places(10), [(200, 10)]);
        assert_eq!(places(99), []);
    }

    #[test]
    fn ends_at_the_deadline_and_says_so() {
        let reached = Cell::new(ReadSoFar::default());
        let tell = |now| reached.set(now);
        let mut memory = memory(Instant::now(), &tell);
        assert!(memory.is_over());
        assert_eq!(memory.ended(), Some(TIME_IS_OVER));
        memory.progress(5, 9);
        assert_eq!(reached.get(), ReadSoFar { read_bytes: 5, heap_bytes: 9 });
    }
}
