use super::*;
use crate::sample;

const DISCARDED: &str = "2026-11-20T11:00:00.000Z";

/// Samples after these numbers of discards and pauses.
fn samples(generation: u64, pauses: u64) -> SampleOrigin {
    let began_at = if generation == 0 { sample::samples().began_at } else { Some(DISCARDED.into()) };
    let resumed_at = (pauses > 0).then(|| "2026-11-20T12:00:00.000Z".to_owned());
    SampleOrigin { generation, began_at, pauses, resumed_at, ..sample::samples() }
}

fn report(samples: Option<SampleOrigin>) -> MemoryReport {
    let mut report = sample::report();
    report.types.as_mut().unwrap().samples = samples;
    report
}

fn other_process(mut report: MemoryReport) -> MemoryReport {
    report.instance = serde_json::from_str(
        r#"{"id": "00000000-0000-4000-8000-000000000000", "pid": 1, "started_at": "2026-11-20T09:00:00Z"}"#,
    )
    .unwrap();
    report
}

fn basis(base: &MemoryReport, target: &MemoryReport) -> Basis {
    Basis::of(Origin::of_report(base), Origin::of_report(target))
}

/// Whether a row that grew may be marked, and whether a row that shrank may be marked.
fn marks(basis: &Basis) -> (bool, bool) {
    (basis.admits(1), basis.admits(-1))
}

#[test]
fn the_same_samples_compare_fully() {
    let (one, other) = (report(Some(samples(0, 0))), report(Some(samples(0, 0))));
    let basis = basis(&one, &other);
    assert_eq!((basis.comparison, basis.only, marks(&basis)), (Comparison::Whole, None, (true, true)));
    assert_eq!(basis.notes, [""; 0]);
}

#[test]
fn samples_that_began_after_the_process_have_a_note() {
    let later = report(Some(samples(2, 0)));
    let basis = basis(&later, &later);
    assert_eq!((basis.comparison, marks(&basis)), (Comparison::Whole, (true, true)));
    assert_eq!(
        basis.notes,
        [
            "samples are complete only since 2026-11-20T11:00:00.000Z; a type that replaces older memory seems to \
          grow until all of it is replaced"
        ]
    );
}

#[test]
fn after_a_discard_only_the_later_profile_counts_and_no_row_is_marked() {
    let mut changed = samples(1, 0);
    changed.sample_bytes = 65_536;
    let (before, mut after) = (report(Some(samples(0, 0))), report(Some(changed)));
    after.types.as_mut().unwrap().sample_bytes = Some(65_536);
    let forward = basis(&before, &after);
    assert_eq!((forward.comparison, forward.only), (Comparison::Discarded, Some(Side::Target)));
    assert_eq!(marks(&forward), (false, false));
    assert_eq!(
        forward.notes[0],
        "the sampling rate was changed between the two moments, which discards all samples; sampling restarted at \
         2026-11-20T11:00:00.000Z, one sample per 64 KiB"
    );
    let backward = basis(&after, &before);
    assert_eq!((backward.only, marks(&backward)), (Some(Side::Base), (false, false)));
    assert_eq!(backward.notes, forward.notes);
}

#[test]
fn two_discards_that_restore_the_rate_are_detected() {
    let comparison = Comparison::of_reports(&report(Some(samples(0, 0))), &report(Some(samples(2, 0))));
    assert_eq!(comparison, Comparison::Discarded);
}

#[test]
fn after_a_pause_growth_is_marked_but_shrinking_is_not() {
    let (before, after) = (report(Some(samples(0, 0))), report(Some(samples(0, 1))));
    let forward = basis(&before, &after);
    assert_eq!(
        (forward.comparison, forward.only, marks(&forward)),
        (Comparison::Paused, None, (true, false))
    );
    assert!(forward.notes[0].contains("until 2026-11-20T12:00:00.000Z"), "{:?}", forward.notes);
    let backward = basis(&after, &before);
    assert_eq!((backward.comparison, marks(&backward)), (Comparison::Paused, (false, true)));
}

#[test]
fn without_recorded_samples_only_different_rates_prove_a_discard() {
    let (known, unknown) = (report(Some(samples(0, 0))), report(None));
    for (one, other) in [(&known, &unknown), (&unknown, &known), (&unknown, &unknown)] {
        let basis = basis(one, other);
        assert_eq!((basis.comparison, marks(&basis)), (Comparison::Unknown, (false, false)));
    }
    let mut other_rate = report(None);
    other_rate.types.as_mut().unwrap().sample_bytes = Some(65_536);
    assert_eq!(Comparison::of_reports(&known, &other_rate), Comparison::Discarded);
}

#[test]
fn two_processes_compare_as_far_as_their_samples_are_complete() {
    let whole = report(Some(samples(0, 0)));
    // A different rate in another process does not mean a discard.
    let mut denser = samples(0, 0);
    denser.sample_bytes = 4096;
    let both = basis(&whole, &other_process(report(Some(denser))));
    assert_eq!((both.comparison, both.only, marks(&both)), (Comparison::TwoProcesses, None, (true, true)));
    assert_eq!(both.notes, ["these are two processes, 6f1c9a2e and 00000000"]);
    for part in [Some(samples(1, 0)), Some(samples(0, 1)), None] {
        let part = other_process(report(part));
        assert_eq!(
            (marks(&basis(&whole, &part)), marks(&basis(&part, &whole))),
            ((true, false), (false, true))
        );
        assert!(basis(&whole, &part).notes[1].contains("a row that has less in the second"));
        assert!(basis(&part, &whole).notes[1].contains("a row that has more in the second"));
    }
}
