//! Judges snapshots.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use memory_debug_profile::{Births, Change, ChangeTable, RowId, Selection, SymbolizedProfile};
use memory_debug_report::{Error, Snapshot, SnapshotInfo};

use crate::by_growth::ByGrowth;
use crate::by_survival::{BySurvival, NEARLY_HALF, are_recorded};
use crate::runs::{self, MIN_SNAPSHOTS, Run, Runs};
use crate::verdict::{LeakRule, LeakRun, LeakVerdict, Suspect};

/// With fewer snapshots, more than one in twenty types that come and go may be suspected.
const RELIABLE_SNAPSHOTS: usize = 6;

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
            let is_recorded = are_recorded(&run);
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
            let survives = by_survival.as_ref().map(|rule| rule.is_suspect(change.id()));
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
                let id = change.id();
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

fn by_name(table: ChangeTable) -> HashMap<RowId, Change> {
    table.rows.into_iter().map(|change| (change.id(), change)).collect()
}

#[cfg(test)]
mod chance;

#[cfg(test)]
mod series;

#[cfg(test)]
mod tests;
