//! Rules about sampling: whether jemalloc samples, and whether its rate fits the heap.

use super::rule::{Check, Finding, MIB, Rule, Threshold, allocator, floor, number, share, switch};
use crate::report::{MemoryReport, NOT_JEMALLOC};
use crate::units::{Bytes, count};
use crate::unwinder::Unwinder;

pub(super) const RULES: &[Rule] = &[
    Rule { id: "allocator-not-jemalloc", check: allocator_not_jemalloc },
    Rule { id: "profiling-not-compiled", check: not_compiled },
    Rule { id: "profiling-not-enabled", check: not_enabled },
    Rule { id: "profiling-inactive", check: inactive },
    Rule { id: "profiling-enabled-late", check: enabled_late },
    Rule { id: "sample-rate-too-coarse", check: too_coarse },
    Rule { id: "sample-rate-too-fine", check: too_fine },
    Rule { id: "sampling-with-large-pages", check: large_pages },
    Rule { id: "unwinder-slow", check: slow_unwinder },
];

/// With fewer samples of the whole heap, its parts are too uncertain: 100 samples give ±10 % of the total.
const FEW_SAMPLES: u64 = 100;

/// A smaller heap is not worth a finer rate.
const SMALL_HEAP_BYTES: u64 = 16 * MIB;

/// The most that pages for sampled objects may cost, by estimate.
const SAMPLE_COST: Threshold = Threshold { percent: 10.0, bytes: 64 * MIB };

/// The most that pages of sampled objects may take of all active pages, as measured.
const SAMPLED_PAGES: Threshold = Threshold { percent: 25.0, bytes: 64 * MIB };

/// At this rate or a denser one, the time of libgcc is worth a notice.
const DENSE_SAMPLE_BYTES: u64 = 128 << 10;

/// Fewer walks that were not confirmed are usual: the first walk of each thread and of each new call never is.
const MANY_FALLBACKS: u64 = 10_000;

/// jemalloc's page size nearly everywhere. A rate that is too fine with this size is too fine with any.
const USUAL_PAGE_BYTES: u64 = 4096;

/// With pages of this size or larger, the usual rate of one sample per 512 KiB is expensive.
const LARGE_PAGE_BYTES: u64 = 64 << 10;
const LARGE_PAGE_SAMPLE_BYTES: u64 = 2 * MIB;
const LARGE_PAGE_COST_BYTES: u64 = 64 * MIB;

fn allocator_not_jemalloc(report: &MemoryReport) -> Check {
    match (&report.allocator, report.unavailable.get("allocator")) {
        (Some(_), _) => Ok(None),
        (None, Some(NOT_JEMALLOC)) => Ok(Some(Finding::warning(
            "the program's allocations do not reach jemalloc, so neither allocator statistics nor types are known",
            "add `memory_debug_axum::install!();` (or `install!` of the memory-debug crate that you use) to \
             main.rs, outside any function, in place of any other `#[global_allocator]`",
        ))),
        (None, Some(reason)) => Err(reason.to_owned()),
        (None, None) => Err("allocator was not collected".into()),
    }
}

fn not_compiled(report: &MemoryReport) -> Check {
    Ok((!is_compiled(report)?).then(|| {
        Finding::warning(
            "jemalloc was built without its heap profiler, so no types are known",
            "in Cargo.toml: `tikv-jemallocator = { version = \"0.7\", features = [\"profiling\"] }`; a jemalloc from \
             `JEMALLOC_OVERRIDE` must be configured with `--enable-prof`",
        )
    }))
}

fn not_enabled(report: &MemoryReport) -> Check {
    if !is_compiled(report)? {
        return Err("this jemalloc was built without profiling".into());
    }
    Ok((!is_enabled(report)?).then(|| {
        Finding::warning(
            "heap profiling was off at the start (opt.prof is false) and cannot be turned on later",
            "use `install!();`, or start the program with `_RJEM_MALLOC_CONF=prof:true,prof_active:true` \
             (`MALLOC_CONF` if jemalloc is built unprefixed)",
        )
    }))
}

fn inactive(report: &MemoryReport) -> Check {
    if !is_enabled(report)? {
        return Err("heap profiling was not enabled at the start".into());
    }
    Ok((!is_active(report)?).then(|| {
        Finding::warning(
            "heap profiling is enabled but not active (prof.active is false): nothing is sampled",
            "to sample for five minutes, PUT `{\"active\":true,\"for_seconds\":300}` to /profiling; to sample from \
             the start, use `install!();` without `profiling = on_demand`, or \
             `_RJEM_MALLOC_CONF=prof:true,prof_active:true`",
        )
    }))
}

fn enabled_late(report: &MemoryReport) -> Check {
    require_active(report)?;
    Ok((!switch(report, "opt.prof_active")?).then(|| {
        Finding::notice(
            "sampling is on now but was off at the start (opt.prof_active is false): no row shows what was allocated \
             before",
            "to see everything, sample from the start: `install!();` without `profiling = on_demand`, or \
             `_RJEM_MALLOC_CONF=prof:true,prof_active:true`",
        )
    }))
}

fn too_coarse(report: &MemoryReport) -> Check {
    let (allocated, rate) = heap_and_rate(report)?;
    let samples = allocated.checked_div(rate).unwrap_or(u64::MAX);
    if samples >= FEW_SAMPLES || allocated < floor(report, SMALL_HEAP_BYTES) {
        return Ok(None);
    }
    let lg = (allocated / (2 * FEW_SAMPLES)).max(1).ilog2();
    Ok(Some(Finding::notice(
        format!(
            "one sample per {:.0} in a heap of {:.1}: about {} samples in total",
            Bytes(rate),
            Bytes(allocated),
            count(samples)
        ),
        format!("sample more: `install!(lg_prof_sample = {lg});` or `_RJEM_MALLOC_CONF=lg_prof_sample:{lg}`"),
    )))
}

fn too_fine(report: &MemoryReport) -> Check {
    let (allocated, rate) = heap_and_rate(report)?;
    let pages = too_many_pages(report);
    if pages.is_none() && !is_too_fine(report, allocated, rate) {
        return Ok(None);
    }
    let pages = pages.map_or_else(String::new, |pages| format!("; these pages take {pages}"));
    let rate = match rate {
        0 | 1 => "every allocation is recorded".to_owned(),
        _ => format!("one sample per {:.0}", Bytes(rate)),
    };
    Ok(Some(Finding::notice(
        format!(
            "{rate} in a heap of {:.1}: each sampled object, however small, takes time and a page of its own{pages}",
            Bytes(allocated)
        ),
        "if that is too slow or too large, sample less: `install!();` or `_RJEM_MALLOC_CONF=lg_prof_sample:19`",
    )))
}

fn large_pages(report: &MemoryReport) -> Check {
    let (allocated, rate) = heap_and_rate(report)?;
    let page = u64::try_from(number(report, "arenas.page")?).map_err(|_| "arenas.page is negative")?;
    let cost = cost_of_samples(allocated, rate, page);
    let dear = page >= LARGE_PAGE_BYTES
        && rate < LARGE_PAGE_SAMPLE_BYTES
        && cost > floor(report, LARGE_PAGE_COST_BYTES);
    // A rate that is too fine with any page size is reported by the other rule.
    if !dear || is_too_fine(report, allocated, rate) {
        return Ok(None);
    }
    Ok(Some(Finding::warning(
        format!(
            "a jemalloc page is {:.0}, and each sampled object takes one: at one sample per {:.0}, that is up to \
             {:.1} for a heap of {:.1}",
            Bytes(page),
            Bytes(rate),
            Bytes(cost),
            Bytes(allocated)
        ),
        "sample less: `install!(lg_prof_sample = 21);` or `_RJEM_MALLOC_CONF=lg_prof_sample:21`; if the kernel's \
         pages are 4 KiB, build with `JEMALLOC_SYS_WITH_LG_PAGE=12`",
    )))
}

fn slow_unwinder(report: &MemoryReport) -> Check {
    let (_, rate) = heap_and_rate(report)?;
    let state = allocator(report, "profiling.unwinder", |allocator| allocator.profiling.unwinder.clone())?;
    let is_slow = match state.name {
        Unwinder::Libgcc => rate <= DENSE_SAMPLE_BYTES || state.not_switched.is_some(),
        Unwinder::FramePointers => state.fell_back > state.walked.max(MANY_FALLBACKS),
    };
    Ok(is_slow.then(|| {
        Finding::notice(
            format!("one sample per {:.0}, and libgcc takes 1 to 15 µs for a stack; unwinder: {state}", Bytes(rate)),
            "for a tenth of that, build the program and its C code with frame pointers (`RUSTFLAGS=\"-C \
             force-frame-pointers=yes\"`, `CFLAGS=-fno-omit-frame-pointer`) and use `install!(unwinder = frame_pointers);`",
        )
    }))
}

fn is_compiled(report: &MemoryReport) -> Result<bool, String> {
    allocator(report, "profiling.compiled", |allocator| allocator.profiling.compiled)
}

fn is_enabled(report: &MemoryReport) -> Result<bool, String> {
    allocator(report, "profiling.enabled", |allocator| allocator.profiling.enabled)
}

fn is_active(report: &MemoryReport) -> Result<bool, String> {
    allocator(report, "profiling.active", |allocator| allocator.profiling.active)
}

fn require_active(report: &MemoryReport) -> Result<(), String> {
    if is_active(report)? { Ok(()) } else { Err("heap profiling is not active".into()) }
}

/// Allocated bytes, and bytes per sample.
fn heap_and_rate(report: &MemoryReport) -> Result<(u64, u64), String> {
    require_active(report)?;
    let allocated = allocator(report, "allocated_bytes", |allocator| allocator.allocated_bytes)?;
    let rate = allocator(report, "profiling.sample_bytes", |allocator| allocator.profiling.sample_bytes)?;
    Ok((allocated, rate))
}

fn is_too_fine(report: &MemoryReport, allocated: u64, rate: u64) -> bool {
    SAMPLE_COST.is_exceeded(report, cost_of_samples(allocated, rate, USUAL_PAGE_BYTES), allocated)
}

/// Text about the pages of sampled objects, if they are a large part of jemalloc's active pages.
fn too_many_pages(report: &MemoryReport) -> Option<String> {
    let pages = allocator(report, "sampled_pages_bytes", |allocator| allocator.sampled_pages_bytes).ok()?;
    let active = allocator(report, "active_bytes", |allocator| allocator.active_bytes).ok()?;
    let is_much = SAMPLED_PAGES.is_exceeded_in_process(report, pages, active);
    is_much.then(|| share(pages, active, "in active pages"))
}

/// Upper bound of the pages of sampled objects, as if all objects were small. It never exceeds the heap, because a
/// rate near the size of the objects samples each object at most once.
fn cost_of_samples(allocated: u64, rate: u64, page: u64) -> u64 {
    // `as` saturates, also from infinity.
    let cost = (allocated as f64 * page as f64 / rate.max(1) as f64) as u64;
    cost.min(allocated)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::diagnosis::Severity;
    use crate::doctor::diagnose;
    use crate::doctor::healthy;
    use crate::doctor::tests::{assert_not_checked, fired, is_silent, jemalloc};
    use crate::report::OptionValue;

    fn heap(allocated: u64, rate: u64) -> MemoryReport {
        jemalloc(|stats| {
            stats.allocated_bytes = Some(allocated);
            stats.profiling.sample_bytes = Some(rate);
        })
    }

    fn with_page(mut report: MemoryReport, page: i64) -> MemoryReport {
        let stats = report.allocator.as_mut().unwrap();
        stats.options.insert("arenas.page".into(), OptionValue::Number(page));
        report
    }

    #[test]
    fn another_allocator_is_reported_with_the_line_to_add() {
        let mut report = healthy::report();
        report.allocator = None;
        report.unavailable.note("allocator", NOT_JEMALLOC);
        let verdict = fired(&report, "allocator-not-jemalloc");
        assert_eq!(verdict.severity, Severity::Warning);
        assert!(verdict.advice.contains("`memory_debug_axum::install!();`"));
        assert_not_checked(&report, "profiling-inactive", NOT_JEMALLOC);
    }

    #[test]
    fn an_allocator_that_was_not_collected_is_not_reported_as_foreign() {
        let mut report = healthy::report();
        report.allocator = None;
        assert_not_checked(&report, "allocator-not-jemalloc", "allocator was not collected");
        report.unavailable.note("allocator", "no jemalloc: built without feature `jemalloc`");
        assert_not_checked(
            &report,
            "allocator-not-jemalloc",
            "no jemalloc: built without feature `jemalloc`",
        );
    }

    #[test]
    fn only_the_first_missing_requirement_of_a_profile_is_reported() {
        let profiling = |compiled, enabled, active| {
            jemalloc(|stats| {
                let profiling = &mut stats.profiling;
                (profiling.compiled, profiling.enabled, profiling.active) = (compiled, enabled, active);
                profiling.sample_bytes = None;
            })
        };
        for (report, id, advice) in [
            (profiling(Some(false), Some(false), Some(false)), "profiling-not-compiled", "\"profiling\""),
            (
                profiling(Some(true), Some(false), Some(false)),
                "profiling-not-enabled",
                "prof:true,prof_active:true",
            ),
            (profiling(Some(true), Some(true), Some(false)), "profiling-inactive", "to /profiling"),
        ] {
            let ids: Vec<_> = diagnose(&report).verdicts.into_iter().map(|verdict| verdict.id).collect();
            assert_eq!(ids, [id]);
            assert!(fired(&report, id).advice.contains(advice));
            assert_not_checked(&report, "sample-rate-too-coarse", "heap profiling is not active");
        }
        let unknown = profiling(None, None, None);
        for id in ["profiling-not-compiled", "profiling-not-enabled", "profiling-inactive"] {
            assert!(diagnose(&unknown).not_checked.iter().any(|rule| rule.id == id), "{id}");
        }
    }

    #[test]
    fn sampling_that_began_late_is_a_notice() {
        let mut report = healthy::report();
        let set = |report: &mut MemoryReport, value| {
            report.allocator.as_mut().unwrap().options.insert("opt.prof_active".into(), value)
        };
        set(&mut report, OptionValue::Bool(false));
        assert_eq!(fired(&report, "profiling-enabled-late").severity, Severity::Notice);
        report.allocator.as_mut().unwrap().options.remove("opt.prof_active");
        let missing = "allocator.options.opt.prof_active was not collected";
        assert_not_checked(&report, "profiling-enabled-late", missing);
    }

    #[test]
    fn a_coarse_rate_is_reported_for_few_samples_of_a_large_enough_heap() {
        let verdict = fired(&heap(32 * MIB, 512 << 10), "sample-rate-too-coarse");
        assert_eq!(
            verdict.evidence,
            "one sample per 512 KiB in a heap of 32.0 MiB: about 64 samples in total"
        );
        assert!(verdict.advice.contains("`install!(lg_prof_sample = 17);`"), "{}", verdict.advice);
        assert!(is_silent(&heap(50 * MIB, 512 << 10), "sample-rate-too-coarse"), "100 samples");
        assert!(is_silent(&heap(15 * MIB, 512 << 10), "sample-rate-too-coarse"), "a small heap");
        let unknown = jemalloc(|stats| stats.allocated_bytes = None);
        assert_not_checked(&unknown, "sample-rate-too-coarse", "allocator.allocated_bytes was not collected");
    }

    #[test]
    fn a_fine_rate_must_exceed_a_share_of_a_large_enough_heap() {
        let verdict = fired(&heap(1 << 30, 16 << 10), "sample-rate-too-fine");
        assert!(verdict.evidence.starts_with("one sample per 16 KiB in a heap of 1.0 GiB"));
        assert!(fired(&heap(1 << 30, 1), "sample-rate-too-fine").evidence.starts_with("every allocation"));
        assert!(is_silent(&heap(1 << 40, 64 << 10), "sample-rate-too-fine"), "6 % of pages");
        assert!(is_silent(&heap(64 * MIB, 1), "sample-rate-too-fine"), "a small heap");
        let pages = jemalloc(|stats| {
            (stats.active_bytes, stats.sampled_pages_bytes) = (Some(160 * MIB), Some(80 * MIB));
        });
        let evidence = fired(&pages, "sample-rate-too-fine").evidence;
        assert!(
            evidence.ends_with("; these pages take 80.0 MiB of 160.0 MiB in active pages (50 %)"),
            "{evidence}"
        );
        let unknown = jemalloc(|stats| stats.profiling.sample_bytes = None);
        assert_not_checked(
            &unknown,
            "sample-rate-too-fine",
            "allocator.profiling.sample_bytes was not collected",
        );
    }

    #[test]
    fn large_pages_are_reported_at_the_usual_rate_in_a_large_enough_heap() {
        let id = "sampling-with-large-pages";
        let verdict = fired(&with_page(heap(1 << 30, 512 << 10), 65536), id);
        assert!(verdict.evidence.contains("up to 128.0 MiB for a heap of 1.0 GiB"), "{}", verdict.evidence);
        assert!(is_silent(&with_page(heap(1 << 40, 2 * MIB), 65536), id), "a coarse rate");
        assert!(is_silent(&with_page(heap(1 << 40, 512 << 10), 16384), id), "smaller pages");
        assert!(
            is_silent(&with_page(heap(512 * MIB, 512 << 10), 65536), id),
            "64 MiB is not more than 64 MiB"
        );
        let both = with_page(heap(1 << 30, 16 << 10), 65536);
        assert!(is_silent(&both, id), "the other rule reports it");
        fired(&both, "sample-rate-too-fine");
        let unknown = jemalloc(|stats| drop(stats.options.remove("arenas.page")));
        assert_not_checked(&unknown, id, "allocator.options.arenas.page was not collected");
    }

    #[test]
    fn libgcc_is_reported_if_sampling_is_dense_or_another_unwinder_was_asked_for() {
        let with = |rate, name, reason: Option<&str>, walked, fell_back| {
            jemalloc(|stats| {
                stats.profiling.sample_bytes = Some(rate);
                let unwinder = stats.profiling.unwinder.as_mut().unwrap();
                (unwinder.name, unwinder.not_switched) = (name, reason.map(str::to_owned));
                (unwinder.walked, unwinder.fell_back) = (walked, fell_back);
            })
        };
        let verdict = fired(&with(128 << 10, Unwinder::Libgcc, None, 0, 0), "unwinder-slow");
        assert_eq!(verdict.severity, Severity::Notice);
        assert_eq!(
            verdict.evidence,
            "one sample per 128 KiB, and libgcc takes 1 to 15 µs for a stack; unwinder: libgcc"
        );
        assert!(verdict.advice.contains("`install!(unwinder = frame_pointers);`"), "{}", verdict.advice);
        assert!(is_silent(&with(256 << 10, Unwinder::Libgcc, None, 0, 0), "unwinder-slow"));
        let reason = Some("no frame pointers");
        let verdict = fired(&with(512 << 10, Unwinder::Libgcc, reason, 0, 0), "unwinder-slow");
        assert!(verdict.evidence.ends_with("unwinder: libgcc: no frame pointers"), "{}", verdict.evidence);
        let walks = |walked, fell_back| with(128 << 10, Unwinder::FramePointers, None, walked, fell_back);
        assert!(is_silent(&walks(0, MANY_FALLBACKS), "unwinder-slow"), "just started");
        assert!(is_silent(&walks(20_000, 20_000), "unwinder-slow"), "half of them");
        let verdict = fired(&walks(19_000, 20_000), "unwinder-slow");
        assert!(verdict.evidence.ends_with("unwinder: frame pointers: 19,000 stacks, and 20,000 by libgcc"));
        let unknown = jemalloc(|stats| stats.profiling.unwinder = None);
        assert_not_checked(&unknown, "unwinder-slow", "allocator.profiling.unwinder was not collected");
    }
}
