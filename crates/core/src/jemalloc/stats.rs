//! jemalloc's statistics and settings.

use std::collections::BTreeMap;

use memory_debug_report::{AllocatorStats, OptionValue, ProfilingState, Unavailable};

use super::detail::{Own, read_own};
use super::sampled_pages::read_sampled_pages;
use crate::mallctl::{self, Error};

/// Reads all numbers of one epoch. Takes jemalloc's control lock and every arena's statistics lock for a moment.
pub(crate) fn read_stats(profiling: ProfilingState, unavailable: &mut Unavailable) -> AllocatorStats {
    // `stats.*` keep their old values until the epoch advances. Any value advances it.
    let epoch = mallctl::EPOCH.write(1);
    let own = epoch.clone().and_then(|()| read_own());
    let sampled_pages = epoch.clone().and_then(|()| read_sampled_pages());
    let stat = |key: mallctl::Key<usize>| epoch.clone().and_then(|()| Ok(key.read()? as u64));
    let of_own = |value: fn(&Own) -> u64| own.as_ref().map(value).map_err(Clone::clone);
    let mut keep =
        |name: &str, measured: Result<u64, Error>| unavailable.keep(&format!("allocator.{name}"), measured);
    let mut stats = AllocatorStats::default();
    stats.name = "jemalloc".into();
    stats.allocated_bytes = keep("allocated_bytes", stat(mallctl::STATS_ALLOCATED));
    stats.active_bytes = keep("active_bytes", stat(mallctl::STATS_ACTIVE));
    stats.metadata_bytes = keep("metadata_bytes", stat(mallctl::STATS_METADATA));
    stats.resident_bytes = keep("resident_bytes", stat(mallctl::STATS_RESIDENT));
    stats.mapped_bytes = keep("mapped_bytes", stat(mallctl::STATS_MAPPED));
    stats.retained_bytes = keep("retained_bytes", stat(mallctl::STATS_RETAINED));
    stats.dirty_bytes = keep("dirty_bytes", of_own(|own| own.dirty_bytes));
    stats.muzzy_bytes = keep("muzzy_bytes", of_own(|own| own.muzzy_bytes));
    stats.thread_cache_bytes = keep("thread_cache_bytes", of_own(|own| own.thread_cache_bytes));
    stats.internal_bytes = keep("internal_bytes", of_own(|own| own.internal_bytes));
    stats.sampled_pages_bytes = keep("sampled_pages_bytes", sampled_pages);
    stats.version = unavailable.keep("allocator.version", mallctl::VERSION.read().map(short_version));
    stats.arenas = unavailable.keep("allocator.arenas", mallctl::ARENAS_COUNT.read()).map(u64::from);
    stats.background_threads =
        unavailable.keep("allocator.background_threads", mallctl::BACKGROUND_THREAD.read());
    stats.options = options(unavailable);
    stats.profiling = profiling;
    stats
}

/// Shortens `5.3.1-0-g81034ce1f1373e37dc865038e1bc8eeecf559ce8` to `5.3.1`.
fn short_version(version: String) -> String {
    version.split('-').next().unwrap_or_default().to_owned()
}

fn options(unavailable: &mut Unavailable) -> BTreeMap<String, OptionValue> {
    let settings: [(&str, Result<OptionValue, Error>); 14] = [
        ("arenas.page", mallctl::ARENAS_PAGE.read().map(OptionValue::from)),
        ("opt.background_thread", mallctl::OPT_BACKGROUND_THREAD.read().map(OptionValue::Bool)),
        ("opt.dirty_decay_ms", mallctl::OPT_DIRTY_DECAY_MS.read().map(OptionValue::from)),
        ("opt.lg_prof_sample", mallctl::OPT_LG_PROF_SAMPLE.read().map(OptionValue::from)),
        ("opt.muzzy_decay_ms", mallctl::OPT_MUZZY_DECAY_MS.read().map(OptionValue::from)),
        ("opt.narenas", mallctl::OPT_NARENAS.read().map(|arenas| OptionValue::Number(arenas.into()))),
        ("opt.percpu_arena", mallctl::OPT_PERCPU_ARENA.read().map(OptionValue::Text)),
        ("opt.prof_accum", mallctl::OPT_PROF_ACCUM.read().map(OptionValue::Bool)),
        ("opt.prof_active", mallctl::OPT_PROF_ACTIVE.read().map(OptionValue::Bool)),
        ("opt.prof_final", mallctl::OPT_PROF_FINAL.read().map(OptionValue::Bool)),
        ("opt.prof_sys_thread_name", mallctl::OPT_PROF_SYS_THREAD_NAME.read().map(OptionValue::Bool)),
        ("opt.retain", mallctl::OPT_RETAIN.read().map(OptionValue::Bool)),
        ("opt.tcache", mallctl::OPT_TCACHE.read().map(OptionValue::Bool)),
        ("opt.thp", mallctl::OPT_THP.read().map(OptionValue::Text)),
    ];
    settings
        .into_iter()
        .filter_map(|(name, value)| {
            let value = unavailable.keep(&format!("allocator.options.{name}"), value)?;
            Some((name.to_owned(), value))
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_version_is_three_numbers() {
        assert_eq!(short_version("5.3.1-0-g81034ce1f137".into()), "5.3.1");
        assert_eq!(short_version("0.0.0".into()), "0.0.0");
    }

    #[cfg(not(feature = "jemalloc"))]
    #[test]
    fn without_jemalloc_every_value_has_a_reason() {
        let mut unavailable = Unavailable::default();
        let stats = read_stats(ProfilingState::default(), &mut unavailable);
        assert_eq!((stats.allocated_bytes, stats.options.len()), (None, 0));
        let reason = unavailable.get("allocator.allocated_bytes").unwrap();
        assert_eq!(reason, "mallctl epoch: built without feature `jemalloc`");
    }
}
