//! Rules about memory of the process that jemalloc does not manage, or that is swapped out.

use super::rule::{Check, Finding, MIB, Rule, Threshold, process, share};
use crate::breakdown::Counts;
use crate::report::MemoryReport;

pub(super) const RULES: &[Rule] = &[
    Rule { id: "memory-outside-jemalloc", check: outside_jemalloc },
    Rule { id: "shared-memory", check: shared_memory },
    Rule { id: "mapped-files", check: mapped_files },
    Rule { id: "swap-in-use", check: swap_in_use },
];

const OUTSIDE_JEMALLOC: Threshold = Threshold { percent: 25.0, bytes: 128 * MIB };
const SHARED: Threshold = Threshold { percent: 25.0, bytes: 128 * MIB };
const FILES: Threshold = Threshold { percent: 25.0, bytes: 128 * MIB };
const SWAP: Threshold = Threshold { percent: 10.0, bytes: 64 * MIB };

fn outside_jemalloc(report: &MemoryReport) -> Check {
    let anonymous = anonymous(report)?;
    let outside = Counts::of_report(report).breakdown().outside_anonymous?;
    Ok(OUTSIDE_JEMALLOC.is_exceeded_in_process(report, outside, anonymous).then(|| {
        Finding::warning(
            format!("memory outside jemalloc, which no row shows: {}", share(outside, anonymous, "anonymous memory")),
            "it is in stacks, in anonymous `mmap`, or in C libraries with their own `malloc`; `/proc/<pid>/smaps` \
             shows which mappings; to make C code use jemalloc too, write in Cargo.toml: `tikv-jemallocator = { \
             version = \"0.7\", features = [\"unprefixed_malloc_on_supported_platforms\"] }`",
        )
    }))
}

fn shared_memory(report: &MemoryReport) -> Check {
    let shared = process(report, "shared_bytes", |process| process.shared_bytes)?;
    let resident = process(report, "resident_bytes", |process| process.resident_bytes)?;
    Ok(SHARED.is_exceeded_in_process(report, shared, resident).then(|| {
        Finding::warning(
            format!("shared memory, which no row shows: {}", share(shared, resident, "resident")),
            "it is in `MAP_SHARED` mappings without a file, memfd, System V segments, or files of a tmpfs such as \
             /dev/shm; it counts towards the container's limit, and without swap the kernel cannot reclaim it; in \
             `/proc/<pid>/smaps`, look for a large `Rss` under `/dev/zero`, `/memfd:`, `/SYSV` and `/dev/shm`",
        )
    }))
}

/// Only a notice: most of it is page cache, which the kernel reclaims when it needs memory.
fn mapped_files(report: &MemoryReport) -> Check {
    let files = process(report, "file_bytes", |process| process.file_bytes)?;
    let resident = process(report, "resident_bytes", |process| process.resident_bytes)?;
    Ok(FILES.is_exceeded(report, files, resident).then(|| {
        Finding::notice(
            format!("mapped files, which no row shows: {}", share(files, resident, "resident")),
            "it is the program, its libraries, or data that a database or an index has mapped; the kernel reclaims \
             unmodified pages when it needs memory, because it can read them again; `/proc/<pid>/smaps` shows which \
             files have a large `Rss`",
        )
    }))
}

fn swap_in_use(report: &MemoryReport) -> Check {
    let swap = process(report, "swap_bytes", |process| process.swap_bytes)?;
    let all = anonymous(report)?.saturating_add(swap);
    Ok(SWAP.is_exceeded_in_process(report, swap, all).then(|| {
        Finding::warning(
            format!("swapped out: {}", share(swap, all, "anonymous memory")),
            "resident sizes do not include it, and accessing it is slow: give the process more memory, shrink the \
             largest rows of the table, or turn swap off for the container (`memory.swap.max`)",
        )
    }))
}

fn anonymous(report: &MemoryReport) -> Result<u64, String> {
    process(report, "anonymous_bytes", |process| process.anonymous_bytes)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::diagnosis::Severity;
    use crate::doctor::healthy;
    use crate::doctor::tests::{assert_not_checked, fired, is_silent};

    /// A report with these sizes in MiB: anonymous, swapped out, and jemalloc's resident memory.
    fn sizes(anonymous: u64, swap: u64, jemalloc: u64) -> MemoryReport {
        let mut report = healthy::report();
        let process = report.process.as_mut().unwrap();
        (process.anonymous_bytes, process.swap_bytes) = (Some(anonymous * MIB), Some(swap * MIB));
        report.allocator.as_mut().unwrap().resident_bytes = Some(jemalloc * MIB);
        report
    }

    #[test]
    fn memory_outside_jemalloc_must_exceed_a_share_and_a_size() {
        let id = "memory-outside-jemalloc";
        let verdict = fired(&sizes(400, 0, 200), id);
        assert!(verdict.evidence.ends_with(": 200.0 MiB of 400.0 MiB anonymous memory (50 %)"));
        assert!(is_silent(&sizes(2000, 0, 1800), id), "10 %");
        assert!(is_silent(&sizes(134, 0, 10), id), "an eighth of the process");
        assert!(is_silent(&sizes(100, 0, 1000), id), "an upper bound may be higher");
    }

    #[test]
    fn memory_outside_jemalloc_is_found_in_a_small_container() {
        let id = "memory-outside-jemalloc";
        let mut report = sizes(108, 0, 6);
        for (limit, is_found) in [(128, true), (256, true), (512, true), (1024, false)] {
            report.cgroup.as_mut().unwrap().limit_bytes = Some(limit * MIB);
            assert_ne!(is_silent(&report, id), is_found, "limit of {limit} MiB");
        }
        report.cgroup = None;
        assert!(is_silent(&report, id), "without a limit the floor is 128 MiB");
    }

    #[test]
    fn shared_memory_and_mapped_files_have_their_own_findings() {
        let kinds = |file: u64, shared: u64| {
            let mut report = sizes(20, 0, 20);
            let process = report.process.as_mut().unwrap();
            process.resident_bytes = Some((20 + file + shared) * MIB);
            (process.file_bytes, process.shared_bytes) = (Some(file * MIB), Some(shared * MIB));
            report
        };
        let shared = fired(&kinds(5, 300), "shared-memory");
        assert_eq!(
            shared.evidence,
            "shared memory, which no row shows: 300.0 MiB of 325.0 MiB resident (92 %)"
        );
        assert_eq!(shared.severity, Severity::Warning);
        assert!(shared.advice.contains("`MAP_SHARED`") && shared.advice.contains("/dev/shm"));
        assert!(
            is_silent(&kinds(5, 300), "mapped-files") && is_silent(&kinds(5, 300), "memory-outside-jemalloc")
        );
        let files = fired(&kinds(300, 5), "mapped-files");
        assert_eq!(
            files.evidence,
            "mapped files, which no row shows: 300.0 MiB of 325.0 MiB resident (92 %)"
        );
        assert_eq!(files.severity, Severity::Notice);
        assert!(is_silent(&kinds(300, 5), "shared-memory"));
        assert!(
            is_silent(&kinds(128, 0), "mapped-files"),
            "128 MiB: small programs are mostly their own file"
        );
        fired(&kinds(0, 10), "shared-memory");
        assert!(is_silent(&kinds(0, 3), "shared-memory"), "less than 4 MiB");
        assert!(is_silent(&kinds(2000, 200), "shared-memory"), "9 %");
    }

    #[test]
    fn swap_must_exceed_a_share_and_a_size() {
        let verdict = fired(&sizes(100, 100, 100), "swap-in-use");
        assert_eq!(verdict.evidence, "swapped out: 100.0 MiB of 200.0 MiB anonymous memory (50 %)");
        assert!(is_silent(&sizes(900, 100, 900), "swap-in-use"), "10 %");
        assert!(is_silent(&sizes(64, 64, 64), "swap-in-use"), "64 MiB");
    }

    #[test]
    fn a_rule_without_its_number_is_not_checked() {
        let mut report = healthy::report();
        report.process.as_mut().unwrap().swap_bytes = None;
        assert_not_checked(&report, "swap-in-use", "process.swap_bytes was not collected");
        report.process.as_mut().unwrap().anonymous_bytes = None;
        assert_not_checked(&report, "memory-outside-jemalloc", "process.anonymous_bytes was not collected");
        report.process = None;
        report.unavailable.note("process", "/proc/self: entity not found");
        for rule in RULES {
            assert_not_checked(&report, rule.id, "/proc/self: entity not found");
        }
    }
}
