//! Threads that replace parts of populations all the time.

use std::hint::black_box;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use crate::element::random;
use crate::threads::{JobQueue, put_job};
use crate::{crates, latency, statics, tasks};

/// Threads, and the operations of all of them in a second.
const THREADS: u64 = 4;
const OPERATIONS: u64 = 30_000;
/// Operations between two pauses of a thread.
const BATCH: u64 = 32;

static COUNT: AtomicU64 = AtomicU64::new(0);

/// Threads that churn until they are stopped.
#[derive(Debug)]
#[must_use = "dropping it lets the threads run for ever"]
pub(crate) struct Churn {
    stop: Arc<AtomicBool>,
    threads: Vec<JoinHandle<()>>,
}

/// Starts the threads.
pub(crate) fn start(jobs: &JobQueue) -> Churn {
    let stop = Arc::new(AtomicBool::new(false));
    let run = |thread| {
        let (stop, jobs) = (Arc::clone(&stop), Arc::clone(jobs));
        let run = move || {
            let mut due = Instant::now();
            for round in 0.. {
                if stop.load(Ordering::Relaxed) {
                    return;
                }
                for n in 0..BATCH {
                    let n = random((round * BATCH + n) * THREADS + thread);
                    let begin = Instant::now();
                    black_box(operate(n, &jobs));
                    latency::record(begin.elapsed());
                }
                COUNT.fetch_add(BATCH, Ordering::Relaxed);
                due = pause_until(due + Duration::from_micros(1_000_000 * BATCH * THREADS / OPERATIONS));
            }
        };
        thread::Builder::new().name(format!("churn-{thread}")).spawn(run).expect("a thread")
    };
    let threads = (0..THREADS).map(run).collect();
    Churn { stop, threads }
}

/// Waits until the next batch is due. A thread that is late by more than a second does not make up for it.
fn pause_until(due: Instant) -> Instant {
    let now = Instant::now();
    match due.checked_duration_since(now) {
        Some(early) => thread::sleep(early),
        None if now - due > Duration::from_secs(1) => return now,
        None => {}
    }
    due
}

/// The operations of all threads so far.
pub(crate) fn count() -> u64 {
    COUNT.load(Ordering::Relaxed)
}

fn operate(n: u64, jobs: &JobQueue) -> u64 {
    match random(n) % 10 {
        0..=2 => statics::put_session(n),
        3 => statics::put_page(n, true),
        4 => statics::put_readings(n),
        5 => crates::put_dash(n),
        6 => put_job(jobs, n, true),
        7 => tasks::send_std(n, true),
        _ => {
            let texts: Vec<String> = (0..16).map(|at| "x".repeat((n >> at) as usize % 2_000)).collect();
            black_box(&texts).len() as u64
        }
    }
}

impl Churn {
    /// Stops the threads.
    pub(crate) fn stop(self) {
        self.stop.store(true, Ordering::Relaxed);
        for thread in self.threads {
            thread.join().expect("no thread panics");
        }
    }
}
