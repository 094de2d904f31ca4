//! The types of live samples, from the heap profile.

use std::collections::HashMap;

use memory_debug_holders::{Hidden, SampledObject};
use memory_debug_profile::{HeapProfile, LiveSample, Sample, StackHash};
use memory_debug_report::{MemoryReport, TypeSummary};

use crate::collect::Collector;
use crate::collected::Collected;

/// The type of samples whose stack is in no profile. Code without symbols has the same name in tables.
const UNKNOWN: &str = "unknown code";

/// The most profiles of one call. Each new one has the stacks that are new since the last one.
const MOST_PROFILES: u32 = 4;

/// An extent without a sample is known to be free from this many times the mean bytes between samples on. An object of
/// this size is not sampled with a probability of 0.03 %.
const SURELY_SAMPLED: u64 = 8;

/// Names the types of samples.
pub(super) struct Types<'a> {
    collector: &'a Collector,
    names: Vec<String>,
    indexes: HashMap<String, u32>,
    by_stack: HashMap<StackHash, u32>,
    profiles: u32,
}

/// What the first profile says about the samples.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub(super) struct Compared {
    /// Mean bytes between samples.
    pub(super) sample_bytes: u64,
    /// The part of the live heap that has live samples. `None` if the heap is empty.
    pub(super) share: Option<f64>,
    /// Whether each object that is surely sampled has a live sample.
    pub(super) is_complete: bool,
}

impl<'a> Types<'a> {
    pub(super) fn new(collector: &'a Collector) -> Self {
        let mut types = Self {
            collector,
            names: Vec::new(),
            indexes: HashMap::new(),
            by_stack: HashMap::new(),
            profiles: 0,
        };
        types.index(UNKNOWN);
        types
    }

    pub(super) fn names(&self) -> Vec<String> {
        self.names.clone()
    }

    /// Reads a heap profile, which has the stacks of all samples that were live before, and compares it with them.
    ///
    /// # Errors
    ///
    /// If there is no heap profile. The message says why.
    pub(super) fn compare(&mut self, samples: &[(Hidden, LiveSample)]) -> Result<Compared, String> {
        let collected = self.read()?;
        let profile = collected.heap_profile().map_err(|error| error.to_string())?;
        let is_since_start = is_since_start(&collected.report);
        Ok(compare(profile, samples, is_since_start))
    }

    /// Gives each sample its type.
    pub(super) fn assign(&mut self, samples: Vec<(Hidden, LiveSample)>) -> Vec<SampledObject> {
        let is_new =
            |types: &Self| samples.iter().any(|(_, sample)| !types.by_stack.contains_key(&sample.stack));
        // Stacks that are new since the last profile. Without a profile, they stay unknown.
        if self.profiles < MOST_PROFILES && is_new(self) {
            let _ = self.read();
        }
        let typed = |(address, sample): (Hidden, LiveSample)| {
            let type_index = self.by_stack.get(&sample.stack).copied().unwrap_or(0);
            SampledObject { address, sample, type_index }
        };
        samples.into_iter().map(typed).collect()
    }

    fn read(&mut self) -> Result<Collected, String> {
        self.profiles += 1;
        let collected = self.collector.collect_types();
        let found = collected.stack_types().map_err(|error| error.to_string())?;
        let indexes: Vec<u32> = found.types().iter().map(|name| self.index(name)).collect();
        for (stack, at) in found.by_stack() {
            self.by_stack.insert(stack, indexes.get(at as usize).copied().unwrap_or(0));
        }
        Ok(collected)
    }

    fn index(&mut self, name: &str) -> u32 {
        let next = u32::try_from(self.names.len()).unwrap_or(0);
        if let Some(index) = self.indexes.get(name) {
            return *index;
        }
        self.names.push(name.to_owned());
        self.indexes.insert(name.to_owned(), next);
        next
    }
}

/// Whether jemalloc has sampled since the start of the process, without a pause, and has not discarded its samples.
fn is_since_start(report: &MemoryReport) -> bool {
    let started = report.instance.started_at.as_ref();
    let began = |types: &TypeSummary| {
        let samples = types.samples.as_ref();
        samples.is_some_and(|samples| samples.pauses == 0 && samples.began_at.as_ref() == started)
            && types.active_since.as_ref() == started
    };
    started.is_some() && report.types.as_ref().is_some_and(began)
}

fn compare(profile: &HeapProfile, samples: &[(Hidden, LiveSample)], is_since_start: bool) -> Compared {
    let rate = profile.sample_rate();
    let mut live: HashMap<StackHash, u64> = HashMap::new();
    for (_, sample) in samples {
        *live.entry(sample.stack).or_default() += 1;
    }
    let surely = rate.bytes().saturating_mul(SURELY_SAMPLED);
    let (mut known, mut all, mut is_complete) = (0.0, 0.0, is_since_start);
    for stack in profile.stacks().filter(|stack| stack.live.objects > 0) {
        let Sample { objects, bytes, .. } = stack.live;
        let has = live.get(&StackHash::of(stack.addresses.iter().copied())).copied().unwrap_or(0);
        let estimate = rate.unbias(stack.live).bytes;
        all += estimate;
        known += estimate * (has as f64 / objects as f64).min(1.0);
        // Only such a stack can have an object that is surely sampled.
        is_complete &= bytes < surely || has >= objects;
    }
    let share = (all > 0.0).then(|| known / all);
    Compared { sample_bytes: rate.bytes(), share, is_complete }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    const DUMP: &str = "heap_v2/524288\n  t*: 4: 6291648 [0: 0]\n@ 0x1010 0x1020\n  t*: 3: 192 [0: 0]\n\
                        @ 0x1010 0x1030\n  t*: 1: 6291456 [0: 0]\nMAPPED_LIBRARIES:\n";

    fn samples(stacks: &[&[u64]]) -> Vec<(Hidden, LiveSample)> {
        let sample = |(number, stack): (u64, &&[u64])| {
            let stack = StackHash::of(stack.iter().copied());
            (Hidden::new(number << 12), LiveSample::new(number, 64, 64, stack, Duration::ZERO, 0))
        };
        (1..).zip(stacks).map(sample).collect()
    }

    #[test]
    fn the_share_is_by_bytes_and_large_objects_decide_completeness() {
        let profile = HeapProfile::parse(DUMP.as_bytes()).unwrap();
        let (small, large): (&[u64], &[u64]) = (&[0x1010, 0x1020], &[0x1010, 0x1030]);
        let all = compare(&profile, &samples(&[small, small, small, large]), true);
        assert_eq!((all.sample_bytes, all.share, all.is_complete), (524_288, Some(1.0), true));
        let without_small = compare(&profile, &samples(&[large, large]), true);
        // Three samples of small objects stand for 1.5 MiB beside the 6 MiB.
        let share = without_small.share.unwrap();
        assert!((share - 0.8).abs() < 0.01 && without_small.is_complete, "{without_small:?}");
        let without_large = compare(&profile, &samples(&[small, small, small]), true);
        assert!(!without_large.is_complete && without_large.share.unwrap() < 0.21, "{without_large:?}");
        assert!(!compare(&profile, &samples(&[small, small, small, large]), false).is_complete);
    }
}
