//! The rule for snapshots that know when their memory was allocated.
//!
//! Two such snapshots share their survivors, so their difference has only the noise of the memory that was born or died
//! in between. And the last snapshot alone shows, for each part of the time, what was born then and is still live. A
//! leak leaves such memory from every part. A type that comes and goes leaves it only from the newest part.

use std::collections::{HashMap, HashSet};
use std::time::Duration;

use memory_debug_profile::{Ages, BirthChange, BirthRow, Births, ChangeTable, RowId};
use memory_debug_report::Snapshot;

use crate::by_growth::SHARE_OF_STEADY;

/// The part of the time that still counts as the second half. It is a bit less than one half, because snapshots taken
/// at an interval are some milliseconds early or late.
pub(crate) const NEARLY_HALF: f64 = 0.45;

/// At most this part of a row's bytes can have an unknown age. Rows with more are judged by growth.
const MAX_UNKNOWN: f64 = 0.01;

/// The least survivors from the first quarter, half and three quarters of the time, as a share of what steady growth
/// would leave.
const SHARE_OF_SURVIVORS: f64 = 0.5;

/// Of the bytes that died, at most this share of the growth, unless they died early.
const SHARE_OF_DEATHS: f64 = 0.5;

/// Of the bytes that survived the first half of the time, at least this share survives the second.
const SETTLED: f64 = 0.9;

/// The least growth in standard errors: sixteen samples. With fewer, their number is far from normal, and single samples
/// decide what survived.
const LEAST_STDERRS: f64 = 4.0;

/// With at least this many snapshots, the second half of the time is judged by itself, too. A leak that began late has no
/// survivors from the first quarter of the whole time.
const SNAPSHOTS_OF_HALVES: usize = 5;

/// The rows of snapshots of one recording.
#[derive(Debug)]
pub(crate) struct BySurvival<'b> {
    moments: &'b [Births],
    rows: Vec<HashMap<RowId, &'b BirthRow>>,
    suspects: HashSet<RowId>,
}

/// Whether snapshots are of one recording, the oldest first. Only their descriptions are read.
pub(crate) fn are_recorded(run: &[(Duration, &Snapshot)]) -> bool {
    run.iter().all(|(_, snapshot)| snapshot.info().ages.is_some())
        && run.windows(2).all(|pair| pair[0].1.info().is_recorded_until(pair[1].1.info()))
}

impl<'b> BySurvival<'b> {
    /// Judges all rows of two or more moments of one recording, the oldest first, of which `compared` rows are compared.
    /// `None` if there are fewer, or if they have the same time.
    pub(crate) fn over(moments: &'b [Births], compared: usize) -> Option<Self> {
        let is_later = |pair: &[Births]| pair[0].recorded_ms < pair[1].recorded_ms;
        if moments.len() < 2 || !moments.windows(2).all(is_later) {
            return None;
        }
        let rows = |births: &'b Births| births.types.iter().map(|row| (row.id(), row)).collect();
        let rows: Vec<HashMap<RowId, &BirthRow>> = moments.iter().map(rows).collect();
        let mut judged = Self { moments, rows, suspects: HashSet::new() };
        let has_halves = moments.len() >= SNAPSHOTS_OF_HALVES;
        let compared = compared.max(1) * if has_halves { 2 } else { 1 };
        judged.suspects = judged.suspects_since(0, compared).into_iter().collect();
        if has_halves {
            let middle = judged.middle(0);
            let mut late = judged.suspects_since(middle, compared);
            late.retain(|id| judged.keeps_all(*id, middle));
            judged.suspects.extend(late);
        }
        Some(judged)
    }

    /// Whether a row is a suspect. `None` if too little is known about the age of its bytes.
    pub(crate) fn is_suspect(&self, id: RowId) -> Option<bool> {
        // Snapshots keep the largest types only, so a row that the last does not have is not known. Of earlier snapshots,
        // only the sizes count, and what the later ones say about survivors.
        let row = self.rows.last()?.get(&id)?;
        (row.unknown_share() <= MAX_UNKNOWN).then(|| self.suspects.contains(&id))
    }

    /// How old the bytes of a row are at the last moment.
    pub(crate) fn ages(&self, id: RowId) -> Option<Ages> {
        self.moments.last()?.ages(self.rows.last()?.get(&id)?)
    }

    /// The last moment with at least about half of the time from `first` to the end after it, but neither the first nor
    /// the last.
    fn middle(&self, first: usize) -> usize {
        let last = self.moments.len() - 1;
        let at = |moment: usize| self.moments[moment].recorded_ms;
        let half = (at(last) - at(first)) as f64 * NEARLY_HALF;
        let middle = (first..last).rev().find(|moment| (at(last) - at(*moment)) as f64 >= half);
        middle.unwrap_or(first).max(first + 1)
    }

    fn change(&self, id: RowId, from: usize, to: usize) -> BirthChange {
        let row = |at: usize| (&self.moments[at], self.rows[at].get(&id).copied());
        BirthChange::between(row(from), row(to))
    }

    fn suspects_since(&self, first: usize, compared: usize) -> Vec<RowId> {
        let last = self.moments.len() - 1;
        let of_rows = ChangeTable::growth_threshold(compared).max(LEAST_STDERRS);
        let changes = self.rows[last].iter().map(|(id, row)| (*id, *row, self.change(*id, first, last)));
        let grew: Vec<_> = changes
            .filter(|(.., change)| {
                change.difference.bytes > of_rows * change.difference.bytes_stderr()
                    && change.difference.bytes > 0.0
            })
            .collect();
        let of_grew = ChangeTable::growth_threshold(grew.len());
        let suspects = grew.iter().filter(|(id, row, change)| {
            self.survives(row, first, change)
                && self.grows_to_the_end(*id, row, first, change, of_grew)
                && !self.shrinks(*id, first)
                && self.keeps_the_old(*id, first, change)
        });
        suspects.map(|(id, ..)| *id).collect()
    }

    /// Whether what was born in the first quarter, half and three quarters of the time is still there.
    fn survives(&self, row: &BirthRow, first: usize, change: &BirthChange) -> bool {
        let (births, start) = (&self.moments[self.moments.len() - 1], self.moments[first].recorded_ms);
        let whole = (births.recorded_ms - start) as f64;
        [0.25, 0.5, 0.75].into_iter().all(|part| {
            let until = births.born_until(row, start + (part * whole) as u64).bytes;
            until - births.born_until(row, start).bytes >= SHARE_OF_SURVIVORS * part * change.difference.bytes
        })
    }

    /// Whether the second half of the time has its share of the growth. Without a snapshot in the middle, everything that
    /// died counts as if it had died in the second half.
    fn grows_to_the_end(
        &self,
        id: RowId,
        row: &BirthRow,
        first: usize,
        change: &BirthChange,
        threshold: f64,
    ) -> bool {
        let last = self.moments.len() - 1;
        let (births, start) = (&self.moments[last], self.moments[first].recorded_ms);
        let span = births.recorded_ms - start;
        let (bytes, variance, share) = if last - first >= 2 {
            let middle = self.middle(first);
            let late = self.change(id, middle, last).difference;
            let share = (births.recorded_ms - self.moments[middle].recorded_ms) as f64 / span as f64;
            (late.bytes, late.bytes_variance, share)
        } else {
            let born_early =
                births.born_until(row, start + span / 2).bytes - births.born_until(row, start).bytes;
            let late = change.born.bytes - born_early;
            let part = if change.born.bytes > 0.0 { late / change.born.bytes } else { 0.0 };
            let variance = change.born.bytes_variance * part.clamp(0.0, 1.0) + change.died.bytes_variance;
            (late - change.died.bytes, variance, 0.5)
        };
        bytes > threshold * variance.sqrt() && bytes >= SHARE_OF_STEADY * share * change.difference.bytes
    }

    /// Whether the row shrank by more than noise from one snapshot to the next.
    fn shrinks(&self, id: RowId, first: usize) -> bool {
        let last = self.moments.len() - 1;
        let threshold = ChangeTable::growth_threshold(last - first);
        (first..last).any(|from| {
            let step = self.change(id, from, from + 1).difference;
            step.bytes < -threshold * step.bytes_stderr()
        })
    }

    /// Whether the bytes of the first moment are still there. A type of which one part leaks and another comes and goes
    /// keeps what survived the first half.
    fn keeps_the_old(&self, id: RowId, first: usize, change: &BirthChange) -> bool {
        if change.died.bytes <= SHARE_OF_DEATHS * change.difference.bytes {
            return true;
        }
        let last = self.moments.len() - 1;
        if last - first < 2 {
            return false;
        }
        let half_way = self.change(id, first, self.middle(first)).survived.bytes;
        half_way > 0.0 && change.survived.bytes >= SETTLED * half_way
    }

    /// Whether almost everything that was live at the first moment and at `middle` is still there. In half of the time, a
    /// wave looks like a leak more easily, and this is what a wave does not do.
    fn keeps_all(&self, id: RowId, middle: usize) -> bool {
        let last = self.moments.len() - 1;
        [(0, middle), (middle, last)].into_iter().all(|(from, to)| {
            let BirthChange { survived, died, .. } = self.change(id, from, to);
            survived.bytes >= SETTLED * (survived.bytes + died.bytes)
        })
    }
}
