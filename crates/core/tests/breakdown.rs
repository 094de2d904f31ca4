//! Kinds of memory that a process really has, and where the report shows them.
#![cfg(all(feature = "jemalloc", target_os = "linux"))]
#![allow(clippy::unwrap_used, reason = "the functions here are parts of tests")]

#[macro_use]
mod child;

use std::hint::black_box;
use std::ptr;

use memory_debug_core::{
    Collector, Diagnosis, MemoryReport, Page, PurgeReport, Reconciliation, Scope, TypesView, diagnose,
    render, spawn_collecting,
};

use tikv_jemalloc_ctl::raw;

memory_debug_core::install!(lg_prof_sample = 16);

const MIB: u64 = 1 << 20;

/// How much memory of each kind the tests allocate.
const MUCH: usize = 256 << 20;

/// The most other memory that a small process has.
const LITTLE: u64 = 32 * MIB;

fn report() -> MemoryReport {
    spawn_collecting(|| Collector::new().collect(Scope::Everything).report).unwrap().join().unwrap()
}

fn purge() -> PurgeReport {
    spawn_collecting(|| Collector::new().purge()).unwrap().join().unwrap().unwrap()
}

fn numbers(report: &MemoryReport) -> &Reconciliation {
    let numbers = report.reconciliation.as_ref().unwrap();
    let parts = [
        numbers.in_use_bytes,
        numbers.thread_cache_bytes,
        numbers.internal_bytes,
        numbers.sampling_bytes,
        numbers.fragmentation_bytes,
        numbers.dirty_bytes,
        numbers.metadata_bytes,
        numbers.muzzy_bytes,
        numbers.outside_bytes,
    ];
    let reasons: Vec<_> =
        report.unavailable.iter().filter(|(path, _)| path.starts_with("reconciliation")).collect();
    assert_eq!(reasons, []);
    let less = numbers.swapped_bytes.unwrap() + numbers.never_touched_bytes.unwrap();
    let sum = parts.into_iter().map(Option::unwrap).sum::<u64>() - less;
    assert_eq!(Some(sum), numbers.resident_bytes, "{numbers:?}");
    numbers
}

fn ids(diagnosis: &Diagnosis) -> Vec<&str> {
    diagnosis.verdicts.iter().map(|verdict| verdict.id.as_ref()).collect()
}

/// Blocks that arenas keep when they are free. Larger blocks have an arena of their own, which keeps nothing.
fn blocks() -> Vec<Vec<u8>> {
    black_box((0..MUCH as u64 / MIB).map(|_| vec![1; MIB as usize]).collect())
}

/// Does at once what happens over time: dirty pages become muzzy if muzzy pages are kept, and are unmapped
/// otherwise.
fn decay_dirty_pages() {
    for arena in 0..256 {
        let key = format!("arena.{arena}.dirty_decay_ms\0");
        // SAFETY: `arena.<i>.dirty_decay_ms` is a ssize_t by the manual. For an arena that does not exist it
        // fails.
        let _ = unsafe { raw::write(key.as_bytes(), 0_isize) };
    }
}

/// New pages from the kernel, all of them written.
fn mapped(flags: i32) -> &'static mut [u8] {
    let protection = libc::PROT_READ | libc::PROT_WRITE;
    // SAFETY: without an address and a file, `mmap` gives fresh pages or fails.
    let address =
        unsafe { libc::mmap(ptr::null_mut(), MUCH, protection, flags | libc::MAP_ANONYMOUS, -1, 0) };
    assert_ne!(address, libc::MAP_FAILED);
    // SAFETY: the pages are this long, writable, zeroed, and never unmapped.
    let bytes = unsafe { std::slice::from_raw_parts_mut(address.cast::<u8>(), MUCH) };
    bytes.fill(1);
    black_box(bytes)
}

alone! {
    /// Freed pages become muzzy and stay muzzy. The kernel takes them when it needs some.
    muzzy_pages_are_free_memory_of_the_allocator("dirty_decay_ms:-1,muzzy_decay_ms:-1") {
        drop(blocks());
        decay_dirty_pages();
        let report = report();
        let numbers = numbers(&report);
        assert!(numbers.muzzy_bytes > Some(MUCH as u64 - LITTLE), "{numbers:?}");
        assert!(numbers.outside_bytes < Some(LITTLE), "{numbers:?}");
        assert!(report.allocator.as_ref().unwrap().muzzy_bytes >= Some(MUCH as u64));
        let text = render::text(&report, Page::Overview, &TypesView::default());
        assert!(text.lines().nth(1).unwrap().contains(" MiB muzzy · "), "{text}");
        assert!(ids(&diagnose(&report)).contains(&"muzzy-pages"), "{text}");
        let purged = purge();
        assert!(purged.before.muzzy_bytes >= Some(MUCH as u64), "{purged:?}");
        assert!(purged.before.lazy_free_bytes > Some(MUCH as u64 - LITTLE), "{purged:?}");
        assert!(purged.after.muzzy_bytes < Some(MIB) && purged.after.lazy_free_bytes < Some(LITTLE), "{purged:?}");
        assert!(purged.returned_bytes > Some((MUCH as u64 - LITTLE) as i64), "{purged:?}");
        let after = self::report();
        assert!(self::numbers(&after).muzzy_bytes < Some(MIB), "{:?}", after.reconciliation);
        assert!(!ids(&diagnose(&after)).contains(&"muzzy-pages"));
    }

    /// jemalloc's default: freed pages are unmapped, and no page is muzzy.
    pages_that_were_unmapped_are_in_no_part("dirty_decay_ms:0,muzzy_decay_ms:0") {
        drop(blocks());
        let report = report();
        let numbers = numbers(&report);
        assert!(numbers.muzzy_bytes < Some(MIB) && numbers.resident_bytes < Some(2 * LITTLE), "{numbers:?}");
    }

    /// The kernel has taken muzzy pages, which jemalloc still counts.
    muzzy_pages_that_the_kernel_took_are_no_part("dirty_decay_ms:-1,muzzy_decay_ms:-1") {
        let blocks = blocks();
        let starts: Vec<_> = blocks.iter().map(|block| (block.as_ptr() as usize).next_multiple_of(4096)).collect();
        drop(blocks);
        decay_dirty_pages();
        for start in starts {
            // SAFETY: these pages of jemalloc hold nothing, and jemalloc expects that the kernel may take them
            // at any time.
            let taken = unsafe { libc::madvise(start as *mut libc::c_void, (MIB as usize) - 4096, libc::MADV_DONTNEED) };
            assert_eq!(taken, 0);
        }
        let report = report();
        let numbers = numbers(&report);
        assert!(report.allocator.as_ref().unwrap().muzzy_bytes >= Some(MUCH as u64), "{:?}", report.allocator);
        assert!(numbers.muzzy_bytes < Some(LITTLE) && numbers.outside_bytes < Some(LITTLE), "{numbers:?}");
    }

    shared_memory_is_named("") {
        let shared = mapped(libc::MAP_SHARED);
        let report = report();
        let numbers = numbers(&report);
        assert!(numbers.outside_shared_bytes >= Some(MUCH as u64), "{numbers:?}");
        assert!(numbers.outside_anonymous_bytes < Some(LITTLE), "{numbers:?}");
        assert!(numbers.outside_bytes >= Some(MUCH as u64), "{numbers:?}");
        let found = diagnose(&report);
        assert!(ids(&found).contains(&"shared-memory"), "{found:?}");
        assert!(!ids(&found).contains(&"memory-outside-jemalloc"), "{found:?}");
        assert_eq!(shared[MUCH - 1], 1);
    }

    anonymous_memory_of_others_is_named("") {
        let private = mapped(libc::MAP_PRIVATE);
        let report = report();
        let numbers = numbers(&report);
        assert!(numbers.outside_anonymous_bytes > Some(MUCH as u64 - LITTLE), "{numbers:?}");
        assert!(numbers.outside_shared_bytes < Some(LITTLE), "{numbers:?}");
        let found = diagnose(&report);
        assert!(ids(&found).contains(&"memory-outside-jemalloc"), "{found:?}");
        assert!(!ids(&found).contains(&"shared-memory"), "{found:?}");
        assert_eq!(private[MUCH - 1], 1);
    }

    mapped_files_are_named("") {
        let path = std::env::temp_dir().join(format!("memory-debug-mapped-{}", std::process::id()));
        std::fs::write(&path, vec![1_u8; MUCH]).unwrap();
        let file = std::fs::File::open(&path).unwrap();
        std::fs::remove_file(&path).unwrap();
        // SAFETY: no other code has the file, which no longer has a name.
        let map = unsafe { memmap2::Mmap::map(&file) }.unwrap();
        assert_eq!(map.iter().step_by(4096).map(|byte| u64::from(*byte)).sum::<u64>(), MUCH as u64 / 4096);
        let report = report();
        let numbers = numbers(&report);
        // The folder for temporary files may be a tmpfs, which is shared memory.
        let outside = numbers.outside_file_bytes.unwrap() + numbers.outside_shared_bytes.unwrap();
        assert!(outside >= MUCH as u64, "{numbers:?}");
        let found = diagnose(&report);
        let named = ids(&found).iter().any(|id| ["mapped-files", "shared-memory"].contains(id));
        assert!(named && !ids(&found).contains(&"memory-outside-jemalloc"), "{found:?}");
    }

    /// Two rows of 1 GiB beside a few MiB that are resident.
    reserved_memory_is_told_as_never_touched("") {
        let reserved: Vec<Vec<u64>> = (0..2).map(|_| Vec::with_capacity(1 << 27)).collect();
        let reserved = black_box(reserved);
        let report = report();
        let numbers = numbers(&report);
        let two_gib = 2 << 30;
        assert!(numbers.resident_bytes < Some(100 * MIB), "{numbers:?}");
        assert!(numbers.never_touched_bytes > Some(two_gib - LITTLE), "{numbers:?}");
        assert!(numbers.never_touched_bytes < Some(two_gib + LITTLE), "{numbers:?}");
        let text = render::text(&report, Page::Overview, &TypesView::default());
        assert!(text.lines().nth(1).unwrap().ends_with(" GiB never touched"), "{text}");
        assert!(text.contains("\n  never touched: at least "), "{text}");
        assert!(ids(&diagnose(&report)).contains(&"never-touched"), "{text}");
        drop(reserved);
    }

    /// The blocking threads of a file server. Each reads a file of some size once in a while, and holds nothing.
    caches_of_many_threads_are_told_and_explain_what_no_row_has("lg_prof_sample:19") {
        let threads = 500;
        let ready = std::sync::Arc::new(std::sync::Barrier::new(threads + 1));
        for _ in 0..threads {
            let ready = std::sync::Arc::clone(&ready);
            std::thread::spawn(move || {
                for size in (0..200).map(|step| 64 << (step % 10)) {
                    drop(black_box(vec![1_u8; size]));
                }
                ready.wait();
                std::thread::park();
            });
        }
        ready.wait();
        let report = report();
        let numbers = numbers(&report);
        let text = render::text(&report, Page::Overview, &TypesView::default());
        assert!(numbers.thread_cache_bytes > Some(32 * MIB), "{text}");
        // Each cache has its own table of pointers.
        assert!(numbers.internal_bytes > Some(4 * MIB), "{text}");
        assert!(numbers.in_use_bytes < Some(8 * MIB), "{text}");
        assert_eq!(numbers.within_two_stderr, Some(true), "{text}");
        assert!(text.lines().nth(1).unwrap().contains(" MiB of it in thread caches · "), "{text}");
        assert!(text.contains("\n  jemalloc's own: ") && text.contains(" free objects in thread caches + "), "{text}");
        let verdicts = diagnose(&report).verdicts;
        let verdict = verdicts.iter().find(|verdict| verdict.id == "thread-caches").expect(&text);
        assert!(verdict.evidence.starts_with("jemalloc's caches for 50"), "{verdict:?}");
        assert!(verdict.advice.contains("max_blocking_threads") && verdict.advice.contains("tcache_max"));
    }

    /// Every object has its own pages, which is not fragmentation.
    pages_of_sampled_objects_are_told("lg_prof_sample:0") {
        let small: Vec<Box<u64>> = black_box((0..20_000).map(Box::new).collect());
        let report = report();
        let numbers = numbers(&report);
        assert!(numbers.sampling_bytes > Some(20_000 * 4_000), "{numbers:?}");
        assert!(numbers.fragmentation_bytes < Some(8 * MIB), "{numbers:?}");
        assert!(numbers.in_use_bytes < Some(8 * MIB), "{numbers:?}");
        let text = render::text(&report, Page::Overview, &TypesView::default());
        assert!(text.contains(" unused in the pages of sampled objects\n"), "{text}");
        let found = diagnose(&report);
        assert!(!ids(&found).contains(&"fragmentation"), "{found:?}");
        assert!(ids(&found).contains(&"sample-rate-too-fine"), "{found:?}");
        drop(small);
    }
}
