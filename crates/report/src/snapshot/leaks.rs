//! Finds types that keep growing over several snapshots.
//!
//! Snapshots that know when their memory was allocated need two, and are judged by survival (see `by_survival`). A type
//! is a *suspect* if all of this holds:
//!
//! - it grew by more than noise, and only memory that was born or died between the snapshots is noise;
//! - memory from the first quarter, half and three quarters of the time is still there. A type that comes and goes has
//!   memory of its last moments only;
//! - the second half of the time has its share of the growth, if everything that died counts there. A cache that has
//!   filled up has no such growth;
//! - it did not shrink by more than noise from one snapshot to the next, and what was there at first is still there.
//!
//! Other snapshots, and rows with memory of unknown age, need three and are judged by growth. A type is then a suspect
//! if all of this holds:
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
//! By growth, in 4,000 simulations for each number of snapshots (see `chance`), noise alone produced a suspect in at most
//! 1.2 %, with 1 type or with 20. A type whose level is random from one snapshot to the next rises by chance more often if
//! there are few snapshots. Of such types, 7 to 13 % were suspected over three or four snapshots, 3 to 7 % over five,
//! 2 to 5 % over six, and 0.4 to 3 % over eight. Below six snapshots, the verdict says so. By
//! survival, such types are no suspects at all, because nothing in them is old.

mod by_growth;
mod by_survival;
mod runs;

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use memory_debug_profile::{Ages, Births, Change, ChangeTable, RowId, Selection, SymbolizedProfile};
use serde::{Deserialize, Serialize};

use self::by_growth::ByGrowth;
use self::by_survival::BySurvival;
use self::runs::{Run, Runs};
use super::{Snapshot, SnapshotInfo};
use crate::error::Error;
use crate::report::{GrowingType, MemoryReport};

/// Fewest snapshots that a verdict by growth needs.
pub(crate) const MIN_SNAPSHOTS: usize = 3;

/// Fewest snapshots that a verdict by survival needs.
const MIN_RECORDED: usize = 2;

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
    /// How the run was judged. [`LeakRule::Growth`] in a verdict of an older version.
    #[serde(default)]
    pub rule: LeakRule,
    /// Number of types that grew and were judged by growth, because the age of too many of their bytes is unknown. 0
    /// unless the rule is survival.
    #[serde(default)]
    pub rows_without_ages: u64,
}

/// How a run was judged.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum LeakRule {
    /// By the sizes of each type at each snapshot.
    #[default]
    Growth,
    /// By what each snapshot keeps of the memory that was allocated before and after the earlier ones.
    Survival,
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
    /// How old the bytes were at the last snapshot of the run. `None` if the run was judged by growth.
    #[serde(default)]
    pub ages: Option<Ages>,
}

const TEST: &str = "A type is reported if it grew significantly overall, never shrank significantly between two \
                    snapshots, and in the second half of the time kept growing significantly, at no less than half \
                    the steady rate (z-tests, each with a family-wise error of 5 %).";

const TEST_BY_SURVIVAL: &str = "A type is reported if it grew significantly, memory from the first quarter, half and three \
                                quarters of the time is still live, what was live at first is still live, it never \
                                shrank significantly between two snapshots, and the second half of the time has at \
                                least half of its share of the growth (z-tests over what was allocated or freed in \
                                between, each with a family-wise error of 5 %).";

/// Added to the test by survival if some rows were judged by growth.
const SOME_BY_GROWTH: &str =
    " Types with bytes of unknown age are judged by their sizes, which needs three snapshots.";

/// Added to the test if there are fewer than [`RELIABLE_SNAPSHOTS`] snapshots.
const FEW: &str =
    " With fewer than six snapshots, about one in ten types that merely come and go is reported, too.";

impl LeakVerdict {
    /// Finds types that keep growing, in snapshots of the last snapshot's process.
    ///
    /// # Errors
    ///
    /// If no three snapshots from different times can be compared, two if they know when their memory was allocated, or
    /// if a snapshot cannot be read.
    pub fn over(snapshots: &[Arc<Snapshot>]) -> Result<Self, Error> {
        let Runs { longest, newest, left_out } = runs::select(snapshots)?;
        let now = snapshots.last().map(|snapshot| snapshot.info());
        let judged = |run: Run<'_>| {
            let is_recorded = by_survival::are_recorded(&run);
            let (mut points, mut births) = (Vec::new(), Vec::new());
            for (before_last, snapshot) in run {
                let (profile, born) = snapshot.contents()?;
                points.push((before_last, snapshot.info().clone(), profile));
                births.extend(born.filter(|_| is_recorded));
            }
            let births = if births.len() == points.len() { births } else { Vec::new() };
            Ok::<_, Error>(LeakRun::judged(&points, &births, now))
        };
        let (run, mut suspects) = judged(longest)?;
        let mut newer = None;
        if let Some(newest) = newest {
            let (run, newer_suspects) = judged(newest)?;
            newer = Some(run);
            suspects.extend(newer_suspects.into_iter().map(|suspect| Suspect { is_newer: true, ..suspect }));
        }
        suspects.sort_by(|a, b| b.bytes_per_hour.total_cmp(&a.bytes_per_hour));
        let test = test([Some(&run), newer.as_ref()].into_iter().flatten());
        Ok(Self { run, newer, suspects, left_out, test })
    }
}

/// Describes how the runs were judged.
fn test<'r>(runs: impl Iterator<Item = &'r LeakRun> + Clone) -> String {
    let is_by_growth = |run: &&LeakRun| run.rule == LeakRule::Growth;
    let mut parts = Vec::new();
    if runs.clone().any(|run| run.rule == LeakRule::Survival) {
        parts.push(TEST_BY_SURVIVAL);
    }
    if runs.clone().any(|run| run.rows_without_ages > 0) {
        parts.push(SOME_BY_GROWTH);
    }
    if !parts.is_empty() && runs.clone().any(|run| is_by_growth(&run)) {
        parts.push(" In the run without ages: ");
    }
    if runs.clone().any(|run| is_by_growth(&run)) {
        parts.push(TEST);
    }
    if runs.clone().filter(is_by_growth).any(|run| run.snapshots.len() < RELIABLE_SNAPSHOTS) {
        parts.push(FEW);
    }
    parts.concat()
}

/// One snapshot: the time from it to the newest snapshot, its description, and its stacks.
type Point = (Duration, SnapshotInfo, SymbolizedProfile);

impl LeakRun {
    /// Judges two or more snapshots, the oldest first. `births` has one value for each, or is empty if one of them does
    /// not know when its memory was allocated. `now` describes the newest snapshot of all, with the room left.
    fn judged(points: &[Point], births: &[Births], now: Option<&SnapshotInfo>) -> (Self, Vec<Suspect>) {
        let by_type = Selection::default();
        let last = points.len() - 1;
        let end = points[last].0;
        let span = points[0].0.saturating_sub(end);
        let left = |point: &Point| point.0.saturating_sub(end).div_duration_f64(span);
        let between = |from: usize, to: usize| ChangeTable::between(&points[from].2, &points[to].2, &by_type);
        let whole = between(0, last);
        let steps: Vec<_> = (0..last).map(|from| by_name(between(from, from + 1))).collect();
        let by_survival = BySurvival::over(births, whole.compared);
        let grew = || whole.rows.iter().filter(|change| change.difference.bytes > 0.0);
        let by_growth = (points.len() >= MIN_SNAPSHOTS).then(|| {
            // The last snapshot with at least this part of the time after it. With an even number of snapshots, it is the
            // one before the middle. It is neither the first nor the last, so that both halves span some time.
            let middle = points.iter().rposition(|point| left(point) >= NEARLY_HALF).unwrap_or(0);
            let middle = middle.clamp(1, last - 1);
            ByGrowth {
                steps: &steps,
                second_half: by_name(between(middle, last)),
                second_half_share: left(&points[middle]),
                grew: grew().filter(|change| change.is_significant).count(),
            }
        });
        let mut rows_without_ages = 0;
        let mut is_suspect = |change: &&Change| {
            let survives = by_survival.as_ref().map(|rule| rule.is_suspect(id_of(change)));
            if let Some(Some(is_suspect)) = survives {
                return is_suspect;
            }
            rows_without_ages += u64::from(survives.is_some() && change.is_significant);
            by_growth.as_ref().is_some_and(|rule| rule.is_suspect(change))
        };
        let seconds = span.as_secs_f64();
        let room = now.and_then(|now| now.ceiling.as_ref()).map(|ceiling| ceiling.room_bytes as f64);
        let suspects = grew()
            .filter(&mut is_suspect)
            .map(|change| {
                let id = id_of(change);
                let history_bytes = history(change, steps.iter().map(|step| step.get(&id)));
                let ages = by_survival.as_ref().and_then(|rule| rule.ages(id));
                Suspect { history_bytes, ages, ..Suspect::of(change, seconds, room) }
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
            rule: if by_survival.is_some() { LeakRule::Survival } else { LeakRule::Growth },
            rows_without_ages,
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
            ages: None,
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

fn id_of(change: &Change) -> RowId {
    RowId::of(&change.type_name, &change.full_type, change.is_attributed)
}

fn by_name(table: ChangeTable) -> HashMap<RowId, Change> {
    table.rows.into_iter().map(|change| (id_of(&change), change)).collect()
}

#[cfg(test)]
mod chance;

#[cfg(test)]
mod series;

#[cfg(test)]
mod tests;
