use super::*;
use crate::ages::RecordedAges;
use crate::diagnosis::{NotChecked, Severity};
use crate::doctor::diagnose;
use crate::report::GrowingType;
use crate::sample;

fn finding(id: &'static str) -> Verdict {
    Verdict {
        id: id.into(),
        severity: Severity::Notice,
        evidence: format!("the evidence of {id}"),
        advice: String::new(),
    }
}

fn found(ids: &[&'static str]) -> Diagnosis {
    Diagnosis { verdicts: ids.iter().copied().map(finding).collect(), ..Diagnosis::default() }
}

#[test]
fn the_first_rule_in_the_order_of_the_parts_decides() {
    let report = sample::report();
    let of = |ids: &[&'static str]| Conclusion::of(&report, &found(ids));
    for (ids, held_by, rule, words) in [
        (
            &["fragmentation", "dirty-pages", "memory-outside-jemalloc"][..],
            HeldBy::OutsideJemalloc,
            2,
            "Held outside jemalloc",
        ),
        (&["shared-memory"], HeldBy::OutsideJemalloc, 0, "Held outside jemalloc"),
        (&["fragmentation", "dirty-pages"], HeldBy::Allocator, 1, "Held by the allocator"),
        (&["thread-caches"], HeldBy::Allocator, 0, "Held by the allocator"),
        (&["oom-kills", "fragmentation"], HeldBy::Fragmentation, 1, "Lost to fragmentation"),
    ] {
        let conclusion = of(ids);
        assert_eq!((conclusion.held_by, conclusion.rule.as_deref()), (held_by, Some(ids[rule])), "{ids:?}");
        assert_eq!(conclusion.sentence, format!("{words}: the evidence of {}.", ids[rule]));
        assert_eq!(conclusion.growth, None);
    }
}

#[test]
fn rules_that_decide_exist() {
    let known = diagnose(&MemoryReport::new(sample::report().instance, ""));
    let known: Vec<_> = known.not_checked.iter().map(|NotChecked { id, .. }| id.as_ref()).collect();
    for id in RULES.iter().flat_map(|(_, _, ids)| *ids) {
        assert!(known.contains(id), "{id}");
    }
}

#[test]
fn without_such_a_finding_the_program_holds_the_memory() {
    let mut report = sample::report();
    let conclusion = Conclusion::of(&report, &found(&["oom-kills"]));
    assert_eq!((conclusion.held_by, &conclusion.rule), (HeldBy::Program, &None));
    assert_eq!(
        conclusion.to_string(),
        "Held by your program: live objects take 429.5 MiB of 512.3 MiB resident (84 %). Whether it grows is not known \
         yet: take three snapshots, some minutes apart, then read `/leaks`."
    );
    report.process.as_mut().unwrap().resident_bytes = Some(100 << 20);
    assert!(
        Conclusion::of(&report, &found(&[])).sentence.contains("429.5 MiB, more than the 100.0 MiB resident"),
    );
}

#[test]
fn a_part_that_is_not_known_is_named_and_no_rule_decides() {
    let complete = sample::report();
    let without = |change: fn(&mut MemoryReport)| {
        let mut report = complete.clone();
        change(&mut report);
        let conclusion = Conclusion::of(&report, &found(&["dirty-pages"]));
        assert_eq!((conclusion.held_by, conclusion.rule, conclusion.growth), (HeldBy::Unknown, None, None));
        conclusion.sentence
    };
    let no_jemalloc = without(|report| {
        report.allocator = None;
        report.unavailable.note("allocator", "the global allocator is not jemalloc");
    });
    assert_eq!(no_jemalloc, "What holds the memory is not known: the global allocator is not jemalloc.");
    let no_proc = without(|report| {
        report.process = None;
        report.unavailable.note("process", "/proc/self: no\nsuch file");
    });
    assert_eq!(no_proc, r"What holds the memory is not known: /proc/self: no\u{a}such file.");
    for change in [
        |report: &mut MemoryReport| report.process.as_mut().unwrap().resident_bytes = None,
        |report: &mut MemoryReport| report.allocator.as_mut().unwrap().allocated_bytes = None,
        |report: &mut MemoryReport| report.allocator.as_mut().unwrap().dirty_bytes = None,
        |report: &mut MemoryReport| report.allocator.as_mut().unwrap().muzzy_bytes = None,
        |report: &mut MemoryReport| report.allocator.as_mut().unwrap().internal_bytes = None,
    ] {
        assert!(without(change).ends_with(" was not collected."), "{}", without(change));
    }
}

#[test]
fn growth_comes_from_the_leak_test_alone() {
    let mut report = sample::report();
    let growing = |name: &str| GrowingType { type_name: name.into(), bytes_per_hour: 2e9 };
    let mut with = |suspects: &[&str], ids| {
        report.suspects = Some(suspects.iter().copied().map(growing).collect());
        Conclusion::of(&report, &found(ids)).growth
    };
    let fast = "It is growing: Vec<A> by 1.9 GiB per hour";
    assert_eq!(with(&["Vec<A>"], &[]).unwrap(), format!("{fast}."));
    assert_eq!(with(&["Vec<A>", "B"], &[]).unwrap(), format!("{fast}, and one more type."));
    assert_eq!(
        with(&["Vec<A>", "B", "C"], &["fragmentation"]).unwrap(),
        format!("{fast}, and 2 more types.")
    );
    assert_eq!(with(&[], &[]).unwrap(), "No type grows steadily.");
    assert_eq!(with(&[], &["fragmentation"]), None);
}

#[test]
fn two_snapshots_are_enough_where_ages_are_recorded() {
    let mut report = sample::report();
    let growth = |report: &MemoryReport| Conclusion::of(report, &found(&[])).growth.unwrap();
    assert!(growth(&report).contains("take three snapshots"), "{}", growth(&report));
    let recorded =
        RecordedAges { recorded_since: None, recorded_seconds: 9.0, known_share: None, dropped_samples: 0 };
    report.types.as_mut().unwrap().ages = Some(recorded);
    assert!(growth(&report).contains("take two snapshots"), "{}", growth(&report));
}

#[test]
fn s64_a_name_cannot_forge_lines() {
    let mut report = sample::report();
    report.suspects = Some(vec![GrowingType { type_name: "A\nB".into(), bytes_per_hour: 1.0 }]);
    let evidence = Verdict { evidence: "a\nb".into(), ..finding("fragmentation") };
    let diagnosis = Diagnosis { verdicts: vec![evidence], ..Diagnosis::default() };
    assert!(!Conclusion::of(&report, &diagnosis).to_string().contains('\n'));
}
