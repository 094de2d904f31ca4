//! Where the samples of a profile come from, and whether two profiles can be compared.

use serde::{Deserialize, Serialize};

use crate::instance::InstanceInfo;
use crate::jemalloc::{Generation, When, sample_bytes};
use crate::report::{MemoryReport, RowSource};
use crate::snapshot::{DiffRow, SnapshotInfo};
use crate::units::{Bytes, visible};

/// Which samples a heap profile is made of, and since when they were taken.
///
/// A change of the sampling rate makes jemalloc discard all samples. Objects that live on are in no profile from then
/// on. So only profiles of one process and one generation tell what was freed in between.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct SampleOrigin {
    /// How often the process discarded its samples before it took these. A discard by other code counts if it changed
    /// the rate; one at the same rate cannot be noticed.
    pub generation: u64,
    /// When the first of these samples may have been taken, RFC 3339. What was allocated before is in no profile of this
    /// generation. `None` if other code began it.
    pub began_at: Option<String>,
    /// Mean number of bytes between two samples.
    pub sample_bytes: u64,
    /// How often sampling was turned off and on again since then. What was allocated in a pause is in no profile.
    pub pauses: u64,
    /// When the last pause ended, RFC 3339. `None` without a pause, or if other code ended it.
    pub resumed_at: Option<String>,
}

impl SampleOrigin {
    /// `started_at` is when the process started.
    ///
    /// # Errors
    ///
    /// jemalloc tells a rate that cannot be.
    pub(crate) fn of(generation: &Generation, started_at: Option<&str>) -> Result<Self, String> {
        let time = |when: Option<When>| match when? {
            When::Start => started_at.map(str::to_owned),
            When::At(time) => Some(humantime::format_rfc3339_millis(time).to_string()),
            When::Unknown(_) => None,
        };
        Ok(Self {
            generation: generation.number(),
            began_at: time(generation.began()),
            sample_bytes: sample_bytes(generation.lg_sample())?,
            pauses: generation.pauses(),
            resumed_at: time(generation.resumed()),
        })
    }

    /// The origin of a dump that was sampled at this rate, taken after `before` and before `after` were read.
    ///
    /// # Errors
    ///
    /// The samples were discarded meanwhile, and the rate does not tell whether before the dump or after it.
    pub(crate) fn of_dump(before: Self, after: Self, dump_bytes: u64) -> Result<Self, String> {
        let fits = |origin: &Self| origin.sample_bytes == dump_bytes;
        let is_one = before.generation == after.generation;
        match (fits(&before), fits(&after)) {
            // If a pause ended meanwhile, the dump may be older; then it lacks less than this says.
            (_, true) if is_one || !fits(&before) => Ok(after),
            (true, false) => Ok(before),
            _ => Err("the sampling rate changed while the profile was taken".into()),
        }
    }

    /// Whether every allocation since the start of the process may have been sampled.
    fn is_whole(&self, instance: &InstanceInfo) -> bool {
        self.pauses == 0 && self.began_at.is_some() && self.began_at == instance.started_at
    }

    /// Since when each allocation may have been sampled, in words.
    pub(crate) fn complete_since(&self) -> String {
        let since = if self.pauses > 0 { &self.resumed_at } else { &self.began_at };
        since.as_deref().map_or_else(|| "an unknown time".to_owned(), visible)
    }
}

/// Whether two profiles can be compared as two moments of one heap.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum Comparison {
    /// They have the same samples, but for what was allocated and freed in between.
    Whole,
    /// Sampling was off for some time in between. What was allocated then is missing in the later profile.
    Paused,
    /// All samples were discarded in between. The later profile has what was allocated since then.
    Discarded,
    /// One of them does not say which samples it has, so they may have been discarded in between.
    Unknown,
    /// They are of two processes.
    TwoProcesses,
}

/// A profile, as far as it matters for comparing it.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Origin<'a> {
    instance: &'a InstanceInfo,
    samples: Option<&'a SampleOrigin>,
    /// At which rate it was sampled.
    sample_bytes: Option<u64>,
}

/// What a difference of two profiles can tell.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Basis {
    pub(crate) comparison: Comparison,
    /// The one profile that has the objects which both could have, after a discard.
    pub(crate) only: Option<Side>,
    /// Whether a row that is larger in the second one shows that the memory is.
    grows: bool,
    /// Whether a row that is smaller in the second one shows that the memory is.
    shrinks: bool,
    /// What stands in the way, in sentences.
    pub(crate) notes: Vec<String>,
}

/// One of two profiles.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Side {
    Base,
    Target,
}

impl<'a> Origin<'a> {
    /// `sample_bytes` is the rate of the snapshot's profile, if that was read.
    pub(crate) fn of_snapshot(info: &'a SnapshotInfo, sample_bytes: Option<u64>) -> Self {
        Self { instance: &info.instance, samples: info.samples.as_ref(), sample_bytes }
    }

    pub(crate) fn of_report(report: &'a MemoryReport) -> Self {
        let types = report.types.as_ref();
        Self {
            instance: &report.instance,
            samples: types.and_then(|types| types.samples.as_ref()),
            sample_bytes: types.and_then(|types| types.sample_bytes),
        }
    }

    fn is_whole(&self) -> bool {
        self.samples.is_some_and(|samples| samples.is_whole(self.instance))
    }
}

impl Comparison {
    /// Whether the tables of two reports can be compared as two moments of one heap.
    pub fn of_reports(base: &MemoryReport, target: &MemoryReport) -> Self {
        Self::of(Origin::of_report(base), Origin::of_report(target))
    }

    pub(crate) fn of(base: Origin<'_>, target: Origin<'_>) -> Self {
        if base.instance.id != target.instance.id {
            return Self::TwoProcesses;
        }
        match (base.samples, target.samples) {
            (Some(one), Some(other)) if one.generation != other.generation => Self::Discarded,
            (Some(one), Some(other)) if one.pauses != other.pauses => Self::Paused,
            (Some(_), Some(_)) => Self::Whole,
            // Samples of two rates are never of one generation.
            _ => match (base.sample_bytes, target.sample_bytes) {
                (Some(one), Some(other)) if one != other => Self::Discarded,
                _ => Self::Unknown,
            },
        }
    }
}

impl Basis {
    /// What the difference from `base` to `target` can tell.
    pub(crate) fn of(base: Origin<'_>, target: Origin<'_>) -> Self {
        let comparison = Comparison::of(base, target);
        // Where nothing tells the order, the second one is the later.
        let is_reversed = match (base.samples, target.samples) {
            (Some(base), Some(target)) => (base.generation, base.pauses) > (target.generation, target.pauses),
            _ => false,
        };
        let (later, only) = if is_reversed { (base, Side::Base) } else { (target, Side::Target) };
        let (grows, shrinks) = match comparison {
            Comparison::Whole => (true, true),
            // The later one lacks objects, so it holds at least what it shows.
            Comparison::Paused => (!is_reversed, is_reversed),
            Comparison::Discarded | Comparison::Unknown => (false, false),
            Comparison::TwoProcesses => (base.is_whole(), target.is_whole()),
        };
        let only = (comparison == Comparison::Discarded).then_some(only);
        let notes = match comparison {
            Comparison::Whole => replaced(later.instance, later.samples).into_iter().collect(),
            Comparison::Paused => paused(later),
            Comparison::Discarded => discarded(later),
            Comparison::Unknown => vec![
                "the two moments do not both say when their samples began; samples may have been discarded in between, \
                 so no row is marked"
                    .to_owned(),
            ],
            Comparison::TwoProcesses => two_processes(base, target),
        };
        Self { comparison, only, grows, shrinks, notes }
    }

    /// The row of a difference, with its mark only where that shows a change of the memory. Exact rows need no samples.
    pub(crate) fn admitted(&self, mut row: DiffRow) -> DiffRow {
        let shows = if row.bytes_change < 0 { self.shrinks } else { self.grows };
        row.is_significant &= shows || row.source == Some(RowSource::Exact);
        row
    }
}

/// The sentence for samples that do not reach back to the start of their process.
pub(crate) fn replaced(instance: &InstanceInfo, samples: Option<&SampleOrigin>) -> Option<String> {
    let samples = samples.filter(|samples| !samples.is_whole(instance))?;
    Some(format!(
        "samples are complete only since {}; a type that replaces older memory seems to grow until all of it is replaced",
        samples.complete_since()
    ))
}

fn paused(later: Origin<'_>) -> Vec<String> {
    let until = later.samples.and_then(|samples| samples.resumed_at.as_deref());
    let until = until.map(|until| format!(", until {}", visible(until))).unwrap_or_default();
    vec![
        format!("sampling was off for some time between the two moments{until}; what was allocated then is in no row"),
        "a row may have grown by more than it shows; a row that shrank is not marked, because others may have taken its \
         place unseen"
            .to_owned(),
    ]
}

fn discarded(later: Origin<'_>) -> Vec<String> {
    let began = later.samples.and_then(|samples| samples.began_at.as_deref());
    let again = began.map_or_else(
        || "sampling began again at an unknown time".to_owned(),
        |began| format!("sampling began again at {}", visible(began)),
    );
    let rate =
        later.sample_bytes.map(|bytes| format!(", one sample per {:.0}", Bytes(bytes))).unwrap_or_default();
    vec![
        format!(
            "the sampling rate was changed between the two moments, which discards all samples; {again}{rate}"
        ),
        "each row shows what was allocated since then and is still held; what was freed since the first moment cannot be \
         seen, so no row is marked"
            .to_owned(),
        "to see growth beyond noise, compare with a moment after that time".to_owned(),
    ]
}

fn two_processes(base: Origin<'_>, target: Origin<'_>) -> Vec<String> {
    let (one, other) = (base.instance.id.short(), target.instance.id.short());
    let mut notes = vec![format!("these are two processes, {one} and {other}")];
    let cases = [(base, "the first", "more", "second"), (target, "the second", "less", "second")];
    for (origin, which, more, of) in cases {
        if origin.is_whole() {
            continue;
        }
        let since = origin.samples.map_or_else(|| "an unknown time".to_owned(), SampleOrigin::complete_since);
        notes.push(format!(
            "the samples of {which} are not complete since its start, but since {since}; a row that has {more} in the {of} \
             is not marked"
        ));
    }
    notes
}

#[cfg(test)]
mod tests;
