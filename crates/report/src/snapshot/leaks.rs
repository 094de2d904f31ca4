//! Which types keep growing, over three snapshots and more.
//!
//! A type is *suspect* if
//!
//! - from the first snapshot to the last, it grew by more than noise, which is the test of a
//!   [`SnapshotDiff`](super::SnapshotDiff);
//! - from one to the next, it never shrank by more than noise: what comes and goes does;
//! - in the second half of the time, it grew by more than noise and by its share: a cache that has filled up does not.
//!
//! Each test has a family-wise error of 5 %, over all rows, all steps of a row, and all rows that grew. So it matters
//! neither how many snapshots there are - of two dozen, one is lower by more than one standard error only by chance -
//! nor that samples of a full cache are exchanged for others, by which its estimate wavers as that of a growth does.
//!
//! Only snapshots of one *run* are compared: of one process, with the same samples, without a pause of sampling in
//! between. Judged are the longest run and, if that is another, the newest one. The longest sees slow leaks; the newest
//! says what happens now, and alone has what was allocated since the sampling rate was changed.
//!
//! What grows and will stop later cannot be told apart from what leaks: that is for whoever knows the service. A wave that
//! takes longer than all snapshots together does.
//!
//! By lot (`chance`), 4,000 times for each number of snapshots: noise alone made a suspect in 1.2 % at most, of 1 type or
//! of 20. A type that is at any level from one snapshot to the next rises by chance the more often the fewer there are: of
//! such types 7 to 13 % were suspected over three snapshots and over four, 3 to 7 % over five, 2 to 5 % over six, 0.4 to 3 %
//! over eight. Below six the verdict says so.

mod runs;

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use memory_debug_profile::{Change, ChangeTable, Selection, SymbolizedProfile};
use serde::{Deserialize, Serialize};

use self::runs::{Run, Runs};
use super::{Snapshot, SnapshotInfo};
use crate::error::Error;

/// How many snapshots a verdict takes at least.
pub(crate) const FEWEST: usize = 3;

/// With fewer, more than one in twenty types that come and go may be suspected.
const ENOUGH: usize = 6;

/// What the second half of the time has at least, of what it would have of steady growth.
const SHARE_OF_STEADY: f64 = 0.5;

/// The part of the time from which on the rest is its second half. Less than one half, as snapshots at an interval are
/// some milliseconds early or late.
const NEARLY_HALF: f64 = 0.45;

/// What was found out about growth: in the longest run of snapshots that can be compared, and in the newest one.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct LeakVerdict {
    /// The longest run; of equally long ones, the newest.
    #[serde(flatten)]
    pub run: LeakRun,
    /// The newest run, if another is longer and this one has three snapshots, too.
    pub newer: Option<LeakRun>,
    /// Types that keep growing in one of the runs, the fastest first.
    pub suspects: Vec<Suspect>,
    /// Snapshots that were not judged.
    pub left_out: Vec<LeftOut>,
    /// The test in words.
    pub test: String,
}

/// Snapshots that were compared: of one process, with the same samples.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct LeakRun {
    /// The snapshots, the oldest first.
    pub snapshots: Vec<SnapshotInfo>,
    /// Seconds from the first to the last.
    pub seconds: f64,
    /// Types that were looked at.
    pub compared_rows: u64,
    /// What to know about the samples, one sentence each.
    pub notes: Vec<String>,
}

/// Snapshots that were not judged.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct LeftOut {
    /// The snapshots, in the order given.
    pub snapshots: Vec<SnapshotInfo>,
    /// Why, and what to do.
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
    /// Whether it is of the newer run.
    pub is_newer: bool,
    /// Live bytes at the end.
    pub bytes: u64,
    /// By how many objects it grew.
    pub objects_change: i64,
    /// By how many bytes it grew.
    pub bytes_change: i64,
    /// One standard error of `bytes_change`.
    pub bytes_change_stderr: f64,
    /// Growth in bytes per hour.
    pub bytes_per_hour: f64,
    /// Seconds until the limit with the least room is met, if nothing else changes: the container's, a group's above, or
    /// the end of the machine's memory, as the last snapshot's `ceiling` says. `None` if none is known.
    pub seconds_to_limit: Option<f64>,
}

const TEST: &str = "grew by more than noise from the first to the last, never shrank by more than noise, and in the second \
                    half of the time grew by more than noise and by half of what steady growth would have (z-tests, each \
                    with 5 % for all that it is made of)";

/// What goes after it if there are not [`ENOUGH`] snapshots.
const FEW: &str = "; over fewer than six snapshots, so does about one in ten of the types that come and go";

impl LeakVerdict {
    /// Looks for types that keep growing, among snapshots of the same process as the last one.
    ///
    /// # Errors
    ///
    /// If no three of different times can be compared, or one cannot be read.
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
        let is_short =
            [Some(&run), newer.as_ref()].into_iter().flatten().any(|run| run.snapshots.len() < ENOUGH);
        let test = if is_short { format!("{TEST}{FEW}") } else { TEST.into() };
        Ok(Self { run, newer, suspects, left_out, test })
    }
}

/// How long before the last snapshot of all one was taken, and what it holds.
type Point = (Duration, SnapshotInfo, SymbolizedProfile);

impl LeakRun {
    /// Judges three snapshots or more, the oldest first. `now` has the room that is left in the container.
    fn judged(points: &[Point], now: Option<&SnapshotInfo>) -> (Self, Vec<Suspect>) {
        let by_type = Selection::default();
        let last = points.len() - 1;
        let end = points[last].0;
        let span = points[0].0.saturating_sub(end);
        let left = |point: &Point| point.0.saturating_sub(end).div_duration_f64(span);
        // The last one that leaves so much of the time: with an even number of them, the one before the middle.
        let middle = points.iter().rposition(|point| left(point) >= NEARLY_HALF).unwrap_or(0);
        // It is neither end, so both halves have a part of the time.
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
        // There may be no snapshot right in the middle.
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
            .map(|change| Suspect::of(change, seconds, room))
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
        }
    }
}

/// What names a row in every table.
type Name = (String, String, bool);

fn name_of(change: &Change) -> Name {
    // Rows of one type name can have been qualified in one table and not in another; the whole name is always the same.
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
