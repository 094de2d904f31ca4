//! A process that forks while its threads are counted.
#![cfg(all(feature = "jemalloc", target_os = "linux"))]
#![allow(clippy::unwrap_used, reason = "the functions here are parts of tests")]

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;

use memory_debug_report::InstanceInfo;
use memory_debug_tracer::{Call, Tracer};

memory_debug_core::install!();

/// Names for new nodes at every step.
const NAMES: [&str; 16] = ["a", "b", "c", "d", "e", "f", "g", "h", "i", "j", "k", "l", "m", "n", "o", "p"];

fn calls(depth: usize, step: usize) {
    let mut call = Call::begin(NAMES[step % NAMES.len()]);
    let guard = call.enter();
    if depth > 0 {
        calls(depth - 1, step / 3 + 1);
    }
    drop(guard);
    call.complete();
}

/// Counts, reads and stops as a forked process. A deadlock ends it by a signal.
fn child(tracer: &Tracer) -> ! {
    // SAFETY: the call has no requirements.
    unsafe { libc::alarm(60) };
    let worked = catch_unwind(AssertUnwindSafe(|| {
        let instance = || InstanceInfo::new(memory_debug_core::instance_id(), std::process::id());
        let nodes = || tracer.report(instance()).trace.unwrap().nodes.len();
        calls(5, 7);
        let before = nodes();
        calls(100, 1);
        assert!(nodes() > before);
        tracer.uninstall();
        tracer.install();
        calls(2, 1);
        assert_eq!(nodes(), 3);
    }));
    // SAFETY: the child has nothing to clean up.
    unsafe { libc::_exit(i32::from(worked.is_err())) }
}

#[test]
fn a_forked_process_counts_on_whatever_its_threads_did() {
    let stop = AtomicBool::new(false);
    let tracer = Tracer::new();
    tracer.install();
    thread::scope(|scope| {
        for thread in 0..2 {
            let stop = &stop;
            scope.spawn(move || {
                for step in 0.. {
                    if stop.load(Ordering::Relaxed) {
                        break;
                    }
                    calls(8, step * 31 + thread);
                }
            });
        }
        let other = Tracer::new();
        for _ in 0..5 {
            other.install();
            other.uninstall();
            // SAFETY: the child uses only this thread's state and locks that are free at a fork.
            let pid = unsafe { libc::fork() };
            if pid == 0 {
                child(&tracer);
            }
            let mut status = 0;
            // SAFETY: `status` is valid, and the process is a child of this one.
            assert_eq!(unsafe { libc::waitpid(pid, &raw mut status, 0) }, pid);
            assert_eq!(status, 0, "the child failed or hung");
        }
        stop.store(true, Ordering::Relaxed);
    });
}
