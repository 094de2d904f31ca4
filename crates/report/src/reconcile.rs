//! Compares a heap profile with the counts of the allocator and the kernel.

use crate::breakdown::Counts;
use crate::reconciliation::Reconciliation;
use crate::unavailable::Unavailable;

/// Totals of a heap profile.
#[derive(Clone, Copy, Debug)]
pub struct Sampled {
    /// Bytes that all samples stand for.
    pub bytes: u64,
    /// One standard error of `bytes`.
    pub stderr: f64,
    /// Mean number of bytes between two samples.
    pub rate: u64,
    /// Actual size of the small objects that were sampled.
    pub small_bytes: u64,
    /// Whether sampling is known to have been on since the process started.
    pub since_start: bool,
}

impl Counts {
    /// Compares the counts with a heap profile.
    pub fn reconcile(self, sampled: Sampled, unavailable: &mut Unavailable) -> Reconciliation {
        let Sampled { bytes: sampled, stderr, rate, small_bytes, since_start } = sampled;
        let parts = self.breakdown();
        // Objects cannot be larger than their pages, unless the pages were counted at another moment.
        let small = parts.sampled_pages.clone().map(|pages| small_bytes.min(pages));
        let in_use = parts.program.clone().and_then(|program| Ok(program.saturating_add(small.clone()?)));
        let sampling = parts.sampled_pages.clone().and_then(|pages| Ok(pages.saturating_sub(small?)));
        let difference = in_use.clone().and_then(|in_use| {
            let difference = i128::from(sampled) - i128::from(in_use);
            i64::try_from(difference).map_err(|_| "out of range".to_owned())
        });
        // With few or no samples, their own error says little. The bytes in use show how large the error must be.
        let expected = in_use.clone().map(|in_use| (in_use as f64 * rate.saturating_sub(1) as f64).sqrt());
        let within = difference
            .clone()
            .and_then(|difference| Ok(difference.unsigned_abs() as f64 <= 2.0 * stderr.max(expected?)));
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
            in_use_bytes: keep("in_use_bytes", in_use),
            thread_cache_bytes: keep("thread_cache_bytes", parts.thread_caches),
            internal_bytes: keep("internal_bytes", parts.internal),
            sampling_bytes: keep("sampling_bytes", sampling),
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

/// Possible causes if the table shows less or more than the allocator counts for the program.
fn explanations(difference: i64, since_start: bool) -> Vec<String> {
    let causes: &[&str] = match (difference < 0, since_start) {
        (true, false) => &[NOT_SAMPLED, SIZE_CLASS, CHANGED],
        (true, true) => &[SIZE_CLASS, CHANGED],
        (false, _) => &[SIZE_CLASS, CHANGED],
    };
    causes.iter().map(|cause| (*cause).to_owned()).collect()
}

const NOT_SAMPLED: &str = "sampling was off, or is not known to have been on, for some time since the process \
                           started; no row shows what was allocated then";
const SIZE_CLASS: &str = "the profile does not record how large an allocation above 32 KiB is; rows assume sizes \
                          that fit the sum of all";
const CHANGED: &str = "memory was allocated or freed between the two readings, or this is the one time in 20 that \
                       chance alone explains";

#[cfg(test)]
mod tests {
    use super::*;
    use crate::breakdown::counts;

    fn sampled(bytes: u64) -> Sampled {
        Sampled { bytes, stderr: 30.0, rate: 1, small_bytes: 0, since_start: true }
    }

    #[test]
    fn resident_memory_is_the_sum_of_its_parts() {
        let mut unavailable = Unavailable::default();
        let counts = Counts { muzzy: Ok(30), lazy_free: Ok(20), ..counts() };
        let all = counts.reconcile(sampled(1_040), &mut unavailable);
        assert_eq!((all.difference_bytes, all.within_two_stderr), (Some(40), Some(true)));
        assert_eq!((all.fragmentation_bytes, all.dirty_bytes), (Some(100), Some(200)));
        assert_eq!((all.muzzy_bytes, all.outside_bytes), (Some(20), Some(130)));
        let outside = [all.outside_anonymous_bytes, all.outside_file_bytes, all.outside_shared_bytes];
        assert_eq!(outside, [Some(30), Some(80), Some(20)]);
        assert_eq!((all.swapped_bytes, all.never_touched_bytes), (Some(0), Some(0)));
        let parts = [
            all.in_use_bytes,
            all.thread_cache_bytes,
            all.internal_bytes,
            all.sampling_bytes,
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
    fn memory_of_jemalloc_itself_does_not_count_as_a_difference() {
        let mut unavailable = Unavailable::default();
        let own = Counts { thread_caches: Ok(300), internal: Ok(200), sampled_pages: Ok(60), ..counts() };
        let all = own.clone().reconcile(Sampled { small_bytes: 20, ..sampled(530) }, &mut unavailable);
        assert_eq!((all.allocated_bytes, all.in_use_bytes), (Some(1_000), Some(520)));
        assert_eq!((all.difference_bytes, all.within_two_stderr), (Some(10), Some(true)));
        assert_eq!((all.thread_cache_bytes, all.internal_bytes), (Some(300), Some(200)));
        assert_eq!((all.sampling_bytes, all.fragmentation_bytes), (Some(40), Some(40)));
        let more = own.reconcile(Sampled { small_bytes: 61, ..sampled(560) }, &mut unavailable);
        assert_eq!((more.in_use_bytes, more.sampling_bytes), (Some(560), Some(0)), "at most their pages");
        assert!(unavailable.is_empty());
    }

    #[test]
    fn a_heap_too_small_to_be_sampled_shows_no_difference() {
        let mut unavailable = Unavailable::default();
        let nothing = Sampled { stderr: 0.0, rate: 524_288, ..sampled(0) };
        let all = counts().reconcile(nothing, &mut unavailable);
        assert_eq!((all.difference_bytes, all.within_two_stderr), (Some(-1_000), Some(true)));
        let large = Counts { allocated: Ok(400 << 20), active: Ok(500 << 20), ..counts() };
        assert_eq!(large.reconcile(nothing, &mut unavailable).within_two_stderr, Some(false));
    }

    #[test]
    fn a_difference_beyond_the_error_is_signed_and_explained() {
        let mut unavailable = Unavailable::default();
        let less = counts().reconcile(sampled(900), &mut unavailable);
        assert_eq!((less.difference_bytes, less.within_two_stderr), (Some(-100), Some(false)));
        assert_eq!(less.explanations, [SIZE_CLASS, CHANGED]);
        let late = counts().reconcile(Sampled { since_start: false, ..sampled(0) }, &mut unavailable);
        assert_eq!(late.explanations, [NOT_SAMPLED, SIZE_CLASS, CHANGED]);
        let more = counts().reconcile(sampled(1_100), &mut unavailable);
        assert_eq!(
            (more.difference_bytes, more.explanations),
            (Some(100), vec![SIZE_CLASS.to_owned(), CHANGED.to_owned()])
        );
    }

    #[test]
    fn reserved_memory_is_never_touched_and_swapped_memory_is_swapped() {
        let mut unavailable = Unavailable::default();
        let anonymous = Counts { anonymous: Ok(1_000), resident: Ok(1_100), swap: Ok(250), ..counts() };
        let all = anonymous.reconcile(sampled(1_040), &mut unavailable);
        assert_eq!((all.swapped_bytes, all.never_touched_bytes), (Some(250), Some(100)));
        assert_eq!((all.outside_bytes, all.outside_anonymous_bytes), (Some(100), Some(0)));
        assert!(unavailable.is_empty());
    }

    #[test]
    fn unknown_parts_have_a_reason() {
        let mut unavailable = Unavailable::default();
        let kernel = Counts { resident: Ok(1_200), anonymous: Err("no RssAnon".into()), ..counts() };
        let all = kernel.reconcile(sampled(1_040), &mut unavailable);
        assert_eq!((all.outside_bytes, all.resident_bytes), (None, Some(1_200)));
        assert!(unavailable.get("reconciliation.outside_bytes").unwrap().contains("upper bound"));
        assert_eq!(unavailable.get("reconciliation.never_touched_bytes"), Some("no RssAnon"));
    }

    #[test]
    fn a_result_without_its_number_has_the_reason() {
        let mut unavailable = Unavailable::default();
        let silent = Counts { allocated: Err("no epoch".into()), ..counts() };
        let all = silent.reconcile(sampled(1_040), &mut unavailable);
        assert_eq!((all.allocated_bytes, all.difference_bytes, all.within_two_stderr), (None, None, None));
        for name in [
            "allocated_bytes",
            "in_use_bytes",
            "difference_bytes",
            "within_two_stderr",
            "fragmentation_bytes",
        ] {
            assert_eq!(unavailable.get(&format!("reconciliation.{name}")), Some("no epoch"), "{name}");
        }
        assert_eq!(all.sampled_bytes, Some(1_040));
    }
}
