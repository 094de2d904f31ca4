//! Comparison of three counts of memory: by the table, by the allocator and by the kernel.

use serde::{Deserialize, Serialize};

/// Comparison of three counts: the sum of the sampled rows, the allocator's numbers and resident memory.
///
/// All counts are read right before the heap profile. Resident memory is
/// `in_use + thread_cache + internal + sampling + fragmentation + dirty + metadata + muzzy + outside - swapped -
/// never_touched`. Two parts are subtracted because jemalloc does not know which of its pages are in physical memory.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[non_exhaustive]
#[serde(default)]
pub struct Reconciliation {
    /// Live bytes of all stacks in the heap profile, including stacks that a page does not show.
    pub sampled_bytes: Option<u64>,
    /// One standard error of `sampled_bytes`, in bytes.
    pub sampled_stderr_bytes: Option<u64>,
    /// Bytes that jemalloc counts as allocated (`stats.allocated`): small objects rounded to size classes, large
    /// objects rounded to pages, `thread_cache_bytes` and `internal_bytes`, but not small objects that were sampled.
    pub allocated_bytes: Option<u64>,
    /// Bytes that the program holds: `allocated_bytes - thread_cache_bytes - internal_bytes`, plus the small objects
    /// that were sampled.
    pub in_use_bytes: Option<u64>,
    /// `sampled_bytes - in_use_bytes`; negative if the table shows less than the program holds.
    pub difference_bytes: Option<i64>,
    /// Whether the difference is at most two standard errors. By chance alone it is larger one time in 20. The error is
    /// the larger of two: of `sampled_bytes`, and of sampling `in_use_bytes` at this rate.
    pub within_two_stderr: Option<bool>,
    /// Possible causes of a larger difference, one sentence each.
    pub explanations: Vec<String>,
    /// Resident set size of the process (`VmRSS`).
    pub resident_bytes: Option<u64>,
    /// Free objects in the caches of threads.
    pub thread_cache_bytes: Option<u64>,
    /// jemalloc's own data that it allocates as a program would: the thread caches themselves, the heap profile.
    pub internal_bytes: Option<u64>,
    /// The cost of sampling in pages: a sampled small object has its own pages and leaves the rest of them unused.
    pub sampling_bytes: Option<u64>,
    /// Unused space between live objects, in pages that hold objects (`stats.active - stats.allocated`, less the pages
    /// of sampled small objects).
    pub fragmentation_bytes: Option<u64>,
    /// Pages without objects, not yet returned to the system (`pdirty`).
    pub dirty_bytes: Option<u64>,
    /// jemalloc's own data in its own pages (`stats.resident - stats.active - pdirty`). Data that it allocates as a
    /// program would is in `internal_bytes`.
    pub metadata_bytes: Option<u64>,
    /// Unused pages that the kernel may reclaim but has not yet (`pmuzzy`, at most the kernel's `LazyFree`). POST
    /// `/purge` returns them.
    pub muzzy_bytes: Option<u64>,
    /// Resident memory outside jemalloc: the sum of the next three.
    pub outside_bytes: Option<u64>,
    /// Anonymous memory outside jemalloc: stacks, anonymous `mmap`, C libraries with their own `malloc`. A lower
    /// bound, because untouched jemalloc pages hide an equal amount.
    pub outside_anonymous_bytes: Option<u64>,
    /// Mapped files: the program, its libraries, `mmap` of data (`RssFile`).
    pub outside_file_bytes: Option<u64>,
    /// Shared memory: `MAP_SHARED` without a file, tmpfs, memfd, System V (`RssShmem`).
    pub outside_shared_bytes: Option<u64>,
    /// Pages of jemalloc that are swapped out.
    pub swapped_bytes: Option<u64>,
    /// Pages that jemalloc counts but that have no physical memory, because nothing was written to them: reserved
    /// capacity, fresh buffers. A lower bound. Rows of the table count them.
    pub never_touched_bytes: Option<u64>,
}
