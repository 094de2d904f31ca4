//! Anonymous memory, which counts towards a limit. Unlike the pages of a mapped file, the kernel cannot reclaim it.

use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::Duration;

use crate::side_by_side::resident;

/// The anonymous memory that some work takes, in bytes.
pub(crate) struct Anonymous {
    /// The most above the memory before.
    pub(crate) peak: i64,
    /// The memory afterwards, above the memory before.
    pub(crate) remains: i64,
    /// How often the memory was read to find the peak.
    pub(crate) samples: i64,
}

/// Measures the anonymous memory while `work` runs. The kernel keeps a peak only for anonymous and file pages
/// together (`VmHWM`), so another thread reads the current value all the time.
pub(crate) fn anonymous_during(work: impl FnOnce()) -> Anonymous {
    let done = AtomicBool::new(false);
    thread::scope(|scope| {
        let sampler = scope.spawn(|| {
            let (mut peak, mut samples) = (0, 0);
            while !done.load(Ordering::Relaxed) {
                peak = peak.max(resident("RssAnon"));
                samples += 1;
                thread::sleep(Duration::from_micros(200));
            }
            (peak, samples)
        });
        // Waits until the sampler runs, so that its stack counts as memory before.
        thread::sleep(Duration::from_millis(10));
        let before = resident("RssAnon");
        work();
        let after = resident("RssAnon");
        done.store(true, Ordering::Relaxed);
        let (peak, samples) = sampler.join().expect("no panic");
        Anonymous { peak: peak.max(after) - before, remains: after - before, samples }
    })
}

/// Returns jemalloc's unused pages to the system. Otherwise the work would use them before it takes new pages.
pub(crate) fn purge() {
    // 4096 stands for all arenas (MALLCTL_ARENAS_ALL).
    let name = c"arena.4096.purge";
    let null = std::ptr::null_mut();
    // SAFETY: `arena.<i>.purge` neither reads nor writes a value (jemalloc's manual), and the name ends in NUL.
    let refusal = unsafe { tikv_jemalloc_sys::mallctl(name.as_ptr(), null, null.cast(), null, 0) };
    assert_eq!(refusal, 0, "jemalloc purges");
}
