//! Divides resident memory into parts, from the kernel's numbers and jemalloc's.

use crate::report::{AllocatorStats, MemoryReport, ProcessMemory};
use crate::unavailable::Unavailable;

/// A number, or why it is unknown.
type Number = Result<u64, String>;

/// Counts by the kernel and by jemalloc. A page of jemalloc is resident anonymous memory, is swapped out, or was
/// never touched.
#[derive(Clone, Debug)]
pub struct Counts {
    /// Kernel: all resident memory of the process (`VmRSS`).
    pub resident: Number,
    /// Kernel: anonymous part of `resident` (`RssAnon`).
    pub anonymous: Number,
    /// Kernel: mapped files in `resident` (`RssFile`).
    pub file: Number,
    /// Kernel: shared memory in `resident` (`RssShmem`).
    pub shared: Number,
    /// Kernel: anonymous memory that was swapped out, and so is not resident (`VmSwap`).
    pub swap: Number,
    /// Kernel: the part of `anonymous` that may be reclaimed without swapping (`LazyFree`).
    pub lazy_free: Number,
    /// jemalloc: `stats.allocated`.
    pub allocated: Number,
    /// jemalloc: `stats.active`.
    pub active: Number,
    /// jemalloc: unused pages, not yet returned (`pdirty`).
    pub dirty: Number,
    /// jemalloc: active, dirty and metadata pages, touched or not (`stats.resident`). Excludes muzzy pages.
    pub jemalloc: Number,
    /// jemalloc: pages that the kernel may already have reclaimed (`pmuzzy`).
    pub muzzy: Number,
    /// jemalloc: free objects in thread caches, a part of `allocated`.
    pub thread_caches: Number,
    /// jemalloc: its own data in `allocated`.
    pub internal: Number,
    /// jemalloc: pages that sampled small objects have to themselves; in `active`, but not in `allocated`.
    pub sampled_pages: Number,
}

/// Parts of resident memory. Resident memory is
/// `program + thread_caches + internal + sampled_pages + fragmentation + dirty + metadata + muzzy + outside - swapped -
/// never_touched`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Breakdown {
    /// Memory that the program holds, except small objects that were sampled.
    pub(crate) program: Number,
    /// Free objects in thread caches.
    pub(crate) thread_caches: Number,
    /// jemalloc's own data that it allocates as a program would.
    pub(crate) internal: Number,
    /// Pages of sampled small objects.
    pub(crate) sampled_pages: Number,
    /// Free space between live objects.
    pub(crate) fragmentation: Number,
    /// Unused pages that jemalloc keeps.
    pub(crate) dirty: Number,
    /// jemalloc's own data in its own pages.
    pub(crate) metadata: Number,
    /// Unused pages that the kernel may reclaim but has not yet.
    pub(crate) muzzy: Number,
    /// Resident memory outside jemalloc.
    pub(crate) outside: Number,
    /// Anonymous part of `outside`. A lower bound, because untouched jemalloc pages hide an equal amount.
    pub(crate) outside_anonymous: Number,
    /// Pages of jemalloc that are swapped out.
    pub(crate) swapped: Number,
    /// Pages of jemalloc without physical memory. A lower bound, because memory outside jemalloc hides an equal
    /// amount.
    pub(crate) never_touched: Number,
}

impl Counts {
    /// Takes the counts from two sections of a report. `reasons` says why a count is missing.
    pub fn of(
        process: Option<&ProcessMemory>,
        allocator: Option<&AllocatorStats>,
        reasons: &Unavailable,
    ) -> Self {
        let number = |path: &str, value: Option<u64>| {
            value.ok_or_else(|| {
                let section = path.split('.').next().unwrap_or(path);
                let reason = reasons.get(path).or_else(|| reasons.get(section));
                reason.map_or_else(|| format!("{path} was not collected"), str::to_owned)
            })
        };
        let kernel = |name: &str, value: fn(&ProcessMemory) -> Option<u64>| {
            number(&format!("process.{name}"), process.and_then(value))
        };
        let jemalloc = |name: &str, value: fn(&AllocatorStats) -> Option<u64>| {
            number(&format!("allocator.{name}"), allocator.and_then(value))
        };
        Self {
            resident: kernel("resident_bytes", |process| process.resident_bytes),
            anonymous: kernel("anonymous_bytes", |process| process.anonymous_bytes),
            file: kernel("file_bytes", |process| process.file_bytes),
            shared: kernel("shared_bytes", |process| process.shared_bytes),
            swap: kernel("swap_bytes", |process| process.swap_bytes),
            lazy_free: kernel("lazy_free_bytes", |process| process.lazy_free_bytes),
            allocated: jemalloc("allocated_bytes", |allocator| allocator.allocated_bytes),
            active: jemalloc("active_bytes", |allocator| allocator.active_bytes),
            dirty: jemalloc("dirty_bytes", |allocator| allocator.dirty_bytes),
            jemalloc: jemalloc("resident_bytes", |allocator| allocator.resident_bytes),
            muzzy: jemalloc("muzzy_bytes", |allocator| allocator.muzzy_bytes),
            thread_caches: jemalloc("thread_cache_bytes", |allocator| allocator.thread_cache_bytes),
            internal: jemalloc("internal_bytes", |allocator| allocator.internal_bytes),
            sampled_pages: jemalloc("sampled_pages_bytes", |allocator| allocator.sampled_pages_bytes),
        }
    }

    /// Takes the counts from a report.
    pub(crate) fn of_report(report: &MemoryReport) -> Self {
        Self::of(report.process.as_ref(), report.allocator.as_ref(), &report.unavailable)
    }

    pub(crate) fn breakdown(&self) -> Breakdown {
        let muzzy = self.resident_muzzy();
        let pages = self.pages(&muzzy);
        let unused = less(&self.jemalloc, &self.active);
        // All come from one epoch, but other threads allocate while jemalloc adds up its arenas.
        let part = |part: &Number, whole: &Number| Ok(part.clone()?.min(whole.clone()?));
        let dirty = part(&self.dirty, &unused);
        let thread_caches = part(&self.thread_caches, &self.allocated);
        let uncached = less(&self.allocated, &thread_caches);
        let internal = part(&self.internal, &uncached);
        let between = less(&self.active, &self.allocated);
        let sampled_pages = part(&self.sampled_pages, &between);
        Breakdown {
            program: less(&uncached, &internal),
            fragmentation: less(&between, &sampled_pages),
            thread_caches,
            internal,
            sampled_pages,
            metadata: less(&unused, &dirty),
            dirty,
            outside: self.outside(&muzzy, &pages),
            outside_anonymous: pages.clone().map(|pages| pages.outside),
            swapped: self.swapped(&pages),
            never_touched: self.never_touched(&pages),
            muzzy,
        }
    }

    /// Muzzy pages that are resident. jemalloc does not notice when the kernel reclaims such pages, but `LazyFree`
    /// counts the remaining pages. If the kernel does not report it, all muzzy pages count as resident.
    fn resident_muzzy(&self) -> Number {
        let muzzy = self.muzzy.clone()?;
        let left = self.lazy_free.as_ref().map_or(muzzy, |lazy_free| muzzy.min(*lazy_free));
        let all = self.anonymous.as_ref().or(self.resident.as_ref());
        Ok(all.map_or(left, |all| left.min(*all)))
    }

    /// Anonymous memory without muzzy pages, divided between jemalloc and others.
    fn pages(&self, muzzy: &Number) -> Result<Pages, String> {
        let anonymous = self.anonymous.clone()?.saturating_sub(muzzy.clone()?);
        let jemalloc = self.jemalloc.clone()?;
        Ok(Pages {
            outside: anonymous.saturating_sub(jemalloc),
            not_resident: jemalloc.saturating_sub(anonymous),
        })
    }

    fn outside(&self, muzzy: &Number, pages: &Result<Pages, String>) -> Number {
        let resident = self.resident.clone()?;
        match (pages, &self.anonymous) {
            (Ok(pages), Ok(anonymous)) => {
                Ok(resident.saturating_sub(*anonymous).saturating_add(pages.outside))
            }
            // The kernel does not distinguish kinds of memory (Linux before 4.5, gVisor).
            _ => {
                let jemalloc = self.jemalloc.clone()?.saturating_add(muzzy.clone()?);
                resident.checked_sub(jemalloc).ok_or_else(|| {
                    "the kernel counts less than jemalloc, whose number is an upper bound".into()
                })
            }
        }
    }

    /// Pages of jemalloc that are swapped out. If all its pages are resident, the amount of swap does not matter.
    fn swapped(&self, pages: &Result<Pages, String>) -> Number {
        match pages.clone()?.not_resident {
            0 => Ok(0),
            not_resident => Ok(self.swap.clone()?.min(not_resident)),
        }
    }

    fn never_touched(&self, pages: &Result<Pages, String>) -> Number {
        Ok(pages.clone()?.not_resident.saturating_sub(self.swapped(pages)?))
    }
}

#[derive(Clone, Copy)]
struct Pages {
    /// Anonymous memory in excess of jemalloc's count.
    outside: u64,
    /// jemalloc's count in excess of anonymous memory.
    not_resident: u64,
}

fn less(whole: &Number, part: &Number) -> Number {
    whole.clone()?.checked_sub(part.clone()?).ok_or_else(|| "the parts are more than the whole".into())
}

/// The counts of a process with 1,500 bytes, 1,350 of them in jemalloc.
#[cfg(test)]
pub(crate) fn counts() -> Counts {
    Counts {
        resident: Ok(1_500),
        anonymous: Ok(1_400),
        file: Ok(80),
        shared: Ok(20),
        swap: Ok(0),
        lazy_free: Ok(0),
        allocated: Ok(1_000),
        active: Ok(1_100),
        dirty: Ok(200),
        jemalloc: Ok(1_350),
        muzzy: Ok(0),
        thread_caches: Ok(0),
        internal: Ok(0),
        sampled_pages: Ok(0),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The sum of the parts, which must equal resident memory.
    fn sum(counts: &Counts) -> u64 {
        let parts = counts.breakdown();
        let own = [parts.program, parts.thread_caches, parts.internal, parts.sampled_pages];
        let more = [parts.fragmentation, parts.dirty, parts.metadata, parts.muzzy, parts.outside];
        let more: u64 = own.into_iter().chain(more).map(Result::unwrap).sum();
        more - parts.swapped.unwrap() - parts.never_touched.unwrap()
    }

    fn kernel_parts(parts: &Breakdown) -> [u64; 5] {
        let Breakdown { muzzy, outside, outside_anonymous, swapped, never_touched, .. } = parts.clone();
        [muzzy, outside, outside_anonymous, swapped, never_touched].map(Result::unwrap)
    }

    #[test]
    fn anonymous_memory_beyond_the_count_of_jemalloc_is_outside() {
        let parts = counts().breakdown();
        assert_eq!((&parts.fragmentation, &parts.dirty, &parts.metadata), (&Ok(100), &Ok(200), &Ok(50)));
        assert_eq!(kernel_parts(&parts), [0, 150, 50, 0, 0]);
        assert_eq!(sum(&counts()), 1_500);
    }

    #[test]
    fn caches_and_data_of_jemalloc_do_not_count_as_program_memory() {
        let own = Counts { thread_caches: Ok(300), internal: Ok(200), sampled_pages: Ok(60), ..counts() };
        let parts = own.breakdown();
        assert_eq!((&parts.program, &parts.thread_caches, &parts.internal), (&Ok(500), &Ok(300), &Ok(200)));
        assert_eq!((&parts.sampled_pages, &parts.fragmentation), (&Ok(60), &Ok(40)));
        assert_eq!(sum(&own), 1_500);
        // These parts were counted at another moment and exceed the whole.
        let more = Counts { thread_caches: Ok(900), internal: Ok(200), sampled_pages: Ok(101), ..counts() };
        let parts = more.breakdown();
        assert_eq!((&parts.program, &parts.thread_caches, &parts.internal), (&Ok(0), &Ok(900), &Ok(100)));
        assert_eq!((&parts.sampled_pages, &parts.fragmentation), (&Ok(100), &Ok(0)));
        assert_eq!(sum(&more), 1_500);
        let silent = Counts { thread_caches: Err("no caches".into()), ..counts() };
        let reason = Err("no caches".to_owned());
        assert_eq!((&silent.breakdown().program, &silent.breakdown().internal), (&reason, &reason));
    }

    #[test]
    fn pages_counted_at_different_moments_still_add_up() {
        let later = Counts { dirty: Ok(300), ..counts() };
        assert_eq!((later.breakdown().dirty, later.breakdown().metadata), (Ok(250), Ok(0)));
        assert_eq!(sum(&later), 1_500);
        let more = Counts { active: Ok(1_351), ..counts() };
        assert_eq!(more.breakdown().dirty, Err("the parts are more than the whole".into()));
    }

    #[test]
    fn muzzy_pages_count_until_the_kernel_reclaims_them() {
        let muzzy = |muzzy, lazy_free| Counts { muzzy: Ok(muzzy), lazy_free, ..counts() };
        for (counts, parts) in [
            (muzzy(40, Ok(40)), [40, 110, 10, 0, 0]),
            // The kernel reclaimed these pages, or jemalloc unmapped them.
            (muzzy(40, Ok(0)), [0, 150, 50, 0, 0]),
            // Code other than jemalloc freed this memory lazily.
            (muzzy(0, Ok(40)), [0, 150, 50, 0, 0]),
            (muzzy(40, Err("no LazyFree".into())), [40, 110, 10, 0, 0]),
            // More than anonymous memory: the pages were counted at another moment, or never touched.
            (muzzy(90, Ok(90)), [90, 100, 0, 0, 40]),
            (muzzy(u64::MAX, Ok(u64::MAX)), [1_400, 100, 0, 0, 1_350]),
            (muzzy(u64::MAX, Err("no LazyFree".into())), [1_400, 100, 0, 0, 1_350]),
        ] {
            assert_eq!(kernel_parts(&counts.breakdown()), parts, "{counts:?}");
            assert_eq!(sum(&counts), 1_500, "{counts:?}");
        }
    }

    #[test]
    fn jemalloc_pages_beyond_anonymous_memory_are_swapped_out_or_never_touched() {
        let anonymous = |anonymous, swap| Counts {
            resident: Ok(anonymous + 100),
            anonymous: Ok(anonymous),
            swap: Ok(swap),
            ..counts()
        };
        for (counts, parts) in [
            (anonymous(1_000, 0), [0, 100, 0, 0, 350]),
            (anonymous(1_000, 300), [0, 100, 0, 300, 50]),
            // A part of this swap belongs to others.
            (anonymous(1_000, 9_000), [0, 100, 0, 350, 0]),
            (anonymous(1_350, 9_000), [0, 100, 0, 0, 0]),
        ] {
            assert_eq!(kernel_parts(&counts.breakdown()), parts, "{counts:?}");
            assert_eq!(sum(&counts), counts.resident.clone().unwrap(), "{counts:?}");
        }
    }

    #[test]
    fn compares_totals_if_the_kernel_does_not_distinguish_kinds_of_memory() {
        let old = Counts { anonymous: Err("no RssAnon".into()), ..counts() };
        let parts = old.breakdown();
        assert_eq!((parts.outside, parts.outside_anonymous), (Ok(150), Err("no RssAnon".into())));
        assert_eq!(parts.never_touched, Err("no RssAnon".into()));
        let less = Counts { resident: Ok(1_200), ..old };
        assert!(less.breakdown().outside.unwrap_err().contains("upper bound"));
    }

    #[test]
    fn a_part_without_its_number_has_the_reason() {
        let silent = Counts { muzzy: Err("no muzzy".into()), swap: Err("no swap".into()), ..counts() };
        let parts = silent.breakdown();
        let reason = Err("no muzzy".to_owned());
        assert_eq!((&parts.muzzy, &parts.outside, &parts.never_touched), (&reason, &reason, &reason));
        let unswapped = Counts { swap: Err("no swap".into()), ..counts() };
        assert_eq!(unswapped.breakdown().swapped, Ok(0), "no page is missing, so none can be in swap");
        let unswapped = Counts { anonymous: Ok(9), ..unswapped };
        assert_eq!(unswapped.breakdown().never_touched, Err("no swap".into()));
    }

    #[test]
    fn extreme_numbers_do_not_overflow() {
        for anonymous in [0, u64::MAX] {
            for jemalloc in [0, u64::MAX] {
                for other in [0, u64::MAX] {
                    let (anonymous, jemalloc, other) = (Ok(anonymous), Ok(jemalloc), Ok(other));
                    let counts =
                        Counts { anonymous, jemalloc, muzzy: other.clone(), swap: other, ..counts() };
                    assert!(counts.breakdown().never_touched.is_ok());
                }
            }
        }
    }
}
