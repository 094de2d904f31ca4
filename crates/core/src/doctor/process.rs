//! Memory of the process that is not jemalloc's, or not in memory.

use super::rule::{Check, Finding, MIB, Rule, Threshold, allocator, process, share};
use crate::report::MemoryReport;

pub(super) const RULES: &[Rule] = &[
    Rule { id: "memory-outside-jemalloc", check: outside_jemalloc },
    Rule { id: "swap-in-use", check: swap_in_use },
];

const OUTSIDE_JEMALLOC: Threshold = Threshold { percent: 25.0, bytes: 128 * MIB };
const SWAP: Threshold = Threshold { percent: 10.0, bytes: 64 * MIB };

fn outside_jemalloc(report: &MemoryReport) -> Check {
    let anonymous = anonymous(report)?;
    let jemalloc = allocator(report, "resident_bytes", |allocator| allocator.resident_bytes)?;
    // jemalloc's number is an upper bound, so this is a lower one.
    let outside = anonymous.saturating_sub(jemalloc);
    Ok(OUTSIDE_JEMALLOC.is_exceeded(outside, anonymous).then(|| {
        Finding::warning(
            format!("outside jemalloc, and so in no row, is {}", share(outside, anonymous, "anonymous memory")),
            "it is in stacks, in anonymous `mmap`, or in C libraries with a `malloc` of their own; `/proc/<pid>/smaps` \
             tells which mappings; for C code to use jemalloc too, in Cargo.toml: `tikv-jemallocator = { version = \
             \"0.7\", features = [\"unprefixed_malloc_on_supported_platforms\"] }`",
        )
    }))
}

fn swap_in_use(report: &MemoryReport) -> Check {
    let swap = process(report, "swap_bytes", |process| process.swap_bytes)?;
    let all = anonymous(report)?.saturating_add(swap);
    Ok(SWAP.is_exceeded(swap, all).then(|| {
        Finding::warning(
            format!("swapped out is {}", share(swap, all, "anonymous memory")),
            "resident sizes leave it out, and touching it is slow: give the process more memory, shrink the largest rows \
             of the table, or turn swap off for the container (`memory.swap.max`)",
        )
    }))
}

fn anonymous(report: &MemoryReport) -> Result<u64, String> {
    process(report, "anonymous_bytes", |process| process.anonymous_bytes)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::doctor::healthy;
    use crate::doctor::tests::{assert_not_checked, fired, is_silent};

    /// Anonymous and swapped MiB of the process, resident MiB of jemalloc.
    fn sizes(anonymous: u64, swap: u64, jemalloc: u64) -> MemoryReport {
        let mut report = healthy::report();
        let process = report.process.as_mut().unwrap();
        (process.anonymous_bytes, process.swap_bytes) = (Some(anonymous * MIB), Some(swap * MIB));
        report.allocator.as_mut().unwrap().resident_bytes = Some(jemalloc * MIB);
        report
    }

    #[test]
    fn memory_outside_jemalloc_needs_a_share_and_a_size() {
        let id = "memory-outside-jemalloc";
        let verdict = fired(&sizes(400, 0, 200), id);
        assert!(verdict.evidence.ends_with("is 200.0 MiB of 400.0 MiB anonymous memory (50 %)"));
        assert!(is_silent(&sizes(2000, 0, 1800), id), "10 %");
        assert!(is_silent(&sizes(138, 0, 10), id), "128 MiB");
        assert!(is_silent(&sizes(100, 0, 1000), id), "an upper bound may be above");
    }

    #[test]
    fn swap_needs_a_share_and_a_size() {
        let verdict = fired(&sizes(100, 100, 100), "swap-in-use");
        assert_eq!(verdict.evidence, "swapped out is 100.0 MiB of 200.0 MiB anonymous memory (50 %)");
        assert!(is_silent(&sizes(900, 100, 900), "swap-in-use"), "10 %");
        assert!(is_silent(&sizes(64, 64, 64), "swap-in-use"), "64 MiB");
    }

    #[test]
    fn a_missing_number_is_neither_good_nor_bad() {
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
