//! Returns unused memory to the system, on request.

use std::path::Path;
use std::time::{Instant, SystemTime};

use memory_debug_report::{Error, ErrorKind, ProfilingState, PurgeMoment, PurgeReport, Unavailable};

use crate::collect::Collector;
use crate::jemalloc;
use crate::kernel_file;
use crate::timestamp;

impl Collector {
    /// Returns the allocator's unused pages to the system, and reports what changed.
    ///
    /// Purges the dirty and muzzy pages of all arenas at once, regardless of decay times. Using a purged page again
    /// costs a page fault. A purge takes a moment for each gigabyte. Threads that need fresh pages from an arena wait
    /// while the arena is purged. Call it on a thread made by [`spawn_collecting`](crate::spawn_collecting).
    ///
    /// # Errors
    ///
    /// If the global allocator is not jemalloc, or jemalloc refused. In the first case, the message has the line that
    /// makes jemalloc the allocator.
    pub fn purge(&self) -> Result<PurgeReport, Error> {
        jemalloc::global_allocator().map_err(|reason| Error::new(ErrorKind::Allocator, reason))?;
        let proc = Path::new("/proc");
        let mut unavailable = Unavailable::default();
        let instance = self.instance(proc, &mut unavailable);
        let purged_at = timestamp::millis(SystemTime::now());
        let (before, background_threads) = moment(proc, "before", &mut unavailable);
        let begin = Instant::now();
        jemalloc::purge().map_err(|error| Error::of(ErrorKind::Allocator, error))?;
        let purge_us = u64::try_from(begin.elapsed().as_micros()).unwrap_or(u64::MAX);
        let (after, _) = moment(proc, "after", &mut unavailable);
        let returned = change(before.resident_bytes, after.resident_bytes);
        let mut report = PurgeReport::new(instance, purged_at, before, after);
        report.purge_us = purge_us;
        report.returned_bytes = unavailable.keep("returned_bytes", returned);
        report.background_threads = background_threads;
        report.unavailable = unavailable;
        Ok(report)
    }
}

fn change(before: Option<u64>, after: Option<u64>) -> Result<i64, &'static str> {
    let (before, after) = before.zip(after).ok_or("resident memory is unknown")?;
    i64::try_from(i128::from(before) - i128::from(after)).map_err(|_| "out of range")
}

/// The current numbers, with reasons under `name`, and whether there are background threads.
fn moment(proc: &Path, name: &str, unavailable: &mut Unavailable) -> (PurgeMoment, Option<bool>) {
    let status = kernel_file::read_proc(proc, "self/status");
    let of_status =
        |key: &str| status.as_deref().map_err(String::clone).and_then(|text| kernel_file::size(text, key));
    let rollup = kernel_file::read_proc(proc, "self/smaps_rollup");
    let lazy_free = rollup.and_then(|text| kernel_file::size(&text, "LazyFree"));
    let mut reasons = Unavailable::default();
    let stats = jemalloc::read_stats(ProfilingState::default(), &mut reasons);
    let own = jemalloc::read_own();
    let told = |key: &str, value: Option<u64>| {
        let reason =
            || reasons.get(&format!("allocator.{key}")).unwrap_or("jemalloc does not report it").to_owned();
        value.ok_or_else(reason)
    };
    let of_own = |value: fn(&jemalloc::Own) -> u64| own.as_ref().map(value).map_err(ToString::to_string);
    let mut keep = |key: &str, value| unavailable.keep(&format!("{name}.{key}"), value);
    let mut moment = PurgeMoment::default();
    moment.resident_bytes = keep("resident_bytes", of_status("VmRSS"));
    moment.anonymous_bytes = keep("anonymous_bytes", of_status("RssAnon"));
    moment.allocator_resident_bytes =
        keep("allocator_resident_bytes", told("resident_bytes", stats.resident_bytes));
    moment.dirty_bytes = keep("dirty_bytes", of_own(|own| own.dirty_bytes));
    moment.muzzy_bytes = keep("muzzy_bytes", of_own(|own| own.muzzy_bytes));
    moment.lazy_free_bytes = keep("lazy_free_bytes", lazy_free);
    moment.retained_bytes = keep("retained_bytes", told("retained_bytes", stats.retained_bytes));
    moment.active_bytes = keep("active_bytes", told("active_bytes", stats.active_bytes));
    moment.allocated_bytes = keep("allocated_bytes", told("allocated_bytes", stats.allocated_bytes));
    moment.thread_cache_bytes = keep("thread_cache_bytes", of_own(|own| own.thread_cache_bytes));
    if stats.background_threads.is_none() {
        unavailable.note(
            "background_threads",
            reasons.get("allocator.background_threads").unwrap_or("jemalloc does not report it"),
        );
    }
    (moment, stats.background_threads)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn refuses_to_purge_another_allocator() {
        let error = Collector::new().purge().unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Allocator);
        assert_eq!(error.to_string(), jemalloc::global_allocator().unwrap_err());
    }

    #[test]
    fn returned_bytes_have_a_sign() {
        assert_eq!(change(Some(9), Some(2)), Ok(7));
        assert_eq!(change(Some(2), Some(9)), Ok(-7));
        assert!(change(None, Some(9)).is_err());
    }
}
