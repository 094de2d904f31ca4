//! Children, forked while everything else goes on. Each reads its live samples, and some scan themselves.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::thread::{self, JoinHandle};
use std::time::Duration;

use memory_debug_core::__private::live_samples;
use memory_debug_core::{Collector, HoldersOptions};

use crate::load::SteadyThreads;

/// The time between two children.
const PAUSE: Duration = Duration::from_secs(2);

/// Every child of this number scans itself.
const SCANS: u64 = 3;

/// The status of a child that found everything in order.
const IN_ORDER: i32 = 7;

/// A thread that forks until it is stopped.
pub(crate) struct Forks {
    counts: Arc<Counts>,
    thread: JoinHandle<()>,
}

#[derive(Default)]
struct Counts {
    stop: AtomicBool,
    children: AtomicU64,
    children_scanned: AtomicU64,
    /// Children that crashed, hung or saw something impossible.
    children_failed: AtomicU64,
}

impl Forks {
    pub(crate) fn start(steady: SteadyThreads) -> Self {
        let counts = Arc::new(Counts::default());
        let of_thread = Arc::clone(&counts);
        let thread = thread::spawn(move || {
            for number in 0.. {
                if of_thread.stop.load(Ordering::Relaxed) {
                    return;
                }
                of_thread.fork(number, &steady);
                thread::sleep(PAUSE);
            }
        });
        Self { counts, thread }
    }

    /// The number of children so far, and of those that failed.
    pub(crate) fn progress(&self) -> String {
        self.counts.progress()
    }

    /// Lets no further child begin.
    pub(crate) fn stop(&self) {
        self.counts.stop.store(true, Ordering::Relaxed);
    }

    /// Whether the last child has ended.
    pub(crate) fn have_ended(&self) -> bool {
        self.thread.is_finished()
    }
}

impl Counts {
    fn progress(&self) -> String {
        let Self { children, children_scanned, children_failed, .. } = self;
        let [children, scanned, failed] =
            [children, children_scanned, children_failed].map(|count| count.load(Ordering::Relaxed));
        format!("children={children} children_scanned={scanned} children_failed={failed}")
    }

    fn fork(&self, number: u64, steady: &SteadyThreads) {
        let scans = number % SCANS == 0;
        let child = steady.while_no_thread_starts(|| {
            // SAFETY: glibc and jemalloc prepare their locks; the child ends itself.
            let child = unsafe { libc::fork() };
            if child == 0 {
                // SAFETY: sets a timer of the child, whose signal kills it if it hangs.
                unsafe { libc::alarm(150) };
                let is_in_order =
                    catch_unwind(AssertUnwindSafe(|| child_is_in_order(scans))).unwrap_or(false);
                // SAFETY: ends the child without running the exit handlers of its parent.
                unsafe { libc::_exit(if is_in_order { IN_ORDER } else { 1 }) };
            }
            child
        });
        if child < 0 {
            println!("a child could not be made");
            self.children_failed.fetch_add(1, Ordering::Relaxed);
            return;
        }
        let mut status = 0;
        // SAFETY: reads the status of the child, which no other code waits for.
        let ended = unsafe { libc::waitpid(child, &raw mut status, 0) };
        let is_in_order = ended == child && libc::WIFEXITED(status) && libc::WEXITSTATUS(status) == IN_ORDER;
        if !is_in_order {
            println!("child {number} (scans: {scans}) ended with wait status {status:#x}");
        }
        self.children_failed.fetch_add(u64::from(!is_in_order), Ordering::Relaxed);
        self.children_scanned.fetch_add(u64::from(scans), Ordering::Relaxed);
        self.children.fetch_add(1, Ordering::Relaxed);
    }
}

/// What a child does. It has one thread, and a copy of everything else.
fn child_is_in_order(scans: bool) -> bool {
    let has_samples = live_samples::read().is_ok_and(|live| !live.samples.is_empty());
    // Memory of the parent's threads can be allocated, too.
    let own: Vec<Vec<u8>> = (0..1000).map(|number| vec![1; number]).collect();
    let is_whole = own.iter().map(Vec::len).sum::<usize>() == 499_500;
    if !scans {
        return has_samples && is_whole;
    }
    let collector = Collector::new();
    let has_none = collector.last_holders().is_none() && collector.holders_progress().is_none();
    let options = HoldersOptions { scans: 1, deadline: Duration::from_secs(60), ..HoldersOptions::default() };
    let report = collector.holders(&options);
    let is_known = match &report.coverage {
        Some(coverage) if coverage.ended_early.is_none() => {
            report.types.iter().any(|held| held.type_name.contains("InUseByMap"))
        }
        Some(_) => true,
        None => report.unavailable.get("coverage").is_some(),
    };
    has_samples && is_whole && has_none && is_known
}
