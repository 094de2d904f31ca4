use super::*;
use crate::sample;

pub(crate) fn id(number: u64) -> InstanceId {
    serde_json::from_value(format!("00000000-0000-4000-8000-{number:012x}").into()).unwrap()
}

fn report(number: u64, resident: u64) -> MemoryReport {
    let mut report = sample::report();
    report.instance.id = id(number);
    report.process.as_mut().unwrap().resident_bytes = Some(resident);
    report
}

fn fleet(reports: &[MemoryReport]) -> FleetReport {
    let mut fleet = Fleet::new("targets");
    for (index, report) in reports.iter().enumerate() {
        fleet.add(format!("http://host{index}"), report);
    }
    fleet.finish()
}

#[test]
fn numbers_are_merged_by_their_rules() {
    let merged = fleet(&[report(1, 100), report(2, 300), report(3, 200)]);
    let resident = &merged.numbers["process.resident_bytes"];
    assert_eq!((resident.sum, resident.instances, resident.rule), (Some(600), 3, MergeRule::Sum));
    assert_eq!((resident.spread.min, resident.spread.median, resident.spread.max), (100, 200, 300));
    assert_eq!(resident.spread.max_instance, id(2));
    let limit = &merged.numbers["cgroup.limit_bytes"];
    assert_eq!((limit.sum, limit.rule, limit.spread.median), (None, MergeRule::Spread, 1 << 30));
    assert_eq!(merged.sum("allocator.allocated_bytes"), Some(3 * 451_936_256));
    assert_eq!(merged.sum("process.uss_bytes"), None);
    assert!(!merged.numbers.contains_key("process.uss_bytes"), "no instance measured it");
    assert_eq!(merged.fragmentation(), Some((456_130_560.0 - 451_936_256.0) / 456_130_560.0));
    assert!(merged.complete);
}

#[test]
fn fragmentation_needs_the_same_instances_for_both_numbers() {
    let fragmentation = |second: fn(&mut crate::report::AllocatorStats)| {
        let (first, mut other) = (report(1, 100), report(2, 100));
        second(other.allocator.as_mut().unwrap());
        fleet(&[first, other]).fragmentation()
    };
    assert_eq!(fragmentation(|_| {}), fleet(&[report(1, 100)]).fragmentation());
    assert_eq!(fragmentation(|allocator| allocator.active_bytes = None), None);
    assert_eq!(fragmentation(|allocator| allocator.allocated_bytes = None), None);
    let mut empty = report(1, 100);
    let allocator = empty.allocator.as_mut().unwrap();
    (allocator.active_bytes, allocator.allocated_bytes) = (Some(0), Some(0));
    assert_eq!(fleet(&[empty]).fragmentation(), None);
}

#[test]
fn instances_drawn_from_behind_a_balancer_have_an_estimate() {
    let mut drawn = Fleet::new("through");
    let draws = Draws::default();
    drawn.estimate(draws.estimate());
    assert_eq!(drawn.finish().estimate, Some(draws.estimate()));
    assert_eq!(fleet(&[]).estimate, None);
}

#[test]
fn the_order_of_answers_does_not_matter() {
    let reports = [report(3, 1 << 30), report(1, 100), report(2, 100)];
    let mut backward = Fleet::new("targets");
    for (index, report) in reports.iter().enumerate().rev() {
        backward.add(format!("http://host{index}"), report);
    }
    assert_eq!(backward.finish(), fleet(&reports));
}

#[test]
fn one_process_under_two_names_counts_once() {
    let mut fleet = Fleet::new("targets");
    for target in ["http://b", "http://a", "http://b"] {
        fleet.add(target, &report(1, 100));
    }
    let merged = fleet.finish();
    assert_eq!((merged.instances.len(), merged.sum("process.resident_bytes")), (1, Some(100)));
    assert_eq!(merged.instances[0].targets, ["http://a", "http://b"]);
}

#[test]
fn two_processes_that_claim_one_id_are_not_merged() {
    let mut other = report(1, 200);
    other.instance.pid += 1;
    let merged = fleet(&[report(1, 100), other]);
    assert_eq!((merged.complete, merged.sum("process.resident_bytes")), (false, Some(100)));
    assert_eq!(merged.missing[0].reason, MissingReason::Foreign);
}

#[test]
fn lists_missing_instances_and_sums_the_others() {
    let mut fleet = Fleet::new("targets");
    fleet.add("http://a", &report(1, 100));
    fleet.miss(MissingInstance::new("http://c", MissingReason::Deadline, "no answer in 5 s"));
    fleet.miss(MissingInstance::new("http://b", MissingReason::Unreachable, "connection refused"));
    let merged = fleet.finish();
    assert!(!merged.complete);
    assert_eq!(merged.sum("process.resident_bytes"), Some(100));
    let missing: Vec<_> = merged.missing.iter().map(|missing| missing.target.as_str()).collect();
    assert_eq!(missing, ["http://b", "http://c"]);
}

#[test]
fn a_report_of_another_version_counts_as_missing() {
    let mut other = report(1, 100);
    other.schema = "memory-debug/v2".into();
    let merged = fleet(&[other]);
    assert_eq!((merged.instances.len(), merged.missing[0].reason), (0, MissingReason::NoReport));
    assert!(merged.missing[0].detail.contains("memory-debug/v2"), "{}", merged.missing[0].detail);
}

#[test]
fn an_instance_without_a_table_is_in_the_numbers_with_a_reason() {
    let mut bare = report(2, 100);
    bare.types = None;
    bare.unavailable.note("types", "profiling is off");
    let merged = fleet(&[report(1, 100), bare]);
    assert_eq!(merged.sum("process.resident_bytes"), Some(200));
    assert_eq!(merged.types.unwrap().instances, 1);
    assert_eq!(merged.unavailable.get(&format!("{}.types", id(2))), Some("profiling is off"));
}

#[test]
fn programs_are_listed_by_version() {
    let mut new = report(3, 100);
    new.instance.version = Some("0.2.0".into());
    new.instance.build_id = Some("cd34".into());
    let merged = fleet(&[report(1, 100), report(2, 100), new]);
    let programs: Vec<_> =
        merged.programs.iter().map(|program| (program.version.as_deref(), program.instances.len())).collect();
    assert_eq!(programs, [(Some("0.1.0"), 2), (Some("0.2.0"), 1)]);
}

#[test]
fn the_skew_is_between_the_first_and_the_last() {
    let mut late = report(2, 100);
    late.collected_at = "2026-11-20T12:12:07Z".into();
    assert_eq!(fleet(&[report(1, 100), late.clone()]).skew_seconds, Some(7.0));
    late.collected_at = "soon".into();
    assert_eq!(fleet(&[report(1, 100), late]).skew_seconds, None);
}

#[test]
fn a_fleet_survives_json_and_an_empty_one_has_no_numbers() {
    for merged in [fleet(&[report(1, 100), report(2, 300)]), fleet(&[])] {
        let json = serde_json::to_string(&merged).unwrap();
        assert_eq!(serde_json::from_str::<FleetReport>(&json).unwrap(), merged);
    }
    assert!(fleet(&[]).numbers.is_empty());
}
