//! Prepares scans of this process.

use std::ops::Range;
use std::path::Path;
use std::time::Instant;

use memory_debug_holders::{Bin, Hidden, SampledObject, Scan, ScanInput, ScanResult, Span};

use super::areas::{self, AreaKind};
use super::control_blocks::own_thread_pointer;
use super::foreign::PageWalk;
use super::live_memory::LiveMemory;
pub(crate) use super::live_memory::ReadSoFar;
use super::names::{AllocatorVariables, Names};
use super::pages::Pages;
use super::ranges::sort;
use super::reader::Reader;
use super::roots::{self, Process};
use super::threads;
use crate::{jemalloc, mallctl, samples};

const PROC: &str = "/proc";

/// Scans this process, on the thread that made it. What it needs for several scans, such as symbols, it reads once.
pub(crate) struct Scanner<'a> {
    memory: LiveMemory<'a>,
    names: Names,
    allocator: AllocatorVariables,
    bins: Vec<Bin>,
    page_bytes: u64,
    /// The calling thread.
    own: u32,
    /// Variables of this crate that are no roots.
    left_out: Vec<Span>,
    unknown_threads: usize,
}

/// The samples of a scan.
pub(crate) struct Sampled {
    pub(crate) types: Vec<String>,
    pub(crate) samples: Vec<SampledObject>,
    pub(crate) sample_bytes: u64,
    pub(crate) is_complete: bool,
}

impl<'a> Scanner<'a> {
    /// Prepares scans until `deadline`. What the calling thread has on its stack keeps nothing alive. `tell` is called with
    /// what a scan has reached.
    ///
    /// # Errors
    ///
    /// If this process cannot be scanned. The message says what was tried, what was found and what to do.
    pub(crate) fn new(deadline: Instant, tell: &'a dyn Fn(ReadSoFar)) -> Result<Self, String> {
        if !cfg!(all(target_arch = "x86_64", target_env = "gnu")) {
            return Err(OTHER_PLATFORM.to_owned());
        }
        jemalloc::global_allocator()?;
        let proc = Path::new(PROC);
        let names = Names::read(proc, own_thread_pointer())?;
        let code = mallctl::code_address().ok_or("the program was built without jemalloc")?;
        let allocator = names.of_allocator(code)?;
        let page_bytes = mallctl::ARENAS_PAGE.read().map_err(|error| error.to_string())? as u64;
        let parts = (
            Reader::new(proc)?,
            PageWalk::new(page_bytes)?,
            Pages::new(proc, rustix::param::page_size() as u64),
        );
        Ok(Self {
            memory: LiveMemory::new(parts, deadline, tell)?,
            names,
            allocator,
            bins: bins().map_err(|error| error.to_string())?,
            page_bytes,
            own: rustix::thread::gettid().as_raw_nonzero().get().unsigned_abs(),
            left_out: Vec::new(),
            unknown_threads: 0,
        })
    }

    /// Leaves out a variable: what it points to does not count as held.
    pub(crate) fn leave_out(&mut self, variable: Span) {
        self.left_out.push(variable);
    }

    /// Finds the roots and the mappings of this moment, for a scan of these samples.
    ///
    /// # Errors
    ///
    /// If the kernel or jemalloc do not tell them. The message says why.
    pub(crate) fn input(&mut self, sampled: Sampled) -> Result<ScanInput, String> {
        let proc = Path::new(PROC);
        let areas = areas::read(proc)?;
        let threads = threads::read(proc, self.own)?;
        let table = samples::excluded_ranges();
        let mut excluded: Vec<Range<u64>> = table.iter().chain(&self.left_out).map(range).collect();
        excluded.extend(self.memory.own_addresses());
        sort(&mut excluded);
        let process = Process {
            areas: &areas,
            threads: &threads,
            names: &self.names,
            allocator: &self.allocator,
            own: self.own,
            excluded: &excluded,
            deadline: self.memory.deadline,
        };
        let LiveMemory { walk, pages, reader, .. } = &mut self.memory;
        let found = roots::find(&process, walk, pages, reader)?;
        self.memory.swapped = found.swapped;
        self.unknown_threads = found.unknown_threads;
        self.names.set_thread_pointers(found.thread_pointers);
        let is_heap_area = |area: &&areas::Area| {
            area.is_private_data && matches!(area.kind, AreaKind::Anonymous | AreaKind::CHeap)
        };
        Ok(ScanInput {
            page_bytes: self.page_bytes,
            sample_bytes: sampled.sample_bytes,
            types: sampled.types,
            samples: sampled.samples,
            complete: sampled.is_complete,
            bins: self.bins.clone(),
            mappings: areas.iter().filter(is_heap_area).map(|area| span(&(area.start..area.end))).collect(),
            roots: found.roots,
            excluded: excluded.iter().map(span).collect(),
        })
    }

    /// Scans once.
    pub(crate) fn scan(&mut self, input: &ScanInput) -> ScanResult {
        Scan::run(input, &mut self.memory, &self.names)
    }

    /// Bytes that the last scan did not read because they are swapped out.
    pub(crate) fn swapped_bytes(&self) -> u64 {
        self.memory.swapped
    }

    /// Why the scans had to end. `None` if none was cut short.
    pub(crate) fn ended(&self) -> Option<&str> {
        self.memory.ended()
    }

    /// Threads whose thread-local variables were not found in the last scan.
    pub(crate) fn unknown_threads(&self) -> usize {
        self.unknown_threads
    }
}

const OTHER_PLATFORM: &str = "holders are found on Linux for x86-64 with glibc only: elsewhere it is not known where \
                              thread-local variables lie; use a build for that platform";

fn span(range: &Range<u64>) -> Span {
    Span { start: Hidden::new(range.start), bytes: range.end.saturating_sub(range.start) }
}

fn range(span: &Span) -> Range<u64> {
    let start = span.start.address();
    start..start.saturating_add(span.bytes)
}

/// jemalloc's size classes of small objects.
fn bins() -> Result<Vec<Bin>, mallctl::Error> {
    let size = mallctl::BIN_SIZE.look_up()?;
    let regions = mallctl::BIN_REGIONS.look_up()?;
    let slab = mallctl::BIN_SLAB_SIZE.look_up()?;
    let bin = |number| {
        Ok(Bin {
            region_bytes: size.read([number])? as u64,
            regions: regions.read([number])?.into(),
            slab_bytes: slab.read([number])? as u64,
        })
    };
    (0..mallctl::ARENAS_BINS.read()? as usize).map(bin).collect()
}
