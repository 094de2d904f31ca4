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
//! What grows and will stop later cannot be told apart from what leaks: that is for whoever knows the service. A wave that
//! takes longer than all snapshots together does.
//!
//! By lot (`chance`), 4,000 times for each number of snapshots: noise alone made a suspect in 1.2 % at most, of 1 type or
//! of 20. A type that is at any level from one snapshot to the next rises by chance the more often the fewer there are: of
//! such types 7 to 13 % were suspected over three snapshots and over four, 3 to 7 % over five, 2 to 5 % over six, 0.4 to 3 %
//! over eight. Below six the verdict says so.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use memory_debug_profile::{Change, ChangeTable, Selection, SymbolizedProfile};
use serde::{Deserialize, Serialize};

use super::{Snapshot, SnapshotInfo};

/// How many snapshots a verdict takes at least.
pub(crate) const FEWEST: usize = 3;

/// With fewer, more than one in twenty types that come and go may be suspected.
const ENOUGH: usize = 6;

/// What the second half of the time has at least, of what it would have of steady growth.
const SHARE_OF_STEADY: f64 = 0.5;

/// The part of the time from which on the rest is its second half. Less than one half, as snapshots at an interval are
/// some milliseconds early or late.
const NEARLY_HALF: f64 = 0.45;

/// What was found out about growth.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct LeakVerdict {
    /// The snapshots, the oldest first.
    pub snapshots: Vec<SnapshotInfo>,
    /// Seconds from the first to the last.
    pub seconds: f64,
    /// Types that keep growing, the fastest first.
    pub suspects: Vec<Suspect>,
    /// Types that were looked at.
    pub compared_rows: u64,
    /// The test in words.
    pub test: String,
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
    /// Looks for types that keep growing. Snapshots of another process than the last one's are left out.
    ///
    /// # Errors
    ///
    /// If there are fewer than three of one process at different times, or one cannot be read.
    pub fn over(snapshots: &[Arc<Snapshot>]) -> Result<Self, String> {
        let last = snapshots.last().ok_or("there are no snapshots yet; make three, some time apart")?;
        let of_process = |snapshot: &&Arc<Snapshot>| snapshot.info().instance.id == last.info().instance.id;
        let mut points = Vec::new();
        for snapshot in snapshots.iter().filter(of_process) {
            if let Some(before_last) = snapshot.age_at(last) {
                points.push((before_last, snapshot.info(), snapshot.profile()?));
            }
        }
        points.sort_by(|(a, ..), (b, ..)| b.cmp(a));
        points.dedup_by_key(|(before_last, ..)| *before_last);
        if points.len() < FEWEST {
            return Err(format!(
                "{} snapshots of this process are there, and it takes {FEWEST} of different times to tell growth from \
                 chance",
                points.len()
            ));
        }
        Ok(Self::of_points(&points))
    }

    /// The oldest first.
    fn of_points(points: &[(Duration, &SnapshotInfo, SymbolizedProfile)]) -> Self {
        let by_type = Selection::default();
        let span = points[0].0;
        let last = points.len() - 1;
        // The last one that leaves so much of the time: with an even number of them, the one before the middle.
        let leaves_half =
            |(before_last, ..): &(Duration, _, _)| before_last.div_duration_f64(span) >= NEARLY_HALF;
        let middle = points.iter().rposition(leaves_half).unwrap_or(0);
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
        let share = SHARE_OF_STEADY * points[middle].0.div_duration_f64(span);
        let still_grows = |name: &Name, change: &Change| {
            let late = second_half.get(name).map(|late| late.difference).unwrap_or_default();
            late.bytes > of_rows * late.bytes_stderr() && late.bytes >= share * change.difference.bytes
        };
        let seconds = span.as_secs_f64();
        let info = points[last].1;
        let room = info.ceiling.as_ref().map(|ceiling| ceiling.room_bytes as f64);
        let mut suspects: Vec<Suspect> = grew
            .into_iter()
            .filter(|change| {
                let name = name_of(change);
                !shrinks(&name) && still_grows(&name, change)
            })
            .map(|change| Suspect::of(change, seconds, room))
            .collect();
        suspects.sort_by(|a, b| b.bytes_per_hour.total_cmp(&a.bytes_per_hour));
        Self {
            snapshots: points.iter().map(|(_, info, _)| (*info).clone()).collect(),
            seconds,
            suspects,
            compared_rows: u64::try_from(whole.compared).unwrap_or(u64::MAX),
            test: if points.len() < ENOUGH { format!("{TEST}{FEW}") } else { TEST.into() },
        }
    }
}

impl Suspect {
    fn of(change: &Change, seconds: f64, room: Option<f64>) -> Self {
        let per_second = change.difference.bytes / seconds;
        Self {
            type_name: change.type_name.clone(),
            full_type: change.full_type.clone(),
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
mod tests {
    use super::super::tests::of_dump;
    use super::*;

    /// Snapshots a minute apart of one stack of 64-byte objects.
    fn verdict(samples: &[u64]) -> Result<LeakVerdict, String> {
        verdict_at(&(0..).zip(samples.iter().copied()).collect::<Vec<_>>())
    }

    /// The same at these minutes.
    fn verdict_at(samples: &[(u64, u64)]) -> Result<LeakVerdict, String> {
        let taken = |(minute, count): &(u64, u64)| {
            let bytes = count * 64;
            let dump = format!(
                "heap_v2/524288\n  t*: 0: 0 [0: 0]\n@ 0x10\n  t*: {count}: {bytes} [0: 0]\n  t1: {count}: {bytes} [0: 0]\n\n\
                 MAPPED_LIBRARIES:\n"
            );
            Arc::new(of_dump(&dump, 60 * minute, "x"))
        };
        LeakVerdict::over(&samples.iter().map(taken).collect::<Vec<_>>())
    }

    #[test]
    fn steady_growth_is_suspect_with_its_rate() {
        let verdict = verdict(&[10, 40, 70, 100]).unwrap();
        let [suspect] = &verdict.suspects[..] else { panic!("{verdict:?}") };
        assert_eq!((suspect.bytes_change, verdict.seconds), (90 * 524_320, 180.0));
        assert!((suspect.bytes_per_hour / (90.0 * 524_320.0 * 20.0) - 1.0).abs() < 1e-9);
        assert_eq!(suspect.seconds_to_limit, None);
    }

    #[test]
    fn what_stands_still_wavers_or_has_filled_up_is_not() {
        for samples in
            [&[50, 50, 50][..], &[50, 55, 48], &[10, 100, 60, 110], &[10, 95, 99, 100, 100], &[100, 50, 10]]
        {
            assert_eq!(verdict(samples).unwrap().suspects, [], "{samples:?}");
        }
    }

    #[test]
    fn a_full_cache_that_wavers_is_not_and_a_leak_that_wavers_is() {
        // The second half has 12 of 42, within noise.
        assert_eq!(verdict(&[2, 40, 32, 33, 44]).unwrap().suspects, []);
        // Twice there are fewer by more than one standard error, as by chance of so many.
        assert_eq!(verdict(&[100, 130, 105, 150, 135, 180, 160, 200]).unwrap().suspects.len(), 1);
    }

    #[test]
    fn the_second_half_need_not_be_half_of_the_time() {
        // The middle one a bit early, and then a step that is low by chance.
        assert_eq!(
            verdict_at(&[(0, 10), (60, 40), (119, 70), (180, 100), (240, 115)]).unwrap().suspects.len(),
            1
        );
        assert_eq!(verdict_at(&[(0, 10), (9, 1000), (10, 1110)]).unwrap().suspects.len(), 1);
        assert_eq!(verdict_at(&[(0, 10), (9, 1000), (10, 1040)]).unwrap().suspects, []);
    }

    #[test]
    fn of_few_snapshots_the_verdict_says_so() {
        let says_so = |samples: &[u64]| verdict(samples).unwrap().test.contains("fewer than six snapshots");
        assert!(says_so(&[1, 2, 3]) && says_so(&[1, 2, 3, 4, 5]));
        assert!(!says_so(&[1, 2, 3, 4, 5, 6]));
    }

    #[test]
    fn fewer_than_three_moments_tell_nothing() {
        assert!(verdict(&[]).unwrap_err().contains("make three"));
        assert!(verdict(&[1, 100]).unwrap_err().starts_with("2 snapshots"));
        let snapshot = Arc::new(super::super::tests::empty(7, "x"));
        let same = [Arc::clone(&snapshot), Arc::clone(&snapshot), snapshot];
        assert!(LeakVerdict::over(&same).unwrap_err().starts_with("1 snapshots"));
    }
}
