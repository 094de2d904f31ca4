//! How much memory jemalloc holds beyond what the program asked for.

use super::rule::{Check, Finding, MIB, Rule, Threshold, allocator, number, process, share};
use crate::report::MemoryReport;

pub(super) const RULES: &[Rule] = &[
    Rule { id: "fragmentation", check: fragmentation },
    Rule { id: "dirty-pages", check: dirty_pages },
    Rule { id: "allocator-metadata", check: metadata },
    Rule { id: "many-arenas", check: many_arenas },
];

const FRAGMENTATION: Threshold = Threshold { percent: 25.0, bytes: 64 * MIB };
const DIRTY_PAGES: Threshold = Threshold { percent: 25.0, bytes: 64 * MIB };
const METADATA: Threshold = Threshold { percent: 10.0, bytes: 64 * MIB };
const BEYOND_ALLOCATED: Threshold = Threshold { percent: 25.0, bytes: 64 * MIB };

/// jemalloc makes four arenas a processor; twice that has another reason.
const MANY_ARENAS_A_CPU: u64 = 8;

fn fragmentation(report: &MemoryReport) -> Check {
    let (allocated, active) = (allocated(report)?, active(report)?);
    let between = active.saturating_sub(allocated);
    Ok(FRAGMENTATION.is_exceeded(between, active).then(|| {
        Finding::warning(
            format!("free space between live objects is {}", share(between, active, "in active pages")),
            "long-lived objects keep pages that are else empty: fewer arenas share pages better \
             (`_RJEM_MALLOC_CONF=narenas:N`), and long-lived data is better allocated together",
        )
    }))
}

fn dirty_pages(report: &MemoryReport) -> Check {
    let (resident, active, metadata) = (resident(report)?, active(report)?, metadata_bytes(report)?);
    let dirty = resident.saturating_sub(active).saturating_sub(metadata);
    if !DIRTY_PAGES.is_exceeded(dirty, resident) {
        return Ok(None);
    }
    let background = report.allocator.as_ref().and_then(|allocator| allocator.background_threads);
    let why = match (number(report, "opt.dirty_decay_ms"), background) {
        (Ok(-1), _) => "`opt.dirty_decay_ms` is -1, so pages are never returned: ",
        (_, Some(false)) => {
            "without background threads, pages are returned only when a thread happens to allocate: "
        }
        _ => "",
    };
    Ok(Some(Finding::warning(
        format!("freed and not returned to the system: {}", share(dirty, resident, "resident in jemalloc")),
        format!(
            "{why}start the program with `_RJEM_MALLOC_CONF=background_thread:true,dirty_decay_ms:1000` (`MALLOC_CONF` \
             if jemalloc is built unprefixed); jemalloc's `arena.4096.purge` returns them at once"
        ),
    )))
}

fn metadata(report: &MemoryReport) -> Check {
    let (metadata, resident) = (metadata_bytes(report)?, resident(report)?);
    Ok(METADATA.is_exceeded(metadata, resident).then(|| {
        Finding::warning(
            format!("jemalloc's own data is {}", share(metadata, resident, "resident in jemalloc")),
            "it grows with arenas, threads, small extents and samples: limit the arenas (`_RJEM_MALLOC_CONF=narenas:N`) \
             and the number of threads, or sample less (`lg_prof_sample`)",
        )
    }))
}

fn many_arenas(report: &MemoryReport) -> Check {
    let arenas = allocator(report, "arenas", |allocator| allocator.arenas)?;
    let cpus = process(report, "cpus", |process| process.cpus)?;
    let (allocated, resident) = (allocated(report)?, resident(report)?);
    let beyond = resident.saturating_sub(allocated);
    let many = arenas > cpus.saturating_mul(MANY_ARENAS_A_CPU);
    Ok((many && BEYOND_ALLOCATED.is_exceeded(beyond, resident)).then(|| {
        Finding::warning(
            format!(
                "{arenas} arenas for {cpus} processors hold {} beyond what is allocated",
                share(beyond, resident, "resident in jemalloc")
            ),
            // The collector's own arena and those that the program made come on top.
            format!(
                "jemalloc makes arenas without regard to the container's share of the processors: start the program with \
                 `_RJEM_MALLOC_CONF=narenas:{}` (`MALLOC_CONF` if jemalloc is built unprefixed)",
                cpus.max(1).saturating_mul(4)
            ),
        )
    }))
}

fn allocated(report: &MemoryReport) -> Result<u64, String> {
    allocator(report, "allocated_bytes", |allocator| allocator.allocated_bytes)
}

fn active(report: &MemoryReport) -> Result<u64, String> {
    allocator(report, "active_bytes", |allocator| allocator.active_bytes)
}

fn resident(report: &MemoryReport) -> Result<u64, String> {
    allocator(report, "resident_bytes", |allocator| allocator.resident_bytes)
}

fn metadata_bytes(report: &MemoryReport) -> Result<u64, String> {
    allocator(report, "metadata_bytes", |allocator| allocator.metadata_bytes)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::doctor::tests::{assert_not_checked, fired, is_silent, jemalloc};
    use crate::report::OptionValue;

    /// Allocated, active, metadata and resident MiB.
    fn sizes(allocated: u64, active: u64, metadata: u64, resident: u64) -> MemoryReport {
        jemalloc(|stats| {
            stats.allocated_bytes = Some(allocated * MIB);
            stats.active_bytes = Some(active * MIB);
            stats.metadata_bytes = Some(metadata * MIB);
            stats.resident_bytes = Some(resident * MIB);
        })
    }

    #[test]
    fn fragmentation_needs_a_share_and_a_size() {
        let verdict = fired(&sizes(100, 200, 0, 200), "fragmentation");
        assert_eq!(
            verdict.evidence,
            "free space between live objects is 100.0 MiB of 200.0 MiB in active pages (50 %)"
        );
        assert!(is_silent(&sizes(900, 1000, 0, 1000), "fragmentation"), "10 %");
        assert!(is_silent(&sizes(16, 80, 0, 80), "fragmentation"), "64 MiB");
        assert!(is_silent(&sizes(200, 100, 0, 100), "fragmentation"), "counted at different moments");
    }

    #[test]
    fn dirty_pages_need_a_share_and_a_size() {
        let verdict = fired(&sizes(100, 100, 10, 210), "dirty-pages");
        assert_eq!(
            verdict.evidence,
            "freed and not returned to the system: 100.0 MiB of 210.0 MiB resident in jemalloc (48 %)"
        );
        assert!(verdict.advice.contains("`_RJEM_MALLOC_CONF=background_thread:true,dirty_decay_ms:1000`"));
        assert!(is_silent(&sizes(900, 900, 10, 1010), "dirty-pages"), "10 %");
        assert!(is_silent(&sizes(10, 10, 10, 84), "dirty-pages"), "64 MiB");
    }

    #[test]
    fn the_advice_for_dirty_pages_knows_the_settings() {
        let mut report = sizes(100, 100, 10, 210);
        assert!(fired(&report, "dirty-pages").advice.starts_with("without background threads, "));
        report.allocator.as_mut().unwrap().background_threads = Some(true);
        assert!(fired(&report, "dirty-pages").advice.starts_with("start the program with "));
        let options = &mut report.allocator.as_mut().unwrap().options;
        options.insert("opt.dirty_decay_ms".into(), OptionValue::Number(-1));
        assert!(fired(&report, "dirty-pages").advice.starts_with("`opt.dirty_decay_ms` is -1, "));
    }

    #[test]
    fn metadata_needs_a_share_and_a_size() {
        let verdict = fired(&sizes(100, 100, 100, 200), "allocator-metadata");
        assert_eq!(
            verdict.evidence,
            "jemalloc's own data is 100.0 MiB of 200.0 MiB resident in jemalloc (50 %)"
        );
        assert!(is_silent(&sizes(900, 900, 100, 1000), "allocator-metadata"), "10 %");
        assert!(is_silent(&sizes(10, 10, 64, 74), "allocator-metadata"), "64 MiB");
    }

    #[test]
    fn arenas_need_to_be_many_and_to_hold_a_share_and_a_size() {
        let arenas = |arenas, mut report: MemoryReport| {
            report.allocator.as_mut().unwrap().arenas = Some(arenas);
            report
        };
        let verdict = fired(&arenas(257, sizes(100, 120, 10, 200)), "many-arenas");
        assert!(verdict.evidence.starts_with("257 arenas for 4 processors hold 100.0 MiB of 200.0 MiB "));
        assert!(verdict.advice.contains("`_RJEM_MALLOC_CONF=narenas:16`"), "{}", verdict.advice);
        assert!(is_silent(&arenas(32, sizes(100, 120, 10, 200)), "many-arenas"), "eight a processor");
        assert!(is_silent(&arenas(257, sizes(900, 900, 10, 1000)), "many-arenas"), "10 %");
        assert!(is_silent(&arenas(257, sizes(10, 10, 10, 74)), "many-arenas"), "64 MiB");
        let mut unknown = arenas(257, sizes(100, 120, 10, 200));
        unknown.process.as_mut().unwrap().cpus = None;
        assert_not_checked(&unknown, "many-arenas", "process.cpus was not collected");
    }

    #[test]
    fn a_missing_number_is_neither_good_nor_bad() {
        let missing = |report: MemoryReport, ids: &[&str], path: &str| {
            ids.iter().for_each(|id| {
                assert_not_checked(&report, id, &format!("allocator.{path} was not collected"))
            });
        };
        missing(
            jemalloc(|stats| stats.allocated_bytes = None),
            &["fragmentation", "many-arenas"],
            "allocated_bytes",
        );
        missing(
            jemalloc(|stats| stats.active_bytes = None),
            &["fragmentation", "dirty-pages"],
            "active_bytes",
        );
        missing(
            jemalloc(|stats| stats.metadata_bytes = None),
            &["allocator-metadata", "dirty-pages"],
            "metadata_bytes",
        );
        missing(
            jemalloc(|stats| stats.resident_bytes = None),
            &["allocator-metadata", "dirty-pages", "many-arenas"],
            "resident_bytes",
        );
        missing(jemalloc(|stats| stats.arenas = None), &["many-arenas"], "arenas");
    }
}
