//! The allocator's memory by arena and by size class.
//!
//! These types are part of the wire format, like the types of `report`.

use serde::{Deserialize, Serialize};

use crate::arena_bins::{ArenaBins, room};

/// Which tables to collect.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct DetailParts {
    /// A table with one row per arena.
    pub arenas: bool,
    /// A table with one row per size class.
    pub size_classes: bool,
    /// The unused memory of small size classes, by arena.
    pub arena_bins: bool,
}

/// The allocator's numbers by arena and by size class, from the same epoch as the report's `allocator`.
///
/// A table that was not requested or could not be read is `None`. If it could not be read, the report's `unavailable`
/// says why under `detail.arenas`, `detail.size_classes` or `detail.arena_bins`.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[non_exhaustive]
#[serde(default)]
pub struct AllocatorDetail {
    /// The arenas in use, by index.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub arenas: Option<Vec<ArenaStats>>,
    /// The size classes used so far, summed over all arenas.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub size_classes: Option<SizeClasses>,
    /// The unused memory of small size classes, by arena.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub arena_bins: Option<ArenaBins>,
    /// How long it took to read the tables.
    pub duration_us: u64,
}

/// Statistics of one arena.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
#[serde(default)]
pub struct ArenaStats {
    /// Index in jemalloc.
    pub index: u64,
    /// Number of threads that allocate from it.
    pub threads: u64,
    /// Bytes in objects of small size classes, without sampled objects (see [`BinStats`]).
    pub small_allocated_bytes: u64,
    /// Bytes in objects of large size classes.
    pub large_allocated_bytes: u64,
    /// Pages that hold objects (`pactive`).
    pub active_bytes: u64,
    /// Unused pages, not yet returned to the system (`pdirty`).
    pub dirty_bytes: u64,
    /// Unused pages that the kernel may reclaim when it needs memory (`pmuzzy`).
    pub muzzy_bytes: u64,
    /// Upper bound of the memory in physical pages (`resident`).
    pub resident_bytes: u64,
    /// Active extents (`mapped`).
    pub mapped_bytes: u64,
    /// Addresses kept for later, without physical pages (`retained`).
    pub retained_bytes: u64,
    /// jemalloc's own data that it needs in order to allocate (`base`).
    pub base_bytes: u64,
    /// jemalloc's own data that it allocates as a program would: caches, the heap profile (`internal`).
    pub internal_bytes: u64,
    /// Free objects in thread caches. They count as allocated.
    pub thread_cache_bytes: u64,
    /// Milliseconds until unused pages become muzzy or are returned; -1 means never.
    pub dirty_decay_ms: i64,
    /// Milliseconds until muzzy pages are returned; -1 means never.
    pub muzzy_decay_ms: i64,
}

/// Objects by size class. Small objects share slabs; large objects have their own extents.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[non_exhaustive]
#[serde(default)]
pub struct SizeClasses {
    /// Small size classes, the most wasteful first.
    pub bins: Vec<BinStats>,
    /// Large size classes, most live bytes first.
    pub large: Vec<LargeStats>,
    /// Slab regions without an object, summed over all bins. They cause fragmentation.
    pub unused_bytes: u64,
    /// Pages of sampled small objects, summed over all bins: the memory cost of sampling. They contain the objects
    /// themselves and the page that jemalloc leaves beside each, to spread objects over the processor's cache
    /// (`opt.cache_oblivious`).
    pub sampled_pages_bytes: u64,
}

/// Statistics of a small size class. Its objects lie in *slabs*: runs of pages that are cut into *regions* of one size.
///
/// Slabs do not move and are returned only when they are empty, so a few live regions can hold many slabs. Only this
/// size class can reuse the difference, [`unused_bytes`](Self::unused_bytes).
///
/// A sampled small object is not in a slab. It has its own pages and is counted in the class of that many pages: a
/// sampled `Box<u64>` is one of the [`sampled_objects`](Self::sampled_objects) of the bin of 4096 bytes.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[non_exhaustive]
#[serde(default)]
pub struct BinStats {
    /// Index in jemalloc.
    pub index: u64,
    /// Size of its regions.
    pub size_bytes: u64,
    /// Number of regions in a slab.
    pub regions_per_slab: u64,
    /// Size of a slab.
    pub slab_bytes: u64,
    /// Regions that hold an object, including objects that wait in a thread's cache.
    pub live_regions: u64,
    /// Number of slabs.
    pub slabs: u64,
    /// Slabs with free regions.
    pub nonfull_slabs: u64,
    /// Share of the slabs' regions that are live, from 0 to 1. `None` without slabs.
    pub utilisation: Option<f64>,
    /// Size of the regions that are not live.
    pub unused_bytes: u64,
    /// Live sampled objects with pages of this size, including objects of smaller classes.
    pub sampled_objects: u64,
    /// Objects taken from the class since the process started, including by thread caches.
    pub allocated: u64,
    /// Objects returned since the process started.
    pub freed: u64,
    /// Requests of the program since the process started, as far as thread caches have reported them.
    pub requests: u64,
    /// Times that a thread slept because another held the class's lock.
    pub lock_waits: u64,
    /// Total time that threads slept for this lock.
    pub lock_wait_us: u64,
}

/// Statistics of a large size class. Each of its objects has its own extent.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
#[serde(default)]
pub struct LargeStats {
    /// Index among jemalloc's large size classes.
    pub index: u64,
    /// Size of its objects.
    pub size_bytes: u64,
    /// Live objects, including objects that wait in a thread's cache.
    pub live: u64,
    /// Total size of the live objects, each rounded to the class. In jemalloc 5.3.1 an object above 8 pages takes
    /// only its own pages, up to a fifth less; the arenas' `large_allocated_bytes` counts those pages.
    pub live_bytes: u64,
    /// Objects allocated since the process started.
    pub allocated: u64,
    /// Objects freed since the process started.
    pub freed: u64,
}

impl SizeClasses {
    /// Sorts the classes and adds them up. `beside` is the number of bytes that jemalloc leaves beside each sampled
    /// object.
    #[must_use]
    pub fn new(mut bins: Vec<BinStats>, mut large: Vec<LargeStats>, beside: u64) -> Self {
        bins.sort_by(|a, b| b.unused_bytes.cmp(&a.unused_bytes).then(a.index.cmp(&b.index)));
        large.sort_by(|a, b| b.live_bytes.cmp(&a.live_bytes).then(a.index.cmp(&b.index)));
        let unused_bytes = bins.iter().fold(0, |sum: u64, bin| sum.saturating_add(bin.unused_bytes));
        let sampled =
            bins.iter().map(|bin| bin.sampled_objects.saturating_mul(bin.size_bytes.saturating_add(beside)));
        let sampled_pages_bytes = sampled.fold(0, u64::saturating_add);
        Self { bins, large, unused_bytes, sampled_pages_bytes }
    }
}

impl BinStats {
    /// Fills in the numbers that follow from the others.
    #[must_use]
    pub fn derive(mut self) -> Self {
        (self.utilisation, self.unused_bytes) =
            room(self.slabs, self.regions_per_slab, self.live_regions, self.size_bytes);
        self.sampled_objects = sampled_objects(self.allocated, self.freed, self.live_regions);
        self
    }
}

/// Number of live sampled objects of a class. jemalloc counts such an object as taken and returned, but not among the
/// live regions (`arena.c` 5.3.1, `arena_large_malloc_stats_update`).
pub fn sampled_objects(allocated: u64, freed: u64, live_regions: u64) -> u64 {
    allocated.saturating_sub(freed).saturating_sub(live_regions)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn bin(index: u64, live_regions: u64, slabs: u64) -> BinStats {
        let (allocated, freed) = (live_regions + 10, 7);
        BinStats {
            index,
            size_bytes: 64,
            regions_per_slab: 64,
            live_regions,
            slabs,
            allocated,
            freed,
            ..BinStats::default()
        }
        .derive()
    }

    #[test]
    fn regions_without_an_object_count_as_unused() {
        let bin = bin(3, 16, 2);
        assert_eq!((bin.utilisation, bin.unused_bytes), (Some(0.125), 112 * 64));
        assert_eq!(bin.sampled_objects, 3);
    }

    #[test]
    fn a_class_without_slabs_has_no_utilisation() {
        assert_eq!((bin(0, 0, 0).utilisation, bin(0, 0, 0).unused_bytes), (None, 0));
    }

    #[test]
    fn the_most_wasteful_bins_and_the_largest_extents_come_first() {
        let large = |index, live_bytes| LargeStats { index, live_bytes, ..LargeStats::default() };
        let classes = SizeClasses::new(
            vec![bin(0, 64, 1), bin(1, 1, 1), bin(2, 64, 1), bin(3, 0, 1)],
            vec![large(0, 1), large(1, 9), large(2, 9)],
            4096,
        );
        assert_eq!(classes.bins.iter().map(|bin| bin.index).collect::<Vec<_>>(), [3, 1, 0, 2]);
        assert_eq!(classes.large.iter().map(|class| class.index).collect::<Vec<_>>(), [1, 2, 0]);
        assert_eq!(classes.unused_bytes, (64 + 63) * 64);
        assert_eq!(classes.sampled_pages_bytes, 4 * 3 * (64 + 4096));
    }
}
