//! Decides whether two profiles can be compared, and what their difference shows.

use serde::{Deserialize, Serialize};

use crate::instance::InstanceInfo;
use crate::report::MemoryReport;
use crate::samples::SampleOrigin;
use crate::units::{Bytes, printable};

/// How far two profiles can be compared as two moments of one heap.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum Comparison {
    /// Both profiles have the same samples, except for memory that was allocated or freed in between.
    Whole,
    /// Sampling was off for some time in between. The later profile lacks memory allocated then.
    Paused,
    /// All samples were discarded in between. The later profile shows only memory allocated since then.
    Discarded,
    /// One profile does not record its samples, so samples may have been discarded in between.
    Unknown,
    /// The profiles come from two processes.
    TwoProcesses,
}

/// The facts about a profile that matter for comparing it.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Origin<'a> {
    pub(crate) instance: &'a InstanceInfo,
    pub(crate) samples: Option<&'a SampleOrigin>,
    /// The profile's sampling rate.
    pub(crate) sample_bytes: Option<u64>,
}

/// What the difference of two profiles can show.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Basis {
    pub(crate) comparison: Comparison,
    /// The only profile that counts after a discard.
    pub(crate) only: Option<Side>,
    /// Whether a row that is larger in the second profile shows that memory grew.
    grows: bool,
    /// Whether a row that is smaller in the second profile shows that memory shrank.
    shrinks: bool,
    /// Caveats about the comparison, in sentences.
    pub(crate) notes: Vec<String>,
}

/// One of two profiles.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Side {
    Base,
    Target,
}

impl<'a> Origin<'a> {
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
    /// How far the tables of two reports can be compared as two moments of one heap.
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
            // Samples at two rates never belong to one generation.
            _ => match (base.sample_bytes, target.sample_bytes) {
                (Some(one), Some(other)) if one != other => Self::Discarded,
                _ => Self::Unknown,
            },
        }
    }
}

impl Basis {
    /// What the difference from `base` to `target` can show.
    pub(crate) fn of(base: Origin<'_>, target: Origin<'_>) -> Self {
        let comparison = Comparison::of(base, target);
        // If nothing shows the order, the second profile is the later one.
        let is_reversed = match (base.samples, target.samples) {
            (Some(base), Some(target)) => (base.generation, base.pauses) > (target.generation, target.pauses),
            _ => false,
        };
        let (later, only) = if is_reversed { (base, Side::Base) } else { (target, Side::Target) };
        let (grows, shrinks) = match comparison {
            Comparison::Whole => (true, true),
            // The later profile lacks objects, so the process held at least what the profile shows.
            Comparison::Paused => (!is_reversed, is_reversed),
            Comparison::Discarded | Comparison::Unknown => (false, false),
            Comparison::TwoProcesses => (base.is_whole(), target.is_whole()),
        };
        let only = (comparison == Comparison::Discarded).then_some(only);
        let notes = match comparison {
            Comparison::Whole => later.samples.and_then(|samples| samples.note(later.instance)).into_iter().collect(),
            Comparison::Paused => paused(later),
            Comparison::Discarded => discarded(later),
            Comparison::Unknown => vec![
                "at least one of the two moments does not record when its samples began; samples may have been \
                 discarded in between, so no row is marked"
                    .to_owned(),
            ],
            Comparison::TwoProcesses => two_processes(base, target),
        };
        Self { comparison, only, grows, shrinks, notes }
    }

    /// Whether a change of a sampled row, in bytes, shows a change of memory.
    pub(crate) fn admits(&self, bytes_change: i64) -> bool {
        if bytes_change < 0 { self.shrinks } else { self.grows }
    }
}

fn paused(later: Origin<'_>) -> Vec<String> {
    let until = later.samples.and_then(|samples| samples.resumed_at.as_deref());
    let until = until.map(|until| format!(", until {}", printable(until))).unwrap_or_default();
    vec![
        format!("sampling was off for some time between the two moments{until}; no row shows what was allocated then"),
        "a row may have grown by more than it shows; a row that shrank is not marked, because what was freed may have \
         been replaced while sampling was off"
            .to_owned(),
    ]
}

fn discarded(later: Origin<'_>) -> Vec<String> {
    let began = later.samples.and_then(|samples| samples.began_at.as_deref());
    let again = began.map_or_else(
        || "sampling restarted at an unknown time".to_owned(),
        |began| format!("sampling restarted at {}", printable(began)),
    );
    let rate =
        later.sample_bytes.map(|bytes| format!(", one sample per {:.0}", Bytes(bytes))).unwrap_or_default();
    vec![
        format!(
            "the sampling rate was changed between the two moments, which discards all samples; {again}{rate}"
        ),
        "each row shows what was allocated since then and is still held; what was freed since the first moment \
         cannot be seen, so no row is marked"
            .to_owned(),
        "to see growth beyond noise, choose a base that was taken after that time".to_owned(),
    ]
}

fn two_processes(base: Origin<'_>, target: Origin<'_>) -> Vec<String> {
    let (one, other) = (base.instance.id.short(), target.instance.id.short());
    let mut notes = vec![format!("these are two processes, {one} and {other}")];
    for (origin, which, more) in [(base, "the first", "more"), (target, "the second", "less")] {
        if origin.is_whole() {
            continue;
        }
        let since = origin.samples.map_or_else(|| "an unknown time".to_owned(), SampleOrigin::complete_since);
        notes.push(format!(
            "the samples of {which} are complete only since {since}, not since its start; a row that has {more} in the \
             second is not marked"
        ));
    }
    notes
}

#[cfg(test)]
mod tests;
