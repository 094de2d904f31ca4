//! Anonymous memory: what a limit counts and the kernel cannot take back, unlike the pages of a mapped file.

use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::Duration;

use crate::side_by_side::resident;

/// Anonymous memory around some work, in bytes.
pub(crate) struct Anonymous {
    /// More than before, at the most.
    pub(crate) peak: i64,
    /// More than before, afterwards.
    pub(crate) remains: i64,
    /// How often the peak was looked for.
    pub(crate) samples: i64,
}

/// Anonymous memory while `work` runs. The kernel keeps a peak only together with file pages (`VmHWM`), so another
/// thread reads the present value all the time.
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
        // The sampler's own stack is there.
        thread::sleep(Duration::from_millis(10));
        let before = resident("RssAnon");
        work();
        let after = resident("RssAnon");
        done.store(true, Ordering::Relaxed);
        let (peak, samples) = sampler.join().expect("no panic");
        Anonymous { peak: peak.max(after) - before, remains: after - before, samples }
    })
}

/// Gives jemalloc's unused pages back, which the work would otherwise use before it takes new ones.
pub(crate) fn purge() {
    // 4096 stands for all arenas (MALLCTL_ARENAS_ALL).
    let name = c"arena.4096.purge";
    let null = std::ptr::null_mut();
    // SAFETY: `arena.<i>.purge` neither reads nor writes a value (jemalloc's manual), and the name ends in NUL.
    let refusal = unsafe { tikv_jemalloc_sys::mallctl(name.as_ptr(), null, null.cast(), null, 0) };
    assert_eq!(refusal, 0, "jemalloc purges");
}
