//! The real thing where it changes the process: purging, and the tables of arenas and size classes.
//!
//! What these tests do shows in the whole process, so each runs alone in one of its own, configured as it needs.
#![cfg(all(feature = "jemalloc", target_os = "linux"))]
#![allow(clippy::unwrap_used, reason = "the functions here are parts of tests")]

use std::hint::black_box;
use std::process::Command;
use std::thread;

use memory_debug_core::{
    AllocatorDetail, Collector, DetailParts, MemoryReport, Page, PurgeReport, TypesView, render,
    spawn_collecting,
};

memory_debug_core::install!(profiling = on_demand);

/// Runs an ignored test of this file in a process that is configured so.
fn alone(test: &str, malloc_conf: &str) {
    let child = Command::new(std::env::current_exe().unwrap())
        .args(["--exact", test, "--ignored", "--nocapture"])
        .env("_RJEM_MALLOC_CONF", malloc_conf)
        .output()
        .unwrap();
    let output = [child.stdout, child.stderr].map(|output| String::from_utf8_lossy(&output).into_owned());
    assert!(child.status.success() && output[0].contains("1 passed"), "{}\n{}", output[0], output[1]);
}

/// A test of its own process.
macro_rules! alone {
    ($($(#[doc = $doc:literal])* $name:ident($conf:expr) $body:block)*) => {
        $(#[test]
        fn $name() {
            alone(concat!("alone::", stringify!($name)), $conf);
        })*

        mod alone {
            use super::*;

            $($(#[doc = $doc])*
            #[test]
            #[ignore = "run by its namesake, in a process of its own"]
            fn $name() $body)*
        }
    };
}

fn on_a_collecting_thread<T: Send + 'static>(work: impl FnOnce() -> T + Send + 'static) -> T {
    spawn_collecting(work).unwrap().join().unwrap()
}

fn purge() -> PurgeReport {
    on_a_collecting_thread(|| Collector::new().purge()).unwrap()
}

fn detail() -> (MemoryReport, AllocatorDetail) {
    let parts = DetailParts { arenas: true, size_classes: true };
    let report = on_a_collecting_thread(move || Collector::new().collect_detail(parts));
    let detail = report.detail.clone().unwrap();
    (report, detail)
}

/// Large enough to be in any sample, and found by its size in a total.
const LARGE: usize = 64 << 20;

alone! {
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
        assert!(live.iter().all(|byte| *byte == 1), "what is in use stays as it is");
        // There is nothing left to give.
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
        // jemalloc does not count them as allocated, only their pages as active: 100 KiB are the vector and the rest.
        assert!(during.1 < before.1 + (200 << 10), "{before:?} {during:?}");
        assert!(during.2 >= before.2 + 10_000 * 4096, "{before:?} {during:?}");
        drop(held);
        assert!(sampled().0 < before.0 + 100);
    }
}
