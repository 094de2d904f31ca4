//! What an armed monitor costs while nothing happens. A program of its own, because it counts allocations of the whole
//! process.
#![cfg(all(feature = "jemalloc", target_os = "linux"))]
#![allow(clippy::unwrap_used, reason = "the functions here are parts of tests")]

use std::alloc::{GlobalAlloc, Layout};
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use memory_debug_core::__private::Jemalloc;
use memory_debug_core::{Collector, MonitorCost, MonitorSource, Scope};
use memory_debug_monitor::{Action, Captures, Limit, Monitor, MonitorMetric, Rule, RunningMonitor};

struct Counting;

static ALLOCATIONS: AtomicU64 = AtomicU64::new(0);

// SAFETY: every call goes to jemalloc with the same arguments.
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        ALLOCATIONS.fetch_add(1, Ordering::Relaxed);
        // SAFETY: the caller keeps the contract of `alloc`.
        unsafe { Jemalloc.alloc(layout) }
    }

    unsafe fn dealloc(&self, pointer: *mut u8, layout: Layout) {
        // SAFETY: the caller keeps the contract of `dealloc`, and jemalloc allocated it.
        unsafe { Jemalloc.dealloc(pointer, layout) }
    }
}

#[global_allocator]
static ALLOCATOR: Counting = Counting;

fn cost(monitor: &RunningMonitor) -> MonitorCost {
    let instance = Collector::new().collect(Scope::Stats).report.instance;
    monitor.report(instance).monitor.unwrap().cost
}

/// Without the file that the monitor may be reading at this moment.
fn open_files() -> usize {
    let count = || std::fs::read_dir("/proc/self/fd").unwrap().count();
    (0..5).map(|_| count()).min().unwrap()
}

#[test]
fn m4_a_quiet_monitor_allocates_nothing_and_costs_next_to_nothing() {
    let folder = tempfile::tempdir_in(env!("CARGO_TARGET_TMPDIR")).unwrap();
    let before = open_files();
    let rule = |metric: MonitorMetric| {
        Rule::above(metric.clone(), Limit::bytes(u64::MAX)).named(metric.to_string()).then(Action::Log)
    };
    let monitor = Monitor::new()
        .recommended()
        .rule(rule(MonitorMetric::Resident))
        .rule(rule(MonitorMetric::Allocated))
        .rule(rule(MonitorMetric::Threads))
        .before_oom(Captures::in_folder(folder.path()).even_in_memory())
        .start()
        .unwrap();
    // The first looks have told what is not armed.
    std::thread::sleep(Duration::from_millis(2_500));
    let (first, allocations) = (cost(&monitor), ALLOCATIONS.load(Ordering::Relaxed));
    std::thread::sleep(Duration::from_secs(6));
    let allocations = ALLOCATIONS.load(Ordering::Relaxed) - allocations;
    let last = cost(&monitor);
    assert_eq!(allocations, 0);
    let looks = last.looks - first.looks;
    assert!((1..=7).contains(&looks), "{looks} looks in six seconds");
    assert!(open_files() - before <= 6, "{} descriptors", open_files() - before);
    assert_eq!(last.descriptors, (open_files() - before) as u64);
    let cpu_us = last.cpu_us.unwrap() - first.cpu_us.unwrap();
    println!("{looks} looks, {cpu_us} us of processor time in six seconds, {} descriptors", last.descriptors);
    // 0.05 % of a core. An unoptimised program on a busy machine takes a few times as long.
    assert!(cpu_us <= 3_000 * if cfg!(debug_assertions) { 5 } else { 1 }, "{cpu_us} us");
}
