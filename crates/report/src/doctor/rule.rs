//! The parts of a rule, and how rules read numbers from a report.

use crate::diagnosis::{Severity, Verdict};
use crate::report::{
    AllocatorStats, CgroupMemory, MachineMemory, MemoryReport, OptionValue, ProcessMemory, TypeSummary,
};
use crate::units::{Bytes, percent};

/// A check of a report, with its name.
#[derive(Debug)]
pub(super) struct Rule {
    /// Unique name in kebab case.
    pub(super) id: &'static str,
    pub(super) check: fn(&MemoryReport) -> Check,
}

/// What a rule found, if anything, or why it could not be checked.
pub(super) type Check = Result<Option<Finding>, String>;

/// A [`Verdict`] without the name of its rule.
#[derive(Debug)]
pub(super) struct Finding {
    pub(super) severity: Severity,
    pub(super) evidence: String,
    pub(super) advice: String,
}

impl Finding {
    pub(super) fn critical(evidence: impl Into<String>, advice: impl Into<String>) -> Self {
        Self { severity: Severity::Critical, evidence: evidence.into(), advice: advice.into() }
    }

    pub(super) fn warning(evidence: impl Into<String>, advice: impl Into<String>) -> Self {
        Self { severity: Severity::Warning, evidence: evidence.into(), advice: advice.into() }
    }

    pub(super) fn notice(evidence: impl Into<String>, advice: impl Into<String>) -> Self {
        Self { severity: Severity::Notice, evidence: evidence.into(), advice: advice.into() }
    }

    pub(super) fn by(self, rule: &Rule) -> Verdict {
        let Self { severity, evidence, advice } = self;
        Verdict { id: rule.id.into(), severity, evidence, advice }
    }
}

/// The point where a part of a whole is too large: above a share *and* above an absolute size.
#[derive(Clone, Copy, Debug)]
pub(super) struct Threshold {
    pub(super) percent: f64,
    /// The size on a large machine; [`floor`] lowers it in a small container.
    pub(super) bytes: u64,
}

impl Threshold {
    /// Whether `part` exceeds the threshold, with a floor set by the memory limit. For findings that say little about
    /// a small process, such as the shape of its table.
    pub(super) fn is_exceeded(self, report: &MemoryReport, part: u64, whole: u64) -> bool {
        part > floor(report, self.bytes) && self.is_share_exceeded(part, whole)
    }

    /// Whether `part` exceeds the threshold, with a floor set by resident memory. For memory that the process could
    /// do without, however small the process is.
    pub(super) fn is_exceeded_in_process(self, report: &MemoryReport, part: u64, whole: u64) -> bool {
        part > floor_in_process(report, self.bytes) && self.is_share_exceeded(part, whole)
    }

    fn is_share_exceeded(self, part: u64, whole: u64) -> bool {
        percent(part as f64, whole as f64).is_some_and(|share| share > self.percent)
    }
}

/// One eighth of the limit, or of resident memory, is worth a finding, however little it is.
const FLOOR_PART: u64 = 8;

/// The lowest floor. Every process has this much of each kind of memory.
const LEAST_FLOOR: u64 = 4 * MIB;

/// The size below which a rule stays silent: `bytes`, or one eighth of the memory limit if that is less. In a container
/// of 64 MiB it is at most 8 MiB.
pub(super) fn floor(report: &MemoryReport, bytes: u64) -> u64 {
    limit(report).map_or(bytes, |limit| bytes.min(limit / FLOOR_PART))
}

/// Like [`floor`], but at most one eighth of resident memory: 6 MiB for a process of 48 MiB.
fn floor_in_process(report: &MemoryReport, bytes: u64) -> u64 {
    let floor = floor(report, bytes);
    let resident = report.process.as_ref().and_then(|process| process.resident_bytes);
    resident.map_or(floor, |resident| floor.min((resident / FLOOR_PART).max(LEAST_FLOOR)))
}

/// The most memory that this process can have: the lowest limit of its control groups, and never more than the machine
/// has.
pub(super) fn limit(report: &MemoryReport) -> Option<u64> {
    let groups = report.cgroup.iter().flat_map(|cgroup| {
        let levels = cgroup.levels.iter().chain(&cgroup.binding).map(|level| level.limit_bytes);
        levels.chain([cgroup.limit_bytes])
    });
    let machine = report.machine.as_ref().map(|machine| machine.total_bytes);
    groups.chain(machine).flatten().min()
}

pub(super) const MIB: u64 = 1 << 20;

/// `300.0 MiB of 1.0 GiB resident (29 %)`, where `name` says what the whole is: `resident`.
pub(super) fn share(part: u64, whole: u64, name: &str) -> String {
    let percent = percent(part as f64, whole as f64).unwrap_or_default();
    format!("{:.1} of {:.1} {name} ({percent:.0} %)", Bytes(part), Bytes(whole))
}

/// Reads a value of the section `process`.
pub(super) fn process<T>(
    report: &MemoryReport,
    name: &str,
    value: fn(&ProcessMemory) -> Option<T>,
) -> Result<T, String> {
    measured(report, &format!("process.{name}"), report.process.as_ref().and_then(value))
}

/// Reads a value of the section `cgroup`.
pub(super) fn cgroup<T>(
    report: &MemoryReport,
    name: &str,
    value: fn(&CgroupMemory) -> Option<T>,
) -> Result<T, String> {
    measured(report, &format!("cgroup.{name}"), report.cgroup.as_ref().and_then(value))
}

/// Reads a value of the section `machine`.
pub(super) fn machine<T>(
    report: &MemoryReport,
    name: &str,
    value: fn(&MachineMemory) -> Option<T>,
) -> Result<T, String> {
    measured(report, &format!("machine.{name}"), report.machine.as_ref().and_then(value))
}

/// Reads a value of the section `allocator`.
pub(super) fn allocator<T>(
    report: &MemoryReport,
    name: &str,
    value: fn(&AllocatorStats) -> Option<T>,
) -> Result<T, String> {
    measured(report, &format!("allocator.{name}"), report.allocator.as_ref().and_then(value))
}

/// Reads a value of the section `types`.
pub(super) fn types<T>(
    report: &MemoryReport,
    name: &str,
    value: impl FnOnce(&TypeSummary) -> Option<T>,
) -> Result<T, String> {
    measured(report, &format!("types.{name}"), report.types.as_ref().and_then(value))
}

/// Reads a boolean setting of jemalloc.
pub(super) fn switch(report: &MemoryReport, name: &str) -> Result<bool, String> {
    match option(report, name)? {
        OptionValue::Bool(switch) => Ok(*switch),
        _ => Err(format!("{name} is not a switch")),
    }
}

/// Reads a numeric setting of jemalloc, which may be negative.
pub(super) fn number(report: &MemoryReport, name: &str) -> Result<i64, String> {
    match option(report, name)? {
        OptionValue::Number(number) => Ok(*number),
        _ => Err(format!("{name} is not a number")),
    }
}

fn option<'r>(report: &'r MemoryReport, name: &str) -> Result<&'r OptionValue, String> {
    let value = report.allocator.as_ref().and_then(|allocator| allocator.options.get(name));
    measured(report, &format!("allocator.options.{name}"), value)
}

/// The value, or why it is missing: the reason noted for its path or for its section.
fn measured<T>(report: &MemoryReport, path: &str, value: Option<T>) -> Result<T, String> {
    value.ok_or_else(|| {
        let mut sections = std::iter::successors(Some(path), |path| Some(path.rsplit_once('.')?.0));
        let reason = sections.find_map(|path| report.unavailable.get(path));
        reason.map_or_else(|| format!("{path} was not collected"), str::to_owned)
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::doctor::healthy;

    #[test]
    fn a_threshold_needs_the_share_and_the_size() {
        let threshold = Threshold { percent: 25.0, bytes: 100 };
        let is_exceeded = |part, whole| threshold.is_exceeded(&healthy::report(), part, whole);
        assert!(is_exceeded(101, 200));
        assert!(!is_exceeded(101, 404), "a quarter is not more than a quarter");
        assert!(is_exceeded(101, 403));
        assert!(!is_exceeded(100, 200), "the size is not more than the size");
        assert!(!is_exceeded(101, 0), "a whole of zero has no share");
    }

    #[test]
    fn a_floor_is_its_constant_or_an_eighth_of_the_limit() {
        let mut report = healthy::report();
        let mut floors = |limit_bytes| {
            report.cgroup.as_mut().unwrap().limit_bytes = limit_bytes;
            [16, 64, 128].map(|constant| floor(&report, constant * MIB) / MIB)
        };
        assert_eq!(floors(Some(64 * MIB)), [8, 8, 8]);
        assert_eq!(floors(Some(256 * MIB)), [16, 32, 32]);
        assert_eq!(floors(Some(1024 * MIB)), [16, 64, 128]);
        assert_eq!(floors(Some(u64::MAX)), [16, 64, 128]);
        assert_eq!(floors(Some(0)), [0, 0, 0]);
        assert_eq!(floors(None), [16, 64, 128]);
        report.cgroup = None;
        assert_eq!(floor(&report, 64 * MIB), 64 * MIB);
    }

    #[test]
    fn a_floor_in_the_process_is_an_eighth_of_resident_memory() {
        let mut report = healthy::report();
        let mut floors = |resident| {
            report.process.as_mut().unwrap().resident_bytes = resident;
            [3, 64, 128].map(|constant| floor_in_process(&report, constant * MIB) / MIB)
        };
        assert_eq!(floors(Some(48 * MIB)), [3, 6, 6]);
        assert_eq!(floors(Some(600 * MIB)), [3, 64, 75]);
        assert_eq!(floors(Some(8 * MIB)), [3, 4, 4]);
        assert_eq!(floors(None), [3, 64, 128]);
        report.cgroup.as_mut().unwrap().limit_bytes = Some(16 * MIB);
        assert_eq!(floor_in_process(&report, 64 * MIB), 2 * MIB, "the limit still counts");
    }

    #[test]
    fn a_missing_value_has_its_own_reason_or_its_sections() {
        let mut report = healthy::report();
        let swap = |report: &MemoryReport| process(report, "swap_bytes", |process| process.swap_bytes);
        assert_eq!(swap(&report), Ok(0));
        report.process.as_mut().unwrap().swap_bytes = None;
        assert_eq!(swap(&report), Err("process.swap_bytes was not collected".into()));
        report.unavailable.note("process.swap_bytes", "status: permission denied");
        assert_eq!(swap(&report), Err("status: permission denied".into()));
        report.process = None;
        report.unavailable = Default::default();
        report.unavailable.note("process", "/proc/self: entity not found");
        assert_eq!(swap(&report), Err("/proc/self: entity not found".into()));
    }

    #[test]
    fn rejects_a_setting_of_another_kind() {
        let report = healthy::report();
        assert_eq!(number(&report, "arenas.page"), Ok(4096));
        assert_eq!(switch(&report, "arenas.page"), Err("arenas.page is not a switch".into()));
        assert_eq!(number(&report, "opt.prof_active"), Err("opt.prof_active is not a number".into()));
    }
}
