//! A heap that a test makes up: slabs, large extents, samples and roots in byte arrays.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::time::Duration;

use memory_debug_profile::{LiveSample, StackHash};

use crate::*;

pub(crate) const PAGE: u64 = 4096;
pub(crate) const HEAP: u64 = 0x7f12_0000_0000;
pub(crate) const STATICS: u64 = 0x5555_5000_0000;
const STACKS: u64 = 0x7ffc_0000_0000;
const CODE: u64 = 0x5555_0000_0000;
const CONSTANTS: u64 = 0x5555_4000_0000;
/// Mean bytes between two samples.
pub(crate) const RATE: u64 = 1 << 16;

/// What a test does while the scan reads: it is called after each read, with the number of reads before it.
type Hook = Box<dyn FnMut(&mut Heap, usize)>;

/// A process that a test makes up.
#[derive(Default)]
pub(crate) struct Heap {
    /// Bytes of the heap, from `HEAP` on.
    bytes: Vec<u8>,
    uses: Vec<PageUse>,
    /// For each size of regions the free ones.
    free: BTreeMap<u64, Vec<u64>>,
    types: Vec<String>,
    samples: Vec<SampledObject>,
    sequence: u64,
    pub(crate) bins: BTreeSet<u64>,
    /// Roots and constants: start and bytes.
    others: Vec<(u64, Vec<u8>)>,
    roots: Vec<Root>,
    pub(crate) statics: Vec<(u64, u64, String)>,
    functions: HashMap<u64, String>,
    pub(crate) complete: bool,
    pub(crate) excluded: Vec<Span>,
    /// First pages of extents of the library that scans.
    pub(crate) own_extents: BTreeSet<u64>,
    /// Pages that cannot be read.
    pub(crate) vanished: BTreeSet<u64>,
    pub(crate) reads: usize,
    /// The number of reads after which the time is over.
    pub(crate) over_after: Option<usize>,
    /// Read spans, as addresses.
    pub(crate) read: Vec<(u64, u64)>,
    pub(crate) hook: Option<Hook>,
    buffer: Vec<u8>,
}

impl Heap {
    pub(crate) fn new() -> Self {
        Self { complete: true, ..Self::default() }
    }

    /// Adds consecutive pages.
    fn extent(&mut self, bytes: u64, regions: u64) -> u64 {
        let address = HEAP + self.bytes.len() as u64;
        let pages = bytes / PAGE;
        self.bytes.resize(self.bytes.len() + bytes as usize, 0);
        let found = PageUse { free: 0, regions, bytes };
        for page in 0..pages {
            let known = regions > 1 || page == 0 || page + 1 == pages;
            self.uses.push(if known { found } else { PageUse::default() });
        }
        address
    }

    /// An object that was not sampled, in a slab. The sizes of regions are multiples of 16 up to 2048.
    pub(crate) fn small(&mut self, words: &[u64]) -> u64 {
        let size = (words.len() as u64 * 8).div_ceil(16).max(1) * 16;
        let is_unique = self.bins.iter().all(|other| *other == size || PAGE * 2 / other != PAGE * 2 / size);
        assert!(is_unique, "two sizes with equally many regions: {size}");
        self.bins.insert(size);
        if self.free.entry(size).or_default().is_empty() {
            let regions = PAGE * 2 / size;
            let slab = self.extent(PAGE * 2, regions);
            let free = self.free.entry(size).or_default();
            free.extend((0..regions).rev().map(|region| slab + region * size));
        }
        let address = self.free.get_mut(&size).and_then(Vec::pop).unwrap();
        self.write(address, words);
        address
    }

    /// An object that was not sampled, in an extent of its own.
    pub(crate) fn large(&mut self, words: &[u64], bytes: u64) -> u64 {
        let address = self.extent(bytes.div_ceil(PAGE) * PAGE, 1);
        self.write(address, words);
        address
    }

    /// A sampled object. `usable` is as large as the words.
    pub(crate) fn sample(&mut self, type_name: &str, words: &[u64]) -> u64 {
        let bytes = (words.len() as u64 * 8).max(8);
        self.sample_of(type_name, words, bytes, Duration::from_secs(100))
    }

    pub(crate) fn sample_of(&mut self, type_name: &str, words: &[u64], requested: u64, age: Duration) -> u64 {
        let usable = requested.div_ceil(16) * 16;
        let address = self.extent(usable.div_ceil(PAGE) * PAGE, 1);
        self.write(address, words);
        let known = self.types.iter().position(|name| name == type_name);
        let type_index = known.unwrap_or_else(|| {
            self.types.push(type_name.to_owned());
            self.types.len() - 1
        });
        self.sequence += 1;
        let sample = LiveSample::new(self.sequence, requested, usable, StackHash(1), age, 0);
        self.samples.push(SampledObject {
            address: Hidden::new(address),
            sample,
            type_index: type_index as u32,
        });
        address
    }

    /// A sampled object that does not begin with its first page.
    pub(crate) fn shifted_sample(&mut self, type_name: &str, words: &[u64], shift: u64) -> u64 {
        let start = self.sample(type_name, &[]);
        let address = start + shift;
        self.write(address, words);
        let bytes = words.len() as u64 * 8;
        let last = self.samples.last_mut().unwrap();
        let sample =
            LiveSample::new(self.sequence, bytes, bytes.div_ceil(16) * 16, StackHash(1), last.sample.age, 0);
        *last = SampledObject { address: Hidden::new(address), sample, ..last.clone() };
        address
    }

    pub(crate) fn write(&mut self, address: u64, words: &[u64]) {
        let bytes: Vec<u8> = words.iter().flat_map(|word| word.to_ne_bytes()).collect();
        if let Some(at) = address.checked_sub(HEAP).filter(|at| *at < self.bytes.len() as u64) {
            self.bytes[at as usize..at as usize + bytes.len()].copy_from_slice(&bytes);
            return;
        }
        for (start, own) in &mut self.others {
            if let Some(at) = address.checked_sub(*start).filter(|at| *at < own.len() as u64) {
                own[at as usize..at as usize + bytes.len()].copy_from_slice(&bytes);
            }
        }
    }

    fn other(&mut self, base: u64, words: &[u64]) -> u64 {
        let start = base + self.others.len() as u64 * 0x10_0000;
        self.others.push((start, words.iter().flat_map(|word| word.to_ne_bytes()).collect()));
        start
    }

    /// A static variable.
    pub(crate) fn fixed(&mut self, name: &str, words: &[u64]) -> u64 {
        let start = self.root(RootKind::Static, None, words);
        self.statics.push((start, start + words.len() as u64 * 8, name.to_owned()));
        start
    }

    pub(crate) fn stack(&mut self, name: &str, words: &[u64]) -> u64 {
        self.root(RootKind::Stack, Some(name), words)
    }

    pub(crate) fn root(&mut self, kind: RootKind, name: Option<&str>, words: &[u64]) -> u64 {
        let start = self.other(if kind == RootKind::Stack { STACKS } else { STATICS }, words);
        let span = Span { start: Hidden::new(start), bytes: words.len() as u64 * 8 };
        self.roots.push(Root { span, kind, name: name.map(str::to_owned), is_own: false });
        start
    }

    /// Adds regions that each have a further pointer to them: twice as many as there is room for.
    pub(crate) fn take_room_for_further_pointers(&mut self) {
        let shared: Vec<u64> = (0..3000).map(|_| self.small(&[3, 3])).collect();
        for pair in [shared.clone(), shared] {
            let vector = self.large(&pair, pair.len() as u64 * 8);
            self.root(RootKind::ThreadLocal, Some("worker"), &[vector]);
        }
    }

    /// A static variable of the library that scans.
    pub(crate) fn own(&mut self, name: &str, words: &[u64]) -> u64 {
        let start = self.fixed(name, words);
        self.roots.last_mut().unwrap().is_own = true;
        start
    }

    /// A vtable with functions of these names.
    pub(crate) fn vtable(&mut self, functions: &[&str]) -> u64 {
        self.dynamic(functions, &[])
    }

    /// A vtable of a type: its first function, size and alignment, its other functions.
    pub(crate) fn dynamic(&mut self, functions: &[&str], layout: &[u64]) -> u64 {
        let mut words = Vec::new();
        for function in functions {
            let address = CODE + self.functions.len() as u64 * 64;
            self.functions.insert(address, (*function).to_owned());
            words.push(address);
        }
        words.splice(words.len().min(1)..words.len().min(1), layout.iter().copied());
        self.other(CONSTANTS, &words)
    }

    /// Frees a region of a slab. Its words stay, as they do in a real heap.
    pub(crate) fn release(&mut self, address: u64, words: u64) {
        self.free.entry((words * 8).div_ceil(16) * 16).or_default().push(address);
    }

    /// Changes what the allocator says about an extent: its memory is used in another way now.
    pub(crate) fn reuse(&mut self, address: u64, pages: u64, found: PageUse) {
        let first = ((address - HEAP) / PAGE) as usize;
        for page in first..first + pages as usize {
            self.uses[page] = found;
        }
    }

    pub(crate) fn input(&self) -> ScanInput {
        let bin = |size: &u64| Bin { region_bytes: *size, regions: PAGE * 2 / size, slab_bytes: PAGE * 2 };
        ScanInput {
            page_bytes: PAGE,
            sample_bytes: RATE,
            types: self.types.clone(),
            samples: self.samples.clone(),
            complete: self.complete,
            bins: self.bins.iter().map(bin).collect(),
            mappings: vec![Span { start: Hidden::new(HEAP), bytes: self.bytes.len() as u64 }],
            roots: self.roots.clone(),
            excluded: self.excluded.clone(),
        }
    }

    pub(crate) fn names(&self) -> Program {
        Program { statics: self.statics.clone(), functions: self.functions.clone() }
    }

    pub(crate) fn scan(&mut self) -> ScanResult {
        let (input, names) = (self.input(), self.names());
        self.reads = 0;
        Scan::run(&input, self, &names)
    }

    /// Three scans and everything that they say.
    pub(crate) fn holders(&mut self) -> Holders {
        let results = [self.scan(), self.scan(), self.scan()];
        let all = HoldersOptions { chains: usize::MAX, ..HoldersOptions::default() };
        holders(&results, &self.input(), &|_| true, &all)
    }

    fn byte_run(&self, address: u64) -> &[u8] {
        if let Some(own) = address.checked_sub(HEAP).and_then(|at| self.bytes.get(at as usize..)) {
            return own;
        }
        let other = self
            .others
            .iter()
            .find(|(start, bytes)| address.checked_sub(*start).is_some_and(|at| at < bytes.len() as u64));
        other.map_or(&[], |(start, bytes)| &bytes[(address - start) as usize..])
    }
}

impl Memory for Heap {
    fn read(&mut self, spans: &[Span]) -> &[u8] {
        assert!(spans.len() <= 256, "{} spans", spans.len());
        self.reads += 1;
        let mut buffer = std::mem::take(&mut self.buffer);
        buffer.clear();
        'spans: for span in spans {
            let (start, end) = (span.start.address(), span.start.address() + span.bytes);
            self.read.push((start, end));
            let mut at = start;
            while at < end {
                if self.vanished.contains(&(at / PAGE)) {
                    break 'spans;
                }
                let next = ((at / PAGE + 1) * PAGE).min(end);
                let run = self.byte_run(at);
                let take = run.len().min((next - at) as usize);
                buffer.extend_from_slice(&run[..take]);
                if (take as u64) < next - at {
                    break 'spans;
                }
                at = next;
            }
        }
        assert!(buffer.len() <= 1 << 20, "{} bytes", buffer.len());
        self.buffer = buffer;
        if let Some(mut hook) = self.hook.take() {
            hook(self, self.reads - 1);
            self.hook.get_or_insert(hook);
        }
        &self.buffer
    }

    fn uses(&mut self, pages: &[Hidden], uses: &mut Vec<PageUse>) {
        uses.clear();
        for page in pages {
            let address = page.address();
            // The allocator crashes for pages of other chunks.
            assert_eq!(address >> 30, HEAP >> 30, "asked about a page outside of the heap");
            assert_eq!(address % PAGE, 0);
            let at = address.checked_sub(HEAP).map(|at| (at / PAGE) as usize);
            uses.push(at.and_then(|at| self.uses.get(at)).copied().unwrap_or_default());
        }
    }

    fn is_heap(&mut self, page: Hidden) -> bool {
        page.address().checked_sub(HEAP).is_some_and(|at| at < self.bytes.len() as u64)
    }

    fn is_own(&mut self, page: Hidden) -> bool {
        self.own_extents.contains(&page.address())
    }

    fn is_over(&mut self) -> bool {
        self.over_after.is_some_and(|reads| self.reads >= reads)
    }

    fn progress(&mut self, _read_bytes: u64, _heap_bytes: u64) {}
}

pub(crate) struct Program {
    statics: Vec<(u64, u64, String)>,
    functions: HashMap<u64, String>,
}

impl Symbols for Program {
    fn static_at(&self, address: Hidden) -> Option<String> {
        let contains = |(start, end, _): &&(u64, u64, String)| (*start..*end).contains(&address.address());
        self.statics.iter().find(contains).map(|(_, _, name)| name.clone())
    }

    fn thread_local_at(&self, address: Hidden) -> Option<String> {
        self.static_at(address)
    }

    fn function_at(&self, address: Hidden) -> Option<String> {
        let function = self.functions.get(&address.address())?;
        Some(function.split_once(" = ").map_or(&**function, |(symbol, _)| symbol).to_owned())
    }

    /// `symbol = instance` is a function whose symbol lacks the arguments that debug information has.
    fn instances_at(&self, addresses: &[Hidden]) -> Vec<Option<String>> {
        let instance = |address: &Hidden| {
            let function = self.functions.get(&address.address())?;
            function.split_once(" = ").map(|(_, instance)| instance.to_owned())
        };
        addresses.iter().map(instance).collect()
    }

    fn program_crate(&self) -> Option<String> {
        Some("shop".into())
    }

    fn is_program(&self, address: Hidden) -> bool {
        (CODE..STATICS + 0x1000_0000).contains(&address.address())
    }

    fn is_constant(&self, address: Hidden) -> bool {
        (CONSTANTS..STATICS).contains(&address.address())
    }
}
