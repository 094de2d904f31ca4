//! Do the witnesses agree? The table against the allocator, the allocator against the kernel.

use serde::{Deserialize, Serialize};

use crate::unavailable::Unavailable;

/// How the sum of the sampled rows, the allocator's numbers and the process's resident memory fit together, all read
/// right before the heap profile was.
///
/// Resident memory is `allocated + fragmentation + dirty + metadata + outside`. jemalloc counts pages that were never
/// touched, so that its parts may be more than the kernel's whole; then `outside` is unknown.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[non_exhaustive]
#[serde(default)]
pub struct Reconciliation {
    /// Live bytes of all stacks of the heap profile, whatever a page selects of them.
    pub sampled_bytes: Option<u64>,
    /// One standard error of `sampled_bytes`, in bytes.
    pub sampled_stderr_bytes: Option<u64>,
    /// Bytes the program asked for and holds, rounded to size classes as the rows are (`stats.allocated`).
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
    /// Pages without objects, not yet returned to the system (`stats.resident - stats.active - stats.metadata`).
    pub dirty_bytes: Option<u64>,
    /// jemalloc's own data (`stats.metadata`).
    pub metadata_bytes: Option<u64>,
    /// Resident memory that is not jemalloc's: code, stacks, mapped files, other allocators
    /// (`resident_bytes - stats.resident`).
    pub outside_bytes: Option<u64>,
}

/// What the allocator and the kernel say. A number that was not measured has its reason.
#[derive(Clone, Debug)]
pub(crate) struct Witnesses {
    pub(crate) allocated: Result<u64, String>,
    pub(crate) active: Result<u64, String>,
    pub(crate) metadata: Result<u64, String>,
    /// jemalloc's own count of resident pages.
    pub(crate) allocator_resident: Result<u64, String>,
    /// The kernel's.
    pub(crate) resident: Result<u64, String>,
}

impl Witnesses {
    /// Compares with the sum of a heap profile and its standard error. `since_start` is whether sampling is known to
    /// have been on since the process started.
    ///
    /// Where parts do not add up, because the kernel and the allocator count at different moments and
    /// `stats.resident` is an upper bound, the difference is missing and says so.
    pub(crate) fn reconcile(
        self,
        (sampled, stderr): (u64, f64),
        since_start: bool,
        unavailable: &mut Unavailable,
    ) -> Reconciliation {
        let rest = |whole: &Result<u64, String>, parts: &[&Result<u64, String>]| -> Result<u64, String> {
            parts.iter().try_fold(whole.clone()?, |rest, part| {
                rest.checked_sub((*part).clone()?).ok_or_else(|| "the parts are more than the whole".into())
            })
        };
        let fragmentation = rest(&self.active, &[&self.allocated]);
        let dirty = rest(&self.allocator_resident, &[&self.active, &self.metadata]);
        let outside = rest(&self.resident, &[&self.allocator_resident]).map_err(|reason| {
            match (&self.resident, &self.allocator_resident) {
                (Ok(_), Ok(_)) => {
                    "the kernel counts less than jemalloc, whose number is an upper bound".into()
                }
                _ => reason,
            }
        });
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
            fragmentation_bytes: keep("fragmentation_bytes", fragmentation),
            dirty_bytes: keep("dirty_bytes", dirty),
            metadata_bytes: keep("metadata_bytes", self.metadata),
            outside_bytes: keep("outside_bytes", outside),
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
const SIZE_CLASS: &str =
    "in the profile a large allocation counts as its size class, up to a quarter more than it takes";
const FREED: &str = "memory was freed between the two readings, or this is the one time in 20 that sampling alone \
                     explains";

#[cfg(test)]
mod tests {
    use super::*;

    fn witnesses() -> Witnesses {
        Witnesses {
            allocated: Ok(1_000),
            active: Ok(1_100),
            metadata: Ok(50),
            allocator_resident: Ok(1_350),
            resident: Ok(1_500),
        }
    }

    #[test]
    fn resident_memory_is_the_sum_of_its_parts() {
        let mut unavailable = Unavailable::default();
        let all = witnesses().reconcile((1_040, 30.0), true, &mut unavailable);
        assert_eq!((all.difference_bytes, all.within_two_stderr), (Some(40), Some(true)));
        assert_eq!(
            (all.fragmentation_bytes, all.dirty_bytes, all.outside_bytes),
            (Some(100), Some(200), Some(150))
        );
        let parts = [
            all.allocated_bytes,
            all.fragmentation_bytes,
            all.dirty_bytes,
            all.metadata_bytes,
            all.outside_bytes,
        ];
        assert_eq!(parts.into_iter().map(Option::unwrap).sum::<u64>(), all.resident_bytes.unwrap());
        assert!(all.explanations.is_empty() && unavailable.is_empty());
    }

    #[test]
    fn a_difference_beyond_the_error_is_signed_and_explained() {
        let mut unavailable = Unavailable::default();
        let less = witnesses().reconcile((900, 30.0), true, &mut unavailable);
        assert_eq!((less.difference_bytes, less.within_two_stderr), (Some(-100), Some(false)));
        assert_eq!(less.explanations, [CACHED]);
        let late = witnesses().reconcile((0, 0.0), false, &mut unavailable);
        assert_eq!(late.explanations, [NOT_SAMPLED, CACHED]);
        let more = witnesses().reconcile((1_100, 30.0), true, &mut unavailable);
        assert_eq!(
            (more.difference_bytes, more.explanations),
            (Some(100), vec![SIZE_CLASS.to_owned(), SAMPLED_SMALL.to_owned(), FREED.to_owned()])
        );
    }

    #[test]
    fn parts_that_do_not_add_up_are_missing_with_a_reason() {
        let mut unavailable = Unavailable::default();
        let kernel = Witnesses { resident: Ok(1_200), ..witnesses() };
        let all = kernel.reconcile((1_040, 30.0), true, &mut unavailable);
        assert_eq!((all.outside_bytes, all.resident_bytes), (None, Some(1_200)));
        assert!(unavailable.get("reconciliation.outside_bytes").unwrap().contains("upper bound"));
    }

    #[test]
    fn what_depends_on_a_missing_number_has_its_reason() {
        let mut unavailable = Unavailable::default();
        let silent = Witnesses { allocated: Err("no epoch".into()), ..witnesses() };
        let all = silent.reconcile((1_040, 30.0), true, &mut unavailable);
        assert_eq!((all.allocated_bytes, all.difference_bytes, all.within_two_stderr), (None, None, None));
        for name in ["allocated_bytes", "difference_bytes", "within_two_stderr", "fragmentation_bytes"] {
            assert_eq!(unavailable.get(&format!("reconciliation.{name}")), Some("no epoch"), "{name}");
        }
        assert_eq!(all.sampled_bytes, Some(1_040));
    }
}
