//! When live memory was allocated, by type and by route, small enough to keep with a snapshot.
//!
//! Ages of two moments cannot be compared, because all memory gets older. Moments of birth can: memory that was born
//! before an earlier snapshot and is still live survived since then. So births are times since recording began, in
//! periods. The periods end at the moments of earlier snapshots, so that survivors of a snapshot are exact.

mod change;
mod periods;

use std::time::Duration;

use serde::{Deserialize, Serialize};

pub use self::change::BirthChange;
use self::periods::MAX_BOUNDS;
pub(crate) use self::periods::bounds;
use crate::ages::{AgeBucket, Ages, RecordedMemory};
use crate::amount::Amount;
use crate::sample::{Estimate, SampleRate};
use crate::selection::RowId;

/// Most rows by type. Smaller types are left out.
const MAX_TYPES: usize = 512;

/// Most rows by route.
const MAX_ROUTES: usize = 128;

/// Live memory by the time of its allocation.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct Births {
    /// Milliseconds from the start of the recording to this moment.
    pub recorded_ms: u64,
    /// Mean number of bytes between two samples.
    pub sample_bytes: u64,
    /// The ends of the periods but the last, in milliseconds since the start of the recording, ascending. A period
    /// begins where the period before it ends. The last ends at this moment.
    pub bounds_ms: Vec<u64>,
    /// All memory.
    pub all: BirthRow,
    /// The types with the most bytes, at most 512, the largest first.
    pub types: Vec<BirthRow>,
    /// The routes with the most bytes, at most 128, the largest first. Empty if no request had a route.
    #[serde(default)]
    pub routes: Vec<BirthRow>,
}

/// The memory of one row by the time of its allocation.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[non_exhaustive]
#[serde(default)]
pub struct BirthRow {
    /// As in [`TypeEntry`](crate::TypeEntry).
    #[serde(rename = "type")]
    pub type_name: String,
    /// As in [`TypeEntry`](crate::TypeEntry).
    pub full_type: String,
    /// As in [`TypeEntry`](crate::TypeEntry).
    pub is_attributed: bool,
    /// Position of a period, objects and bytes, for each period from which memory is left, ascending.
    pub periods: Vec<(u32, i64, i64)>,
    /// Objects and bytes from before the recording.
    pub older: (i64, i64),
    /// Objects and bytes of which nothing is recorded.
    pub unknown: (i64, i64),
}

fn amount((objects, bytes): (i64, i64)) -> Amount {
    Amount { objects, bytes }
}

impl BirthRow {
    /// The id of the row, if it is a type. It is the same in a [`TypeTable`](crate::TypeTable).
    #[must_use]
    pub fn id(&self) -> RowId {
        RowId::of(&self.type_name, &self.full_type, self.is_attributed)
    }

    fn born(&self) -> impl Iterator<Item = (usize, Amount)> {
        self.periods.iter().map(|(period, objects, bytes)| {
            (usize::try_from(*period).unwrap_or(usize::MAX), amount((*objects, *bytes)))
        })
    }

    /// All memory of the row, whatever its age.
    fn all(&self) -> Amount {
        self.born().map(|(_, born)| born).sum::<Amount>() + amount(self.older) + amount(self.unknown)
    }

    /// Bytes of the row, whatever their age.
    pub fn bytes(&self) -> u64 {
        u64::try_from(self.all().bytes).unwrap_or(0)
    }

    /// The part of the bytes of which nothing is recorded, from 0 to 1.
    pub fn unknown_share(&self) -> f64 {
        let all = self.all().bytes;
        if all > 0 { self.unknown.1 as f64 / all as f64 } else { 0.0 }
    }
}

impl Births {
    /// Drops what is beyond the numbers that a snapshot keeps, so that a damaged file costs no more than a sound one.
    #[must_use]
    pub fn bounded(mut self) -> Self {
        self.bounds_ms.truncate(MAX_BOUNDS);
        self.types.truncate(MAX_TYPES);
        self.routes.truncate(MAX_ROUTES);
        let rows = self.types.iter_mut().chain(&mut self.routes).chain([&mut self.all]);
        rows.for_each(|row| row.periods.truncate(MAX_BOUNDS + 1));
        self
    }

    /// The same moment of a heap without memory.
    #[must_use]
    pub fn without_memory(&self) -> Self {
        let Self { recorded_ms, sample_bytes, bounds_ms, .. } = self;
        Self {
            recorded_ms: *recorded_ms,
            sample_bytes: *sample_bytes,
            bounds_ms: bounds_ms.clone(),
            ..Self::default()
        }
    }

    /// The row of a type.
    pub fn of_type(&self, is_wanted: impl Fn(&BirthRow) -> bool) -> Option<&BirthRow> {
        self.types.iter().find(|row| is_wanted(row))
    }

    /// The memory of `row` that was born until `moment`, in milliseconds since the start of the recording. Exact at the
    /// bounds. A period that contains the moment counts in proportion.
    pub fn born_until(&self, row: &BirthRow, moment: u64) -> Estimate {
        self.estimate(self.until(row, moment))
    }

    fn until(&self, row: &BirthRow, moment: u64) -> Amount {
        let mut sum = amount(row.older);
        for (period, born) in row.born() {
            let (start, end) = self.period(period);
            if end <= moment {
                sum += born;
            } else if start < moment {
                let share = (moment - start) as f64 / (end - start) as f64;
                let part = |number: i64| (number as f64 * share).round() as i64;
                sum += Amount { objects: part(born.objects), bytes: part(born.bytes) };
            }
        }
        sum
    }

    /// Start and end of a period.
    fn period(&self, at: usize) -> (u64, u64) {
        let bound = |at: usize| self.bounds_ms.get(at).copied();
        let start = at.checked_sub(1).map_or(0, |before| bound(before).unwrap_or(self.recorded_ms));
        (start, bound(at).unwrap_or(self.recorded_ms).max(start))
    }

    fn rate(&self) -> SampleRate {
        SampleRate::from_bytes(self.sample_bytes)
    }

    fn estimate(&self, amount: Amount) -> Estimate {
        amount.estimate(self.rate())
    }

    /// How old the memory of `row` is at this moment. `None` if nothing is known about any byte.
    ///
    /// Ages within a period are spread evenly. The limits of the shares are bounds of periods, so the shares are exact.
    pub fn ages(&self, row: &BirthRow) -> Option<Ages> {
        /// Parts of a period, each with one age.
        const PARTS: u32 = 8;
        let mut memory = RecordedMemory::default();
        for (period, born) in row.born() {
            let (start, end) = self.period(period);
            for part in 0..PARTS {
                let into = (end - start) as f64 * (f64::from(part) + 0.5) / f64::from(PARTS);
                let age = self.recorded_ms.saturating_sub(start + into as u64);
                memory.add_recorded(Duration::from_millis(age), born.bytes as f64 / f64::from(PARTS));
            }
        }
        memory.add_rest(row.older.1 as f64, true);
        memory.add_rest(row.unknown.1 as f64, false);
        memory.ages(Duration::from_millis(self.recorded_ms))
    }

    /// The memory in each range of ages at this moment.
    fn by_age(&self) -> Vec<(AgeBucket, Amount)> {
        let mut ranges: Vec<_> = AgeBucket::all().map(|range| (range, Amount::default())).collect();
        let mut add = |range: AgeBucket, more: Amount| {
            if let Some((_, sum)) = ranges.iter_mut().find(|(known, _)| *known == range) {
                *sum += more;
            }
        };
        for (period, born) in self.all.born() {
            let (start, end) = self.period(period);
            let age = self.recorded_ms.saturating_sub(start + (end - start) / 2);
            add(AgeBucket::of(Duration::from_millis(age)), born);
        }
        add(AgeBucket::OlderThanRecording, amount(self.all.older));
        add(AgeBucket::Unknown, amount(self.all.unknown));
        ranges
    }
}

/// Keeps the largest rows.
pub(crate) fn largest(mut rows: Vec<BirthRow>, is_by_type: bool) -> Vec<BirthRow> {
    rows.sort_by(|a, b| {
        let names = |row: &BirthRow| (row.full_type.clone(), row.type_name.clone());
        b.all().bytes.cmp(&a.all().bytes).then_with(|| names(a).cmp(&names(b)))
    });
    rows.truncate(if is_by_type { MAX_TYPES } else { MAX_ROUTES });
    rows
}

#[cfg(test)]
mod tests;
