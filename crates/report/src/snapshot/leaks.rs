//! Finds types that keep growing over three or more snapshots.
//!
//! A type is a *suspect* if all of this holds:
//!
//! - from the first snapshot to the last, it grew by more than noise, by the test of
//!   [`SnapshotDiff`](super::SnapshotDiff);
//! - from one snapshot to the next, it never shrank by more than noise, as types that come and go do;
//! - in the second half of the time, it grew by more than noise and by its share of the growth. A cache that has filled
//!   up does not.
//!
//! Each test has a family-wise error of 5 %: over all rows, over all steps of a row, and over all rows that grew. So
//! the number of snapshots does not matter: among two dozen snapshots, one is lower by more than one standard error
//! merely by chance. Nor does it matter that a full cache exchanges its entries. Its estimate then fluctuates like
//! the estimate of a growing type.
//!
//! Only snapshots of one *run* are compared: from one process, with the same samples, and without a pause of sampling
//! in between. The verdict covers the longest run and, if it is another run, the newest. The longest run shows slow
//! leaks. The newest run shows what happens now. Only it has allocations made since the sampling rate changed.
//!
//! Growth that will stop later looks like a leak, and so does a wave that lasts longer than all snapshots together.
//! Only a person who knows the service can tell.
//!
//! In 4,000 simulations for each number of snapshots (see `chance`), noise alone produced a suspect in at most 1.2 %,
//! with 1 type or with 20. A type whose level is random from one snapshot to the next rises by chance more often if
//! there are few snapshots. Of such types, 7 to 13 % were suspected over three or four snapshots, 3 to 7 % over five,
//! 2 to 5 % over six, and 0.4 to 3 % over eight. Below six snapshots, the verdict says so.

mod runs;

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use memory_debug_profile::{Change, ChangeTable, Selection, SymbolizedProfile};
use serde::{Deserialize, Serialize};

use self::runs::{Run, Runs};
use super::{Snapshot, SnapshotInfo};
use crate::error::Error;
use crate::report::{GrowingType, MemoryReport};

/// Fewest snapshots that a verdict needs.
pub(crate) const MIN_SNAPSHOTS: usize = 3;

/// With fewer snapshots, more than one in twenty types that come and go may be suspected.
const RELIABLE_SNAPSHOTS: usize = 6;

/// The least growth in the second half of the time, as a share of what steady growth would give.
const SHARE_OF_STEADY: f64 = 0.5;

/// The part of the time that still counts as the second half. It is a bit less than one half, because snapshots taken
/// at an interval are some milliseconds early or late.
const NEARLY_HALF: f64 = 0.45;

/// Growth found in the longest run of comparable snapshots, and in the newest one.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct LeakVerdict {
    /// The longest run, or the newest among runs of equal length.
    #[serde(flatten)]
    pub run: LeakRun,
    /// The newest run, if another run is longer and the newest has at least three snapshots.
    pub newer: Option<LeakRun>,
    /// Types that keep growing in one of the runs, the fastest first.
    pub suspects: Vec<Suspect>,
    /// Snapshots that were left out of the verdict.
    pub left_out: Vec<LeftOut>,
    /// Description of the test, in sentences.
    pub test: String,
}

/// Snapshots that were compared: from one process, with the same samples.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct LeakRun {
    /// The snapshots, the oldest first.
    pub snapshots: Vec<SnapshotInfo>,
    /// Seconds from the first to the last.
    pub seconds: f64,
    /// Number of types that were compared.
    pub compared_rows: u64,
    /// Caveats about the samples, one sentence each.
    pub notes: Vec<String>,
}

/// Snapshots that were left out, for one reason.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct LeftOut {
    /// The snapshots, in the order given.
    pub snapshots: Vec<SnapshotInfo>,
    /// Why they were left out, and what to do.
    pub reason: String,
}

/// A type that keeps growing.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct Suspect {
    /// As in [`TypeRow::type_name`](crate::TypeRow::type_name).
    #[serde(rename = "type")]
    pub type_name: String,
    /// As in [`TypeRow::full_type`](crate::TypeRow::full_type).
    pub full_type: String,
    /// Whether the type grew in the newer run.
    pub is_newer: bool,
    /// Live bytes at the end.
    pub bytes: u64,
    /// Growth in objects.
    pub objects_change: i64,
    /// Growth in bytes.
    pub bytes_change: i64,
    /// One standard error of `bytes_change`.
    pub bytes_change_stderr: f64,
    /// Growth in bytes per hour.
    pub bytes_per_hour: f64,
    /// Seconds until the limit with the least room is reached, if nothing else changes. The limit is the container's, a
    /// group's above it, or the machine's memory, as in the last snapshot's `ceiling`. `None` if no limit is known.
    pub seconds_to_limit: Option<f64>,
    /// Live bytes at each snapshot of its run, the oldest first. Empty in a verdict of an older version.
    #[serde(default)]
    pub history_bytes: Vec<u64>,
}

const TEST: &str = "A type is reported if it grew significantly overall, never shrank significantly between two \
                    snapshots, and in the second half of the time kept growing significantly, at no less than half \
                    the steady rate (z-tests, each with a family-wise error of 5 %).";

/// Added to the test if there are fewer than [`RELIABLE_SNAPSHOTS`] snapshots.
const FEW: &str =
    " With fewer than six snapshots, about one in ten types that merely come and go is reported, too.";

impl LeakVerdict {
    /// Finds types that keep growing, in snapshots of the last snapshot's process.
    ///
    /// # Errors
    ///
    /// If no three snapshots from different times can be compared, or if a snapshot cannot be read.
    pub fn over(snapshots: &[Arc<Snapshot>]) -> Result<Self, Error> {
        let Runs { longest, newest, left_out } = runs::select(snapshots)?;
        let now = snapshots.last().map(|snapshot| snapshot.info());
        let judged = |run: Run<'_>| {
            let point = |(before_last, snapshot): (Duration, &'_ Snapshot)| {
                Ok((before_last, snapshot.info().clone(), snapshot.profile()?))
            };
            let points = run.into_iter().map(point).collect::<Result<Vec<_>, Error>>()?;
            Ok::<_, Error>(LeakRun::judged(&points, now))
        };
        let (run, mut suspects) = judged(longest)?;
        let mut newer = None;
        if let Some(newest) = newest {
            let (run, newer_suspects) = judged(newest)?;
            newer = Some(run);
            suspects.extend(newer_suspects.into_iter().map(|suspect| Suspect { is_newer: true, ..suspect }));
        }
        suspects.sort_by(|a, b| b.bytes_per_hour.total_cmp(&a.bytes_per_hour));
        let is_short = [Some(&run), newer.as_ref()]
            .into_iter()
            .flatten()
            .any(|run| run.snapshots.len() < RELIABLE_SNAPSHOTS);
        let test = if is_short { format!("{TEST}{FEW}") } else { TEST.into() };
        Ok(Self { run, newer, suspects, left_out, test })
    }
}

/// One snapshot: the time from it to the newest snapshot, its description, and its stacks.
type Point = (Duration, SnapshotInfo, SymbolizedProfile);

impl LeakRun {
    /// Judges three or more snapshots, the oldest first. `now` describes the newest snapshot of all, with the room
    /// left.
    fn judged(points: &[Point], now: Option<&SnapshotInfo>) -> (Self, Vec<Suspect>) {
        let by_type = Selection::default();
        let last = points.len() - 1;
        let end = points[last].0;
        let span = points[0].0.saturating_sub(end);
        let left = |point: &Point| point.0.saturating_sub(end).div_duration_f64(span);
        // The last snapshot with at least this part of the time after it. With an even number of snapshots, it is the
        // one before the middle.
        let middle = points.iter().rposition(|point| left(point) >= NEARLY_HALF).unwrap_or(0);
        // Neither the first nor the last snapshot, so that both halves span some time.
        let middle = middle.clamp(1, last - 1);
        let between = |from: usize, to: usize| ChangeTable::between(&points[from].2, &points[to].2, &by_type);
        let whole = between(0, last);
        let second_half = by_name(between(middle, last));
        let steps: Vec<_> = (0..last).map(|from| by_name(between(from, from + 1))).collect();

        let grew: Vec<&Change> = whole
            .rows
            .iter()
            .filter(|change| change.is_significant && change.difference.bytes > 0.0)
            .collect();
        let (of_steps, of_rows) =
            (ChangeTable::growth_threshold(steps.len()), ChangeTable::growth_threshold(grew.len()));
        let shrinks = |name: &Name| {
            let changes = steps.iter().filter_map(|step| step.get(name));
            changes.map(|change| &change.difference).any(|step| step.bytes < -of_steps * step.bytes_stderr())
        };
        // There may be no snapshot exactly in the middle.
        let share = SHARE_OF_STEADY * left(&points[middle]);
        let still_grows = |name: &Name, change: &Change| {
            let late = second_half.get(name).map(|late| late.difference).unwrap_or_default();
            late.bytes > of_rows * late.bytes_stderr() && late.bytes >= share * change.difference.bytes
        };
        let seconds = span.as_secs_f64();
        let room = now.and_then(|now| now.ceiling.as_ref()).map(|ceiling| ceiling.room_bytes as f64);
        let suspects = grew
            .into_iter()
            .filter(|change| {
                let name = name_of(change);
                !shrinks(&name) && still_grows(&name, change)
            })
            .map(|change| {
                let history = history(change, steps.iter().map(|step| step.get(&name_of(change))));
                Suspect { history_bytes: history, ..Suspect::of(change, seconds, room) }
            })
            .collect();
        let info = &points[last].1;
        let run = Self {
            snapshots: points.iter().map(|(_, info, _)| info.clone()).collect(),
            seconds,
            compared_rows: u64::try_from(whole.compared).unwrap_or(u64::MAX),
            notes: info
                .samples
                .as_ref()
                .and_then(|samples| samples.note(&info.instance))
                .into_iter()
                .collect(),
        };
        (run, suspects)
    }
}

impl Suspect {
    fn of(change: &Change, seconds: f64, room: Option<f64>) -> Self {
        let per_second = change.difference.bytes / seconds;
        Self {
            type_name: change.type_name.clone(),
            full_type: change.full_type.clone(),
            is_newer: false,
            bytes: change.target.bytes.round() as u64,
            objects_change: change.difference.objects.round() as i64,
            bytes_change: change.difference.bytes.round() as i64,
            bytes_change_stderr: change.difference.bytes_stderr(),
            bytes_per_hour: per_second * 3600.0,
            seconds_to_limit: room.map(|room| room / per_second),
            history_bytes: Vec::new(),
        }
    }
}

impl MemoryReport {
    /// Records which types keep growing, so that the [`Conclusion`](crate::Conclusion) can say so.
    pub fn note_leaks(&mut self, verdict: &LeakVerdict) {
        let suspects = verdict.suspects.iter();
        let growing = suspects.map(|Suspect { type_name, bytes_per_hour, .. }| GrowingType {
            type_name: type_name.clone(),
            bytes_per_hour: *bytes_per_hour,
        });
        self.suspects = Some(growing.collect());
    }
}

/// The bytes of a row at each snapshot. A step without a change of the row is `None`.
fn history<'c>(whole: &Change, steps: impl Iterator<Item = Option<&'c Change>>) -> Vec<u64> {
    let mut bytes = whole.base.bytes;
    let mut history = vec![bytes.round() as u64];
    for step in steps {
        bytes = step.map_or(bytes, |step| step.target.bytes);
        history.push(bytes.round() as u64);
    }
    history
}

/// The key of a row that is the same in every table.
type Name = (String, String, bool);

fn name_of(change: &Change) -> Name {
    // One table may qualify a type name that another does not. The full name is always the same.
    let place = change.type_name.split_once(" in ").map_or("", |(_, place)| place);
    (change.full_type.clone(), place.to_owned(), change.is_attributed)
}

fn by_name(table: ChangeTable) -> HashMap<Name, Change> {
    table.rows.into_iter().map(|change| (name_of(&change), change)).collect()
}

#[cfg(test)]
mod chance;

#[cfg(test)]
mod tests;
