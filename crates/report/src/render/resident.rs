//! The parts of resident memory, as the page names them.

use crate::reconciliation::Reconciliation;

/// A part of resident memory, or of memory that jemalloc counts but that is not resident.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ResidentPart {
    /// Live objects of the program.
    InUse,
    /// Free space between live objects.
    Fragmentation,
    /// Free pages, not yet returned to the system.
    Dirty,
    /// Caches of threads and jemalloc's own data.
    JemallocsOwn,
    /// Free pages that the kernel may reclaim.
    Muzzy,
    /// Everything outside jemalloc.
    Outside,
    /// Pages of jemalloc in swap.
    SwappedOut,
    /// Pages of jemalloc to which nothing was written yet.
    NeverTouched,
}

/// A part with its size. `None` if the size is unknown.
type Sized = (ResidentPart, Option<u64>);

impl ResidentPart {
    /// What the part is called.
    pub fn name(self) -> &'static str {
        match self {
            Self::InUse => "in use",
            Self::Fragmentation => "fragmentation",
            Self::Dirty => "dirty",
            Self::JemallocsOwn => "jemalloc's own",
            Self::Muzzy => "muzzy",
            Self::Outside => "outside jemalloc",
            Self::SwappedOut => "swapped out",
            Self::NeverTouched => "never touched",
        }
    }

    /// What the part consists of.
    pub fn about(self) -> &'static str {
        match self {
            Self::InUse => "live objects of the program",
            Self::Fragmentation => "free space between live objects",
            Self::Dirty => "free pages that jemalloc has not returned to the system yet",
            Self::JemallocsOwn => "caches of threads, data about arenas and pages, the heap profile",
            Self::Muzzy => "free pages that the kernel may reclaim",
            Self::Outside => "the program and its libraries, stacks, mmap, C libraries, shared memory",
            Self::SwappedOut => "pages of jemalloc that are in swap",
            Self::NeverTouched => "reserved, but nothing was written to it yet",
        }
    }
}

/// The parts that add up to resident memory plus the parts of [`not_resident`]. Muzzy pages are omitted if the
/// process has none, which is usual.
pub fn resident_parts(numbers: &Reconciliation) -> Vec<Sized> {
    let muzzy = some(numbers.muzzy_bytes);
    [
        (ResidentPart::InUse, numbers.in_use_bytes),
        (ResidentPart::Fragmentation, numbers.fragmentation_bytes),
        (ResidentPart::Dirty, numbers.dirty_bytes),
        (ResidentPart::JemallocsOwn, jemallocs_own(numbers)),
    ]
    .into_iter()
    .chain(muzzy.map(|bytes| (ResidentPart::Muzzy, Some(bytes))))
    .chain([(ResidentPart::Outside, numbers.outside_bytes)])
    .collect()
}

/// The parts that jemalloc counts but that are not resident. Empty parts are omitted.
pub fn not_resident(numbers: &Reconciliation) -> Vec<Sized> {
    let parts = [
        (ResidentPart::SwappedOut, some(numbers.swapped_bytes)),
        (ResidentPart::NeverTouched, some(numbers.never_touched_bytes)),
    ];
    parts.into_iter().filter(|(_, bytes)| bytes.is_some()).collect()
}

fn some(bytes: Option<u64>) -> Option<u64> {
    bytes.filter(|bytes| *bytes > 0)
}

/// A part of a part, with its name.
pub(super) type Part = (Option<u64>, &'static str);

/// jemalloc's memory apart from the program's objects and free pages.
pub(super) fn own_parts(numbers: &Reconciliation) -> [Part; 4] {
    [
        (numbers.thread_cache_bytes, "free objects in thread caches"),
        (numbers.internal_bytes, "data of the caches and the profile"),
        (numbers.metadata_bytes, "data of arenas and pages"),
        (numbers.sampling_bytes, "unused in the pages of sampled objects"),
    ]
}

/// The sum of [`own_parts`]. `None` if one is unknown.
pub(super) fn jemallocs_own(numbers: &Reconciliation) -> Option<u64> {
    own_parts(numbers).iter().try_fold(0, |sum: u64, (bytes, _)| Some(sum.saturating_add((*bytes)?)))
}
