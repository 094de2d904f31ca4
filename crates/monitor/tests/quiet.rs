//! What a monitor with all that it can watch costs while nothing happens. A program of its own, because it counts
//! allocations of the whole process.
#![cfg(all(feature = "jemalloc", feature = "signal", feature = "tokio", target_os = "linux"))]
#![allow(clippy::unwrap_used, reason = "the functions here are parts of tests")]

use std::alloc::{GlobalAlloc, Layout};
use std::fs;
use std::future::pending;
use std::sync::atomic::{AtomicU64, Ordering};
use std::thread;
use std::time::Duration;

use memory_debug_core::__private::Jemalloc;
use memory_debug_core::{Collector, MonitorCost, MonitorSource, Scope};
use memory_debug_monitor::{Action, Captures, Limit, Monitor, MonitorMetric, Rule, RunningMonitor, Signal};
use tokio::runtime::{Builder, Runtime};

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

/// How long after the last activity of a runtime its workers are looked at as seldom as everything else.
const UNTIL_QUIET: Duration = Duration::from_secs(65);

/// The number of seconds to measure in the test that is run by `scripts/monitor-quiet`.
const SECONDS: &str = "MEMORY_DEBUG_QUIET_SECONDS";

/// The most file descriptors of a monitor.
const MOST_DESCRIPTORS: usize = 6;

fn cost(monitor: &RunningMonitor) -> MonitorCost {
    let instance = Collector::new().collect(Scope::Stats).report.instance;
    monitor.report(instance).monitor.unwrap().cost
}

/// Without the file that the monitor may be reading at this moment.
fn open_files() -> usize {
    let count = || fs::read_dir("/proc/self/fd").unwrap().count();
    (0..5).map(|_| count()).min().unwrap()
}

/// The threads of the monitor, as the kernel names them: its own, and the one that writes flight records.
const THREADS: [&str; 2] = ["memory-debug-mo", "memory-debug-fl"];

/// How often each of the threads went to sleep.
fn sleeps() -> [u64; 2] {
    THREADS.map(sleeps_of)
}

fn sleeps_of(thread: &str) -> u64 {
    let mut tasks = fs::read_dir("/proc/self/task").unwrap().map(|task| task.unwrap().path());
    let is_it = |path: &std::path::PathBuf| {
        fs::read_to_string(path.join("comm")).is_ok_and(|name| name.trim_end() == thread)
    };
    let status = fs::read_to_string(tasks.find(is_it).unwrap().join("status")).unwrap();
    let count = status.lines().find_map(|line| line.strip_prefix("voluntary_ctxt_switches:"));
    count.unwrap().trim().parse().unwrap()
}

/// A service with two workers and a task on each of them, its monitor with all that it can watch, and the descriptors of
/// the monitor.
struct Service {
    monitor: RunningMonitor,
    runtime: Runtime,
    others_files: usize,
    _folder: tempfile::TempDir,
}

impl Service {
    fn start() -> Self {
        let folder = tempfile::tempdir_in(env!("CARGO_TARGET_TMPDIR")).unwrap();
        let runtime = Builder::new_multi_thread().worker_threads(2).enable_time().build().unwrap();
        for _ in 0..2 {
            runtime.spawn(pending::<()>());
        }
        let others_files = open_files();
        let rule = |metric: MonitorMetric| {
            Rule::above(metric.clone(), Limit::bytes(u64::MAX)).named(metric.to_string()).then(Action::Log)
        };
        let metrics = [
            MonitorMetric::Resident,
            MonitorMetric::Unique,
            MonitorMetric::Allocated,
            MonitorMetric::Threads,
            MonitorMetric::OpenFiles,
        ];
        let monitor = metrics
            .map(rule)
            .into_iter()
            .fold(Monitor::new().recommended(), Monitor::rule)
            .before_oom(Captures::in_folder(folder.path()).even_in_memory())
            .watch_runtime(runtime.handle().clone())
            .on_signal(Signal::Usr1)
            .on_signal(Signal::Usr2)
            .on_signal(Signal::Hup)
            .start()
            .unwrap();
        Self { monitor, runtime, others_files, _folder: folder }
    }

    fn descriptors(&self) -> usize {
        open_files() - self.others_files
    }

    /// What the monitor costs in this time.
    fn measure(&self, time: Duration) -> Measured {
        let (first, sleeps_before) = (cost(&self.monitor), sleeps());
        let mut allocations = Vec::with_capacity(time.as_secs() as usize);
        let mut before = ALLOCATIONS.load(Ordering::Relaxed);
        for _ in 0..time.as_secs() {
            thread::sleep(Duration::from_secs(1));
            let now = ALLOCATIONS.load(Ordering::Relaxed);
            allocations.push(now - before);
            before = now;
        }
        let last = cost(&self.monitor);
        let [monitor, writer] = sleeps();
        let sleeps = [monitor - sleeps_before[0], writer - sleeps_before[1]];
        Measured {
            allocations,
            sleeps,
            looks: last.looks - first.looks,
            cpu_us: last.cpu_us.unwrap() - first.cpu_us.unwrap(),
        }
    }
}

struct Measured {
    /// By all threads, second by second.
    allocations: Vec<u64>,
    /// Of each thread.
    sleeps: [u64; 2],
    looks: u64,
    cpu_us: u64,
}

#[test]
fn m4_a_look_allocates_nothing_and_all_sources_need_six_descriptors() {
    let service = Service::start();
    // Without the first looks, which tell what is not armed. Meanwhile the workers learn their threads.
    thread::sleep(Duration::from_millis(2_500));
    let quiet = service.measure(Duration::from_secs(3));
    // Workers that work are looked at more often.
    for _ in 0..2 {
        service.runtime.spawn(async {
            loop {
                tokio::time::sleep(Duration::from_millis(5)).await;
            }
        });
    }
    thread::sleep(Duration::from_millis(500));
    let busy = service.measure(Duration::from_secs(3));
    assert_eq!((quiet.allocations, busy.allocations), (vec![0; 3], vec![0; 3]));
    assert!(quiet.looks >= 1 && busy.looks >= 1, "{} and {} looks", quiet.looks, busy.looks);
    assert!(busy.sleeps[0] > busy.looks, "it looks at busy workers between looks at the memory");
    let descriptors = service.descriptors();
    assert!(descriptors <= MOST_DESCRIPTORS, "{descriptors} descriptors");
    assert_eq!(cost(&service.monitor).descriptors, descriptors as u64);
}

/// Takes a minute and the seconds of the variable. `scripts/monitor-quiet` runs it.
#[test]
#[ignore = "takes minutes"]
fn m4_a_quiet_monitor_costs_next_to_nothing() {
    let seconds: u32 = std::env::var(SECONDS).map_or(60, |seconds| seconds.parse().unwrap());
    let service = Service::start();
    thread::sleep(UNTIL_QUIET);
    let measured = service.measure(Duration::from_secs(seconds.into()));
    let seconds = f64::from(seconds);
    let share = measured.cpu_us as f64 / 10_000.0 / seconds;
    let [wakes, writes] = measured.sleeps.map(|sleeps| sleeps as f64 / seconds);
    let descriptors = service.descriptors();
    let allocating = measured.allocations.iter().filter(|count| **count > 0).count();
    let allocations: u64 = measured.allocations.iter().sum();
    // The capture of ordinary times is due once, ten minutes after the start, and takes a thread of its own.
    let captures = usize::from(UNTIL_QUIET.as_secs_f64() + seconds > 600.0);
    let checks = [
        (share <= 0.05, format!("{share:.4} % of a processor, at most 0.05 %")),
        (
            allocating <= captures,
            format!(
                "{} looks, {allocations} allocations in {allocating} of {seconds} seconds, at most in {captures} \
                 (the capture after ten minutes)",
                measured.looks
            ),
        ),
        (descriptors <= MOST_DESCRIPTORS, format!("{descriptors} descriptors, at most {MOST_DESCRIPTORS}")),
        (wakes <= 1.1, format!("{wakes:.3} wake-ups a second, at most 1.1")),
        (writes <= wakes, format!("{writes:.3} of them write a flight record, on a thread of their own")),
    ];
    println!();
    for (is_met, text) in &checks {
        println!("{}: {text}", if *is_met { "passed" } else { "FAILED" });
    }
    let passed = checks.iter().filter(|(is_met, _)| *is_met).count();
    println!("{passed} passed, {} failed", checks.len() - passed);
    assert_eq!(passed, checks.len());
}
