//! Do the witnesses agree? The table against the allocator, the allocator against the kernel.

use serde::{Deserialize, Serialize};

/// How the sum of the sampled rows, the allocator's numbers and the process's resident memory fit together, all read
/// right before the heap profile was.
///
/// Resident memory is `in_use + thread_cache + internal + sampling + fragmentation + dirty + metadata + muzzy + outside -
/// swapped - never_touched`: jemalloc does not know which of its pages are in physical memory.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[non_exhaustive]
#[serde(default)]
pub struct Reconciliation {
    /// Live bytes of all stacks of the heap profile, whatever a page selects of them.
    pub sampled_bytes: Option<u64>,
    /// One standard error of `sampled_bytes`, in bytes.
    pub sampled_stderr_bytes: Option<u64>,
    /// What jemalloc counts as allocated (`stats.allocated`): small objects rounded to size classes and large ones to
    /// pages, `thread_cache_bytes` and `internal_bytes`, but not small objects that were sampled.
    pub allocated_bytes: Option<u64>,
    /// What the program holds: `allocated_bytes - thread_cache_bytes - internal_bytes`, and the small objects that were
    /// sampled.
    pub in_use_bytes: Option<u64>,
    /// `sampled_bytes - in_use_bytes`: negative if the table shows less than there is.
    pub difference_bytes: Option<i64>,
    /// Whether the difference is at most two standard errors: sampling alone makes it larger one time in 20. The larger
    /// one counts, of `sampled_bytes` and of what sampling `in_use_bytes` at this rate would give.
    pub within_two_stderr: Option<bool>,
    /// What a larger difference can come from, one sentence each.
    pub explanations: Vec<String>,
    /// Resident set size of the process (`VmRSS`).
    pub resident_bytes: Option<u64>,
    /// Free objects that threads keep in caches of their own.
    pub thread_cache_bytes: Option<u64>,
    /// jemalloc's own data that it allocates as a program would: threads' caches themselves, the heap profile.
    pub internal_bytes: Option<u64>,
    /// What sampling costs in pages: a sampled small object has pages to itself, and leaves the rest of them unused.
    pub sampling_bytes: Option<u64>,
    /// Unused space between live objects, in pages that hold some (`stats.active - stats.allocated`, less the pages of
    /// sampled small objects).
    pub fragmentation_bytes: Option<u64>,
    /// Pages without objects, not yet returned to the system (`pdirty`).
    pub dirty_bytes: Option<u64>,
    /// jemalloc's own data in pages of its own (`stats.resident - stats.active - pdirty`). What it allocates as a program
    /// would is in `internal_bytes`.
    pub metadata_bytes: Option<u64>,
    /// Unused pages that the kernel may take when it needs some, as far as it has not (`pmuzzy`, at most `LazyFree` of
    /// the kernel). POST `/purge` returns them.
    pub muzzy_bytes: Option<u64>,
    /// Resident memory that is not jemalloc's. It is the sum of the next three.
    pub outside_bytes: Option<u64>,
    /// Anonymous memory that is not jemalloc's: stacks, anonymous `mmap`, C libraries with a `malloc` of their own. At
    /// least: pages of jemalloc that were never touched hide as much.
    pub outside_anonymous_bytes: Option<u64>,
    /// Mapped files: the program, its libraries, `mmap` of data (`RssFile`).
    pub outside_file_bytes: Option<u64>,
    /// Shared memory: `MAP_SHARED` without a file, tmpfs, memfd, System V (`RssShmem`).
    pub outside_shared_bytes: Option<u64>,
    /// Pages of jemalloc that are swapped out.
    pub swapped_bytes: Option<u64>,
    /// Pages that jemalloc counts and that have no physical memory, because nothing was written there: reserved
    /// capacity, fresh buffers. At least. Rows of the table count them.
    pub never_touched_bytes: Option<u64>,
}
