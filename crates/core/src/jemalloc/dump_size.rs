//! An estimate of the length of the next dump.

use std::sync::atomic::{AtomicU64, Ordering};

use super::read_own;
use crate::mallctl;

/// The length of the last dump, and of jemalloc's records of samples at that time.
#[derive(Debug, Default)]
pub(crate) struct LastDump {
    /// 0 if there was no dump.
    bytes: AtomicU64,
    internal_bytes: AtomicU64,
}

/// Most bytes that one sample takes in a dump: 128 addresses, the sample's counts and a thread.
const BYTES_OF_A_SAMPLE: u64 = 2500;

/// Bytes that every dump has besides samples: mappings and threads.
const ALWAYS_BYTES: u64 = 256 << 10;

impl LastDump {
    /// Remembers a dump of `bytes` that was just written.
    pub(crate) fn remember(&self, bytes: u64) {
        self.internal_bytes.store(internal_bytes().unwrap_or(0), Ordering::Relaxed);
        self.bytes.store(bytes, Ordering::Relaxed);
    }

    /// Upper bound of the length of the next dump: the length of the last dump, plus what may have been added since.
    /// For the first dump, the length of all records that jemalloc keeps, or of one entry for each sample that live
    /// memory can have.
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

/// Upper bound of the length in a dump of jemalloc's records of samples. The eight bytes of an address become
/// fifteen, and each record has some bytes that are not written.
fn in_dump(internal: u64) -> u64 {
    internal.saturating_mul(3) / 2
}

/// Memory that jemalloc allocated for itself: records of stacks and samples, and caches of threads. `None` without a
/// profiler.
fn internal_bytes() -> Option<u64> {
    if !mallctl::OPT_PROF.read().ok()? {
        return None;
    }
    mallctl::EPOCH.write(1).ok()?;
    Some(read_own().ok()?.internal_bytes)
}

/// Upper bound of the number of samples in live memory, as of the last epoch. Each byte is sampled with a probability
/// of one in the rate. `None` if stacks stay for everything that was ever allocated.
fn most_samples() -> Option<u64> {
    if mallctl::OPT_PROF_ACCUM.read().ok()? {
        return None;
    }
    let allocated = mallctl::STATS_ALLOCATED.read().ok()? as u64;
    let rate = mallctl::sample_bytes(mallctl::PROF_LG_SAMPLE.read().ok()?).ok()?;
    let expected = allocated / rate.max(1);
    // Five standard deviations, plus some more for small numbers.
    Some(expected.saturating_add(5 * expected.isqrt()).saturating_add(64))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[cfg(not(feature = "jemalloc"))]
    #[test]
    fn without_jemalloc_only_the_last_dump_is_known() {
        let last = LastDump::default();
        assert_eq!(last.next_bytes(), 0);
        last.remember(7);
        assert_eq!(last.next_bytes(), 7);
    }

    #[test]
    fn s44_a_dump_may_be_longer_than_its_records() {
        assert_eq!(in_dump(2 << 20), 3 << 20);
        assert!(in_dump(u64::MAX) >= u64::MAX / 2, "saturates");
    }
}
