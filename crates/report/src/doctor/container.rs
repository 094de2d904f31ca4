//! Rules about limits: how close the process is to the limit it would hit first, how often it hit a limit, and how much
//! of the container's memory is kernel memory.

use super::holder;
use super::rule::{Check, Finding, MIB, Rule, Threshold, cgroup, machine, process, share};
use crate::ceiling::{Ceiling, LimitSource};
use crate::report::{CgroupLevel, CgroupMemory, MemoryReport};
use crate::units::{Bytes, count, percent, printable};

pub(super) const RULES: &[Rule] = &[
    Rule { id: "near-memory-limit", check: near_limit },
    Rule { id: "no-memory-limit", check: no_limit },
    Rule { id: "oom-kills", check: oom_kills },
    Rule { id: "memory-high-events", check: high_events },
    Rule { id: "memory-limit-events", check: limit_events },
    Rule { id: "memory-pressure", check: pressure },
    Rule { id: "kernel-memory", check: kernel_memory },
];

const NEAR_LIMIT_PERCENT: f64 = 80.0;
const AT_LIMIT_PERCENT: f64 = 95.0;

/// Tasks that wait for memory a tenth of the time are slow.
const PRESSURE_PERCENT: f64 = 10.0;

/// Page tables, thread stacks and open files of a service are far below this. The thresholds of `mapped-files`.
const KERNEL: Threshold = Threshold { percent: 25.0, bytes: 128 * MIB };

/// A process that holds this much of the machine is no longer small beside its neighbours.
const LARGE_ON_MACHINE: Threshold = Threshold { percent: 10.0, bytes: 1024 * MIB };

/// Compares the working set, not all charged memory, because the kernel drops unused page cache at the limit.
fn near_limit(report: &MemoryReport) -> Check {
    let ceiling = report.ceiling().map_err(|error| error.to_string())?;
    if ceiling.set_by != LimitSource::Machine {
        inactive_file(report)?;
    }
    let (used, limit) = (ceiling.used_bytes, ceiling.limit_bytes);
    let Some(percent) = percent(used as f64, limit as f64).filter(|used| *used > NEAR_LIMIT_PERCENT) else {
        return Ok(None);
    };
    let of_what = match ceiling.set_by {
        LimitSource::Machine => "memory",
        LimitSource::Group | LimitSource::GroupAbove => "limit",
    };
    let mut evidence = format!(
        "the working set of {} is at {percent:.0} % of its {of_what}: {:.1} of {:.1}",
        ceiling.owner(),
        Bytes(used),
        Bytes(limit)
    );
    if let Some(others) = ceiling.others_bytes.filter(|others| *others > 0) {
        evidence.push_str(&format!(", {:.1} of it used by others", Bytes(others)));
    }
    let remedy = remedy(report, Some(&ceiling));
    Ok(Some(if percent > AT_LIMIT_PERCENT {
        Finding::critical(evidence, format!("the kernel will soon kill a process: act now; {remedy}"))
    } else {
        Finding::warning(evidence, remedy)
    }))
}

/// Without this number, page cache that the kernel would drop looks like memory in use.
fn inactive_file(report: &MemoryReport) -> Result<u64, String> {
    let binding = report.cgroup.as_ref().and_then(|cgroup| cgroup.binding.as_ref());
    match binding {
        Some(level) => level
            .inactive_file_bytes
            .ok_or_else(|| format!("the inactive page cache of {} is not known", printable(&level.path))),
        None => cgroup(report, "inactive_file_bytes", |cgroup| cgroup.inactive_file_bytes),
    }
}

/// Advice for a limit: where the memory under it is, and how to raise the limit.
fn remedy(report: &MemoryReport, ceiling: Option<&Ceiling>) -> String {
    let Some(ceiling) = ceiling else {
        return "bound the table's largest rows, or raise the limit (`memory.max`)".to_owned();
    };
    let raise = raise(report, ceiling);
    match holder::largest(report, ceiling) {
        Some(holder) => format!("{}; {}; or {raise}", holder.sentence(), holder.advice),
        None => format!("bound the table's largest rows, or {raise}"),
    }
}

fn raise(report: &MemoryReport, ceiling: &Ceiling) -> String {
    let file = match report.cgroup.as_ref().map(|cgroup| cgroup.version) {
        Some(1) => "memory.limit_in_bytes",
        _ => "memory.max",
    };
    match ceiling.set_by {
        LimitSource::Machine => "give the machine more memory".to_owned(),
        LimitSource::Group => format!("raise the container's limit (`{file}`)"),
        LimitSource::GroupAbove => format!("raise the limit of {} (`{file}`)", ceiling.owner()),
    }
}

/// A service without a limit can take its neighbours down with it.
fn no_limit(report: &MemoryReport) -> Check {
    if report.is_limited()? {
        return Ok(None);
    }
    let total = machine(report, "total_bytes", |machine| machine.total_bytes)?;
    let resident = process(report, "resident_bytes", |process| process.resident_bytes)?;
    Ok(LARGE_ON_MACHINE.is_exceeded(report, resident, total).then(|| {
        Finding::notice(
            format!(
                "no memory limit is set, so only the machine's memory bounds this process: it holds {}",
                share(resident, total, "in all")
            ),
            "if it keeps growing, the kernel may kill any process on the machine: set a limit (`memory.max`; systemd: \
             `MemoryMax=`; Kubernetes: `resources.limits.memory`); `/leaks` says when the machine will be full",
        )
    }))
}

fn oom_kills(report: &MemoryReport) -> Check {
    // If a level has never reached its own limit, kills below it happened at the limit of another group.
    let below_our_limit = |level: &CgroupLevel| {
        level.oom_kills.filter(|_| level.limit_bytes.is_some() && level.max_events != Some(0))
    };
    let events = events(report, "oom_kills", |cgroup| cgroup.oom_kills, below_our_limit)?;
    Ok(events.map(|events| match &events {
        Events { level: None, times, .. } => Finding::critical(
            format!("processes in the container killed because memory ran out: {times}"),
            events.remedy(report),
        ),
        Events { times, .. } => Finding::warning(
            format!("neighbouring processes killed because memory ran out: {times}"),
            format!(
                "this process counts towards the same limit and may be killed next; {}",
                events.remedy(report)
            ),
        ),
    }))
}

fn high_events(report: &MemoryReport) -> Check {
    let events = events(report, "high_events", |cgroup| cgroup.high_events, |level| level.high_events)?;
    Ok(events.map(|events| {
        let group = events.group();
        let times = &events.times;
        Finding::warning(
            format!("number of times {group} was throttled at memory.high: {times}"),
            format!("raise `memory.high` (systemd: `MemoryHigh=`), or make room: {}", events.remedy(report)),
        )
    }))
}

/// Only a notice, because page cache alone can reach the limit, and is then dropped.
fn limit_events(report: &MemoryReport) -> Check {
    let events = events(report, "max_events", |cgroup| cgroup.max_events, |level| level.max_events)?;
    Ok(events.map(|events| {
        let group = events.group();
        let times = &events.times;
        Finding::notice(
            format!("number of times {group} hit its memory limit: {times}"),
            format!(
                "harmless if the kernel only dropped page cache; otherwise make room: {}",
                events.remedy(report)
            ),
        )
    }))
}

/// How often an event happened at a limit, and at which level.
struct Events<'r> {
    times: String,
    /// The nearest level above where it happened. `None` if it happened in the process's own group.
    level: Option<&'r CgroupLevel>,
}

impl Events<'_> {
    fn group(&self) -> &'static str {
        if self.level.is_none() { "the container" } else { "a control group above" }
    }

    /// Advice for the limit where the event happened. A group without a limit hit the limit of a group above it.
    fn remedy(&self, report: &MemoryReport) -> String {
        let there = report.cgroup.as_ref().and_then(|cgroup| {
            Ceiling::of_level(cgroup, self.level.cloned().unwrap_or_else(|| cgroup.own_level()))
        });
        remedy(report, there.or_else(|| report.ceiling().ok()).as_ref())
    }
}

/// Finds an event in the process's own group or, if it has none, at the levels above.
fn events<'r>(
    report: &'r MemoryReport,
    name: &str,
    here: fn(&CgroupMemory) -> Option<u64>,
    above: fn(&CgroupLevel) -> Option<u64>,
) -> Result<Option<Events<'r>>, String> {
    let here = cgroup(report, name, here);
    if let Ok(times @ 1..) = here {
        return Ok(Some(Events { times: count(times), level: None }));
    }
    let levels = report.cgroup.iter().flat_map(|cgroup| &cgroup.levels);
    let found: Vec<_> = levels
        .filter_map(|level| {
            let times = above(level).filter(|times| *times > 0)?;
            Some((format!("{} at {}", count(times), printable(&level.path)), level))
        })
        .collect();
    let Some((_, nearest)) = found.first() else { return here.map(|_| None) };
    let level = Some(*nearest);
    let times: Vec<_> = found.into_iter().map(|(times, _)| times).collect();
    Ok(Some(Events { times: times.join(", "), level }))
}

fn pressure(report: &MemoryReport) -> Check {
    let some = cgroup(report, "pressure_some_avg10_percent", |cgroup| cgroup.pressure_some_avg10_percent)?;
    let full = cgroup(report, "pressure_full_avg10_percent", |cgroup| cgroup.pressure_full_avg10_percent)?;
    let ceiling = report.ceiling().ok();
    let advice = format!("the kernel is busy reclaiming memory: {}", remedy(report, ceiling.as_ref()));
    let evidence = |tasks: &str, share| format!("{tasks} waited for memory for {share} % of the last 10 s");
    Ok(if full > PRESSURE_PERCENT {
        Some(Finding::critical(evidence("all tasks in the container", full), advice))
    } else if some > PRESSURE_PERCENT {
        Some(Finding::warning(evidence("at least one task in the container", some), advice))
    } else {
        None
    })
}

/// Only a notice, because the kernel reclaims directory entries and inodes when it needs memory.
fn kernel_memory(report: &MemoryReport) -> Check {
    let kernel = cgroup(report, "parts.kernel_bytes", |cgroup| cgroup.parts.kernel_bytes)?;
    let current = cgroup(report, "current_bytes", |cgroup| cgroup.current_bytes)?;
    Ok(KERNEL.is_exceeded(report, kernel, current).then(|| {
        Finding::notice(
            format!("kernel memory, which no row shows: {}", share(kernel, current, "charged to the container")),
            "`memory.stat` of the control group shows what it is. `slab`: many open or new files, or many sockets. \
             `pagetables`: much mapped memory in many processes. `kernel_stack`: many threads. `slab_reclaimable` is \
             not a leak, because the kernel reclaims it when it needs memory",
        )
    }))
}

#[cfg(test)]
mod tests;
