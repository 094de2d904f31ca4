//! A scan of a heap with any contents, about which the allocator says anything, and which changes while it is read. No
//! input panics. A scan asks the allocator only about pages of chunks that it confirmed, reads at most 256 spans and
//! 1 MiB at once, never reads excluded memory, and never misses a sample to which a root points.

#![no_main]

use std::time::Duration;

use libfuzzer_sys::arbitrary::{self, Arbitrary};
use libfuzzer_sys::fuzz_target;
use memory_debug_holders::{
    Bin, Hidden, HoldersOptions, Memory, PageUse, Reached, Root, RootKind, SampledObject, Scan, ScanInput,
    Span, Symbols, holders,
};
use memory_debug_profile::{LiveSample, StackHash};

const PAGE: u64 = 4096;
const PAGES: usize = 32;
const HEAP: u64 = 0x7f12_4000_0000 - 16 * PAGE;
const ROOT: u64 = 0x5555_5000_0000;
const ROOT_WORDS: usize = 32;

/// What the heap of the test consists of.
#[derive(Arbitrary, Debug)]
struct Input {
    uses: [Use; PAGES],
    words: Vec<(u16, Word)>,
    root: [Word; ROOT_WORDS],
    samples: Vec<(u8, u16, u8)>,
    types: [u8; 3],
    excluded: Option<(u8, u8)>,
    unreadable: Option<u8>,
    over_after: Option<u8>,
    complete: bool,
    stack_from: u8,
    /// After which read which page changes its use and one of its words.
    changes: Vec<(u8, u8, Use, Word)>,
}

#[derive(Arbitrary, Clone, Copy, Debug)]
enum Use {
    Unknown,
    Slab(u8),
    Extent(u8),
    Any { regions: u16, bytes: u32 },
}

#[derive(Arbitrary, Clone, Copy, Debug)]
enum Word {
    Zero,
    Near { page: u8, offset: u16 },
    Program(u16),
    Any(u64),
}

const BINS: [(u64, u64, u64); 3] = [(48, 85, 4096), (512, 8, 4096), (640, 32, 20480)];
const TYPES: [&str; 6] =
    ["Session", "Vec<Arc<Session>>", "VecDeque<Job>", "String", "HashMap<u64, Session>", ""];

impl Use {
    fn answer(self) -> PageUse {
        match self {
            Use::Unknown => PageUse::default(),
            Use::Slab(bin) => {
                let (_, regions, bytes) = BINS[bin as usize % BINS.len()];
                PageUse { free: 0, regions, bytes }
            }
            Use::Extent(pages) => PageUse { free: 0, regions: 1, bytes: u64::from(pages % 8) * PAGE },
            Use::Any { regions, bytes } => PageUse { free: 0, regions: regions.into(), bytes: bytes.into() },
        }
    }
}

impl Word {
    fn number(self) -> u64 {
        match self {
            Word::Zero => 0,
            Word::Near { page, offset } => {
                HEAP + u64::from(page) % PAGES as u64 * PAGE + u64::from(offset) % PAGE
            }
            Word::Program(offset) => ROOT + u64::from(offset),
            Word::Any(number) => number,
        }
    }
}

struct Heap {
    words: Vec<u64>,
    uses: Vec<PageUse>,
    root: Vec<u64>,
    unreadable: Option<u64>,
    excluded: Vec<Span>,
    over_after: Option<usize>,
    changes: Vec<(u8, u8, Use, Word)>,
    reads: usize,
    buffer: Vec<u8>,
}

impl Heap {
    fn word(&self, address: u64) -> Option<u64> {
        let at = |base: u64| address.checked_sub(base).map(|at| at as usize / 8);
        if Some(address / PAGE) == self.unreadable {
            return None;
        }
        at(HEAP)
            .and_then(|at| self.words.get(at))
            .or_else(|| at(ROOT).and_then(|at| self.root.get(at)))
            .copied()
    }
}

impl Memory for Heap {
    fn read(&mut self, spans: &[Span]) -> &[u8] {
        assert!(spans.len() <= 256);
        self.buffer.clear();
        'spans: for span in spans {
            let (start, end) = (span.start.address(), span.start.address().saturating_add(span.bytes));
            for cut in &self.excluded {
                let (from, to) = (cut.start.address(), cut.start.address() + cut.bytes);
                assert!(end <= from || to <= start, "read excluded memory");
            }
            for address in start..end {
                let Some(word) = self.word(address & !7) else { break 'spans };
                self.buffer.push(word.to_ne_bytes()[(address & 7) as usize]);
            }
        }
        assert!(self.buffer.len() <= 1 << 20);
        for (after, page, found, word) in &self.changes {
            if usize::from(*after) == self.reads {
                let page = usize::from(*page) % PAGES;
                self.uses[page] = found.answer();
                self.words[page * 512] = word.number();
            }
        }
        self.reads += 1;
        &self.buffer
    }

    fn uses(&mut self, pages: &[Hidden], uses: &mut Vec<PageUse>) {
        uses.clear();
        for page in pages {
            let address = page.address();
            assert!((HEAP >> 30..=(HEAP + PAGES as u64 * PAGE - 1) >> 30).contains(&(address >> 30)));
            let at = address.checked_sub(HEAP).map(|at| (at / PAGE) as usize);
            uses.push(at.and_then(|at| self.uses.get(at)).copied().unwrap_or_default());
        }
    }

    fn is_heap(&mut self, page: Hidden) -> bool {
        (HEAP..HEAP + PAGES as u64 * PAGE).contains(&page.address())
    }

    fn is_over(&mut self) -> bool {
        self.over_after.is_some_and(|after| self.reads >= after)
    }

    fn progress(&mut self, _read_bytes: u64, _heap_bytes: u64) {}
}

struct Program;

impl Symbols for Program {
    fn static_at(&self, address: Hidden) -> Option<String> {
        address.address().is_multiple_of(16).then(|| "shop::STATE".into())
    }

    fn thread_local_at(&self, _address: Hidden) -> Option<String> {
        None
    }

    fn function_at(&self, address: Hidden) -> Option<String> {
        let name = "tokio::runtime::task::raw::poll::<shop::run::{closure#0}, S>";
        address.address().is_multiple_of(3).then(|| name.into())
    }

    fn is_program(&self, address: Hidden) -> bool {
        address.address() >> 32 == ROOT >> 32
    }

    fn is_constant(&self, address: Hidden) -> bool {
        self.is_program(address)
    }
}

fuzz_target!(|input: Input| {
    let mut heap = Heap {
        words: vec![0; PAGES * 512],
        uses: input.uses.iter().map(|found| found.answer()).collect(),
        root: input.root.iter().map(|word| word.number()).collect(),
        unreadable: input.unreadable.map(|page| HEAP / PAGE + u64::from(page)),
        excluded: Vec::new(),
        over_after: input.over_after.map(usize::from),
        changes: input.changes,
        reads: 0,
        buffer: Vec::new(),
    };
    for (at, word) in input.words {
        let at = usize::from(at) % heap.words.len();
        heap.words[at] = word.number();
    }
    if let Some((page, pages)) = input.excluded {
        let start = HEAP + u64::from(page) % PAGES as u64 * PAGE;
        heap.excluded.push(Span { start: Hidden::new(start), bytes: u64::from(pages % 8) * PAGE });
    }
    let samples: Vec<SampledObject> = input
        .samples
        .iter()
        .enumerate()
        .map(|(at, (page, bytes, type_index))| SampledObject {
            address: Hidden::new(HEAP + u64::from(*page) % PAGES as u64 * PAGE),
            sample: LiveSample::new(
                at as u64,
                u64::from(*bytes),
                u64::from(*bytes).div_ceil(16) * 16,
                StackHash(1),
                Duration::from_secs(61),
                0,
            ),
            type_index: u32::from(*type_index % 4),
        })
        .collect();
    let split = u64::from(input.stack_from) % ROOT_WORDS as u64 * 8;
    let root = |start: u64, end: u64, kind| Root {
        span: Span { start: Hidden::new(ROOT + start), bytes: end - start },
        kind,
        name: None,
        is_own: start == 0,
    };
    let scan = ScanInput {
        page_bytes: PAGE,
        sample_bytes: 1 << 13,
        types: input.types.iter().map(|at| TYPES[*at as usize % TYPES.len()].to_owned()).collect(),
        samples,
        complete: input.complete,
        bins: BINS
            .iter()
            .map(|(region_bytes, regions, slab_bytes)| Bin {
                region_bytes: *region_bytes,
                regions: *regions,
                slab_bytes: *slab_bytes,
            })
            .collect(),
        mappings: vec![Span { start: Hidden::new(HEAP), bytes: PAGES as u64 * PAGE }],
        roots: vec![root(0, split, RootKind::Static), root(split, ROOT_WORDS as u64 * 8, RootKind::Stack)],
        excluded: heap.excluded.clone(),
    };
    let results: Vec<_> = (0..3).map(|_| Scan::run(&scan, &mut heap, &Program)).collect();
    for result in &results {
        for (object, reached) in scan.samples.iter().zip(result.reached()) {
            let address = object.address.address();
            let is_held = object.sample.requested > 0 && heap.root.contains(&address);
            assert!(!is_held || reached != Reached::No, "a root points to it");
        }
    }
    let found = holders(&results, &scan, &|_| true, &HoldersOptions::default());
    assert_eq!(found.types.iter().map(|held| held.samples).sum::<u64>(), scan.samples.len() as u64);
});
