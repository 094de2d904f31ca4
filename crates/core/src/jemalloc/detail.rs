//! jemalloc's statistics by arena and by size class.

use std::sync::OnceLock;

use memory_debug_report::{ArenaStats, BinStats, LargeStats, SizeClasses};

use crate::mallctl::{self, ALL_ARENAS, Error, Mib};

/// Reads every arena in use, some 15 numbers each, as of the last epoch.
pub(crate) fn read_arenas() -> Result<Vec<ArenaStats>, Error> {
    let page = mallctl::ARENAS_PAGE.read()?;
    let read = ArenaKeys::look_up()?;
    arenas_in_use()?.map(|arena| read.arena(arena, page)).collect()
}

/// The indexes of the arenas in use. An arena that was only reserved, or that was destroyed, has no numbers.
pub(super) fn arenas_in_use() -> Result<impl Iterator<Item = usize>, Error> {
    let initialized = mallctl::ARENA_INITIALIZED.look_up()?;
    let all = 0..mallctl::ARENAS_COUNT.read()? as usize;
    Ok(all.filter(move |arena| initialized.read([*arena]).unwrap_or(false)))
}

/// Memory that jemalloc holds for itself, in all arenas, as of the last epoch.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Own {
    pub(crate) dirty_bytes: u64,
    pub(crate) muzzy_bytes: u64,
    /// Free objects in the caches of threads.
    pub(crate) thread_cache_bytes: u64,
    /// Data that jemalloc allocates as a program would.
    pub(crate) internal_bytes: u64,
}

/// The keys of [`Own`]. Each page of statistics reads them, so they are looked up once.
struct OwnKeys {
    page: usize,
    dirty_pages: Mib<usize, 1>,
    muzzy_pages: Mib<usize, 1>,
    thread_caches: Mib<usize, 1>,
    internal: Mib<usize, 1>,
}

impl OwnKeys {
    fn look_up() -> Result<Self, Error> {
        Ok(Self {
            page: mallctl::ARENAS_PAGE.read()?,
            dirty_pages: mallctl::ARENA_DIRTY_PAGES.look_up()?,
            muzzy_pages: mallctl::ARENA_MUZZY_PAGES.look_up()?,
            thread_caches: mallctl::ARENA_THREAD_CACHES.look_up()?,
            internal: mallctl::ARENA_INTERNAL.look_up()?,
        })
    }

    fn read(&self) -> Result<Own, Error> {
        let all = |key: &Mib<usize, 1>| key.read([ALL_ARENAS]);
        Ok(Own {
            dirty_bytes: pages(all(&self.dirty_pages)?, self.page),
            muzzy_bytes: pages(all(&self.muzzy_pages)?, self.page),
            thread_cache_bytes: all(&self.thread_caches)? as u64,
            internal_bytes: all(&self.internal)? as u64,
        })
    }
}

/// Reads [`Own`].
pub(crate) fn read_own() -> Result<Own, Error> {
    static KEYS: OnceLock<OwnKeys> = OnceLock::new();
    mallctl::once(&KEYS, OwnKeys::look_up)?.read()
}

/// The free space that jemalloc leaves beside each object that has pages of its own: one page, so that such
/// objects do not all begin in the same cache lines of the processor.
pub(super) fn beside_pages(page: u64) -> Result<u64, Error> {
    Ok(if mallctl::OPT_CACHE_OBLIVIOUS.read()? { page } else { 0 })
}

/// The largest size class whose objects share pages: three and a half pages (`SC_SMALL_MAXCLASS`).
pub(crate) fn largest_small_object() -> u64 {
    mallctl::ARENAS_PAGE.read().map_or(14_336, |page| page as u64 / 2 * 7)
}

/// Reads the size classes used so far, summed over all arenas by jemalloc itself, as of the last epoch.
pub(crate) fn read_size_classes() -> Result<SizeClasses, Error> {
    let page = mallctl::ARENAS_PAGE.read()? as u64;
    Ok(SizeClasses::new(read_bins()?, read_large()?, beside_pages(page)?))
}

struct ArenaKeys {
    threads: Mib<u32, 1>,
    dirty_decay_ms: Mib<isize, 1>,
    muzzy_decay_ms: Mib<isize, 1>,
    active_pages: Mib<usize, 1>,
    dirty_pages: Mib<usize, 1>,
    muzzy_pages: Mib<usize, 1>,
    mapped: Mib<usize, 1>,
    retained: Mib<usize, 1>,
    resident: Mib<usize, 1>,
    base: Mib<usize, 1>,
    internal: Mib<usize, 1>,
    thread_caches: Mib<usize, 1>,
    small_allocated: Mib<usize, 1>,
    large_allocated: Mib<usize, 1>,
}

impl ArenaKeys {
    fn look_up() -> Result<Self, Error> {
        Ok(Self {
            threads: mallctl::ARENA_THREADS.look_up()?,
            dirty_decay_ms: mallctl::ARENA_DIRTY_DECAY_MS.look_up()?,
            muzzy_decay_ms: mallctl::ARENA_MUZZY_DECAY_MS.look_up()?,
            active_pages: mallctl::ARENA_ACTIVE_PAGES.look_up()?,
            dirty_pages: mallctl::ARENA_DIRTY_PAGES.look_up()?,
            muzzy_pages: mallctl::ARENA_MUZZY_PAGES.look_up()?,
            mapped: mallctl::ARENA_MAPPED.look_up()?,
            retained: mallctl::ARENA_RETAINED.look_up()?,
            resident: mallctl::ARENA_RESIDENT.look_up()?,
            base: mallctl::ARENA_BASE.look_up()?,
            internal: mallctl::ARENA_INTERNAL.look_up()?,
            thread_caches: mallctl::ARENA_THREAD_CACHES.look_up()?,
            small_allocated: mallctl::ARENA_SMALL_ALLOCATED.look_up()?,
            large_allocated: mallctl::ARENA_LARGE_ALLOCATED.look_up()?,
        })
    }

    fn arena(&self, arena: usize, page: usize) -> Result<ArenaStats, Error> {
        let bytes = |key: &Mib<usize, 1>| key.read([arena]).map(|bytes| bytes as u64);
        let in_pages = |key: &Mib<usize, 1>| key.read([arena]).map(|number| pages(number, page));
        let mut stats = ArenaStats::default();
        stats.index = arena as u64;
        stats.threads = self.threads.read([arena])?.into();
        stats.small_allocated_bytes = bytes(&self.small_allocated)?;
        stats.large_allocated_bytes = bytes(&self.large_allocated)?;
        stats.active_bytes = in_pages(&self.active_pages)?;
        stats.dirty_bytes = in_pages(&self.dirty_pages)?;
        stats.muzzy_bytes = in_pages(&self.muzzy_pages)?;
        stats.resident_bytes = bytes(&self.resident)?;
        stats.mapped_bytes = bytes(&self.mapped)?;
        stats.retained_bytes = bytes(&self.retained)?;
        stats.base_bytes = bytes(&self.base)?;
        stats.internal_bytes = bytes(&self.internal)?;
        stats.thread_cache_bytes = bytes(&self.thread_caches)?;
        stats.dirty_decay_ms = self.dirty_decay_ms.read([arena])? as i64;
        stats.muzzy_decay_ms = self.muzzy_decay_ms.read([arena])? as i64;
        Ok(stats)
    }
}

fn pages(number: usize, page: usize) -> u64 {
    (number as u64).saturating_mul(page as u64)
}

fn read_bins() -> Result<Vec<BinStats>, Error> {
    let size = mallctl::BIN_SIZE.look_up()?;
    let regions = mallctl::BIN_REGIONS.look_up()?;
    let slab_size = mallctl::BIN_SLAB_SIZE.look_up()?;
    let allocated = mallctl::BIN_ALLOCATED.look_up()?;
    let freed = mallctl::BIN_FREED.look_up()?;
    let requests = mallctl::BIN_REQUESTS.look_up()?;
    let live_regions = mallctl::BIN_LIVE_REGIONS.look_up()?;
    let slabs = mallctl::BIN_SLABS.look_up()?;
    let nonfull_slabs = mallctl::BIN_NONFULL_SLABS.look_up()?;
    let lock_waits = mallctl::BIN_LOCK_WAITS.look_up()?;
    let lock_wait_ns = mallctl::BIN_LOCK_WAIT_NS.look_up()?;
    used_classes(mallctl::ARENAS_BINS.read()?, &allocated, |bin, allocated| {
        let of_all = [ALL_ARENAS, bin];
        let mut stats = BinStats::default();
        stats.index = bin as u64;
        stats.size_bytes = size.read([bin])? as u64;
        stats.regions_per_slab = regions.read([bin])?.into();
        stats.slab_bytes = slab_size.read([bin])? as u64;
        stats.live_regions = live_regions.read(of_all)? as u64;
        stats.slabs = slabs.read(of_all)? as u64;
        stats.nonfull_slabs = nonfull_slabs.read(of_all)? as u64;
        stats.allocated = allocated;
        stats.freed = freed.read(of_all)?;
        stats.requests = requests.read(of_all)?;
        stats.lock_waits = lock_waits.read(of_all)?;
        stats.lock_wait_us = lock_wait_ns.read(of_all)? / 1000;
        Ok(stats.derive())
    })
}

fn read_large() -> Result<Vec<LargeStats>, Error> {
    let size = mallctl::LARGE_SIZE.look_up()?;
    let allocated = mallctl::LARGE_ALLOCATED.look_up()?;
    let freed = mallctl::LARGE_FREED.look_up()?;
    let live = mallctl::LARGE_LIVE.look_up()?;
    used_classes(mallctl::ARENAS_LARGE_EXTENTS.read()?, &allocated, |class, allocated| {
        let (size_bytes, live) = (size.read([class])? as u64, live.read([ALL_ARENAS, class])? as u64);
        let mut stats = LargeStats::default();
        stats.index = class as u64;
        stats.size_bytes = size_bytes;
        stats.live = live;
        stats.live_bytes = live.saturating_mul(size_bytes);
        stats.allocated = allocated;
        stats.freed = freed.read([ALL_ARENAS, class])?;
        Ok(stats)
    })
}

/// Makes a row for each class used so far. jemalloc has some 230 classes, and a program uses a few dozen.
fn used_classes<T>(
    number: u32,
    allocated: &Mib<u64, 2>,
    row: impl Fn(usize, u64) -> Result<T, Error>,
) -> Result<Vec<T>, Error> {
    let mut rows = Vec::new();
    for class in 0..number as usize {
        match allocated.read([ALL_ARENAS, class])? {
            0 => {}
            allocated => rows.push(row(class, allocated)?),
        }
    }
    Ok(rows)
}
