//! Sums of a table while it is made, by the identity of their rows.

use rustc_hash::FxHashMap;

use crate::ages::{AgeBucket, RecordedMemory};
use crate::amount::Amount;
use crate::profile::{HeapProfile, Stack};
use crate::sample::Estimate;
use crate::size_class::size_class;

/// A row's identity.
#[derive(PartialEq, Eq, Hash)]
pub(super) enum Key {
    Owner(u32),
    Place(Option<String>),
    Thread(u64),
    SizeClass(u64),
    Age(AgeBucket),
    /// A label of live samples. `None` without a live sample.
    Route(Option<u32>),
}

/// The sum of a row.
#[derive(Default)]
pub(super) struct RowSum {
    pub(super) estimate: Estimate,
    pub(super) memory: RecordedMemory,
}

/// The sums of all rows.
pub(super) struct Sums<'p> {
    pub(super) profile: &'p HeapProfile,
    pub(super) rows: FxHashMap<Key, RowSum>,
}

impl RowSum {
    pub(super) fn of_stack(profile: &HeapProfile, stack: &Stack<'_>) -> Self {
        let mut sum = Self::default();
        sum.add_stack(profile, stack);
        sum
    }

    pub(super) fn append(&mut self, other: Self) {
        self.estimate += other.estimate;
        self.memory.append(other.memory);
    }

    fn add_stack(&mut self, profile: &HeapProfile, stack: &Stack<'_>) {
        self.add_samples(profile, stack);
        self.add_rest(profile, stack);
    }

    /// Adds the part with live samples.
    fn add_samples(&mut self, profile: &HeapProfile, stack: &Stack<'_>) {
        let rate = profile.sample_rate();
        self.estimate += profile.sized_estimate(stack);
        stack.recorded.samples.iter().for_each(|sample| self.memory.add_sample(sample, rate));
    }

    /// Adds the part without live samples.
    fn add_rest(&mut self, profile: &HeapProfile, stack: &Stack<'_>) {
        let rest = profile.rest_estimate(stack);
        self.estimate += rest;
        self.memory.add_rest(rest.bytes, is_older(profile, stack));
    }
}

/// Whether the part of a stack without live samples is older than the recording.
pub(super) fn is_older(profile: &HeapProfile, stack: &Stack<'_>) -> bool {
    stack.recorded.agrees && profile.rest_is_older()
}

fn has_rest(stack: &Stack<'_>) -> bool {
    stack.recorded.rest.objects > 0
}

impl Sums<'_> {
    fn row(&mut self, key: Key) -> &mut RowSum {
        self.rows.entry(key).or_default()
    }

    pub(super) fn add(&mut self, key: Key, stack: &Stack<'_>) {
        let profile = self.profile;
        self.row(key).add_stack(profile, stack);
    }

    /// Adds a stack to its threads. Live samples do not know their threads, so the dump divides them, and rows have no
    /// ages.
    pub(super) fn add_threads(&mut self, stack: &Stack<'_>) {
        let (profile, estimator) = (self.profile, self.profile.estimator());
        let (sized, whole) = (profile.sized_estimate(stack), estimator.estimate(stack.live).bytes);
        let share = |part: f64| if whole > 0.0 { part / whole } else { 0.0 };
        let rest = share(profile.rest_estimate(stack).bytes);
        for sample in stack.threads {
            let of_thread = estimator.estimate(sample.live);
            let row = self.row(Key::Thread(sample.thread));
            row.estimate += sized * share(of_thread.bytes);
            row.estimate += of_thread * rest;
        }
    }

    /// Adds a stack to the size classes of its mean objects, with and without live samples.
    pub(super) fn add_by_size(&mut self, stack: &Stack<'_>) {
        let profile = self.profile;
        let class = |part: Estimate| {
            let Amount { objects, bytes } = part.into();
            Key::SizeClass(size_class(bytes.checked_div(objects).unwrap_or(0).unsigned_abs()))
        };
        if !stack.recorded.samples.is_empty() {
            self.row(class(profile.sized_estimate(stack))).add_samples(profile, stack);
        }
        if has_rest(stack) {
            self.row(class(profile.rest_estimate(stack))).add_rest(profile, stack);
        }
    }

    pub(super) fn add_by_age(&mut self, stack: &Stack<'_>) {
        let (profile, rate) = (self.profile, self.profile.sample_rate());
        for sample in stack.recorded.samples {
            let row = self.row(Key::Age(AgeBucket::of(sample.age)));
            row.estimate += sample.estimate(rate);
            row.memory.add_sample(sample, rate);
        }
        if has_rest(stack) {
            let older = is_older(profile, stack);
            let age = if older { AgeBucket::OlderThanRecording } else { AgeBucket::Unknown };
            self.row(Key::Age(age)).add_rest(profile, stack);
        }
    }

    pub(super) fn add_by_route(&mut self, stack: &Stack<'_>) {
        let (profile, rate) = (self.profile, self.profile.sample_rate());
        for sample in stack.recorded.samples {
            let row = self.row(Key::Route(profile.label(sample.label).map(|_| sample.label)));
            row.estimate += sample.estimate(rate);
            row.memory.add_sample(sample, rate);
        }
        if has_rest(stack) {
            self.row(Key::Route(None)).add_rest(profile, stack);
        }
    }
}
