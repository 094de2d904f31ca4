use super::*;
use crate::diagnosis::Severity;
use crate::doctor::healthy;
use crate::doctor::tests::{assert_not_checked, fired, is_silent};
use crate::report::{CgroupParts, MachineMemory};

fn container(change: impl FnOnce(&mut CgroupMemory)) -> MemoryReport {
    let mut report = healthy::report();
    change(report.cgroup.as_mut().unwrap());
    report
}

/// A container with these sizes in MiB: charged, page cache among it that can be dropped, and the limit.
fn sizes(current: u64, inactive_file: u64, limit: u64) -> MemoryReport {
    container(|cgroup| {
        cgroup.current_bytes = Some(current * MIB);
        cgroup.inactive_file_bytes = Some(inactive_file * MIB);
        cgroup.limit_bytes = Some(limit * MIB);
    })
}

#[test]
fn the_working_set_near_the_limit_is_a_warning_and_then_critical() {
    let verdict = fired(&sizes(850, 0, 1000), "near-memory-limit");
    assert_eq!(verdict.severity, Severity::Warning);
    assert_eq!(
        verdict.evidence,
        "the working set of the container is at 85 % of its limit: 850.0 MiB of 1000.0 MiB"
    );
    assert_eq!(fired(&sizes(951, 0, 1000), "near-memory-limit").severity, Severity::Critical);
    assert_eq!(fired(&sizes(950, 0, 1000), "near-memory-limit").severity, Severity::Warning);
    assert!(is_silent(&sizes(800, 0, 1000), "near-memory-limit"), "80 % is not more than 80 %");
    assert!(is_silent(&sizes(1000, 300, 1000), "near-memory-limit"), "page cache is dropped");
    fired(&sizes(15, 0, 16), "near-memory-limit");
}

/// The container `p/a` of 58 MiB without a limit, below `p` with 300 MiB and a neighbour of 225 MiB.
fn pod(change: impl FnOnce(&mut CgroupLevel)) -> MemoryReport {
    let mut above = CgroupLevel {
        path: "/p".into(),
        limit_bytes: Some(300 * MIB),
        current_bytes: Some(285 * MIB),
        inactive_file_bytes: Some(0),
        oom_kills: Some(0),
        high_events: Some(0),
        max_events: Some(0),
        parts: CgroupParts::default(),
    };
    change(&mut above);
    container(|cgroup| {
        cgroup.path = "/p/a".into();
        (cgroup.limit_bytes, cgroup.current_bytes) = (None, Some(58 * MIB));
        cgroup.inactive_file_bytes = Some(0);
        cgroup.levels = vec![above];
        cgroup.binding = cgroup.least_room();
    })
}

#[test]
fn a_large_neighbour_below_the_parents_limit_is_reported() {
    let verdict = fired(&pod(|_| {}), "near-memory-limit");
    assert_eq!(verdict.severity, Severity::Warning);
    let expected = "the working set of the control group /p above is at 95 % of its limit: 285.0 MiB of 300.0 MiB, \
                    227.0 MiB of it used by others";
    assert_eq!(verdict.evidence, expected);
    // This report's heap is larger than its container: other tests check the parts.
    assert!(verdict.advice.ends_with("or raise the limit of the control group /p above (`memory.max`)"));
    let critical = fired(&pod(|level| level.current_bytes = Some(294 * MIB)), "near-memory-limit");
    assert_eq!(critical.severity, Severity::Critical);
    assert!(is_silent(&pod(|level| level.inactive_file_bytes = Some(60 * MIB)), "near-memory-limit"));
    let unknown = pod(|level| level.inactive_file_bytes = None);
    assert_not_checked(&unknown, "near-memory-limit", "the inactive page cache of /p is not known");
}

#[test]
fn advice_for_a_container_full_of_tmpfs_does_not_mention_the_table() {
    let mut report = sizes(190, 0, 200);
    report.process.as_mut().unwrap().anonymous_bytes = Some(52 * MIB);
    let cgroup = report.cgroup.as_mut().unwrap();
    cgroup.version = 1;
    cgroup.parts.shared_bytes = Some(125 * MIB);
    cgroup.parts.anonymous_bytes = Some(52 * MIB);
    cgroup.oom_kills = Some(1);
    (cgroup.high_events, cgroup.max_events) = (Some(1), Some(1));
    cgroup.pressure_full_avg10_percent = Some(50.0);
    // These two rules are not about a limit that was hit.
    for rule in RULES.iter().filter(|rule| !["no-memory-limit", "kernel-memory"].contains(&rule.id)) {
        let advice = fired(&report, rule.id).advice;
        assert!(
            advice.contains("shared memory and tmpfs, 125.0 MiB") && advice.contains("/dev/shm"),
            "{advice}"
        );
        assert!(!advice.contains("largest rows"), "{advice}");
        assert!(advice.ends_with("or raise the container's limit (`memory.limit_in_bytes`)"), "{advice}");
    }
}

/// A process without any limit on a machine of 24 GiB: resident MiB, and MiB that the machine has available.
fn on_machine(resident: u64, available: u64) -> MemoryReport {
    let mut report = container(|cgroup| cgroup.limit_bytes = None);
    report.unavailable.note("cgroup.limit_bytes", "no limit is set");
    report.unavailable.note("cgroup.binding", "no limit is set");
    report.process.as_mut().unwrap().resident_bytes = Some(resident * MIB);
    let total_bytes = Some(24 * 1024 * MIB);
    report.machine = Some(MachineMemory { total_bytes, available_bytes: Some(available * MIB) });
    report
}

#[test]
fn without_a_limit_the_machine_is_the_limit() {
    assert!(is_silent(&on_machine(3482, 20_000), "near-memory-limit"), "checked, and not near");
    let verdict = fired(&on_machine(3482, 4096), "near-memory-limit");
    assert_eq!(verdict.severity, Severity::Warning);
    assert_eq!(
        verdict.evidence,
        "the working set of the machine is at 83 % of its memory: 20.0 GiB of 24.0 GiB, 16.6 GiB of it used by others"
    );
    assert!(verdict.advice.ends_with("or give the machine more memory"), "{}", verdict.advice);
    assert_eq!(fired(&on_machine(3482, 1000), "near-memory-limit").severity, Severity::Critical);
    let mut generous = on_machine(3482, 1000);
    generous.cgroup.as_mut().unwrap().limit_bytes = Some(20 << 30);
    assert!(fired(&generous, "near-memory-limit").evidence.starts_with("the working set of the machine is "));
    let mut unknown = on_machine(3482, 1000);
    unknown.machine = None;
    unknown.unavailable.note("machine", "meminfo: permission denied");
    let reason = "no limit is set; meminfo: permission denied";
    assert_not_checked(&unknown, "near-memory-limit", reason);
}

#[test]
fn a_large_process_without_a_limit_gets_a_notice() {
    let verdict = fired(&on_machine(3482, 20_000), "no-memory-limit");
    assert_eq!(verdict.severity, Severity::Notice);
    assert_eq!(
        verdict.evidence,
        "no memory limit is set, so only the machine's memory bounds this process: it holds 3.4 GiB of 24.0 GiB in all \
         (14 %)"
    );
    assert!(is_silent(&on_machine(2400, 20_000), "no-memory-limit"), "a tenth");
    let with_limit = |change: fn(&mut CgroupMemory)| {
        let mut report = on_machine(3482, 20_000);
        change(report.cgroup.as_mut().unwrap());
        is_silent(&report, "no-memory-limit")
    };
    assert!(with_limit(|cgroup| cgroup.limit_bytes = Some(1 << 40)));
    assert!(with_limit(|cgroup| {
        cgroup.levels = vec![CgroupLevel { limit_bytes: Some(1 << 40), ..CgroupLevel::default() }];
    }));
    let mut small = on_machine(1000, 2000);
    small.machine.as_mut().unwrap().total_bytes = Some(4096 * MIB);
    fired(&small, "no-memory-limit");
    small.process.as_mut().unwrap().resident_bytes = Some(500 * MIB);
    assert!(is_silent(&small, "no-memory-limit"), "an eighth of the machine");
}

#[test]
fn events_at_levels_above_name_the_level() {
    let kills = fired(&pod(|level| (level.oom_kills, level.max_events) = (Some(2), Some(9))), "oom-kills");
    assert_eq!(kills.severity, Severity::Warning);
    assert_eq!(kills.evidence, "neighbouring processes killed because memory ran out: 2 at /p");
    assert!(is_silent(&pod(|level| level.oom_kills = Some(2)), "oom-kills"), "at a limit below /p");
    let unlimited = |level: &mut CgroupLevel| {
        (level.limit_bytes, level.oom_kills, level.max_events) = (None, Some(2), None);
    };
    assert!(is_silent(&pod(unlimited), "oom-kills"), "at the limit of another group");
    let high = fired(&pod(|level| level.high_events = Some(7000)), "memory-high-events");
    assert_eq!(
        high.evidence,
        "number of times a control group above was throttled at memory.high: 7,000 at /p"
    );
    let max = fired(&pod(|level| level.max_events = Some(3)), "memory-limit-events");
    assert_eq!(max.evidence, "number of times a control group above hit its memory limit: 3 at /p");
    assert!(max.advice.ends_with("raise the limit of the control group /p above (`memory.max`)"));
    let mut both = pod(|level| level.max_events = Some(3));
    both.cgroup.as_mut().unwrap().max_events = Some(1);
    assert_eq!(
        fired(&both, "memory-limit-events").evidence,
        "number of times the container hit its memory limit: 1"
    );
    let mut only_above = pod(|level| level.max_events = Some(3));
    only_above.cgroup.as_mut().unwrap().max_events = None;
    fired(&only_above, "memory-limit-events");
}

#[test]
fn each_event_at_a_limit_has_its_severity() {
    let kills = fired(&container(|cgroup| cgroup.oom_kills = Some(1)), "oom-kills");
    assert_eq!(kills.severity, Severity::Critical);
    assert!(kills.evidence.ends_with(": 1"));
    let high = fired(&container(|cgroup| cgroup.high_events = Some(7000)), "memory-high-events");
    assert_eq!(high.severity, Severity::Warning);
    assert!(high.evidence.ends_with(": 7,000"));
    let max = fired(&container(|cgroup| cgroup.max_events = Some(3)), "memory-limit-events");
    assert_eq!(max.severity, Severity::Notice);
}

#[test]
fn advice_for_a_kill_at_the_own_limit_is_about_that_limit() {
    let mut report = pod(|_| {});
    let cgroup = report.cgroup.as_mut().unwrap();
    (cgroup.limit_bytes, cgroup.oom_kills) = (Some(256 * MIB), Some(1));
    let kills = fired(&report, "oom-kills");
    assert!(kills.advice.ends_with("raise the container's limit (`memory.max`)"), "{}", kills.advice);
    report.cgroup.as_mut().unwrap().limit_bytes = None;
    let kills = fired(&report, "oom-kills");
    assert!(kills.advice.contains("raise the limit of the control group /p above"), "{}", kills.advice);
}

#[test]
fn memory_pressure_is_critical_if_all_tasks_wait() {
    let waiting = |some, full| {
        container(|cgroup| {
            cgroup.pressure_some_avg10_percent = Some(some);
            cgroup.pressure_full_avg10_percent = Some(full);
        })
    };
    assert_eq!(fired(&waiting(10.5, 0.0), "memory-pressure").severity, Severity::Warning);
    let all = fired(&waiting(30.0, 10.5), "memory-pressure");
    assert_eq!(all.severity, Severity::Critical);
    assert_eq!(all.evidence, "all tasks in the container waited for memory for 10.5 % of the last 10 s");
    assert!(is_silent(&waiting(10.0, 10.0), "memory-pressure"));
}

#[test]
fn a_rule_without_its_number_is_not_checked() {
    let nothing = container(|cgroup| *cgroup = CgroupMemory::default());
    let reason = "cgroup.binding was not collected; machine.available_bytes was not collected";
    let mut unknown = nothing.clone();
    unknown.machine = None;
    assert_not_checked(&unknown, "near-memory-limit", reason);
    assert_not_checked(&unknown, "no-memory-limit", "cgroup.binding was not collected");
    unknown.cgroup = None;
    assert_not_checked(&unknown, "no-memory-limit", "cgroup was not collected");
    let mut alone = on_machine(3482, 20_000);
    alone.cgroup = None;
    alone.unavailable.note("cgroup", "the process is in no memory control group");
    fired(&alone, "no-memory-limit");
    alone.machine = None;
    assert_not_checked(&alone, "no-memory-limit", "machine.total_bytes was not collected");
    for (id, path) in [
        ("oom-kills", "oom_kills"),
        ("memory-high-events", "high_events"),
        ("memory-limit-events", "max_events"),
        ("memory-pressure", "pressure_some_avg10_percent"),
    ] {
        assert_not_checked(&nothing, id, &format!("cgroup.{path} was not collected"));
    }
}

#[test]
fn much_kernel_memory_is_a_notice_with_its_share() {
    let kernel = |kernel, current| {
        container(|cgroup| {
            cgroup.parts.kernel_bytes = Some(kernel * MIB);
            cgroup.current_bytes = Some(current * MIB);
        })
    };
    let verdict = fired(&kernel(300, 1000), "kernel-memory");
    assert_eq!(verdict.severity, Severity::Notice);
    assert_eq!(
        verdict.evidence,
        "kernel memory, which no row shows: 300.0 MiB of 1000.0 MiB charged to the container (30 %)"
    );
    for field in ["`memory.stat`", "`slab`", "`pagetables`", "`kernel_stack`"] {
        assert!(verdict.advice.contains(field), "{}", verdict.advice);
    }
    assert!(is_silent(&kernel(250, 1000), "kernel-memory"), "25 % is not more than 25 %");
    assert!(is_silent(&kernel(128, 128), "kernel-memory"), "128 MiB is not more than 128 MiB");
}

#[test]
fn without_its_numbers_kernel_memory_is_not_checked() {
    let mut report = container(|cgroup| cgroup.parts.kernel_bytes = None);
    report.unavailable.note("cgroup.parts.kernel_bytes", "the kernel does not report it");
    assert_not_checked(&report, "kernel-memory", "the kernel does not report it");
    let report = container(|cgroup| cgroup.current_bytes = None);
    assert_not_checked(&report, "kernel-memory", "cgroup.current_bytes was not collected");
}
