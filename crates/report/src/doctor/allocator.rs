//! Rules about the memory that jemalloc holds beyond what the program asked for.

use super::rule::{Check, Finding, MIB, Rule, Threshold, allocator, number, process, share};
use crate::breakdown::Counts;
use crate::report::MemoryReport;
use crate::units::{Bytes, count};

pub(super) const RULES: &[Rule] = &[
    Rule { id: "fragmentation", check: fragmentation },
    Rule { id: "dirty-pages", check: dirty_pages },
    Rule { id: "muzzy-pages", check: muzzy_pages },
    Rule { id: "never-touched", check: never_touched },
    Rule { id: "allocator-metadata", check: metadata },
    Rule { id: "thread-caches", check: thread_caches },
    Rule { id: "many-arenas", check: many_arenas },
];

const FRAGMENTATION: Threshold = Threshold { percent: 25.0, bytes: 64 * MIB };
const DIRTY_PAGES: Threshold = Threshold { percent: 25.0, bytes: 64 * MIB };
const MUZZY_PAGES: Threshold = Threshold { percent: 25.0, bytes: 64 * MIB };
const NEVER_TOUCHED: Threshold = Threshold { percent: 25.0, bytes: 64 * MIB };
const METADATA: Threshold = Threshold { percent: 10.0, bytes: 64 * MIB };
const THREAD_CACHES: Threshold = Threshold { percent: 25.0, bytes: 64 * MIB };
const BEYOND_ALLOCATED: Threshold = Threshold { percent: 25.0, bytes: 64 * MIB };

/// Most services without blocking work have fewer threads, on most machines.
const MANY_THREADS: u64 = 32;

/// By default, jemalloc creates four arenas per processor. Twice as many must have another cause.
const MANY_ARENAS_PER_CPU: u64 = 8;

fn fragmentation(report: &MemoryReport) -> Check {
    let active = active(report)?;
    let between = Counts::of_report(report).breakdown().fragmentation?;
    Ok(FRAGMENTATION.is_exceeded_in_process(report, between, active).then(|| {
        Finding::warning(
            format!("free space between live objects takes {}", share(between, active, "in active pages")),
            "long-lived objects keep mostly empty pages alive: use fewer arenas, which share pages better \
             (`_RJEM_MALLOC_CONF=narenas:N`), and allocate long-lived data together",
        )
    }))
}

fn dirty_pages(report: &MemoryReport) -> Check {
    let resident = resident(report)?;
    let dirty = allocator(report, "dirty_bytes", |allocator| allocator.dirty_bytes)?;
    if !DIRTY_PAGES.is_exceeded_in_process(report, dirty, resident) {
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
        format!("freed but not returned to the system: {}", share(dirty, resident, "resident in jemalloc")),
        format!(
            "{why}start the program with `_RJEM_MALLOC_CONF=background_thread:true,dirty_decay_ms:1000` (`MALLOC_CONF` \
             if jemalloc is built unprefixed); POST /purge returns them at once"
        ),
    )))
}

/// Only a notice: the kernel reclaims these pages before it kills anything in the container.
fn muzzy_pages(report: &MemoryReport) -> Check {
    let muzzy = Counts::of_report(report).breakdown().muzzy?;
    let resident = process(report, "resident_bytes", |process| process.resident_bytes)?;
    Ok(MUZZY_PAGES.is_exceeded_in_process(report, muzzy, resident).then(|| {
        Finding::notice(
            format!("freed, but resident until the kernel reclaims it: {}", share(muzzy, resident, "resident")),
            "these are jemalloc's muzzy pages: POST /purge returns them at once; `_RJEM_MALLOC_CONF=muzzy_decay_ms:0` \
             (`MALLOC_CONF` if jemalloc is built unprefixed), which is jemalloc's default, keeps none",
        )
    }))
}

/// Only a notice: memory that was never touched costs nothing yet.
fn never_touched(report: &MemoryReport) -> Check {
    let never_touched = Counts::of_report(report).breakdown().never_touched?;
    let jemalloc = resident(report)?;
    Ok(NEVER_TOUCHED.is_exceeded_in_process(report, never_touched, jemalloc).then(|| {
        Finding::notice(
            format!(
                "reserved but never touched: at least {} of the {} that jemalloc counts",
                Bytes(never_touched),
                Bytes(jemalloc)
            ),
            "the table counts it, resident memory does not: look for large rows that come from `with_capacity` or from \
             buffers; it becomes resident when it is written, so reserve less if that must not happen",
        )
    }))
}

fn metadata(report: &MemoryReport) -> Check {
    let (metadata, resident) = (metadata_bytes(report)?, resident(report)?);
    Ok(METADATA.is_exceeded_in_process(report, metadata, resident).then(|| {
        Finding::warning(
            format!("jemalloc's own data takes {}", share(metadata, resident, "resident in jemalloc")),
            "it grows with arenas, threads, small extents and samples: limit the arenas \
             (`_RJEM_MALLOC_CONF=narenas:N`) and the number of threads, or sample less (`lg_prof_sample`)",
        )
    }))
}

/// Each thread that allocates has a cache: free objects, and jemalloc's data about them.
fn thread_caches(report: &MemoryReport) -> Check {
    let parts = Counts::of_report(report).breakdown();
    let (free, own) = (parts.thread_caches?, parts.internal?);
    let threads = process(report, "threads", |process| process.threads)?;
    let resident = resident(report)?;
    let all = free.saturating_add(own);
    // A few threads cannot cause this. With few threads, the data belongs to the heap profile.
    let is_caches = threads > MANY_THREADS && free >= own / 4;
    Ok((is_caches && THREAD_CACHES.is_exceeded_in_process(report, all, resident)).then(|| {
        Finding::warning(
            format!(
                "jemalloc's caches for {} threads hold {}: {:.1} of free objects, {:.1} of jemalloc's own data",
                count(threads),
                share(all, resident, "resident in jemalloc"),
                Bytes(free),
                Bytes(own)
            ),
            "run fewer threads (tokio: `max_blocking_threads`, or a shorter `thread_keep_alive`), or make their \
             caches smaller: `_RJEM_MALLOC_CONF=tcache_max:4096` (`MALLOC_CONF` if jemalloc is built unprefixed) \
             caches no object above 4 KiB",
        )
    }))
}

fn many_arenas(report: &MemoryReport) -> Check {
    let arenas = allocator(report, "arenas", |allocator| allocator.arenas)?;
    let cpus = process(report, "cpus", |process| process.cpus)?;
    let (allocated, resident) = (allocated(report)?, resident(report)?);
    let beyond = resident.saturating_sub(allocated);
    let many = arenas > cpus.saturating_mul(MANY_ARENAS_PER_CPU);
    Ok((many && BEYOND_ALLOCATED.is_exceeded_in_process(report, beyond, resident)).then(|| {
        Finding::warning(
            format!(
                "{arenas} arenas for {cpus} processors hold {} beyond what is allocated",
                share(beyond, resident, "resident in jemalloc")
            ),
            // The collector's own arena and arenas that the program made come on top.
            format!(
                "jemalloc ignores the container's CPU limit when it creates arenas: start the program with \
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
    use crate::diagnosis::Severity;
    use crate::doctor::tests::{assert_not_checked, fired, is_silent, jemalloc};
    use crate::report::OptionValue;

    /// A report with these sizes in MiB: allocated, active, metadata and resident.
    fn sizes(allocated: u64, active: u64, metadata: u64, resident: u64) -> MemoryReport {
        jemalloc(|stats| {
            stats.allocated_bytes = Some(allocated * MIB);
            (stats.thread_cache_bytes, stats.internal_bytes) = (Some(0), Some(0));
            stats.sampled_pages_bytes = Some(0);
            stats.active_bytes = Some(active * MIB);
            stats.metadata_bytes = Some(metadata * MIB);
            stats.resident_bytes = Some(resident * MIB);
            stats.dirty_bytes = Some(resident.saturating_sub(active).saturating_sub(metadata) * MIB);
        })
    }

    #[test]
    fn fragmentation_must_exceed_a_share_and_a_size() {
        let verdict = fired(&sizes(100, 200, 0, 200), "fragmentation");
        assert_eq!(
            verdict.evidence,
            "free space between live objects takes 100.0 MiB of 200.0 MiB in active pages (50 %)"
        );
        assert!(is_silent(&sizes(900, 1000, 0, 1000), "fragmentation"), "10 %");
        assert!(is_silent(&sizes(16, 80, 0, 80), "fragmentation"), "64 MiB");
        let apart = sizes(200, 100, 0, 100);
        assert_not_checked(&apart, "fragmentation", "the parts are more than the whole");
    }

    #[test]
    fn dirty_pages_must_exceed_a_share_and_a_size() {
        let verdict = fired(&sizes(100, 100, 10, 210), "dirty-pages");
        assert_eq!(
            verdict.evidence,
            "freed but not returned to the system: 100.0 MiB of 210.0 MiB resident in jemalloc (48 %)"
        );
        assert!(verdict.advice.contains("`_RJEM_MALLOC_CONF=background_thread:true,dirty_decay_ms:1000`"));
        assert!(is_silent(&sizes(900, 900, 10, 1010), "dirty-pages"), "10 %");
        assert!(is_silent(&sizes(10, 10, 10, 84), "dirty-pages"), "64 MiB");
    }

    /// A report with these sizes in MiB: resident, anonymous, jemalloc's, its muzzy pages, and lazily freed memory.
    fn parts(resident: u64, anonymous: u64, jemalloc: u64, muzzy: u64, lazy_free: u64) -> MemoryReport {
        let mut report = sizes(10, 10, 0, jemalloc);
        report.allocator.as_mut().unwrap().muzzy_bytes = Some(muzzy * MIB);
        let process = report.process.as_mut().unwrap();
        process.resident_bytes = Some(resident * MIB);
        process.anonymous_bytes = Some(anonymous * MIB);
        process.lazy_free_bytes = Some(lazy_free * MIB);
        report
    }

    #[test]
    fn muzzy_pages_must_exceed_a_share_and_a_size_and_be_resident() {
        let verdict = fired(&parts(413, 410, 4, 406, 406), "muzzy-pages");
        assert_eq!(verdict.severity, Severity::Notice);
        assert_eq!(
            verdict.evidence,
            "freed, but resident until the kernel reclaims it: 406.0 MiB of 413.0 MiB resident (98 %)"
        );
        assert!(verdict.advice.contains("POST /purge") && verdict.advice.contains("muzzy_decay_ms:0"));
        assert!(is_silent(&parts(413, 410, 4, 406, 406), "memory-outside-jemalloc"), "it is jemalloc's");
        assert!(is_silent(&parts(413, 410, 4, 406, 10), "muzzy-pages"), "the kernel has taken them");
        assert!(is_silent(&parts(1000, 990, 4, 100, 100), "muzzy-pages"), "10 %");
        assert!(is_silent(&parts(600, 590, 4, 64, 64), "muzzy-pages"), "64 MiB");
        fired(&parts(100, 90, 4, 64, 64), "muzzy-pages");
    }

    #[test]
    fn never_touched_memory_must_exceed_a_share_and_a_size_and_excludes_swapped_memory() {
        let verdict = fired(&parts(14, 9, 2048, 0, 0), "never-touched");
        assert_eq!(
            verdict.evidence,
            "reserved but never touched: at least 1.99 GiB of the 2.00 GiB that jemalloc counts"
        );
        assert_eq!(verdict.severity, Severity::Notice);
        assert!(is_silent(&parts(900, 900, 1000, 0, 0), "never-touched"), "10 %");
        assert!(is_silent(&parts(6, 6, 10, 0, 0), "never-touched"), "4 MiB");
        let mut swapped = parts(14, 9, 2048, 0, 0);
        swapped.process.as_mut().unwrap().swap_bytes = Some(2000 * MIB);
        assert!(is_silent(&swapped, "never-touched"), "what was swapped out was touched");
    }

    #[test]
    fn advice_for_dirty_pages_depends_on_the_settings() {
        let mut report = sizes(100, 100, 10, 210);
        assert!(fired(&report, "dirty-pages").advice.starts_with("without background threads, "));
        report.allocator.as_mut().unwrap().background_threads = Some(true);
        assert!(fired(&report, "dirty-pages").advice.starts_with("start the program with "));
        let options = &mut report.allocator.as_mut().unwrap().options;
        options.insert("opt.dirty_decay_ms".into(), OptionValue::Number(-1));
        assert!(fired(&report, "dirty-pages").advice.starts_with("`opt.dirty_decay_ms` is -1, "));
    }

    #[test]
    fn metadata_must_exceed_a_share_and_a_size() {
        let verdict = fired(&sizes(100, 100, 100, 200), "allocator-metadata");
        assert_eq!(
            verdict.evidence,
            "jemalloc's own data takes 100.0 MiB of 200.0 MiB resident in jemalloc (50 %)"
        );
        assert!(is_silent(&sizes(900, 900, 100, 1000), "allocator-metadata"), "10 %");
        assert!(is_silent(&sizes(10, 10, 64, 74), "allocator-metadata"), "64 MiB");
    }

    /// A file server with 487 blocking threads: free objects, jemalloc's data that counts as allocated, threads.
    fn cached(free: u64, internal: u64, threads: u64) -> MemoryReport {
        let mut report = sizes(27, 30, 22, 46);
        let stats = report.allocator.as_mut().unwrap();
        (stats.thread_cache_bytes, stats.internal_bytes) = (Some(free * MIB), Some(internal * MIB));
        let process = report.process.as_mut().unwrap();
        (process.resident_bytes, process.threads) = (Some(48 * MIB), Some(threads));
        report
    }

    #[test]
    fn caches_of_many_threads_are_reported_with_advice_to_shrink_them() {
        let verdict = fired(&cached(13, 9, 487), "thread-caches");
        assert_eq!(
            verdict.evidence,
            "jemalloc's caches for 487 threads hold 22.0 MiB of 46.0 MiB resident in jemalloc (48 %): 13.0 MiB of free \
             objects, 9.0 MiB of jemalloc's own data"
        );
        assert!(
            verdict.advice.contains("`max_blocking_threads`") && verdict.advice.contains("tcache_max:4096")
        );
        fired(&cached(13, 9, 487), "allocator-metadata");
        assert!(is_silent(&cached(13, 9, 487), "fragmentation"));
        assert!(is_silent(&cached(13, 9, 32), "thread-caches"), "few threads");
        assert!(is_silent(&cached(8, 3, 487), "thread-caches"), "24 %");
        assert!(is_silent(&cached(1, 21, 487), "thread-caches"), "the profile's data, not the caches' data");
        let mut silent = cached(13, 9, 487);
        silent.allocator.as_mut().unwrap().internal_bytes = None;
        assert_not_checked(&silent, "thread-caches", "allocator.internal_bytes was not collected");
    }

    #[test]
    fn pages_of_sampled_objects_do_not_count_as_fragmentation() {
        let mut report = sizes(100, 200, 0, 200);
        fired(&report, "fragmentation");
        report.allocator.as_mut().unwrap().sampled_pages_bytes = Some(80 * MIB);
        assert!(is_silent(&report, "fragmentation"));
    }

    #[test]
    fn many_arenas_must_exceed_a_share_and_a_size() {
        let arenas = |arenas, mut report: MemoryReport| {
            report.allocator.as_mut().unwrap().arenas = Some(arenas);
            report
        };
        let verdict = fired(&arenas(257, sizes(100, 120, 10, 200)), "many-arenas");
        assert!(verdict.evidence.starts_with("257 arenas for 4 processors hold 100.0 MiB of 200.0 MiB "));
        assert!(verdict.advice.contains("`_RJEM_MALLOC_CONF=narenas:16`"), "{}", verdict.advice);
        assert!(is_silent(&arenas(32, sizes(100, 120, 10, 200)), "many-arenas"), "eight per processor");
        assert!(is_silent(&arenas(257, sizes(900, 900, 10, 1000)), "many-arenas"), "10 %");
        assert!(is_silent(&arenas(257, sizes(10, 10, 10, 74)), "many-arenas"), "64 MiB");
        let mut unknown = arenas(257, sizes(100, 120, 10, 200));
        unknown.process.as_mut().unwrap().cpus = None;
        assert_not_checked(&unknown, "many-arenas", "process.cpus was not collected");
    }

    #[test]
    fn a_rule_without_its_number_is_not_checked() {
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
        missing(jemalloc(|stats| stats.active_bytes = None), &["fragmentation"], "active_bytes");
        missing(jemalloc(|stats| stats.metadata_bytes = None), &["allocator-metadata"], "metadata_bytes");
        missing(
            jemalloc(|stats| stats.resident_bytes = None),
            &["allocator-metadata", "dirty-pages", "many-arenas", "never-touched", "thread-caches"],
            "resident_bytes",
        );
        missing(jemalloc(|stats| stats.dirty_bytes = None), &["dirty-pages"], "dirty_bytes");
        missing(jemalloc(|stats| stats.arenas = None), &["many-arenas"], "arenas");
        missing(jemalloc(|stats| stats.muzzy_bytes = None), &["muzzy-pages", "never-touched"], "muzzy_bytes");
    }
}
