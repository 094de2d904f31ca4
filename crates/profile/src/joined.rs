//! Live samples, joined with the stacks of a dump.
//!
//! A dump and the live samples are not from the same moment, because other threads go on. So the samples are read before
//! and after the dump. What the dump has beyond both is memory without a live sample: it was allocated before recording
//! began, or it found no place.

use std::collections::BTreeSet;
use std::ops::Range;
use std::time::Duration;

use rustc_hash::FxHashMap;

use crate::live::{LiveSample, LiveSamples, StackHash};
use crate::sample::{Sample, SampleRate};
use crate::size_class::size_class;

/// The live samples of one profile, by stack.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Joined {
    pub(crate) recorded: Duration,
    pub(crate) dropped: u64,
    pub(crate) labels: Vec<String>,
    /// The samples of one stack are adjacent, the oldest first.
    samples: Vec<LiveSample>,
    stacks: Vec<OfStack>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
struct OfStack {
    samples: Range<u32>,
    rest: Sample,
    agrees: bool,
}

/// What live samples tell about one stack.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Recorded<'p> {
    /// The samples of the stack.
    pub(crate) samples: &'p [LiveSample],
    /// The numbers of a dump of the memory that has no live sample.
    pub(crate) rest: Sample,
    /// Whether the samples and the dump fit each other. If not, there are no samples here, and nothing is known.
    pub(crate) agrees: bool,
}

impl Recorded<'_> {
    /// A stack of which nothing is recorded.
    pub(crate) fn nothing(live: Sample) -> Self {
        Self { samples: &[], rest: live, agrees: false }
    }
}

impl Joined {
    /// Joins the samples read before and after a dump with its stacks, given as addresses and numbers.
    pub(crate) fn new(
        before: &LiveSamples,
        after: LiveSamples,
        rate: SampleRate,
        stacks: &[(&[u64], Sample)],
    ) -> Self {
        let hashes = stacks.iter().map(|(addresses, _)| StackHash::of(addresses.iter().copied()));
        let positions: FxHashMap<StackHash, usize> = hashes.zip(0..).collect();
        let mut found: Vec<Vec<Seen>> = vec![Vec::new(); stacks.len()];
        let later: BTreeSet<u64> = after.samples.iter().map(|sample| sample.sequence).collect();
        let earlier: BTreeSet<u64> = before.samples.iter().map(|sample| sample.sequence).collect();
        let gone = before.samples.iter().filter(|sample| !later.contains(&sample.sequence));
        let gone = gone.map(|sample| Seen { sample: *sample, before: true, after: false });
        let seen = after.samples.iter().map(|sample| Seen {
            sample: *sample,
            before: earlier.contains(&sample.sequence),
            after: true,
        });
        for seen in gone.chain(seen) {
            if let Some(position) = positions.get(&seen.sample.stack) {
                found[*position].push(seen);
            }
        }
        let mut joined = Self {
            recorded: after.recorded,
            dropped: after.dropped,
            labels: after.labels,
            samples: Vec::new(),
            stacks: Vec::with_capacity(stacks.len()),
        };
        for ((_, live), mut seen) in stacks.iter().zip(found) {
            seen.sort_unstable_by_key(|seen| seen.sample.sequence);
            joined.add(*live, &seen, rate);
        }
        joined
    }

    fn add(&mut self, live: Sample, seen: &[Seen], rate: SampleRate) {
        let start = self.samples.len();
        let (moment, rest, agrees) = judge(live, seen, rate);
        if agrees {
            self.samples.extend(seen.iter().filter(|seen| moment.includes(seen)).map(|seen| seen.sample));
        }
        let position = |length: usize| u32::try_from(length).unwrap_or(u32::MAX);
        let samples = position(start)..position(self.samples.len());
        self.stacks.push(OfStack { samples, rest, agrees });
    }

    /// What is known about the stack at a position of the dump, which has the numbers `live`.
    pub(crate) fn of_stack(&self, at: usize, live: Sample) -> Recorded<'_> {
        self.stacks.get(at).map_or(Recorded::nothing(live), |OfStack { samples, rest, agrees }| Recorded {
            samples: self.samples.get(samples.start as usize..samples.end as usize).unwrap_or_default(),
            rest: *rest,
            agrees: *agrees,
        })
    }
}

/// A sample, and whether it was live before and after the dump.
#[derive(Clone, Copy)]
struct Seen {
    sample: LiveSample,
    before: bool,
    after: bool,
}

/// A set of samples that the dump may have seen.
#[derive(Clone, Copy)]
enum Moment {
    After,
    Before,
    Both,
    Either,
}

impl Moment {
    fn includes(self, seen: &Seen) -> bool {
        match self {
            Self::After => seen.after,
            Self::Before => seen.before,
            Self::Both => seen.before && seen.after,
            Self::Either => true,
        }
    }
}

/// Compares a stack of the dump with the samples. Returns which of them are live, the numbers of the memory without a
/// sample, and whether the dump fits the samples at all.
fn judge(live: Sample, seen: &[Seen], rate: SampleRate) -> (Moment, Sample, bool) {
    let counted = |moment: Moment| {
        let samples = seen.iter().filter(move |seen| moment.includes(seen));
        Counted::of(samples.map(|seen| size_class(seen.sample.usable)), rate)
    };
    for moment in [Moment::After, Moment::Before, Moment::Both, Moment::Either] {
        if counted(moment).is_in_dump_as(live, rate) {
            return (moment, Sample::default(), true);
        }
    }
    // A dump has at least the samples that were live before and after it.
    let dump = rate.unbias(live).bytes;
    // Each sample counts at least this many bytes, so half of it is a rounding error.
    let least = rate.bytes() as f64 / 2.0 + dump / (2.0 * live.objects.max(1) as f64);
    if counted(Moment::Both).bytes > dump + least {
        return (Moment::After, live, false);
    }
    let rest = dump - counted(Moment::Either).bytes;
    if rest < least || dump <= 0.0 {
        return (Moment::After, Sample::default(), true);
    }
    (Moment::After, rest_of(live, rest / dump, seen, rate), true)
}

/// The numbers of the part `share` of a dump.
fn rest_of(live: Sample, share: f64, seen: &[Seen], rate: SampleRate) -> Sample {
    if share >= 1.0 {
        return live;
    }
    // If all objects have one size, the rest has a whole number of samples. Then memory that stays the same has the same
    // numbers in each profile, whatever else the stack allocates.
    if let Some(class) = seen.first().map(|seen| size_class(seen.sample.usable)) {
        let of_one = Counted::of([class].into_iter(), rate);
        let of = |samples: f64| Counted { objects: of_one.objects * samples, bytes: of_one.bytes * samples };
        let all = (rate.unbias(live).bytes / of_one.bytes).round();
        if of(all).is_in_dump_as(live, rate)
            && seen.iter().all(|seen| size_class(seen.sample.usable) == class)
        {
            return of(all - seen.len() as f64).in_dump(rate);
        }
    }
    let part = |number: u64| (number as f64 * share).round() as u64;
    Sample { objects: part(live.objects).max(1), bytes: part(live.bytes).max(1) }
}

/// The sums that jemalloc keeps for a stack.
#[derive(Clone, Copy, Debug, Default)]
struct Counted {
    /// Objects that the samples stand for, times [`SHIFT`].
    objects: f64,
    /// Bytes that the samples stand for.
    bytes: f64,
}

/// jemalloc keeps numbers of objects as multiples of 1/8 (`SC_LG_TINY_MIN` in `prof_unbias_map_init` of
/// `src/prof_data.c`, 5.3.1).
const SHIFT: f64 = 8.0;

impl Counted {
    /// Sums samples of these size classes as jemalloc does, with its rounding (`prof_unbias_map_init`).
    fn of(classes: impl Iterator<Item = u64>, rate: SampleRate) -> Self {
        classes.fold(Self::default(), |sum, class| {
            let weight = rate.weight(class);
            Self {
                objects: sum.objects + (SHIFT * weight).round(),
                bytes: sum.bytes + (class as f64 * weight).round(),
            }
        })
    }

    /// The numbers in a dump (`prof_do_unbias`).
    fn in_dump(self, rate: SampleRate) -> Sample {
        if self.objects <= 0.0 || self.bytes <= 0.0 {
            return Sample::default();
        }
        let mean = self.bytes / (self.objects / SHIFT);
        let bytes = self.bytes / rate.weight_of(mean);
        Sample { objects: (bytes / mean).round() as u64, bytes: bytes.round() as u64 }
    }

    /// Whether a dump has these numbers. Floats of jemalloc and of this function may round to neighbours.
    fn is_in_dump_as(self, live: Sample, rate: SampleRate) -> bool {
        let Sample { objects, bytes } = self.in_dump(rate);
        let is_near = |a: u64, b: u64| a.abs_diff(b) as f64 <= 1.0 + 1e-9 * b as f64;
        objects == live.objects && is_near(bytes, live.bytes)
    }
}

#[cfg(test)]
mod tests;
