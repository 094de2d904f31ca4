//! The tracker and periodic snapshots in a program whose allocator is jemalloc and that records every
//! allocation.
//!
//! All tests share one heap profile, so they take turns.
#![cfg(all(feature = "jemalloc", target_os = "linux"))]
#![allow(clippy::unwrap_used, reason = "the functions here are parts of tests")]
#![allow(clippy::vec_box, reason = "each box is an allocation that is looked for")]

use std::hint::black_box;
use std::sync::{Arc, LazyLock, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use memory_debug_core::{
    Collector, Group, PeriodicSnapshots, Selection, SnapshotBounds, Snapshots, SummaryTracker, TracebackDepth,
};

memory_debug_core::install!(lg_prof_sample = 0);

static TURN: Mutex<()> = Mutex::new(());

fn turn() -> MutexGuard<'static, ()> {
    TURN.lock().unwrap_or_else(PoisonError::into_inner)
}

/// The collector of all tests, which reads the symbols once.
static COLLECTOR: LazyLock<Arc<Collector>> = LazyLock::new(Arc::default);

fn tracker() -> SummaryTracker {
    SummaryTracker::new().with_collector(Arc::clone(&COLLECTOR))
}

struct Parcel(#[expect(dead_code, reason = "only its size matters")] [u64; 16]);

const PARCELS: &str = "Box<Parcel>";

#[inline(never)]
fn parcels(count: u64) -> Vec<Box<Parcel>> {
    (0..count).map(|number| Box::new(Parcel(black_box([number; 16])))).collect()
}

#[test]
fn a_diff_has_what_was_allocated_or_freed_since_the_last_one() {
    let _turn = turn();
    let mut tracker = tracker();
    assert_eq!(tracker.diff().unwrap().rows, [], "the first diff is with itself");
    let changed = |tracker: &mut SummaryTracker| {
        let diff = tracker.diff().unwrap();
        let row = diff.rows.iter().find(|row| row.type_name == PARCELS);
        row.map(|row| (row.objects_change, row.bytes_change, row.is_significant))
    };
    let held = parcels(1000);
    assert_eq!(changed(&mut tracker), Some((1000, 128_000, true)));
    assert_eq!(changed(&mut tracker), None);
    drop(held);
    assert_eq!(changed(&mut tracker), Some((-1000, -128_000, true)));
}

#[test]
fn memory_of_the_tracker_itself_is_not_in_its_diff() {
    let _turn = turn();
    let mut tracker = tracker();
    tracker.growth().unwrap();
    tracker.diff().unwrap();
    let rows = tracker.diff().unwrap().rows;
    let of_tracker =
        rows.iter().filter(|row| row.full_type.contains("snapshot") || row.bytes_change > 64 << 10);
    assert_eq!(of_tracker.count(), 0, "{rows:?}");
}

#[test]
fn a_snapshot_is_the_base_of_the_first_diff() {
    let _turn = turn();
    let mut tracker = tracker();
    let base = tracker.snapshot(Some("base".into())).unwrap();
    let held = parcels(10);
    tracker.snapshot(Some("later".into())).unwrap();
    let diff = tracker.diff().unwrap();
    assert_eq!((diff.base.id, diff.base.label.as_deref()), (base.info().id, Some("base")));
    assert!(diff.rows.iter().any(|row| row.type_name == PARCELS && row.objects_change == 10), "{diff}");
    drop(held);
}

#[test]
fn growth_is_reported_only_beyond_the_peak() {
    let _turn = turn();
    let mut tracker = tracker();
    let grown = |tracker: &mut SummaryTracker| {
        let growth = tracker.growth().unwrap();
        growth.rows.into_iter().find(|row| row.type_name == PARCELS).map(|row| row.objects_change)
    };
    assert_eq!(grown(&mut tracker), None);
    let held = parcels(1000);
    assert_eq!(grown(&mut tracker), Some(1000));
    drop(held);
    assert_eq!(grown(&mut tracker), None);
    let held = parcels(1000);
    assert_eq!(grown(&mut tracker), None, "as high as before");
    let more = parcels(50);
    assert_eq!(grown(&mut tracker), Some(50));
    drop((held, more));
}

#[test]
fn rows_by_traceback_distinguish_callers() {
    #[inline(never)]
    fn morning() -> Vec<Box<Parcel>> {
        black_box(parcels(30))
    }
    #[inline(never)]
    fn evening() -> Vec<Box<Parcel>> {
        black_box(parcels(70))
    }

    let _turn = turn();
    let mut tracker = tracker().by(Selection::by_traceback(TracebackDepth::MAX));
    tracker.diff().unwrap();
    let held = (morning(), evening());
    let diff = tracker.diff().unwrap();
    assert_eq!(diff.group, Group::Traceback.as_str());
    for (caller, objects) in [("morning (", 30), ("evening (", 70)] {
        let row =
            diff.rows.iter().find(|row| row.type_name.contains(caller) && row.objects_change == objects);
        let name = &row.unwrap_or_else(|| panic!("{caller}: {diff}")).type_name;
        assert!(name.contains(" ← ") && name.contains("tests/snapshots.rs:"), "{name}");
    }
    drop(held);
}

#[test]
fn periodic_snapshots_are_kept_in_memory_until_the_end() {
    let _turn = turn();
    let snapshots = Arc::new(Snapshots::new(SnapshotBounds::default()));
    let periodic = PeriodicSnapshots::new(Arc::clone(&COLLECTOR), Arc::clone(&snapshots), Duration::ZERO);
    let running = periodic.start().unwrap();
    // The harness stops the test if no snapshot comes.
    while running.taken() == 0 {
        std::thread::yield_now();
    }
    assert_eq!(running.last_error(), None);
    drop(running);
    let taken = snapshots.list();
    assert_eq!(taken[0].info().label.as_deref(), Some("periodic"));
    assert!(taken[0].info().allocated_bytes > Some(0) && taken[0].info().stacks > 0);
}
