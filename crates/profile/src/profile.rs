//! The heap profile: stacks with live samples, as values.

use std::ops::Range;

use serde::{Deserialize, Serialize};

use crate::mapping::Mapping;
use crate::sample::{Sample, SampleRate};

/// The live heap of one process at one moment: which stacks allocated what is still held.
///
/// Addresses of all stacks lie in one table; [`HeapProfile::stacks`] hands out slices of it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct HeapProfile {
    pub(crate) sample_rate: SampleRate,
    pub(crate) total: Sample,
    pub(crate) stacks: Vec<StackRecord>,
    pub(crate) addresses: Vec<u64>,
    pub(crate) thread_samples: Vec<ThreadSample>,
    pub(crate) threads: Vec<Thread>,
    pub(crate) mappings: Vec<Mapping>,
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
    /// What this stack allocated and the program still holds.
    pub live: Sample,
    /// All this stack ever allocated; 0 unless jemalloc runs with `prof_accum:true`.
    pub accumulated: Sample,
    /// `live` by the thread that allocated.
    pub threads: &'a [ThreadSample],
}

/// What one thread allocated through one stack.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct ThreadSample {
    /// jemalloc's number of the thread, the `id` of a [`Thread`].
    pub thread: u64,
    /// What is still held.
    pub live: Sample,
}

/// A thread that allocated, perhaps ended since.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct Thread {
    /// jemalloc's number of the thread; not the kernel's.
    pub id: u64,
    /// Name given through `thread.prof.name`, if any.
    pub name: Option<String>,
}

impl HeapProfile {
    /// Mean number of bytes between two samples.
    pub fn sample_rate(&self) -> SampleRate {
        self.sample_rate
    }

    /// jemalloc's own sum over all stacks.
    pub fn total(&self) -> Sample {
        self.total
    }

    /// The stacks, in the order of the dump.
    pub fn stacks(&self) -> impl ExactSizeIterator<Item = Stack<'_>> {
        let range = |range: &Range<u32>| range.start as usize..range.end as usize;
        self.stacks.iter().map(move |record| Stack {
            addresses: &self.addresses[range(&record.addresses)],
            live: record.live,
            accumulated: record.accumulated,
            threads: &self.thread_samples[range(&record.threads)],
        })
    }

    /// The threads that allocated, in the order of the dump.
    pub fn threads(&self) -> &[Thread] {
        &self.threads
    }

    /// The executable mappings of the process, by ascending address.
    pub fn mappings(&self) -> &[Mapping] {
        &self.mappings
    }

    /// The mapping an address lies in.
    pub fn mapping_of(&self, address: u64) -> Option<&Mapping> {
        let after = self.mappings.partition_point(|mapping| mapping.start <= address);
        self.mappings[..after].last().filter(|mapping| address < mapping.end)
    }
}
