//! What a scan costs in a process that does nothing else: processor time and memory.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};
use std::{fs, thread};

use rustix::param::page_size;
use rustix::time::{ClockId, clock_gettime};

/// Pages of its own change slowly, so the peak is exact enough.
const INTERVAL: Duration = Duration::from_millis(2);

/// What some work cost.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Cost {
    /// Processor time of all threads.
    pub(crate) cpu: Duration,
    pub(crate) time: Duration,
    /// The most bytes of memory without a file that the process had beyond those at the beginning. Includes what other
    /// threads allocated at the same time.
    pub(crate) memory: u64,
}

/// Does the work on this thread.
pub(crate) fn measure<R>(work: impl FnOnce() -> R) -> (R, Cost) {
    let before = anonymous_bytes();
    let done = Arc::new(AtomicBool::new(false));
    let watched = Arc::clone(&done);
    let watch = thread::spawn(move || {
        let mut peak = 0;
        while !watched.load(Ordering::Relaxed) {
            peak = anonymous_bytes().max(peak);
            thread::sleep(INTERVAL);
        }
        peak
    });
    let (begin, cpu) = (Instant::now(), process_time());
    let result = work();
    let (time, cpu) = (begin.elapsed(), process_time().saturating_sub(cpu));
    done.store(true, Ordering::Relaxed);
    let peak = watch.join().expect("the watch does not panic");
    (result, Cost { cpu, time, memory: peak.saturating_sub(before) })
}

fn process_time() -> Duration {
    Duration::try_from(clock_gettime(ClockId::ProcessCPUTime)).expect("it is not negative")
}

/// Resident bytes that belong to no file. All zero if the kernel does not say.
fn anonymous_bytes() -> u64 {
    let text = fs::read_to_string("/proc/self/statm").unwrap_or_default();
    let pages: Vec<u64> = text.split(' ').filter_map(|field| field.trim().parse().ok()).collect();
    match pages[..] {
        [_, resident, shared, ..] => resident.saturating_sub(shared) * page_size() as u64,
        _ => 0,
    }
}
