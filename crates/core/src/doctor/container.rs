//! How close the container is to its memory limit, and what happened there.

use super::rule::{Check, Finding, Rule, cgroup, share};
use crate::report::MemoryReport;
use crate::units::{count, percent};

pub(super) const RULES: &[Rule] = &[
    Rule { id: "near-memory-limit", check: near_limit },
    Rule { id: "oom-kills", check: oom_kills },
    Rule { id: "memory-high-events", check: high_events },
    Rule { id: "memory-limit-events", check: limit_events },
    Rule { id: "memory-pressure", check: pressure },
];

const NEAR_LIMIT_PERCENT: f64 = 80.0;
const AT_LIMIT_PERCENT: f64 = 95.0;

/// Tasks that wait for memory a tenth of the time are slow.
const PRESSURE_PERCENT: f64 = 10.0;

/// Compares the working set, not all that is charged: page cache of files that nobody uses goes away at the limit.
fn near_limit(report: &MemoryReport) -> Check {
    let limit = cgroup(report, "limit_bytes", |cgroup| cgroup.limit_bytes)?;
    let current = cgroup(report, "current_bytes", |cgroup| cgroup.current_bytes)?;
    let inactive_file = cgroup(report, "inactive_file_bytes", |cgroup| cgroup.inactive_file_bytes)?;
    let working_set = current.saturating_sub(inactive_file);
    let Some(used) = percent(working_set as f64, limit as f64).filter(|used| *used > NEAR_LIMIT_PERCENT)
    else {
        return Ok(None);
    };
    let evidence = format!("the container's working set is {}", share(working_set, limit, "limit"));
    Ok(Some(if used > AT_LIMIT_PERCENT {
        Finding::critical(
            evidence,
            "the process will soon be killed: raise the container's limit now (`memory.max`), or stop what grows; the \
             table's largest rows say what holds the memory",
        )
    } else {
        Finding::warning(
            evidence,
            "the table's largest rows say what holds the memory: bound it, or raise the container's limit (`memory.max`)",
        )
    }))
}

fn oom_kills(report: &MemoryReport) -> Check {
    let kills = cgroup(report, "oom_kills", |cgroup| cgroup.oom_kills)?;
    Ok((kills > 0).then(|| {
        Finding::critical(
            format!("processes of the container killed for want of memory: {}", count(kills)),
            "raise the container's limit (`memory.max`), or bound what the table's largest rows hold",
        )
    }))
}

fn high_events(report: &MemoryReport) -> Check {
    let events = cgroup(report, "high_events", |cgroup| cgroup.high_events)?;
    Ok((events > 0).then(|| {
        Finding::warning(
            format!("times the container was slowed down at memory.high: {}", count(events)),
            "raise `memory.high` (systemd: `MemoryHigh=`), or bound what the table's largest rows hold",
        )
    }))
}

/// Only a notice, because page cache alone can get there, where it is dropped.
fn limit_events(report: &MemoryReport) -> Check {
    let events = cgroup(report, "max_events", |cgroup| cgroup.max_events)?;
    Ok((events > 0).then(|| {
        Finding::notice(
            format!("times the container met its memory limit: {}", count(events)),
            "harmless if it was page cache that gave way; else raise the limit (`memory.max`; systemd: `MemoryMax=`), or \
             bound what the table's largest rows hold",
        )
    }))
}

fn pressure(report: &MemoryReport) -> Check {
    let some = cgroup(report, "pressure_some_avg10_percent", |cgroup| cgroup.pressure_some_avg10_percent)?;
    let full = cgroup(report, "pressure_full_avg10_percent", |cgroup| cgroup.pressure_full_avg10_percent)?;
    let advice = "the kernel is busy finding memory: raise the container's limit, or shrink what the table's largest \
                  rows hold";
    let evidence = |tasks: &str, share| format!("{tasks} waited for memory {share} % of the last 10 s");
    Ok(if full > PRESSURE_PERCENT {
        Some(Finding::critical(evidence("all tasks of the container", full), advice))
    } else if some > PRESSURE_PERCENT {
        Some(Finding::warning(evidence("some task of the container", some), advice))
    } else {
        None
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::doctor::Severity;
    use crate::doctor::healthy;
    use crate::doctor::rule::MIB;
    use crate::doctor::tests::{assert_not_checked, fired, is_silent};
    use crate::report::CgroupMemory;

    fn container(change: impl FnOnce(&mut CgroupMemory)) -> MemoryReport {
        let mut report = healthy::report();
        change(report.cgroup.as_mut().unwrap());
        report
    }

    /// MiB charged, of them page cache that can go, and the limit.
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
        assert_eq!(verdict.evidence, "the container's working set is 850.0 MiB of 1000.0 MiB limit (85 %)");
        assert_eq!(fired(&sizes(951, 0, 1000), "near-memory-limit").severity, Severity::Critical);
        assert_eq!(fired(&sizes(950, 0, 1000), "near-memory-limit").severity, Severity::Warning);
        assert!(is_silent(&sizes(800, 0, 1000), "near-memory-limit"), "80 % is not more than 80 %");
        assert!(is_silent(&sizes(1000, 300, 1000), "near-memory-limit"), "page cache gives way");
        fired(&sizes(15, 0, 16), "near-memory-limit");
    }

    #[test]
    fn without_a_limit_none_is_near() {
        let mut report = container(|cgroup| cgroup.limit_bytes = None);
        report.unavailable.note("cgroup.limit_bytes", "no limit is set");
        assert_not_checked(&report, "near-memory-limit", "no limit is set");
    }

    #[test]
    fn what_happened_at_the_limits_is_told_by_its_weight() {
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
    fn waiting_for_memory_is_worse_if_all_wait() {
        let waiting = |some, full| {
            container(|cgroup| {
                cgroup.pressure_some_avg10_percent = Some(some);
                cgroup.pressure_full_avg10_percent = Some(full);
            })
        };
        assert_eq!(fired(&waiting(10.5, 0.0), "memory-pressure").severity, Severity::Warning);
        let all = fired(&waiting(30.0, 10.5), "memory-pressure");
        assert_eq!(all.severity, Severity::Critical);
        assert_eq!(all.evidence, "all tasks of the container waited for memory 10.5 % of the last 10 s");
        assert!(is_silent(&waiting(10.0, 10.0), "memory-pressure"));
    }

    #[test]
    fn a_missing_number_is_neither_good_nor_bad() {
        let nothing = container(|cgroup| *cgroup = CgroupMemory::default());
        for (id, path) in [
            ("near-memory-limit", "limit_bytes"),
            ("oom-kills", "oom_kills"),
            ("memory-high-events", "high_events"),
            ("memory-limit-events", "max_events"),
            ("memory-pressure", "pressure_some_avg10_percent"),
        ] {
            assert_not_checked(&nothing, id, &format!("cgroup.{path} was not collected"));
        }
    }
}
