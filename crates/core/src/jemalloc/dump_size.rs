//! How long a dump will be, before there is one.

use std::sync::atomic::{AtomicU64, Ordering};

use super::read_own;
use crate::mallctl;

/// The last dump that was read, and what jemalloc kept of its samples then.
#[derive(Debug, Default)]
pub(crate) struct LastDump {
    /// 0 if there was none.
    bytes: AtomicU64,
    internal_bytes: AtomicU64,
}

/// A dump has no more bytes than this for each sample: 128 addresses, its counts and a thread.
const BYTES_OF_A_SAMPLE: u64 = 2500;

/// What stands in every dump besides: mappings and threads.
const ALWAYS_BYTES: u64 = 256 << 10;

impl LastDump {
    /// Remembers a dump of `bytes`, which was written just now.
    pub(crate) fn remember(&self, bytes: u64) {
        self.internal_bytes.store(internal_bytes().unwrap_or(0), Ordering::Relaxed);
        self.bytes.store(bytes, Ordering::Relaxed);
    }

    /// How many bytes the next one may have: those of the last and what can have come since. For the first, as many as
    /// all that jemalloc keeps of its samples, or one for each sample that live memory can have.
    pub(crate) fn next_bytes(&self) -> u64 {
        let last = self.bytes.load(Ordering::Relaxed);
        let Some(internal) = internal_bytes() else { return last };
        if last == 0 {
            let samples =
                most_samples().map_or(u64::MAX, |samples| samples.saturating_mul(BYTES_OF_A_SAMPLE));
            return in_dump(internal).min(samples).saturating_add(ALWAYS_BYTES);
        }
        let since = internal.saturating_sub(self.internal_bytes.load(Ordering::Relaxed));
        last.saturating_add(in_dump(since))
    }
}

/// What jemalloc's records of samples become in a dump at most: eight bytes of an address are fifteen there, and each
/// record has some that are not written.
fn in_dump(internal: u64) -> u64 {
    internal.saturating_mul(3) / 2
}

/// What jemalloc allocated for itself: records of stacks and samples, and caches of threads. `None` if there is no profiler.
fn internal_bytes() -> Option<u64> {
    if !mallctl::OPT_PROF.read().ok()? {
        return None;
    }
    mallctl::EPOCH.write(1).ok()?;
    Some(read_own().ok()?.internal_bytes)
}

/// Samples of live memory at most, as of the last epoch: each byte is one with a probability of one in the rate. `None` if
/// stacks stay for what was ever allocated.
fn most_samples() -> Option<u64> {
    if mallctl::OPT_PROF_ACCUM.read().ok()? {
        return None;
    }
    let allocated = mallctl::STATS_ALLOCATED.read().ok()? as u64;
    let rate = 1_u64.checked_shl(u32::try_from(mallctl::PROF_LG_SAMPLE.read().ok()?).ok()?)?;
    let expected = allocated / rate.max(1);
    // Five standard deviations, and some for a small number.
    Some(expected.saturating_add(5 * expected.isqrt()).saturating_add(64))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[cfg(not(feature = "jemalloc"))]
    #[test]
    fn without_jemalloc_the_last_one_is_all_that_is_known() {
        let last = LastDump::default();
        assert_eq!(last.next_bytes(), 0);
        last.remember(7);
        assert_eq!(last.next_bytes(), 7);
    }

    #[test]
    fn s44_a_dump_may_be_longer_than_what_it_is_made_of() {
        assert_eq!(in_dump(2 << 20), 3 << 20);
        assert!(in_dump(u64::MAX) >= u64::MAX / 2, "saturates");
    }
}
