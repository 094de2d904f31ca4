use super::*;
use crate::fixture::{empty, of_dump, samples, with_samples};

/// A snapshot with one stack of 64-byte objects that has this number of samples, taken at this minute.
fn snapshot(minute: u64, count: u64, label: &str) -> Snapshot {
    let bytes = count * 64;
    let dump = format!(
        "heap_v2/524288\n  t*: 0: 0 [0: 0]\n@ 0x10\n  t*: {count}: {bytes} [0: 0]\n  t1: {count}: {bytes} [0: 0]\n\n\
         MAPPED_LIBRARIES:\n"
    );
    of_dump(&dump, 60 * minute, label)
}

/// The verdict over snapshots one minute apart.
fn verdict(samples: &[u64]) -> Result<LeakVerdict, String> {
    verdict_at(&(0..).zip(samples.iter().copied()).collect::<Vec<_>>())
}

/// The verdict over snapshots taken at these minutes.
fn verdict_at(samples: &[(u64, u64)]) -> Result<LeakVerdict, String> {
    let taken = |(minute, count): &(u64, u64)| Arc::new(snapshot(*minute, *count, "x"));
    LeakVerdict::over(&samples.iter().map(taken).collect::<Vec<_>>()).map_err(|error| error.to_string())
}

/// The verdict over snapshots one minute apart, labelled by minute, each with its generation, pauses and samples.
fn verdict_of(moments: &[((u64, u64), u64)]) -> Result<LeakVerdict, String> {
    let taken = |(minute, ((generation, pauses), count)): (u64, &((u64, u64), u64))| {
        let mut samples = samples(*generation);
        samples.pauses = *pauses;
        Arc::new(with_samples(&snapshot(minute, *count, &minute.to_string()), Some(samples)))
    };
    LeakVerdict::over(&(0..).zip(moments).map(taken).collect::<Vec<_>>()).map_err(|error| error.to_string())
}

fn labels(snapshots: &[SnapshotInfo]) -> String {
    snapshots.iter().filter_map(|info| info.label.as_deref()).collect::<Vec<_>>().join(" ")
}

const FIRST: (u64, u64) = (0, 0);
const SECOND: (u64, u64) = (1, 0);
const THIRD: (u64, u64) = (2, 0);

#[test]
fn finds_a_leak_after_a_discard_once_there_are_three_snapshots() {
    let before = [50, 50, 50, 50, 50, 50].map(|count| (FIRST, count));
    let after = [10, 40, 70].map(|count| (SECOND, count));
    let moments = [&before[..], &after[..]].concat();
    for taken in 6..9 {
        let verdict = verdict_of(&moments[..taken]).unwrap();
        assert_eq!((labels(&verdict.run.snapshots).as_str(), verdict.suspects.len()), ("0 1 2 3 4 5", 0));
        assert_eq!(verdict.newer, None);
        let left_out: Vec<_> = verdict.left_out.iter().map(|left_out| labels(&left_out.snapshots)).collect();
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
fn judges_the_newest_of_equally_long_runs() {
    let moments: Vec<_> =
        [(FIRST, 10), (FIRST, 40), (FIRST, 70), (SECOND, 50), (SECOND, 51), (SECOND, 50)].into();
    let verdict = verdict_of(&moments).unwrap();
    assert_eq!(
        (labels(&verdict.run.snapshots).as_str(), verdict.newer, verdict.suspects),
        ("3 4 5", None, vec![])
    );
    assert_eq!(labels(&verdict.left_out[0].snapshots), "0 1 2");
    assert!(verdict.left_out[0].reason.ends_with("; a longer or newer run was judged instead"));
}

#[test]
fn a_run_in_the_middle_is_left_out_with_the_reason() {
    let moments: Vec<_> = [&[(FIRST, 50); 4][..], &[(SECOND, 9); 3], &[(THIRD, 9); 3]].concat();
    let verdict = verdict_of(&moments).unwrap();
    assert_eq!(labels(&verdict.run.snapshots), "0 1 2 3");
    assert_eq!(labels(&verdict.newer.unwrap().snapshots), "7 8 9");
    assert_eq!(labels(&verdict.left_out[0].snapshots), "4 5 6");
    assert_eq!(
        verdict.left_out[0].reason,
        "different samples, since 2026-11-21T09:00:00.000Z; a longer or newer run was judged instead"
    );
}

#[test]
fn a_pause_separates_runs_too() {
    let moments: Vec<_> = [(10, 0), (40, 0), (70, 1), (100, 1), (130, 1)].map(|(n, p)| ((0, p), n)).into();
    let verdict = verdict_of(&moments).unwrap();
    assert_eq!((labels(&verdict.run.snapshots).as_str(), verdict.suspects.len()), ("2 3 4", 1));
    assert_eq!(labels(&verdict.left_out[0].snapshots), "0 1");
}

#[test]
fn without_a_run_of_three_says_why_and_what_to_do() {
    let moments = [(FIRST, 1), (FIRST, 2), (SECOND, 3), (SECOND, 4), (THIRD, 5)];
    let reason = verdict_of(&moments).unwrap_err();
    assert_eq!(
        reason,
        "5 snapshots of this process were found, but 3 with the same samples are needed, and at most 2 have them; \
         samples were discarded or paused in between, last at 2026-11-21T09:00:00.000Z; take 3 some time apart, and \
         do not change sampling meanwhile"
    );
}

#[test]
fn snapshots_that_cannot_be_compared_are_listed_with_the_reason() {
    let mut taken: Vec<_> =
        [10, 40, 70, 100].iter().zip(1..).map(|(count, minute)| snapshot(minute, *count, "ours")).collect();
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
            ("ours".into(), "from another process"),
            ("old".into(), "the start of their samples is not recorded"),
            ("later".into(), "dated after the newest one, because the clock was set meanwhile"),
        ]
    );
}

#[test]
fn snapshots_from_an_older_version_alone_give_no_verdict() {
    let taken: Vec<_> = (0..4)
        .map(|minute| Arc::new(with_samples(&snapshot(minute, 10 + 30 * minute, "old"), None)))
        .collect();
    let reason = LeakVerdict::over(&taken).unwrap_err().to_string();
    assert_eq!(
        reason,
        "4 snapshots of this process were found, but for 4 of them the start of the samples is not recorded, and 3 \
         with the same samples are needed; take 3 some time apart, and do not change sampling meanwhile"
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
fn steady_fluctuating_or_full_types_are_not_suspects() {
    for samples in
        [&[50, 50, 50][..], &[50, 55, 48], &[10, 100, 60, 110], &[10, 95, 99, 100, 100], &[100, 50, 10]]
    {
        assert_eq!(verdict(samples).unwrap().suspects, [], "{samples:?}");
    }
}

#[test]
fn a_fluctuating_leak_is_a_suspect_but_a_fluctuating_full_cache_is_not() {
    // The second half grew by 12 of 42 samples, which is within noise.
    assert_eq!(verdict(&[2, 40, 32, 33, 44]).unwrap().suspects, []);
    // Two steps shrink by more than one standard error, by chance.
    assert_eq!(verdict(&[100, 130, 105, 150, 135, 180, 160, 200]).unwrap().suspects.len(), 1);
}

#[test]
fn a_suspect_has_its_size_at_each_snapshot() {
    let verdict = verdict(&[10, 40, 40, 70, 95, 130]).unwrap();
    let sizes = [10, 40, 40, 70, 95, 130].map(|samples| samples * 524_320);
    assert_eq!(verdict.suspects[0].history_bytes, sizes);
    assert_eq!(verdict.suspects[0].bytes, 130 * 524_320);
    let mut json = serde_json::to_value(&verdict.suspects[0]).unwrap();
    json.as_object_mut().unwrap().remove("history_bytes");
    let of_older_version: Suspect = serde_json::from_value(json).unwrap();
    assert!(of_older_version.history_bytes.is_empty());
}

#[test]
fn the_second_half_need_not_be_half_of_the_time() {
    // The middle snapshot is a bit early, and the last step is low by chance.
    assert_eq!(
        verdict_at(&[(0, 10), (60, 40), (119, 70), (180, 100), (240, 115)]).unwrap().suspects.len(),
        1
    );
    assert_eq!(verdict_at(&[(0, 10), (9, 1000), (10, 1110)]).unwrap().suspects.len(), 1);
    assert_eq!(verdict_at(&[(0, 10), (9, 1000), (10, 1040)]).unwrap().suspects, []);
}

#[test]
fn the_verdict_warns_about_few_snapshots() {
    let warns = |samples: &[u64]| verdict(samples).unwrap().test.contains("fewer than six snapshots");
    assert!(warns(&[1, 2, 3]) && warns(&[1, 2, 3, 4, 5]));
    assert!(!warns(&[1, 2, 3, 4, 5, 6]));
}

#[test]
fn fewer_than_three_moments_give_no_verdict() {
    assert!(verdict(&[]).unwrap_err().contains("take two, some time apart (three if"));
    assert!(verdict(&[1, 100]).unwrap_err().to_string().starts_with("2 snapshots"));
    let snapshot = Arc::new(empty(7, "x"));
    let same = [Arc::clone(&snapshot), Arc::clone(&snapshot), snapshot];
    assert!(LeakVerdict::over(&same).unwrap_err().to_string().starts_with("1 snapshots"));
}
