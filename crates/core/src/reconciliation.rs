//! Do the witnesses agree? The table against the allocator, the allocator against the kernel.

use serde::{Deserialize, Serialize};

use crate::breakdown::Counts;
use crate::unavailable::Unavailable;

/// How the sum of the sampled rows, the allocator's numbers and the process's resident memory fit together, all read
/// right before the heap profile was.
///
/// Resident memory is `allocated + fragmentation + dirty + metadata + muzzy + outside - swapped - never_touched`:
/// jemalloc does not know which of its pages are in physical memory.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[non_exhaustive]
#[serde(default)]
pub struct Reconciliation {
    /// Live bytes of all stacks of the heap profile, whatever a page selects of them.
    pub sampled_bytes: Option<u64>,
    /// One standard error of `sampled_bytes`, in bytes.
    pub sampled_stderr_bytes: Option<u64>,
    /// Bytes the program asked for and holds, small objects rounded to size classes and large ones to pages
    /// (`stats.allocated`).
    pub allocated_bytes: Option<u64>,
    /// `sampled_bytes - allocated_bytes`: negative if the table shows less than there is.
    pub difference_bytes: Option<i64>,
    /// Whether the difference is at most two standard errors: sampling alone makes it larger one time in 20.
    pub within_two_stderr: Option<bool>,
    /// What a larger difference can come from, one sentence each.
    pub explanations: Vec<String>,
    /// Resident set size of the process (`VmRSS`).
    pub resident_bytes: Option<u64>,
    /// Unused space between live objects, in pages that hold some (`stats.active - stats.allocated`).
    pub fragmentation_bytes: Option<u64>,
    /// Pages without objects, not yet returned to the system (`pdirty`).
    pub dirty_bytes: Option<u64>,
    /// jemalloc's own data in pages of its own (`stats.resident - stats.active - pdirty`). What it allocates as a program
    /// would is in `allocated_bytes`.
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

impl Counts {
    /// Compares with the sum of a heap profile and its standard error. `since_start` is whether sampling is known to
    /// have been on since the process started.
    pub(crate) fn reconcile(
        self,
        (sampled, stderr): (u64, f64),
        since_start: bool,
        unavailable: &mut Unavailable,
    ) -> Reconciliation {
        let parts = self.breakdown();
        let difference = self.allocated.clone().and_then(|allocated| {
            let difference = i128::from(sampled) - i128::from(allocated);
            i64::try_from(difference).map_err(|_| "out of range".to_owned())
        });
        let within = difference.clone().map(|bytes| bytes.unsigned_abs() as f64 <= 2.0 * stderr);
        let explanations = match (&difference, &within) {
            (Ok(bytes), Ok(false)) => explanations(*bytes, since_start),
            _ => Vec::new(),
        };
        let mut keep = |name: &str, measured: Result<u64, String>| {
            unavailable.keep(&format!("reconciliation.{name}"), measured)
        };
        Reconciliation {
            sampled_bytes: Some(sampled),
            sampled_stderr_bytes: Some(stderr.round() as u64),
            allocated_bytes: keep("allocated_bytes", self.allocated),
            resident_bytes: keep("resident_bytes", self.resident),
            fragmentation_bytes: keep("fragmentation_bytes", parts.fragmentation),
            dirty_bytes: keep("dirty_bytes", parts.dirty),
            metadata_bytes: keep("metadata_bytes", parts.metadata),
            muzzy_bytes: keep("muzzy_bytes", parts.muzzy),
            outside_bytes: keep("outside_bytes", parts.outside),
            outside_anonymous_bytes: keep("outside_anonymous_bytes", parts.outside_anonymous),
            outside_file_bytes: keep("outside_file_bytes", self.file),
            outside_shared_bytes: keep("outside_shared_bytes", self.shared),
            swapped_bytes: keep("swapped_bytes", parts.swapped),
            never_touched_bytes: keep("never_touched_bytes", parts.never_touched),
            difference_bytes: unavailable.keep("reconciliation.difference_bytes", difference),
            within_two_stderr: unavailable.keep("reconciliation.within_two_stderr", within),
            explanations,
        }
    }
}

/// What makes the table show less, or more, than the allocator counts.
fn explanations(difference: i64, since_start: bool) -> Vec<String> {
    let causes: &[&str] = match (difference < 0, since_start) {
        (true, false) => &[NOT_SAMPLED, CACHED],
        (true, true) => &[CACHED],
        (false, _) => &[SIZE_CLASS, SAMPLED_SMALL, FREED],
    };
    causes.iter().map(|cause| (*cause).to_owned()).collect()
}

const NOT_SAMPLED: &str = "sampling was not on, or not known to be on, since the process started; what was allocated \
                           without it is in no row";
/// Objects in a thread's cache are freed for the profile and allocated for the arena.
const CACHED: &str = "jemalloc also counts what threads keep cached for reuse";
/// A sampled small object has pages of its own, which jemalloc 5.3.1 counts as active only, not as allocated
/// (`arena_large_malloc_stats_update` in `src/arena.c`).
const SAMPLED_SMALL: &str = "jemalloc does not count small objects that were sampled";
const SIZE_CLASS: &str = "the profile does not say how large an allocation above 32 KiB is; rows assume sizes that fit the sum of all of them";
const FREED: &str = "memory was freed between the two readings, or this is the one time in 20 that sampling alone \
                     explains";

#[cfg(test)]
mod tests {
    use super::*;
    use crate::breakdown::counts;

    #[test]
    fn resident_memory_is_the_sum_of_its_parts() {
        let mut unavailable = Unavailable::default();
        let counts = Counts { muzzy: Ok(30), lazy_free: Ok(20), ..counts() };
        let all = counts.reconcile((1_040, 30.0), true, &mut unavailable);
        assert_eq!((all.difference_bytes, all.within_two_stderr), (Some(40), Some(true)));
        assert_eq!((all.fragmentation_bytes, all.dirty_bytes), (Some(100), Some(200)));
        assert_eq!((all.muzzy_bytes, all.outside_bytes), (Some(20), Some(130)));
        let outside = [all.outside_anonymous_bytes, all.outside_file_bytes, all.outside_shared_bytes];
        assert_eq!(outside, [Some(30), Some(80), Some(20)]);
        assert_eq!((all.swapped_bytes, all.never_touched_bytes), (Some(0), Some(0)));
        let parts = [
            all.allocated_bytes,
            all.fragmentation_bytes,
            all.dirty_bytes,
            all.metadata_bytes,
            all.muzzy_bytes,
            all.outside_bytes,
        ];
        assert_eq!(parts.into_iter().map(Option::unwrap).sum::<u64>(), all.resident_bytes.unwrap());
        assert!(all.explanations.is_empty() && unavailable.is_empty());
    }

    #[test]
    fn a_difference_beyond_the_error_is_signed_and_explained() {
        let mut unavailable = Unavailable::default();
        let less = counts().reconcile((900, 30.0), true, &mut unavailable);
        assert_eq!((less.difference_bytes, less.within_two_stderr), (Some(-100), Some(false)));
        assert_eq!(less.explanations, [CACHED]);
        let late = counts().reconcile((0, 0.0), false, &mut unavailable);
        assert_eq!(late.explanations, [NOT_SAMPLED, CACHED]);
        let more = counts().reconcile((1_100, 30.0), true, &mut unavailable);
        assert_eq!(
            (more.difference_bytes, more.explanations),
            (Some(100), vec![SIZE_CLASS.to_owned(), SAMPLED_SMALL.to_owned(), FREED.to_owned()])
        );
    }

    #[test]
    fn reserved_memory_is_told_as_never_touched_and_swapped_memory_as_swapped() {
        let mut unavailable = Unavailable::default();
        let anonymous = Counts { anonymous: Ok(1_000), resident: Ok(1_100), swap: Ok(250), ..counts() };
        let all = anonymous.reconcile((1_040, 30.0), true, &mut unavailable);
        assert_eq!((all.swapped_bytes, all.never_touched_bytes), (Some(250), Some(100)));
        assert_eq!((all.outside_bytes, all.outside_anonymous_bytes), (Some(100), Some(0)));
        assert!(unavailable.is_empty());
    }

    #[test]
    fn parts_that_are_not_known_have_a_reason() {
        let mut unavailable = Unavailable::default();
        let kernel = Counts { resident: Ok(1_200), anonymous: Err("no RssAnon".into()), ..counts() };
        let all = kernel.reconcile((1_040, 30.0), true, &mut unavailable);
        assert_eq!((all.outside_bytes, all.resident_bytes), (None, Some(1_200)));
        assert!(unavailable.get("reconciliation.outside_bytes").unwrap().contains("upper bound"));
        assert_eq!(unavailable.get("reconciliation.never_touched_bytes"), Some("no RssAnon"));
    }

    #[test]
    fn what_depends_on_a_missing_number_has_its_reason() {
        let mut unavailable = Unavailable::default();
        let silent = Counts { allocated: Err("no epoch".into()), ..counts() };
        let all = silent.reconcile((1_040, 30.0), true, &mut unavailable);
        assert_eq!((all.allocated_bytes, all.difference_bytes, all.within_two_stderr), (None, None, None));
        for name in ["allocated_bytes", "difference_bytes", "within_two_stderr", "fragmentation_bytes"] {
            assert_eq!(unavailable.get(&format!("reconciliation.{name}")), Some("no epoch"), "{name}");
        }
        assert_eq!(all.sampled_bytes, Some(1_040));
    }
}
