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
    pub fn over(snapshots: &[Arc<Snapshot>]) -> Result<Self, String> {
        let Runs { longest, newest, left_out } = runs::select(snapshots)?;
        let now = snapshots.last().map(|snapshot| snapshot.info());
        let judged = |run: Run<'_>| {
            let point = |(before_last, snapshot): (Duration, &'_ Snapshot)| {
                Ok((before_last, snapshot.info().clone(), snapshot.profile()?))
            };
            let points = run.into_iter().map(point).collect::<Result<Vec<_>, String>>()?;
            Ok::<_, String>(LeakRun::judged(&points, now))
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
mod tests {
    use super::super::tests::{of_dump, samples, with_samples};
    use super::*;

    /// One stack of 64-byte objects, of so many samples, at that minute.
    fn snapshot(minute: u64, count: u64, label: &str) -> Snapshot {
        let bytes = count * 64;
        let dump = format!(
            "heap_v2/524288\n  t*: 0: 0 [0: 0]\n@ 0x10\n  t*: {count}: {bytes} [0: 0]\n  t1: {count}: {bytes} [0: 0]\n\n\
             MAPPED_LIBRARIES:\n"
        );
        of_dump(&dump, 60 * minute, label)
    }

    /// Snapshots a minute apart.
    fn verdict(samples: &[u64]) -> Result<LeakVerdict, String> {
        verdict_at(&(0..).zip(samples.iter().copied()).collect::<Vec<_>>())
    }

    /// The same at these minutes.
    fn verdict_at(samples: &[(u64, u64)]) -> Result<LeakVerdict, String> {
        let taken = |(minute, count): &(u64, u64)| Arc::new(snapshot(*minute, *count, "x"));
        LeakVerdict::over(&samples.iter().map(taken).collect::<Vec<_>>())
    }

    /// Snapshots a minute apart, labelled by their minutes, each with its generation, pauses and samples.
    fn verdict_of(moments: &[((u64, u64), u64)]) -> Result<LeakVerdict, String> {
        let taken = |(minute, ((generation, pauses), count)): (u64, &((u64, u64), u64))| {
            let samples = crate::SampleOrigin { pauses: *pauses, ..samples(*generation) };
            Arc::new(with_samples(&snapshot(minute, *count, &minute.to_string()), Some(samples)))
        };
        LeakVerdict::over(&(0..).zip(moments).map(taken).collect::<Vec<_>>())
    }

    fn labels(snapshots: &[SnapshotInfo]) -> String {
        snapshots.iter().filter_map(|info| info.label.as_deref()).collect::<Vec<_>>().join(" ")
    }

    const FIRST: (u64, u64) = (0, 0);
    const SECOND: (u64, u64) = (1, 0);
    const THIRD: (u64, u64) = (2, 0);

    #[test]
    fn a_leak_is_found_once_three_snapshots_after_a_discard_are_there() {
        let before = [50, 50, 50, 50, 50, 50].map(|count| (FIRST, count));
        let after = [10, 40, 70].map(|count| (SECOND, count));
        let moments = [&before[..], &after[..]].concat();
        for taken in 6..9 {
            let verdict = verdict_of(&moments[..taken]).unwrap();
            assert_eq!((labels(&verdict.run.snapshots).as_str(), verdict.suspects.len()), ("0 1 2 3 4 5", 0));
            assert_eq!(verdict.newer, None);
            let left_out: Vec<_> =
                verdict.left_out.iter().map(|left_out| labels(&left_out.snapshots)).collect();
            assert_eq!(left_out, [&[][..], &["6"], &["6 7"]][taken - 6]);
        }
        let verdict = verdict_of(&moments).unwrap();
        assert_eq!(labels(&verdict.run.snapshots), "0 1 2 3 4 5");
        assert_eq!(labels(&verdict.newer.as_ref().unwrap().snapshots), "6 7 8");
        let [suspect] = &verdict.suspects[..] else { panic!("{verdict}") };
        assert_eq!((suspect.bytes_change, suspect.is_newer), (60 * 524_320, true));
        assert!((suspect.bytes_per_hour / (60.0 * 524_320.0 * 30.0) - 1.0).abs() < 1e-9, "{suspect}");
        assert!(verdict.newer.as_ref().unwrap().notes[0].contains("2026-11-21T09:00:00.000Z"));
        assert!(verdict.test.contains("fewer than six"), "the newer run has three");
        assert_eq!(verdict.left_out, []);
    }

    #[test]
    fn of_equally_long_runs_the_newest_is_judged() {
        let moments: Vec<_> =
            [(FIRST, 10), (FIRST, 40), (FIRST, 70), (SECOND, 50), (SECOND, 51), (SECOND, 50)].into();
        let verdict = verdict_of(&moments).unwrap();
        assert_eq!(
            (labels(&verdict.run.snapshots).as_str(), verdict.newer, verdict.suspects),
            ("3 4 5", None, vec![])
        );
        assert_eq!(labels(&verdict.left_out[0].snapshots), "0 1 2");
        assert!(verdict.left_out[0].reason.ends_with("; a longer run or a newer one is judged"));
    }

    #[test]
    fn a_run_in_the_middle_is_named_and_the_automatic_end_separates_two() {
        let moments: Vec<_> = [&[(FIRST, 50); 4][..], &[(SECOND, 9); 3], &[(THIRD, 9); 3]].concat();
        let verdict = verdict_of(&moments).unwrap();
        assert_eq!(labels(&verdict.run.snapshots), "0 1 2 3");
        assert_eq!(labels(&verdict.newer.unwrap().snapshots), "7 8 9");
        assert_eq!(labels(&verdict.left_out[0].snapshots), "4 5 6");
        assert_eq!(
            verdict.left_out[0].reason,
            "other samples, since 2026-11-21T09:00:00.000Z; a longer run or a newer one is judged"
        );
    }

    #[test]
    fn a_pause_separates_runs_too() {
        let moments: Vec<_> =
            [(10, 0), (40, 0), (70, 1), (100, 1), (130, 1)].map(|(n, p)| ((0, p), n)).into();
        let verdict = verdict_of(&moments).unwrap();
        assert_eq!((labels(&verdict.run.snapshots).as_str(), verdict.suspects.len()), ("2 3 4", 1));
        assert_eq!(labels(&verdict.left_out[0].snapshots), "0 1");
    }

    #[test]
    fn without_a_run_of_three_the_reason_and_what_to_do_are_told() {
        let moments = [(FIRST, 1), (FIRST, 2), (SECOND, 3), (SECOND, 4), (THIRD, 5)];
        let reason = verdict_of(&moments).unwrap_err();
        assert_eq!(
            reason,
            "5 snapshots of this process are there, but it takes 3 with the same samples, and no more than 2 have; samples \
             were discarded or paused in between, last at 2026-11-21T09:00:00.000Z; take 3, some time apart, without a \
             change of sampling meanwhile"
        );
    }

    #[test]
    fn snapshots_that_cannot_be_compared_are_named_with_the_reason() {
        let mut taken: Vec<_> = [10, 40, 70, 100]
            .iter()
            .zip(1..)
            .map(|(count, minute)| snapshot(minute, *count, "ours"))
            .collect();
        let mut info = taken[0].info().clone();
        info.instance =
            serde_json::from_str(r#"{"id": "00000000-0000-4000-8000-000000000000", "pid": 1}"#).unwrap();
        let profile = taken[0].profile().unwrap();
        taken[0] = Snapshot::new(info, &profile, std::time::SystemTime::UNIX_EPOCH).unwrap();
        taken.insert(0, with_samples(&snapshot(0, 5, "old"), None));
        taken.insert(0, snapshot(99, 5, "later"));
        let taken: Vec<_> = taken.into_iter().map(Arc::new).collect();
        let verdict = LeakVerdict::over(&taken).unwrap();
        assert_eq!((verdict.run.snapshots.len(), verdict.suspects.len()), (3, 1));
        let reasons: Vec<_> =
            verdict.left_out.iter().map(|out| (labels(&out.snapshots), out.reason.as_str())).collect();
        assert_eq!(
            reasons,
            [
                ("ours".into(), "of another process"),
                ("old".into(), "it is not recorded when their samples began"),
                ("later".into(), "taken after the last one, by the clock, which was set meanwhile"),
            ]
        );
    }

    #[test]
    fn snapshots_of_an_older_version_alone_tell_nothing() {
        let taken: Vec<_> = (0..4)
            .map(|minute| Arc::new(with_samples(&snapshot(minute, 10 + 30 * minute, "old"), None)))
            .collect();
        let reason = LeakVerdict::over(&taken).unwrap_err();
        assert_eq!(
            reason,
            "4 snapshots of this process are there, but it is not recorded for 4 of them when their samples began, and it \
             takes 3 with the same samples; take 3, some time apart, without a change of sampling meanwhile"
        );
    }

    #[test]
    fn steady_growth_is_suspect_with_its_rate() {
        let verdict = verdict(&[10, 40, 70, 100]).unwrap();
        let [suspect] = &verdict.suspects[..] else { panic!("{verdict:?}") };
        assert_eq!((suspect.bytes_change, verdict.run.seconds), (90 * 524_320, 180.0));
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
