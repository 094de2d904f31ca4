//! Ages and slack of live memory, from its live samples.

use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::live::LiveSample;
use crate::sample::SampleRate;

/// How old some live memory is, by bytes.
///
/// Memory that was allocated before recording began is at least as old as the recording. It counts as older than each
/// limit that the recording exceeds. So a share is exact up to that limit, and a lower bound beyond it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
#[non_exhaustive]
#[serde(default)]
pub struct Ages {
    /// Half of the bytes are older than this.
    pub p50_seconds: f64,
    /// Whether half of the bytes are older than the recording, so that `p50_seconds` is only a lower bound.
    pub p50_is_lower_bound: bool,
    /// Share of the bytes that are older than a minute, from 0 to 1.
    pub older_than_1m: f64,
    /// Share of the bytes that are older than ten minutes, from 0 to 1.
    pub older_than_10m: f64,
    /// Share of the bytes that are older than an hour, from 0 to 1.
    pub older_than_1h: f64,
    /// Share of the bytes whose age is recorded, from 0 to 1. All other bytes are older than the recording, or nothing
    /// is known about them.
    pub known_share: f64,
}

/// Since when live samples are recorded, and for how much of the live heap.
#[derive(Clone, Copy, Debug, PartialEq)]
#[non_exhaustive]
pub struct Recording {
    /// Time since recording began.
    pub recorded: Duration,
    /// Samples that found no place in the table.
    pub dropped: u64,
}

/// What live samples tell about some memory.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct RecordedMemory {
    /// Ages with their bytes.
    samples: Vec<(Duration, f64)>,
    /// Bytes that are older than the recording.
    older_bytes: f64,
    /// Bytes of which nothing is known.
    unknown_bytes: f64,
    slack_bytes: f64,
}

impl RecordedMemory {
    pub(crate) fn add_sample(&mut self, sample: &LiveSample, rate: SampleRate) {
        let weight = rate.weight(sample.usable);
        self.add_recorded(sample.age, sample.usable as f64 * weight);
        self.slack_bytes += sample.usable.saturating_sub(sample.requested) as f64 * weight;
    }

    /// Adds bytes of a known age.
    pub(crate) fn add_recorded(&mut self, age: Duration, bytes: f64) {
        self.samples.push((age, bytes));
    }

    /// Adds bytes without a sample. They are older than the recording, or nothing is known about them.
    pub(crate) fn add_rest(&mut self, bytes: f64, is_older: bool) {
        if is_older {
            self.older_bytes += bytes;
        } else {
            self.unknown_bytes += bytes;
        }
    }

    pub(crate) fn append(&mut self, mut other: Self) {
        self.samples.append(&mut other.samples);
        self.older_bytes += other.older_bytes;
        self.unknown_bytes += other.unknown_bytes;
        self.slack_bytes += other.slack_bytes;
    }

    /// Bytes that jemalloc gave beyond what the program asked for. `None` without a sample.
    pub(crate) fn slack_bytes(&self) -> Option<f64> {
        (!self.samples.is_empty()).then_some(self.slack_bytes)
    }

    /// The part of the bytes whose age is recorded. `None` without any bytes.
    pub(crate) fn known_share(&self) -> Option<f64> {
        // The sum of no numbers is -0.
        let known = 0.0 + self.samples.iter().map(|(_, bytes)| bytes).sum::<f64>();
        let all = known + self.older_bytes + self.unknown_bytes;
        (all > 0.0).then(|| known / all)
    }

    /// The ages. `None` if nothing is known about any byte.
    pub(crate) fn ages(&self, recorded: Duration) -> Option<Ages> {
        let mut samples = self.samples.clone();
        samples.sort_unstable_by_key(|(age, _)| *age);
        let known: f64 = samples.iter().map(|(_, bytes)| bytes).sum();
        let all = known + self.older_bytes;
        if all <= 0.0 {
            return None;
        }
        let mut younger = 0.0;
        let median = samples.iter().find(|(_, bytes)| {
            younger += bytes;
            younger >= all / 2.0
        });
        let older_than = |seconds: u64| {
            let limit = Duration::from_secs(seconds);
            let of_samples: f64 =
                samples.iter().filter(|(age, _)| *age > limit).map(|(_, bytes)| bytes).sum();
            let of_older = if recorded >= limit { self.older_bytes } else { 0.0 };
            ((of_samples + of_older) / all).min(1.0)
        };
        Some(Ages {
            p50_seconds: median.map_or(recorded, |(age, _)| *age).as_secs_f64(),
            p50_is_lower_bound: median.is_none(),
            older_than_1m: older_than(60),
            older_than_10m: older_than(600),
            older_than_1h: older_than(3600),
            known_share: self.known_share().unwrap_or_default(),
        })
    }
}

/// A range of ages, as [`Group::Age`](crate::Group::Age) has them.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum AgeBucket {
    /// Recorded memory, by the position of its range in the list of ranges.
    #[doc(hidden)]
    Range(u8),
    /// Memory that was allocated before recording began.
    OlderThanRecording,
    /// Memory of which nothing is recorded.
    Unknown,
}

/// Upper bounds of the ranges in seconds, with their names. The last has no bound.
const RANGES: [(u64, &str); 8] = [
    (1, "under 1 s"),
    (10, "1 s to 10 s"),
    (60, "10 s to 1 min"),
    (600, "1 min to 10 min"),
    (3600, "10 min to 1 h"),
    (6 * 3600, "1 h to 6 h"),
    (24 * 3600, "6 h to 24 h"),
    (u64::MAX, "over 1 day"),
];

impl AgeBucket {
    pub(crate) fn of(age: Duration) -> Self {
        let range = RANGES.iter().position(|(bound, _)| age.as_secs() < *bound).unwrap_or(RANGES.len() - 1);
        Self::Range(u8::try_from(range).unwrap_or(u8::MAX))
    }

    /// The ages in seconds at which a range ends and the next begins.
    pub(crate) fn limits() -> impl Iterator<Item = u64> {
        RANGES.iter().map(|(bound, _)| *bound).filter(|bound| *bound < u64::MAX)
    }

    /// All ranges, the youngest first.
    pub fn all() -> impl Iterator<Item = Self> {
        let ranges = (0..).take(RANGES.len()).map(Self::Range);
        ranges.chain([Self::OlderThanRecording, Self::Unknown])
    }

    /// The name of its row: `10 s to 1 min`.
    pub fn name(self) -> &'static str {
        match self {
            Self::Range(range) => RANGES.get(usize::from(range)).map_or("", |(_, name)| name),
            Self::OlderThanRecording => "older than the recording",
            Self::Unknown => "(age not recorded)",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::live::StackHash;

    fn memory(ages: &[u64], older: f64) -> RecordedMemory {
        let mut memory = RecordedMemory::default();
        for age in ages {
            let sample = LiveSample::new(*age, 100, 128, StackHash::default(), Duration::from_secs(*age), 0);
            memory.add_sample(&sample, SampleRate::from_bytes(1));
        }
        memory.add_rest(older, true);
        memory
    }

    #[test]
    fn shares_are_by_bytes_and_the_median_is_in_the_middle() {
        let ages = memory(&[5, 70, 700, 7200], 0.0).ages(Duration::from_secs(9000)).unwrap();
        assert_eq!((ages.p50_seconds, ages.p50_is_lower_bound), (70.0, false));
        assert_eq!((ages.older_than_1m, ages.older_than_10m, ages.older_than_1h), (0.75, 0.5, 0.25));
        assert_eq!(ages.known_share, 1.0);
        assert_eq!(memory(&[5, 70], 0.0).slack_bytes(), Some(56.0));
    }

    #[test]
    fn memory_before_the_recording_counts_up_to_the_length_of_the_recording() {
        let memory = memory(&[5], 128.0 * 3.0);
        let ages = memory.ages(Duration::from_secs(100)).unwrap();
        assert_eq!((ages.p50_seconds, ages.p50_is_lower_bound), (100.0, true));
        assert_eq!((ages.older_than_1m, ages.older_than_10m), (0.75, 0.0), "a lower bound beyond 100 s");
        assert_eq!(ages.known_share, 0.25);
    }

    #[test]
    fn without_samples_the_known_share_is_zero_without_a_sign() {
        let mut memory = RecordedMemory::default();
        memory.add_rest(100.0, true);
        let share = memory.known_share().unwrap();
        assert!(share == 0.0 && share.is_sign_positive(), "{share}");
    }

    #[test]
    fn unknown_memory_has_no_age_and_lowers_the_known_share() {
        let mut some = memory(&[70], 0.0);
        some.add_rest(128.0, false);
        let ages = some.ages(Duration::from_secs(100)).unwrap();
        assert_eq!((ages.older_than_1m, ages.known_share), (1.0, 0.5));
        let mut none = RecordedMemory::default();
        none.add_rest(1.0, false);
        assert_eq!((none.ages(Duration::from_secs(100)), none.slack_bytes()), (None, None));
    }

    #[test]
    fn every_age_has_one_range() {
        for (seconds, name) in [
            (0, "under 1 s"),
            (1, "1 s to 10 s"),
            (59, "10 s to 1 min"),
            (60, "1 min to 10 min"),
            (3600, "1 h to 6 h"),
            (86_399, "6 h to 24 h"),
            (86_400, "over 1 day"),
            (u64::MAX, "over 1 day"),
        ] {
            assert_eq!(AgeBucket::of(Duration::from_secs(seconds)).name(), name);
        }
        let names: std::collections::BTreeSet<_> = AgeBucket::all().map(AgeBucket::name).collect();
        assert_eq!(names.len(), RANGES.len() + 2);
    }
}
