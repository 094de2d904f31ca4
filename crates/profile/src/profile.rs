//! The heap profile: live samples by stack.

use std::ops::Range;

use serde::{Deserialize, Deserializer, Serialize, Serializer, de};

use crate::ages::Recording;
use crate::joined::{Joined, Recorded};
use crate::large::{Estimator, LargeObjects};
use crate::live::LiveSamples;
use crate::mapping::{Mapping, mapping_of};
use crate::sample::{Estimate, Sample, SampleRate};

/// The live heap of one process at one moment: which stacks allocated the memory that it still holds.
///
/// The addresses of all stacks are in one table. [`HeapProfile::stacks`] returns slices of it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(remote = "Self")]
pub struct HeapProfile {
    pub(crate) sample_rate: SampleRate,
    pub(crate) total: Sample,
    pub(crate) stacks: Vec<StackRecord>,
    pub(crate) addresses: Vec<u64>,
    pub(crate) thread_samples: Vec<ThreadSample>,
    pub(crate) threads: Vec<Thread>,
    pub(crate) mappings: Vec<Mapping>,
    /// `None` if the profile counts their true sizes.
    #[serde(default)]
    pub(crate) large_objects: Option<LargeObjects>,
    /// `None` if none were recorded. They stay in the process.
    #[serde(skip)]
    pub(crate) joined: Option<Joined>,
}

impl Serialize for HeapProfile {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        Self::serialize(self, serializer)
    }
}

impl<'de> Deserialize<'de> for HeapProfile {
    /// Fails unless every stack points into the tables.
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let mut profile = Self::deserialize(deserializer)?;
        let is_in = |range: &Range<u32>, len: usize| range.start <= range.end && range.end as usize <= len;
        if !profile.stacks.iter().all(|stack| {
            is_in(&stack.addresses, profile.addresses.len())
                && is_in(&stack.threads, profile.thread_samples.len())
        }) {
            return Err(de::Error::custom(
                "a stack of the heap profile refers to addresses or threads that are not in it",
            ));
        }
        profile.mappings.sort_by_key(|mapping| mapping.start);
        Ok(profile)
    }
}

/// Where a stack's addresses and per-thread samples lie in the profile's tables.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct StackRecord {
    pub(crate) addresses: Range<u32>,
    pub(crate) threads: Range<u32>,
    pub(crate) live: Sample,
    pub(crate) accumulated: Sample,
}

/// One stack of the profile.
#[derive(Clone, Copy, Debug)]
#[non_exhaustive]
pub struct Stack<'a> {
    /// Return addresses, the allocator's innermost frame first. Look up `address - 1`.
    pub addresses: &'a [u64],
    /// The allocations of this stack that the program still holds.
    pub live: Sample,
    /// All allocations of this stack ever; 0 unless jemalloc runs with `prof_accum:true`.
    pub accumulated: Sample,
    /// `live`, divided among the threads that allocated it.
    pub threads: &'a [ThreadSample],
    /// The live samples of the stack.
    pub(crate) recorded: Recorded<'a>,
}

/// The allocations of one thread through one stack.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct ThreadSample {
    /// jemalloc's number of the thread, the `id` of a [`Thread`].
    pub thread: u64,
    /// The allocations that the program still holds.
    pub live: Sample,
}

/// A thread that allocated. It may have ended since.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct Thread {
    /// jemalloc's number of the thread, not the kernel's.
    pub id: u64,
    /// Name of the thread: from the operating system with jemalloc's option `prof_sys_thread_name`, otherwise the
    /// name set through `thread.prof.name`. At most 15 arbitrary bytes. `None` without a name.
    pub name: Option<String>,
}

impl Thread {
    /// The name by which tables sum threads: `tokio-rt-worker`, or `thread 8` without a name.
    pub(crate) fn shared_name(&self) -> String {
        self.name.clone().unwrap_or_else(|| format!("thread {}", self.id))
    }

    /// A name that no other thread has: `tokio-rt-worker (thread 8)`, or `thread 8`.
    pub(crate) fn own_name(&self) -> String {
        let id = self.id;
        self.name.as_ref().map_or_else(|| format!("thread {id}"), |name| format!("{name} (thread {id})"))
    }
}

/// The [`Thread::shared_name`] of an [`Thread::own_name`].
pub(crate) fn shared_name_of(own_name: &str) -> &str {
    let number = |text: &str| !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    match own_name.strip_suffix(')').and_then(|rest| rest.rsplit_once(" (thread ")) {
        Some((name, id)) if number(id) => name,
        _ => own_name,
    }
}

impl HeapProfile {
    /// Mean number of bytes between two samples.
    pub fn sample_rate(&self) -> SampleRate {
        self.sample_rate
    }

    /// Sets how large objects count in this profile. A dump does not contain this, so the profiled process must
    /// provide it.
    #[must_use]
    pub fn with_large_objects(self, large_objects: Option<LargeObjects>) -> Self {
        Self { large_objects, ..self }
    }

    /// Adds the live samples, as they were right before and right after the dump. They have the true sizes, the ages and
    /// the labels, which a dump does not contain.
    #[must_use]
    pub fn with_live_samples(mut self, before: &LiveSamples, after: LiveSamples) -> Self {
        let stacks: Vec<_> = self.stacks().map(|stack| (stack.addresses, stack.live)).collect();
        let joined = Joined::new(before, after, self.sample_rate, &stacks);
        self.joined = Some(joined);
        self
    }

    /// Since when live samples were recorded. `None` without live samples.
    pub fn recording(&self) -> Option<Recording> {
        let joined = self.joined.as_ref()?;
        Some(Recording { recorded: joined.recorded, dropped: joined.dropped })
    }

    /// The name of a label of live samples.
    pub(crate) fn label(&self, label: u32) -> Option<&str> {
        self.joined.as_ref()?.labels.get(label as usize).map(String::as_str)
    }

    /// Whether memory without a live sample is older than the recording. It is not if it may have found no place.
    pub(crate) fn rest_is_older(&self) -> bool {
        self.joined.as_ref().is_some_and(|joined| joined.dropped == 0)
    }

    /// Estimates what a stack of this profile holds.
    pub fn estimate(&self, stack: &Stack<'_>) -> Estimate {
        let mut estimate = self.sized_estimate(stack);
        estimate += self.rest_estimate(stack);
        estimate
    }

    /// Estimates the part of a stack with live samples, whose true sizes are known.
    pub(crate) fn sized_estimate(&self, stack: &Stack<'_>) -> Estimate {
        let mut sum = Estimate::default();
        stack.recorded.samples.iter().for_each(|sample| sum += sample.estimate(self.sample_rate));
        sum
    }

    /// Estimates the part of a stack without live samples, from the numbers of the dump.
    pub(crate) fn rest_estimate(&self, stack: &Stack<'_>) -> Estimate {
        self.estimator().estimate(stack.recorded.rest)
    }

    /// The estimator for the numbers of a dump, without live samples.
    pub fn estimator(&self) -> Estimator {
        Estimator::new(self.sample_rate, self.large_objects)
    }

    /// jemalloc's own sum over all stacks.
    pub fn total(&self) -> Sample {
        self.total
    }

    /// The stacks, in the order of the dump.
    pub fn stacks(&self) -> impl ExactSizeIterator<Item = Stack<'_>> {
        self.stacks.iter().enumerate().map(|(at, record)| self.stack(at, record))
    }

    /// The stack at a position among [`stacks`](Self::stacks).
    pub(crate) fn stack_at(&self, position: usize) -> Option<Stack<'_>> {
        self.stacks.get(position).map(|record| self.stack(position, record))
    }

    fn stack(&self, at: usize, record: &StackRecord) -> Stack<'_> {
        let range = |range: &Range<u32>| range.start as usize..range.end as usize;
        Stack {
            addresses: &self.addresses[range(&record.addresses)],
            live: record.live,
            accumulated: record.accumulated,
            threads: &self.thread_samples[range(&record.threads)],
            recorded: match &self.joined {
                Some(joined) => joined.of_stack(at, record.live),
                None => Recorded::nothing(record.live),
            },
        }
    }

    /// Sums the bytes of the sampled objects themselves (not of what they stand for), over all stacks whose mean
    /// object has at most `largest` bytes.
    pub fn sampled_bytes_up_to(&self, largest: u64) -> u64 {
        let samples = self.stacks().map(|stack| stack.live);
        let small = samples.filter(|live| live.bytes <= live.objects.saturating_mul(largest));
        small.fold(0, |sum, live| sum.saturating_add(live.bytes))
    }

    /// The threads that allocated, in the order of the dump.
    pub fn threads(&self) -> &[Thread] {
        &self.threads
    }

    /// The thread with a number.
    pub(crate) fn thread(&self, id: u64) -> Thread {
        let thread = self.threads.iter().find(|thread| thread.id == id);
        thread.cloned().unwrap_or(Thread { id, name: None })
    }

    /// The executable mappings of the process, by ascending address.
    pub fn mappings(&self) -> &[Mapping] {
        &self.mappings
    }

    /// The mapping that contains an address.
    pub fn mapping_of(&self, address: u64) -> Option<&Mapping> {
        mapping_of(&self.mappings, address)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const DUMP: &str = "heap_v2/524288\n  t*: 1: 64 [0: 0]\n@ 0x1010 0x1020\n  t*: 1: 64 [0: 0]\n  t0: 1: 64 [0: 0]\n\n\
        MAPPED_LIBRARIES:\n1000-2000 r-xp 0 fe:00 9 /srv/app\n3000-4000 r-xp 0 fe:00 9 /srv/b\n";

    #[test]
    fn sampled_objects_are_counted_by_their_mean_size() {
        let profile = HeapProfile::parse(DUMP.as_bytes()).unwrap();
        assert_eq!([63, 64, u64::MAX].map(|largest| profile.sampled_bytes_up_to(largest)), [0, 64, 64]);
    }

    #[test]
    fn a_profile_is_read_back_as_it_was_written() {
        let profile = HeapProfile::parse(DUMP.as_bytes()).unwrap();
        let json = serde_json::to_string(&profile).unwrap();
        assert_eq!(serde_json::from_str::<HeapProfile>(&json).unwrap(), profile);
    }

    #[test]
    fn rejects_stacks_outside_of_their_tables() {
        let json = serde_json::to_value(HeapProfile::parse(DUMP.as_bytes()).unwrap()).unwrap();
        for (table, range) in [("addresses", [0, 3]), ("addresses", [2, 1]), ("threads", [0, 2])] {
            let mut json = json.clone();
            let [start, end] = range;
            json["stacks"][0][table] = serde_json::json!({ "start": start, "end": end });
            let error = serde_json::from_value::<HeapProfile>(json).unwrap_err();
            assert!(error.to_string().contains("that are not in it"), "{error}");
        }
    }
}
