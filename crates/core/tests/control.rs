//! Profiling for a limited time, purging, and the tables of arenas and size classes, in real processes.
//!
//! These tests change the whole process, so each runs alone in a process of its own, with its own configuration.
#![cfg(all(feature = "jemalloc", target_os = "linux"))]
#![allow(clippy::unwrap_used, reason = "the functions here are parts of tests")]

#[macro_use]
mod child;

use std::fs;
use std::hint::black_box;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::thread;
use std::time::Duration;

use memory_debug_core::{
    AllocatorDetail, Collector, Comparison, DetailParts, MemoryReport, Page, ProfilingChange,
    ProfilingRefusal, ProfilingStatus, PurgeReport, Scope, Selection, Snapshot, SnapshotDiff, TypesView,
    render, spawn_collecting,
};
use tikv_jemalloc_ctl::raw;

memory_debug_core::install!(profiling = on_demand);

/// How a program that samples by configuration starts.
const SAMPLING: &str = "prof:true,prof_active:true,lg_prof_sample:14";

fn on_a_collecting_thread<T: Send + 'static>(work: impl FnOnce() -> T + Send + 'static) -> T {
    spawn_collecting(work).unwrap().join().unwrap()
}

fn status() -> ProfilingStatus {
    on_a_collecting_thread(|| Collector::new().profiling())
}

fn set(change: ProfilingChange) -> Result<ProfilingStatus, ProfilingRefusal> {
    set_if(change, None)
}

fn set_if(change: ProfilingChange, version: Option<u64>) -> Result<ProfilingStatus, ProfilingRefusal> {
    on_a_collecting_thread(move || Collector::new().set_profiling(change, version))
}

fn sample_for(seconds: u64, sample_bytes: Option<u64>) -> ProfilingChange {
    ProfilingChange::activate(seconds, sample_bytes).unwrap()
}

fn types() -> MemoryReport {
    on_a_collecting_thread(|| Collector::new().collect(Scope::Types).report)
}

fn total(report: &MemoryReport) -> u64 {
    report.types.as_ref().unwrap().total_bytes.unwrap()
}

fn purge() -> PurgeReport {
    on_a_collecting_thread(|| Collector::new().purge()).unwrap()
}

fn detail() -> (MemoryReport, AllocatorDetail) {
    let parts = DetailParts { arenas: true, size_classes: true, arena_bins: true };
    let report = on_a_collecting_thread(move || Collector::new().collect_detail(parts));
    let detail = report.detail.clone().unwrap();
    (report, detail)
}

/// How many threads of this process measure or wait for the end of a change.
fn own_threads() -> usize {
    let tasks = fs::read_dir("/proc/self/task").unwrap();
    let names = tasks.filter_map(|task| fs::read_to_string(task.ok()?.path().join("comm")).ok());
    names.filter(|name| name.trim() == "memory-debug").count()
}

/// Waits until the condition is true, and gives up after a while.
fn wait_until(comes: impl Fn() -> bool) {
    for _turn in 0..10_000 {
        if comes() {
            return;
        }
        thread::park_timeout(Duration::from_millis(5));
    }
    panic!("the condition did not become true");
}

/// Large enough to be in any sample, and recognised by its size in a total.
const LARGE: usize = 64 << 20;

alone! {
    sampling_on_demand_begins_with_the_change_and_ends_with_the_next("") {
        let before = status();
        assert_eq!((before.version, before.profiling.active, before.window), (0, Some(false), None));
        let invisible = black_box(vec![1_u8; LARGE]);
        let on = set(sample_for(300, None)).unwrap();
        assert_eq!((on.version, on.profiling.active, on.discarded), (1, Some(true), None));
        let window = on.window.unwrap();
        assert!(!window.active_afterwards && !window.discards_at_end && window.seconds_left <= 300);
        let since = on.profiling.active_since.unwrap();
        assert_ne!(Some(&since), on.instance.started_at.as_ref());
        let visible = black_box(vec![1_u8; LARGE]);
        let report = types();
        assert!((LARGE as u64..2 * LARGE as u64).contains(&total(&report)), "{}", total(&report));
        assert_eq!(report.types.as_ref().unwrap().active_since.as_ref(), Some(&since));
        let text = render::text(&report, Page::Types, &TypesView::default());
        assert!(text.contains(&format!("sampled 1 per 512 KiB since {since}")), "{text}");
        assert!(!text.contains("since process start"), "{text}");
        let explanations = report.reconciliation.unwrap().explanations;
        assert!(explanations.iter().any(|cause| cause.starts_with("sampling was off, or ")), "{explanations:?}");
        let off = set(ProfilingChange::deactivate()).unwrap();
        assert_eq!((off.version, off.profiling.active, off.window), (2, Some(false), None));
        assert!(types().unavailable.get("types").unwrap().contains("not active"));
        assert_eq!(set(ProfilingChange::deactivate()).unwrap().version, 2, "there is no change left to end");
        drop((invisible, visible));
    }

    the_deadline_turns_sampling_off_and_leaves_no_thread("") {
        assert_eq!(own_threads(), 0);
        assert!(set(sample_for(3600, None)).is_ok());
        assert_eq!(own_threads(), 1);
        // The deadline moves to an earlier time, which the sleeping thread must notice.
        assert_eq!(set(sample_for(1, Some(1 << 16))).unwrap().window.unwrap().seconds_left, 1);
        wait_until(|| status().window.is_none());
        let after = status();
        assert_eq!((after.version, after.profiling.active), (3, Some(false)));
        assert_eq!(after.profiling.sample_bytes, Some(1 << 19));
        wait_until(|| own_threads() == 0);
        // The next change works as well.
        assert!(set(sample_for(1, None)).is_ok());
        wait_until(|| status().window.is_none());
        assert_eq!(status().profiling.active, Some(false));
    }

    another_rate_discards_and_says_what_and_since_when(SAMPLING) {
        let held = black_box(vec![1_u8; LARGE]);
        let before = types();
        assert!(total(&before) >= LARGE as u64);
        assert_eq!(before.types.unwrap().active_since, before.instance.started_at);
        let changed = set(sample_for(300, Some(1 << 16))).unwrap();
        let discarded = changed.discarded.unwrap();
        assert!(discarded.sampled_bytes >= LARGE as u64 && discarded.stacks > 0, "{discarded:?}");
        let window = changed.window.unwrap();
        assert!(window.active_afterwards && window.discards_at_end);
        assert_eq!(window.sample_bytes_afterwards, Some(1 << 14));
        let report = types();
        assert!(total(&report) < LARGE as u64, "earlier samples are gone: {}", total(&report));
        let rows = report.types.unwrap();
        assert_eq!((rows.sample_bytes, rows.active_since), (Some(1 << 16), changed.profiling.active_since.clone()));
        let new = black_box(vec![1_u8; LARGE]);
        assert!(total(&types()) >= LARGE as u64);
        let ended = set(ProfilingChange::deactivate()).unwrap();
        assert!(ended.discarded.unwrap().sampled_bytes >= LARGE as u64);
        assert_eq!((ended.profiling.active, ended.profiling.sample_bytes), (Some(true), Some(1 << 14)));
        assert!(ended.profiling.active_since > changed.profiling.active_since);
        assert!(total(&types()) < LARGE as u64);
        // Objects whose samples were discarded are freed like other objects.
        drop((held, new));
        assert!(total(&types()) < LARGE as u64);
    }

    snapshots_say_which_samples_they_have(SAMPLING) {
        let held = black_box(vec![1_u8; LARGE]);
        let origin = || {
            let samples = types().types.unwrap().samples.unwrap();
            (samples.generation, samples.pauses, samples.sample_bytes)
        };
        let before = types();
        let samples = before.types.as_ref().unwrap().samples.clone().unwrap();
        assert_eq!((origin(), samples.began_at), ((0, 0, 1 << 14), before.instance.started_at.clone()));
        let taken = |label: &'static str| {
            on_a_collecting_thread(move || Collector::new().collect(Scope::Types).snapshot(Some(label.into())))
                .unwrap()
        };
        let first = taken("first");
        let changed = set(sample_for(300, Some(1 << 16))).unwrap();
        let second = taken("second");
        assert_eq!(origin(), (1, 0, 1 << 16));
        assert_eq!(second.info().samples.as_ref().unwrap().began_at, changed.profiling.active_since);
        let ended = set(ProfilingChange::deactivate()).unwrap();
        assert_eq!(origin(), (2, 0, 1 << 14), "the first rate, but not the first samples");
        let third = Snapshot::from_bytes(taken("third").as_bytes()).unwrap();
        assert_eq!(third.info().samples.as_ref().unwrap().began_at, ended.profiling.active_since);
        for (base, target) in [(&first, &second), (&second, &third), (&first, &third)] {
            let diff = SnapshotDiff::between(base, target, &Selection::default()).unwrap();
            assert_eq!(diff.comparison, Comparison::Discarded);
            // 64 MiB are held all the time.
            assert!(diff.total.bytes_change >= 0 && diff.total.bytes_change < LARGE as i64, "{diff}");
            assert!(diff.rows.iter().all(|row| row.bytes_change >= 0 && !row.is_significant), "{diff}");
        }
        drop(held);
    }

    a_pause_by_time_or_by_other_code_is_counted(SAMPLING) {
        let pauses = || {
            let samples = types().types.unwrap().samples.unwrap();
            (samples.generation, samples.pauses, samples.resumed_at)
        };
        assert_eq!(pauses(), (0, 0, None));
        // SAFETY: the manual gives `prof.active` the type bool.
        let activate = |active: bool| unsafe { raw::write(b"prof.active\0", active) }.unwrap();
        activate(false);
        assert_eq!(status().profiling.active, Some(false));
        activate(true);
        assert_eq!(pauses(), (0, 1, None));
        activate(false);
        let on = set(sample_for(300, None)).unwrap();
        assert_eq!(pauses(), (0, 2, on.profiling.active_since));
    }

    a_change_without_a_rate_costs_what_is_on_by_configuration_nothing(SAMPLING) {
        let held = black_box(vec![1_u8; LARGE]);
        assert_eq!(set(ProfilingChange::deactivate()), Err(ProfilingRefusal::OnByConfiguration));
        let changed = set(sample_for(300, Some(1 << 14))).unwrap();
        assert_eq!((changed.discarded, changed.profiling.active), (None, Some(true)));
        assert_eq!(changed.profiling.active_since, changed.instance.started_at);
        let ended = set(ProfilingChange::deactivate()).unwrap();
        assert_eq!((ended.profiling.active, ended.window), (Some(true), None));
        assert!(total(&types()) >= LARGE as u64);
        drop(held);
    }

    a_change_meant_for_another_version_is_refused("") {
        assert_eq!(set_if(sample_for(300, None), Some(1)), Err(ProfilingRefusal::VersionDiffers(0)));
        assert_eq!((status().profiling.active, own_threads()), (Some(false), 0));
        assert_eq!(set_if(sample_for(300, None), Some(0)).unwrap().version, 1);
        assert_eq!(set_if(ProfilingChange::deactivate(), Some(0)), Err(ProfilingRefusal::VersionDiffers(1)));
        assert_eq!(status().profiling.active, Some(true));
    }

    a_profiler_that_was_not_enabled_says_how_to_start("prof:false") {
        let Err(ProfilingRefusal::NotEnabled(reason)) = set(sample_for(300, None)) else { panic!("accepted") };
        assert!(reason.contains("_RJEM_MALLOC_CONF=prof:true") && reason.contains("install!()"), "{reason}");
        let status = status();
        assert_eq!((status.profiling.enabled, status.window), (Some(false), None));
        assert_eq!(status.unavailable.get("profiling.active_since"), Some(reason.as_str()));
    }

    what_other_code_did_to_the_profiler_makes_its_start_unknown("") {
        // SAFETY: the manual gives `prof.active` the type bool.
        let activate = || unsafe { raw::write(b"prof.active\0", true) }.unwrap();
        let unknown = |what: &str| {
            let status = status();
            assert_eq!((status.profiling.active, status.profiling.active_since), (Some(true), None));
            let reason = status.unavailable.get("profiling.active_since").unwrap();
            assert!(reason.contains(what), "{reason}");
        };
        activate();
        unknown("turned on some time after the start");
        // Sampling was on before, so it is on afterwards.
        assert!(set(sample_for(300, None)).is_ok());
        assert_eq!(set(ProfilingChange::deactivate()).unwrap().profiling.active, Some(true));
        assert!(set(sample_for(300, Some(1 << 16))).unwrap().profiling.active_since.is_some());
        // SAFETY: the manual gives `prof.reset` the type size_t.
        unsafe { raw::write(b"prof.reset\0", 15_usize) }.unwrap();
        unknown("reset by other code");
    }

    a_reset_by_other_code_is_noticed_also_if_nothing_was_changed_here(SAMPLING) {
        // SAFETY: the manual gives `prof.reset` the type size_t.
        unsafe { raw::write(b"prof.reset\0", 15_usize) }.unwrap();
        assert_eq!(status().profiling.active_since, None);
        let report = types();
        let samples = report.types.unwrap();
        assert_eq!(samples.active_since, None);
        let samples = samples.samples.unwrap();
        assert_eq!((samples.generation, samples.began_at, samples.sample_bytes), (1, None, 1 << 15));
        assert!(report.unavailable.get("types.samples.began_at").is_some());
        // The configured rate is back, but the samples from the start are not.
        // SAFETY: as above.
        unsafe { raw::write(b"prof.reset\0", 14_usize) }.unwrap();
        let samples = types().types.unwrap();
        assert_eq!((samples.active_since, samples.samples.unwrap().generation), (None, 2));
    }

    changes_from_many_threads_leave_all_as_it_was("") {
        let made = Arc::new(AtomicU64::new(0));
        let threads: Vec<_> = (0..8_u64)
            .map(|number| {
                let made = Arc::clone(&made);
                thread::spawn(move || {
                    for turn in 0..20 {
                        let rate = [None, Some(1 << 14), Some(1 << 16)][((turn + number) % 3) as usize];
                        set(sample_for(300, rate)).unwrap();
                        made.fetch_add(1, Ordering::Relaxed);
                        drop(black_box(vec![1_u8; 100_000]));
                        match types().unavailable.get("types") {
                            None => {}
                            Some(reason) => assert!(reason.contains("not active"), "{reason}"),
                        }
                        set(ProfilingChange::deactivate()).unwrap();
                    }
                })
            })
            .collect();
        threads.into_iter().for_each(|thread| thread.join().unwrap());
        let last = set(ProfilingChange::deactivate()).unwrap();
        assert_eq!((last.profiling.active, last.profiling.sample_bytes), (Some(false), Some(1 << 19)));
        assert_eq!(last.window, None);
        let made = made.load(Ordering::Relaxed);
        assert!((made + 1..=2 * made).contains(&last.version), "{made} {}", last.version);
        wait_until(|| own_threads() == 0);
    }

    a_purge_gives_unused_pages_back("dirty_decay_ms:-1,muzzy_decay_ms:-1") {
        let live = black_box(vec![1_u8; LARGE]);
        drop(black_box(vec![1_u8; LARGE]));
        drop(black_box((0..100).map(|_| vec![1_u8; 500_000]).collect::<Vec<_>>()));
        let purged = purge();
        let reasons: Vec<_> = purged.unavailable.iter().filter(|(path, _)| !path.starts_with("instance.")).collect();
        assert_eq!(reasons, []);
        let (before, after) = (purged.before.clone(), purged.after.clone());
        assert!(before.dirty_bytes >= Some(LARGE as u64), "{before:?}");
        assert!(after.dirty_bytes <= Some(1 << 20), "{after:?}");
        assert!(purged.returned_bytes >= Some(LARGE as i64), "{purged:?}");
        assert!(after.anonymous_bytes < before.anonymous_bytes);
        assert!(after.allocator_resident_bytes < before.allocator_resident_bytes);
        assert!(after.allocated_bytes >= Some(LARGE as u64), "{after:?}");
        assert!(purged.to_string().contains(" returned to the system, in "), "{purged}");
        assert!(live.iter().all(|byte| *byte == 1), "memory in use does not change");
        // Now no unused page is left to return.
        assert!(purge().before.dirty_bytes <= Some(1 << 20));
    }

    a_fragmented_size_class_is_the_first_row("") {
        let mut boxes: Vec<_> = (0..200_000_u64).map(|number| Some(Box::new(black_box([number; 6])))).collect();
        for (number, slot) in boxes.iter_mut().enumerate() {
            if number % 64 != 0 {
                *slot = None;
            }
        }
        let (report, detail) = detail();
        let classes = detail.size_classes.unwrap();
        let bin = &classes.bins[0];
        assert_eq!((bin.size_bytes, bin.regions_per_slab, bin.slab_bytes), (48, 256, 12_288));
        assert!(bin.live_regions >= 200_000 / 64 && bin.slabs >= 200_000 / 256, "{bin:?}");
        assert!(bin.utilisation.unwrap() < 0.05 && bin.unused_bytes > 8 << 20, "{bin:?}");
        assert!(bin.nonfull_slabs <= bin.slabs && bin.allocated - bin.freed == bin.live_regions, "{bin:?}");
        assert!(classes.unused_bytes >= bin.unused_bytes);
        assert_eq!(classes.sampled_pages_bytes, 0, "nothing is sampled");
        let text = render::text(&report, Page::Stats, &TypesView::default());
        assert!(text.contains("\nsmall size classes\n"), "{text}");
        drop(boxes);
    }

    the_rows_add_up_to_the_allocators_own_sums("narenas:8") {
        let threads: Vec<_> = (1..8_usize)
            .map(|number| {
                thread::spawn(move || {
                    black_box((0..1000).map(|size| vec![1_u8; size * number]).collect::<Vec<_>>())
                })
            })
            .collect();
        let held: Vec<_> = threads.into_iter().map(|thread| thread.join().unwrap()).collect();
        let (report, detail) = detail();
        assert!(report.unavailable.iter().all(|(path, _)| !path.starts_with("detail")));
        let (allocator, arenas) = (report.allocator.as_ref().unwrap(), detail.arenas.unwrap());
        let sum = |value: fn(&memory_debug_core::ArenaStats) -> u64| Some(arenas.iter().map(value).sum::<u64>());
        assert!(arenas.len() > 4, "{arenas:?}");
        assert_eq!(sum(|arena| arena.small_allocated_bytes + arena.large_allocated_bytes), allocator.allocated_bytes);
        assert_eq!(sum(|arena| arena.active_bytes), allocator.active_bytes);
        assert_eq!(sum(|arena| arena.resident_bytes), allocator.resident_bytes);
        assert_eq!(sum(|arena| arena.mapped_bytes), allocator.mapped_bytes);
        assert_eq!(sum(|arena| arena.retained_bytes), allocator.retained_bytes);
        assert_eq!(sum(|arena| arena.base_bytes + arena.internal_bytes), allocator.metadata_bytes);
        let classes = detail.size_classes.unwrap();
        let small: u64 = classes.bins.iter().map(|bin| bin.live_regions * bin.size_bytes).sum();
        assert_eq!(sum(|arena| arena.small_allocated_bytes), Some(small));
        let cells = detail.arena_bins.unwrap();
        assert_eq!((cells.arenas, cells.omitted_arenas), (arenas.len() as u64, 0));
        assert_eq!(cells.unused_bytes, classes.unused_bytes);
        for bin in &classes.bins {
            let cells = cells.cells.iter().filter(|cell| cell.bin == bin.index);
            let sums = cells.fold((0, 0), |(slabs, unused), cell| {
                assert_eq!(cell.size_bytes, bin.size_bytes);
                (slabs + cell.slabs, unused + cell.unused_bytes)
            });
            assert_eq!(sums, (bin.slabs, bin.unused_bytes), "{bin:?}");
        }
        let large: u64 = classes.large.iter().map(|class| class.live_bytes).sum();
        assert_eq!(sum(|arena| arena.large_allocated_bytes), Some(large));
        let json = render::json(&report, Page::Stats, &TypesView::default());
        let json: serde_json::Value = serde_json::from_str(&json).unwrap();
        assert_eq!(json["detail"]["arenas"].as_array().unwrap().len(), arenas.len());
        drop(held);
    }

    sampled_small_objects_are_in_the_class_of_their_pages("prof:true,prof_active:true,lg_prof_sample:0") {
        let sampled = || {
            let (report, detail) = detail();
            let bins = detail.size_classes.unwrap().bins;
            let objects = bins.iter().find(|bin| bin.size_bytes == 4096).unwrap().sampled_objects;
            let allocator = report.allocator.unwrap();
            (objects, allocator.allocated_bytes.unwrap(), allocator.active_bytes.unwrap())
        };
        let before = sampled();
        let held: Vec<_> = (0..10_000_u64).map(|number| Box::new(black_box(number))).collect();
        let during = sampled();
        assert!((10_000..10_100).contains(&(during.0 - before.0)), "{before:?} {during:?}");
        // jemalloc counts only their pages as active, and does not count them as allocated. 100 KiB are the
        // vector and other memory.
        assert!(during.1 < before.1 + (200 << 10), "{before:?} {during:?}");
        assert!(during.2 >= before.2 + 10_000 * 4096, "{before:?} {during:?}");
        drop(held);
        assert!(sampled().0 < before.0 + 100);
    }
}
