//! Turns the heap profiler on, or changes its rate, for a limited time.
//!
//! Every change ends by itself: after the given time, sampling returns to its earlier state. So an operator can get a
//! profile from a service that does not normally sample, and does not have to remember to turn sampling off.

mod change;

use std::path::Path;
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Condvar, MutexGuard, PoisonError};
use std::time::Duration;
use std::{io, process};

use memory_debug_profile::HeapProfile;
use memory_debug_report::__private::timestamp;
use memory_debug_report::{
    DiscardedSamples, ProfilingRefusal, ProfilingState, ProfilingStatus, ProfilingWindow, Unavailable,
};

use self::change::Wanted;
pub use self::change::{ProfilingChange, ProfilingFields};
use crate::collect::Collector;
use crate::jemalloc::{self, RealSwitches, SAMPLING, Sampling, Switches};
use crate::mallctl;
use crate::thread::spawn_collecting;

/// How long to wait after jemalloc refused to end a change.
const RETRY: Duration = Duration::from_secs(1);

/// Tells the timer that the end of the window has moved.
static MOVED: Condvar = Condvar::new();

/// The process whose timer runs, or 0. A forked child has no timer. Read and written only while
/// [`SAMPLING`] is held.
static TIMER_OF: AtomicU32 = AtomicU32::new(0);

impl Collector {
    /// The state of the heap profiler. Reads a few numbers of jemalloc.
    pub fn profiling(&self) -> ProfilingStatus {
        self.status(&mut SAMPLING.lock())
    }

    /// Changes the heap profiler for a limited time. If `if_version` is given, changes it only if the state still has
    /// that version.
    ///
    /// From the first change until its end, the process has one more thread. It is named `memory-debug` and sleeps.
    ///
    /// When the rate changes, now or at the end, jemalloc discards all samples. The answer then says how much memory
    /// the samples stood for, and [`ProfilingState::active_since`] is the time of the change. That takes a heap
    /// profile, so call this on a thread made by [`spawn_collecting`]. After a change of rate, each thread takes its
    /// first sample at the old rate. So the profile misses up to about `old rate × threads` bytes, or, if the new
    /// rate is coarser, has one sample too many per thread.
    ///
    /// # Errors
    ///
    /// See [`ProfilingRefusal`]. If jemalloc refuses a change half way, the change is undone and so is the change
    /// before it. If jemalloc refuses to end a change, the end is tried again every second.
    pub fn set_profiling(
        &self,
        change: ProfilingChange,
        if_version: Option<u64>,
    ) -> Result<ProfilingStatus, ProfilingRefusal> {
        require_profiler()?;
        // This comes before the change and without the lock, so that other callers do not wait.
        let discarded = is_rate_changed(change, if_version)?.then(read_samples);
        let mut sampling = SAMPLING.lock();
        require_version(&sampling, if_version)?;
        let rate = || RealSwitches.setting().map(|setting| setting.lg_sample);
        let rate_before = rate().map_err(ProfilingRefusal::Failed)?;
        apply(&mut sampling, change)?;
        MOVED.notify_all();
        if rate() != Ok(rate_before) {
            sampling
                .note_discarded(discarded.unwrap_or_else(|| Err("another change came in between".into())));
        }
        Ok(self.status_after_change(&mut sampling))
    }

    /// The state as the last change returned it, with what that change discarded. Without a change, or after a later
    /// end of a change, it equals [`profiling`](Self::profiling).
    pub fn profiling_after_change(&self) -> ProfilingStatus {
        self.status_after_change(&mut SAMPLING.lock())
    }

    fn status_after_change(&self, sampling: &mut Sampling) -> ProfilingStatus {
        let mut status = self.status(sampling);
        if let Some(samples) = sampling.discarded() {
            let discarded = status.unavailable.keep("discarded", samples);
            status.discarded = discarded.filter(|discarded| discarded.stacks > 0);
        }
        status
    }

    fn status(&self, sampling: &mut Sampling) -> ProfilingStatus {
        let mut unavailable = Unavailable::default();
        let instance = self.instance(Path::new("/proc"), &mut unavailable);
        let profiling = match jemalloc::global_allocator() {
            Ok(()) => {
                let mut reasons = Unavailable::default();
                let started_at = instance.started_at.clone();
                let generation = sampling.generation(&RealSwitches);
                let state = jemalloc::read_profiling(started_at, generation, &mut reasons);
                // In a report these paths are inside the section `allocator`.
                reasons.iter().for_each(|(path, reason)| {
                    unavailable.note(path.strip_prefix("allocator.").unwrap_or(path), reason);
                });
                state
            }
            Err(reason) => {
                unavailable.note("profiling", reason);
                ProfilingState::default()
            }
        };
        let mut status = ProfilingStatus::new(instance, sampling.version(), profiling);
        status.window = window(sampling);
        status.unavailable = unavailable;
        status
    }
}

fn window(sampling: &Sampling) -> Option<ProfilingWindow> {
    let window = sampling.window()?;
    let now = RealSwitches.now();
    let left = window.until.instant.saturating_duration_since(now.instant);
    let current = RealSwitches.setting();
    let seconds_left = left.as_secs() + u64::from(left.subsec_nanos() > 0);
    let mut told = ProfilingWindow::new(timestamp::millis(window.until.time), seconds_left);
    told.active_afterwards = window.before.active;
    told.sample_bytes_afterwards = mallctl::sample_bytes(window.before.lg_sample).ok();
    told.discards_at_end = current.is_ok_and(|current| current.lg_sample != window.before.lg_sample);
    Some(told)
}

fn require_profiler() -> Result<(), ProfilingRefusal> {
    jemalloc::global_allocator().map_err(ProfilingRefusal::NotBuilt)?;
    let state = jemalloc::read_profiling(None, jemalloc::generation(), &mut Unavailable::default());
    jemalloc::enabled(&state).map_err(|reason| match state.compiled {
        Some(true) => ProfilingRefusal::NotEnabled(reason),
        _ => ProfilingRefusal::NotBuilt(reason),
    })
}

fn require_version(sampling: &Sampling, if_version: Option<u64>) -> Result<(), ProfilingRefusal> {
    match if_version {
        Some(version) if version != sampling.version() => {
            Err(ProfilingRefusal::VersionDiffers(sampling.version()))
        }
        _ => Ok(()),
    }
}

/// Whether this change would change the rate now, and thereby discard samples.
fn is_rate_changed(change: ProfilingChange, if_version: Option<u64>) -> Result<bool, ProfilingRefusal> {
    let sampling = SAMPLING.lock();
    require_version(&sampling, if_version)?;
    let current = RealSwitches.setting().map_err(ProfilingRefusal::Failed)?;
    let wanted = match change.0 {
        Wanted::Active { lg_sample, .. } => lg_sample,
        Wanted::AsBefore => sampling.window().map(|window| window.before.lg_sample),
    };
    Ok(wanted.is_some_and(|lg_sample| lg_sample != current.lg_sample))
}

fn apply(sampling: &mut Sampling, change: ProfilingChange) -> Result<(), ProfilingRefusal> {
    match change.0 {
        Wanted::Active { time, lg_sample } => {
            start_timer().map_err(|error| {
                ProfilingRefusal::Failed(format!("no thread to end the change: {}", error.kind()))
            })?;
            sampling.open(&RealSwitches, time, lg_sample).map_err(ProfilingRefusal::Failed)
        }
        Wanted::AsBefore => {
            let current = RealSwitches.setting().map_err(ProfilingRefusal::Failed)?;
            if sampling.window().is_none() && current.active {
                return Err(ProfilingRefusal::OnByConfiguration);
            }
            sampling.close(&RealSwitches).map_err(ProfilingRefusal::Failed)
        }
    }
}

/// Reads how much memory the current samples stand for.
fn read_samples() -> Result<DiscardedSamples, String> {
    let profile = HeapProfile::parse(jemalloc::read_dump()?.reader()).map_err(|error| error.to_string())?;
    let bytes: f64 = profile.stacks().map(|stack| profile.estimate(&stack).bytes).sum();
    let mut discarded = DiscardedSamples::default();
    discarded.sampled_bytes = bytes.round() as u64;
    discarded.stacks = profile.stacks().len() as u64;
    Ok(discarded)
}

/// Makes sure that a thread ends the change. Call it with [`SAMPLING`] held, so that the thread sees
/// the change.
fn start_timer() -> io::Result<()> {
    if TIMER_OF.load(Ordering::Relaxed) != process::id() {
        spawn_collecting(end_change_on_time)?;
        TIMER_OF.store(process::id(), Ordering::Relaxed);
    }
    Ok(())
}

/// Ends the change on time. Sleeps until then, even if the end moves.
fn end_change_on_time() {
    let mut sampling = SAMPLING.lock_despite_forks();
    while let Some(window) = sampling.window() {
        let refused = sampling.close_if_due(&RealSwitches).is_err();
        let left = window.until.instant.saturating_duration_since(RealSwitches.now().instant);
        sampling = wait(sampling, if refused { RETRY } else { left });
    }
    TIMER_OF.store(0, Ordering::Relaxed);
}

fn wait(sampling: MutexGuard<'static, Sampling>, time: Duration) -> MutexGuard<'static, Sampling> {
    MOVED.wait_timeout(sampling, time).unwrap_or_else(PoisonError::into_inner).0
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn without_jemalloc_names_the_missing_line_and_starts_nothing() {
        let change = ProfilingChange::activate(1, None).unwrap();
        let refusal = Collector::new().set_profiling(change, None).unwrap_err();
        let reason = jemalloc::global_allocator().unwrap_err();
        assert_eq!(refusal, ProfilingRefusal::NotBuilt(reason.clone()));
        assert_eq!(TIMER_OF.load(Ordering::Relaxed), 0);
        let status = Collector::new().profiling();
        assert_eq!((status.version, status.window, status.profiling.active), (0, None, None));
        assert_eq!(status.unavailable.get("profiling"), Some(reason.as_str()));
    }
}
