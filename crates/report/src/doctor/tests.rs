use super::*;
use crate::diagnosis::{Severity, Verdict};
use crate::report::{AllocatorStats, CgroupLevel, MachineMemory, OptionValue, TypeSummary};

/// A healthy report with changed numbers of jemalloc.
pub(super) fn jemalloc(change: impl FnOnce(&mut AllocatorStats)) -> MemoryReport {
    let mut report = healthy::report();
    change(report.allocator.as_mut().unwrap());
    report
}

/// The verdict of a rule, which must have fired.
pub(super) fn fired(report: &MemoryReport, id: &str) -> Verdict {
    let diagnosis = diagnose(report);
    let verdict = diagnosis.verdicts.iter().find(|verdict| verdict.id == id);
    verdict.unwrap_or_else(|| panic!("{id} is silent: {diagnosis:?}")).clone()
}

/// Whether the rule was checked and found nothing.
pub(super) fn is_silent(report: &MemoryReport, id: &str) -> bool {
    let diagnosis = diagnose(report);
    diagnosis.checked.iter().any(|checked| checked == id)
        && diagnosis.verdicts.iter().all(|verdict| verdict.id != id)
}

/// Asserts that the rule could not be checked, for this reason.
pub(super) fn assert_not_checked(report: &MemoryReport, id: &str, reason: &str) {
    let diagnosis = diagnose(report);
    let found = diagnosis.not_checked.iter().find(|rule| rule.id == id);
    assert_eq!(found.map(|rule| rule.reason.as_str()), Some(reason), "{id}");
    assert!(diagnosis.verdicts.iter().all(|verdict| verdict.id != id), "{id}");
    assert!(!diagnosis.checked.iter().any(|checked| checked == id), "{id}");
}

fn ids() -> Vec<&'static str> {
    let mut ids: Vec<_> = RULES.into_iter().flatten().map(|rule| rule.id).collect();
    ids.sort_unstable();
    ids
}

#[test]
fn a_healthy_report_passes_every_rule() {
    let diagnosis = diagnose(&healthy::report());
    let checked = ids().into_iter().map(Into::into).collect();
    assert_eq!(diagnosis, Diagnosis { checked, ..Diagnosis::default() });
}

#[test]
fn ids_are_unique_and_in_kebab_case() {
    let ids = ids();
    assert!(ids.is_sorted_by(|a, b| a < b), "{ids:?}");
    let kebab =
        |id: &str| id.split('-').all(|word| !word.is_empty() && word.bytes().all(|b| b.is_ascii_lowercase()));
    assert!(ids.iter().all(|id| kebab(id)), "{ids:?}");
}

#[test]
fn findings_are_sorted_by_severity_then_by_id() {
    let mut report = healthy::report();
    let cgroup = report.cgroup.as_mut().unwrap();
    (cgroup.max_events, cgroup.high_events, cgroup.oom_kills) = (Some(1), Some(1), Some(1));
    report.process.as_mut().unwrap().swap_bytes = Some(1 << 40);
    let verdicts = diagnose(&report).verdicts;
    let found: Vec<_> = verdicts.iter().map(|verdict| (verdict.severity, verdict.id.as_ref())).collect();
    assert_eq!(
        found,
        [
            (Severity::Critical, "oom-kills"),
            (Severity::Warning, "memory-high-events"),
            (Severity::Warning, "swap-in-use"),
            (Severity::Notice, "memory-limit-events"),
        ]
    );
}

#[test]
fn an_empty_report_checks_no_rule() {
    let mut report = healthy::report();
    (report.process, report.cgroup, report.allocator, report.types) = (None, None, None, None);
    report.machine = None;
    let diagnosis = diagnose(&report);
    assert_eq!((diagnosis.verdicts, diagnosis.checked), (vec![], vec![]));
    let not_checked: Vec<_> = diagnosis.not_checked.iter().map(|rule| rule.id.as_ref()).collect();
    assert_eq!(not_checked, ids());
    assert!(diagnosis.not_checked.iter().all(|rule| rule.reason.ends_with(" was not collected")));
}

#[test]
fn extreme_numbers_do_not_break_any_rule() {
    let text = serde_json::to_string(&healthy::report()).unwrap();
    for extreme in [0, u64::MAX] {
        let mut report: MemoryReport = serde_json::from_str(&text).unwrap();
        let process = report.process.as_mut().unwrap();
        for number in [
            &mut process.resident_bytes,
            &mut process.anonymous_bytes,
            &mut process.file_bytes,
            &mut process.shared_bytes,
            &mut process.lazy_free_bytes,
            &mut process.swap_bytes,
            &mut process.cpus,
        ] {
            *number = Some(extreme);
        }
        let cgroup = report.cgroup.as_mut().unwrap();
        for number in [
            &mut cgroup.limit_bytes,
            &mut cgroup.current_bytes,
            &mut cgroup.inactive_file_bytes,
            &mut cgroup.oom_kills,
        ] {
            *number = Some(extreme);
        }
        let parts = &mut cgroup.parts;
        for number in [
            &mut parts.anonymous_bytes,
            &mut parts.file_bytes,
            &mut parts.shared_bytes,
            &mut parts.kernel_bytes,
        ] {
            *number = Some(extreme);
        }
        let mut level = CgroupLevel { path: "/p".into(), ..cgroup.own_level() };
        level.limit_bytes = Some(u64::MAX - extreme);
        (cgroup.levels, cgroup.binding) = (vec![level.clone()], Some(level));
        report.machine =
            Some(MachineMemory { total_bytes: Some(extreme), available_bytes: Some(u64::MAX - extreme) });
        let stats = report.allocator.as_mut().unwrap();
        for number in [
            &mut stats.allocated_bytes,
            &mut stats.active_bytes,
            &mut stats.metadata_bytes,
            &mut stats.dirty_bytes,
            &mut stats.muzzy_bytes,
            &mut stats.arenas,
            &mut stats.profiling.sample_bytes,
        ] {
            *number = Some(extreme);
        }
        let types = report.types.as_mut().unwrap();
        (types.total_bytes, types.unattributed_bytes) = (Some(extreme), Some(extreme));
        types.rows.iter_mut().for_each(|row| (row.bytes, row.bytes_stderr) = (extreme, f64::NAN));
        assert_eq!(diagnose(&report).checked, ids());
    }
}

/// A rule about a size, and a function that changes a report so that the rule finds this many bytes.
type Case = (&'static str, fn(&mut MemoryReport, u64));

/// Every rule with a size. Each must fire in a small container, too, where memory matters most.
const SIZES: [Case; 17] = [
    ("fragmentation", |report, bytes| stats(report).active_bytes = Some(bytes)),
    ("dirty-pages", |report, bytes| {
        (stats(report).dirty_bytes, stats(report).resident_bytes) = (Some(bytes), Some(bytes));
    }),
    ("muzzy-pages", |report, bytes| {
        stats(report).muzzy_bytes = Some(bytes);
        kernel(report, bytes);
        report.process.as_mut().unwrap().lazy_free_bytes = Some(bytes);
    }),
    ("never-touched", |report, bytes| {
        kernel(report, 0);
        stats(report).resident_bytes = Some(bytes);
    }),
    ("allocator-metadata", |report, bytes| {
        (stats(report).metadata_bytes, stats(report).resident_bytes) = (Some(bytes), Some(bytes));
    }),
    ("thread-caches", |report, bytes| {
        report.process.as_mut().unwrap().threads = Some(99);
        let stats = stats(report);
        (stats.allocated_bytes, stats.resident_bytes) = (Some(bytes), Some(bytes));
        stats.thread_cache_bytes = Some(bytes);
    }),
    ("many-arenas", |report, bytes| {
        (stats(report).arenas, stats(report).resident_bytes) = (Some(999), Some(bytes))
    }),
    ("memory-outside-jemalloc", kernel),
    ("shared-memory", |report, bytes| {
        kernel(report, bytes);
        report.process.as_mut().unwrap().shared_bytes = Some(bytes);
    }),
    ("mapped-files", |report, bytes| {
        kernel(report, bytes);
        report.process.as_mut().unwrap().file_bytes = Some(bytes);
    }),
    ("kernel-memory", |report, bytes| {
        let cgroup = report.cgroup.as_mut().unwrap();
        (cgroup.parts.kernel_bytes, cgroup.current_bytes) = (Some(bytes), Some(bytes));
    }),
    ("swap-in-use", |report, bytes| report.process.as_mut().unwrap().swap_bytes = Some(bytes)),
    ("unattributed-bytes", |report, bytes| types(report, bytes).unattributed_bytes = Some(bytes)),
    ("estimates-uncertain", |report, bytes| types(report, bytes).rows[0].bytes_stderr = bytes as f64),
    ("dominating-row", |report, bytes| {
        kernel(report, bytes);
        types(report, bytes);
    }),
    ("sample-rate-too-coarse", |report, bytes| stats(report).allocated_bytes = Some(bytes)),
    ("sample-rate-too-fine", |report, bytes| {
        stats(report).allocated_bytes = Some(bytes);
        stats(report).profiling.sample_bytes = Some(1);
    }),
];

/// The rules of [`SIZES`] that judge by resident memory, not only by the limit.
const OF_PROCESS: [&str; 10] = [
    "fragmentation",
    "dirty-pages",
    "muzzy-pages",
    "never-touched",
    "allocator-metadata",
    "thread-caches",
    "many-arenas",
    "memory-outside-jemalloc",
    "shared-memory",
    "swap-in-use",
];

fn stats(report: &mut MemoryReport) -> &mut AllocatorStats {
    report.allocator.as_mut().unwrap()
}

/// Sets resident and anonymous memory.
fn kernel(report: &mut MemoryReport, bytes: u64) {
    let process = report.process.as_mut().unwrap();
    (process.resident_bytes, process.anonymous_bytes) = (Some(bytes), Some(bytes));
}

/// Gives the table one row, which holds everything.
fn types(report: &mut MemoryReport, bytes: u64) -> &mut TypeSummary {
    let types = report.types.as_mut().unwrap();
    types.rows.truncate(1);
    (types.rows[0].bytes, types.total_bytes) = (bytes, Some(bytes));
    types
}

/// A process that has no memory yet, in a container with this limit.
fn empty(limit_bytes: Option<u64>) -> MemoryReport {
    let mut report = healthy::report();
    report.cgroup.as_mut().unwrap().limit_bytes = limit_bytes;
    kernel(&mut report, 0);
    let stats = stats(&mut report);
    (stats.active_bytes, stats.metadata_bytes, stats.resident_bytes) = (Some(1), Some(0), Some(1));
    (stats.allocated_bytes, stats.dirty_bytes) = (Some(0), Some(0));
    (stats.thread_cache_bytes, stats.internal_bytes) = (Some(0), Some(0));
    stats.sampled_pages_bytes = Some(0);
    report
}

#[test]
fn rules_about_sizes_fire_in_a_small_container() {
    let fires = |limit, (id, fill): Case, bytes| {
        let mut report = empty(limit);
        fill(&mut report, bytes);
        !is_silent(&report, id)
    };
    let is_of_process = |(id, _): &Case| OF_PROCESS.contains(id);
    for case in SIZES.into_iter().filter(is_of_process) {
        for limit in [None, Some(64 << 20)] {
            assert!(!fires(limit, case, 4 << 20), "{case:?} of 4 MiB");
            assert!(fires(limit, case, 5 << 20), "{case:?} of 5 MiB");
        }
        assert!(fires(Some(64 << 30), case, 10 << 30), "{case:?}");
    }
    for case in SIZES.into_iter().filter(|case| !is_of_process(case)) {
        assert!(!fires(None, case, 15 << 20), "{case:?} without a limit");
        assert!(fires(Some(64 << 20), case, 15 << 20), "{case:?} in 64 MiB");
        assert!(!fires(Some(64 << 20), case, 7 << 20), "{case:?} in 64 MiB, less than an eighth");
        assert!(fires(Some(64 << 30), case, 10 << 30) || case.0 == "sample-rate-too-coarse", "{case:?}");
    }
    let mut pages = empty(Some(64 << 20));
    stats(&mut pages).allocated_bytes = Some(65 << 20);
    stats(&mut pages).options.insert("arenas.page".into(), OptionValue::Number(65_536));
    fired(&pages, "sampling-with-large-pages");
}

#[test]
fn findings_of_other_rules_are_in_the_order_of_all_findings() {
    let mut report = healthy::report();
    let verdict = |id, severity| Verdict::new(id, severity, "evidence".into(), "advice".into());
    report.note_findings(Diagnosis {
        verdicts: vec![verdict("b", Severity::Warning), verdict("a", Severity::Notice)],
        checked: vec!["a".into(), "b".into()],
        not_checked: vec![NotChecked::new("c", "no scan ran".into())],
    });
    let diagnosis = diagnose(&report);
    let ids: Vec<_> = diagnosis.verdicts.iter().map(|verdict| &*verdict.id).collect();
    assert_eq!((ids, &*diagnosis.checked[0]), (vec!["b", "a"], "a"));
    assert!(diagnosis.checked.is_sorted() && diagnosis.not_checked.iter().any(|rule| rule.id == "c"));
}
