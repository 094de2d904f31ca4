//! The one scan of a process, and the calls that share it.

use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::Instant;

use memory_debug_holders::{Hidden, HoldersReport, Span};

use super::ScanProgress;
use super::finding::Finding;
use crate::per_process::PerProcess;
use crate::shared_source::now;

/// The scans of this process. A forked child has its own: a scan of its parent never ends in it.
pub(super) static SCANS: PerProcess<Scans> =
    PerProcess::new(Scans { running: Mutex::new(None), last: Mutex::new(None) });

/// The place of `SCANS`. The last report stays there, in memory in which stale pointers of the program may lie. It is not
/// the program's own, so nothing that only it points to is in use.
pub(super) fn own_memory() -> Span {
    Span { start: Hidden::new((&raw const SCANS).addr() as u64), bytes: size_of_val(&SCANS) as u64 }
}

/// What a scan found, or the reason why it failed.
pub(super) type Found = Result<Arc<Finding>, String>;

/// The scan that runs, and the last result.
#[derive(Debug, Default)]
pub(super) struct Scans {
    running: Mutex<Option<Arc<Running>>>,
    last: Mutex<Option<Arc<HoldersReport>>>,
}

/// A scan that runs.
#[derive(Debug)]
pub(super) struct Running {
    /// How many scans it makes.
    scans: u32,
    progress: Mutex<ScanProgress>,
    found: Mutex<Option<Found>>,
    has_ended: Condvar,
}

impl Scans {
    /// Returns what a scan with at least `wanted` scans found: the running one, or else a new one by `scan`.
    ///
    /// # Errors
    ///
    /// The errors of the scan, and if the time is over while another scan runs.
    pub(super) fn share(
        &self,
        wanted: u32,
        deadline: Instant,
        scan: impl FnOnce(&Running) -> Result<Finding, String>,
    ) -> Found {
        loop {
            let running = {
                let mut slot = lock(&self.running);
                match &*slot {
                    Some(running) => Arc::clone(running),
                    None => {
                        let own = Arc::new(Running::new(wanted));
                        *slot = Some(Arc::clone(&own));
                        drop(slot);
                        return self.lead(&own, scan);
                    }
                }
            };
            match running.wait(deadline) {
                Some(found) if running.scans >= wanted => return found,
                Some(_) => {}
                None => {
                    return Err("another scan of this process is running, and the time was over before it ended; allow \
                                more seconds, or ask for the last result"
                        .to_owned());
                }
            }
        }
    }

    /// Scans for all calls that wait.
    fn lead(&self, own: &Arc<Running>, scan: impl FnOnce(&Running) -> Result<Finding, String>) -> Found {
        let end = End { scans: self, own };
        let found = scan(own).map(Arc::new);
        *lock(&own.found) = Some(found.clone());
        drop(end);
        found
    }

    /// How far the running scan is.
    pub(super) fn progress(&self) -> Option<ScanProgress> {
        let running = lock(&self.running).clone()?;
        Some(lock(&running.progress).clone())
    }

    pub(super) fn keep(&self, report: Arc<HoldersReport>) {
        *lock(&self.last) = Some(report);
    }

    pub(super) fn last(&self) -> Option<Arc<HoldersReport>> {
        lock(&self.last).clone()
    }
}

impl Running {
    fn new(scans: u32) -> Self {
        Self {
            scans,
            progress: Mutex::new(ScanProgress { started_at: now(), ..ScanProgress::default() }),
            found: Mutex::new(None),
            has_ended: Condvar::new(),
        }
    }

    /// Says how far the scan is.
    pub(super) fn tell(&self, read_bytes: u64, heap_bytes: u64, scans_done: u32) {
        let mut progress = lock(&self.progress);
        progress.read_bytes = read_bytes;
        progress.heap_bytes = heap_bytes;
        progress.scans_done = scans_done;
    }

    /// Waits for the end of the scan. `None` if the time is over first.
    fn wait(&self, deadline: Instant) -> Option<Found> {
        let mut found = lock(&self.found);
        while found.is_none() {
            let left = deadline.checked_duration_since(Instant::now()).filter(|left| !left.is_zero())?;
            found = self.has_ended.wait_timeout(found, left).unwrap_or_else(PoisonError::into_inner).0;
        }
        found.clone()
    }
}

/// Ends a scan, also after a panic.
struct End<'a> {
    scans: &'a Scans,
    own: &'a Running,
}

impl Drop for End<'_> {
    fn drop(&mut self) {
        lock(&self.own.found).get_or_insert_with(|| Err("the scan failed; this is a bug".to_owned()));
        *lock(&self.scans.running) = None;
        self.own.has_ended.notify_all();
    }
}

/// No code panics while it holds one of these locks.
fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    use std::sync::Barrier;
    use std::sync::atomic::{AtomicU32, Ordering};
    use std::thread;
    use std::time::Duration;

    use super::*;

    fn soon() -> Instant {
        Instant::now() + Duration::from_secs(3600)
    }

    #[test]
    fn calls_that_come_during_a_scan_share_it() {
        let scans = Scans::default();
        let (runs, begun, waits) = (AtomicU32::new(0), Barrier::new(2), Barrier::new(2));
        let scan = |_: &Running| {
            runs.fetch_add(1, Ordering::SeqCst);
            begun.wait();
            waits.wait();
            Ok(Finding::default())
        };
        let none = |_: &Running| panic!("it shares the running scan");
        thread::scope(|scope| {
            let first = scope.spawn(|| scans.share(3, soon(), scan).unwrap());
            begun.wait();
            let running = lock(&scans.running).clone().unwrap();
            assert_eq!(scans.progress().unwrap().scans_done, 0);
            let before = Arc::strong_count(&running);
            let others = [1, 3].map(|wanted| {
                let scans = &scans;
                scope.spawn(move || scans.share(wanted, soon(), none).unwrap())
            });
            while Arc::strong_count(&running) < before + others.len() {
                thread::yield_now();
            }
            waits.wait();
            let first = first.join().unwrap();
            for other in others {
                assert!(Arc::ptr_eq(&first, &other.join().unwrap()));
            }
        });
        assert_eq!((runs.load(Ordering::SeqCst), scans.progress()), (1, None));
    }

    #[test]
    fn a_call_that_wants_more_scans_waits_and_scans_itself() {
        let scans = Scans::default();
        let (begun, waits) = (Barrier::new(2), Barrier::new(2));
        let slow = |_: &Running| {
            begun.wait();
            waits.wait();
            Ok(Finding::default())
        };
        thread::scope(|scope| {
            let first = scope.spawn(|| scans.share(1, soon(), slow).unwrap());
            begun.wait();
            let second = scope.spawn(|| scans.share(3, soon(), |_| Ok(Finding::default())).unwrap());
            waits.wait();
            assert!(!Arc::ptr_eq(&first.join().unwrap(), &second.join().unwrap()));
        });
    }

    #[test]
    fn a_call_whose_time_is_over_says_that_another_scan_runs() {
        let scans = Scans::default();
        let nested = |_: &Running| {
            let now = Instant::now();
            Err(scans.share(1, now, |_| panic!("one runs")).unwrap_err())
        };
        let reason = scans.share(1, soon(), nested).unwrap_err();
        assert!(
            reason.starts_with("another scan of this process is running, and the time was over"),
            "{reason}"
        );
    }

    #[test]
    fn s47_after_a_panic_waiting_calls_get_a_reason_and_the_next_scan_runs() {
        let scans = Scans::default();
        let (begun, waits) = (Barrier::new(2), Barrier::new(2));
        let panics = |_: &Running| {
            begun.wait();
            waits.wait();
            panic!("expected by the test")
        };
        thread::scope(|scope| {
            let first = scope.spawn(|| scans.share(1, soon(), panics));
            begun.wait();
            let running = lock(&scans.running).clone().unwrap();
            waits.wait();
            assert_eq!(running.wait(soon()).unwrap().unwrap_err(), "the scan failed; this is a bug");
            assert!(first.join().is_err());
        });
        assert!(scans.share(1, soon(), |_| Ok(Finding::default())).is_ok());
    }
}
