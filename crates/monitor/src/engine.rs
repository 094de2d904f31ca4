//! What the monitor's thread works on, and what the page reads.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError};
use std::time::Duration;

use memory_debug_core::{
    CaptureStatus, Collector, InstanceInfo, MonitorCost, MonitorReport, MonitorStatus, Scope, TaskReport,
};

use crate::captures::{Known, Recorder};
use crate::clock::{Clock, rfc3339};
use crate::event_ring::EventRing;
use crate::inbox::Inbox;
use crate::runtimes::Runtimes;
use crate::tasks;
use crate::watch::Watch;
use crate::workers::Workers;

/// The parts of a running monitor that several threads use.
#[derive(Debug)]
pub(crate) struct Engine {
    pub(crate) clock: Clock,
    pub(crate) started_ms: u64,
    pub(crate) ring: Arc<EventRing>,
    pub(crate) inbox: Arc<Inbox>,
    pub(crate) suppressed: Arc<AtomicU64>,
    pub(crate) panics: Arc<AtomicU64>,
    watch: Mutex<Watch>,
    recorder: Mutex<Option<Recorder>>,
    /// Whether something is captured, so that a locked recorder is not taken for none.
    has_recorder: bool,
    workers: Mutex<Workers>,
    /// The watched runtimes, for the numbers of their tasks.
    runtimes: Runtimes,
    /// How many descriptors wait for signals.
    pub(crate) signal_descriptors: OnceLock<u64>,
    /// How long a worker may be blocked before it is an event.
    pub(crate) blocked_after: Duration,
    /// By name, the sources that wake the monitor, and the reasons of those that do not.
    pub(crate) wakes: Mutex<Vec<(&'static str, Result<String, String>)>>,
    /// The id of the monitor's thread.
    pub(crate) thread_id: OnceLock<u32>,
    /// Why the monitor's thread has ended.
    ended: OnceLock<String>,
}

impl Engine {
    /// An engine whose thread has not started yet. `workers` belong to `runtimes`.
    pub(crate) fn new(
        clock: Clock,
        inbox: Inbox,
        watch: Watch,
        recorder: Option<Recorder>,
        runtimes: Runtimes,
        blocked_after: Duration,
    ) -> Self {
        Self {
            clock,
            started_ms: clock.now().unix_ms,
            ring: Arc::default(),
            inbox: Arc::new(inbox),
            suppressed: Arc::default(),
            panics: Arc::default(),
            watch: Mutex::new(watch),
            has_recorder: recorder.is_some(),
            recorder: Mutex::new(recorder),
            workers: Mutex::new(Workers::new(runtimes.clone(), blocked_after)),
            runtimes,
            signal_descriptors: OnceLock::new(),
            blocked_after,
            wakes: Mutex::default(),
            thread_id: OnceLock::new(),
            ended: OnceLock::new(),
        }
    }

    pub(crate) fn watch(&self) -> MutexGuard<'_, Watch> {
        lock(&self.watch)
    }

    /// The recorder. Only locked for moments, and never while a disk is waited for.
    pub(crate) fn recorder(&self) -> MutexGuard<'_, Option<Recorder>> {
        lock(&self.recorder)
    }

    pub(crate) fn workers(&self) -> MutexGuard<'_, Workers> {
        lock(&self.workers)
    }

    /// Takes the recorder, at the end.
    pub(crate) fn take_recorder(&self) -> Option<Recorder> {
        lock(&self.recorder).take()
    }

    /// Notes that the monitor's thread has ended, and why.
    pub(crate) fn end(&self, reason: &str) {
        let _ = self.ended.set(reason.to_owned());
    }

    /// The report for the page.
    pub(crate) fn report(&self, instance: InstanceInfo) -> MonitorReport {
        self.report_with(instance, Known::with_files)
    }

    /// The report without the list of captured files, which only the folder has.
    pub(crate) fn summary(&self, instance: InstanceInfo) -> MonitorReport {
        self.report_with(instance, Known::without_files)
    }

    fn report_with(&self, instance: InstanceInfo, captures: fn(Known) -> CaptureStatus) -> MonitorReport {
        let now = self.clock.now();
        let reported_at = rfc3339(now.unix_ms);
        if let Some(reason) = self.ended.get() {
            return MonitorReport::not_running(instance, reported_at, reason);
        }
        let mut status = MonitorStatus::default();
        status.started_at = rfc3339(self.started_ms);
        (status.events, status.omitted_events) = self.ring.list();
        status.totals = self.ring.totals();
        // The lock ends before the folder is read.
        let known = self.recorder().as_ref().map(Recorder::known);
        status.captures = known.map(captures);
        status.blocked = self.runtimes.totals().map(|_| self.workers().current());
        let of_signals = self.signal_descriptors.get().copied().unwrap_or(0);
        let mut descriptors = 1 + u64::from(self.has_recorder) + of_signals;
        let mut reasons = Vec::new();
        for (name, wake) in lock(&self.wakes).iter() {
            match wake {
                Ok(source) => {
                    descriptors += 1;
                    status.wakes.push(source.clone());
                }
                Err(reason) => reasons.push((*name, reason.clone())),
            }
        }
        let watch = self.watch();
        status.rules = watch.statuses(now);
        status.suppressed_events = watch.suppressed() + self.suppressed.load(Ordering::Relaxed);
        let (looks, wakes) = watch.looks();
        drop(watch);
        let mut cost = MonitorCost::default();
        (cost.looks, cost.wakes) = (looks, wakes);
        cost.panics = self.panics.load(Ordering::Relaxed);
        cost.descriptors = descriptors;
        cost.bytes = event_bytes(&status) + size_of::<Watch>() as u64;
        let cpu = self.cpu_us();
        cost.cpu_us = cpu.as_ref().ok().copied();
        status.cost = cost;
        let mut report = MonitorReport::new(instance, reported_at, status);
        for (name, reason) in reasons {
            report.unavailable.note(format!("monitor.wakes.{name}"), reason);
        }
        report.unavailable.keep("monitor.cost.cpu_us", cpu);
        if report.monitor.as_ref().is_some_and(|status| status.blocked.is_none()) {
            report
                .unavailable
                .note("monitor.blocked", "no runtime is watched; name one with `Monitor::watch_runtime`");
        }
        if !self.has_recorder {
            let reason = "no folder was set; name one with `Monitor::before_oom`";
            report.unavailable.note("monitor.captures", reason);
        }
        report
    }

    /// The known tasks, for the log, which names the instance itself.
    pub(crate) fn tasks_now(&self) -> TaskReport {
        self.tasks(Collector::new().collect(Scope::Stats).report.instance)
    }

    /// The known tasks, for the page.
    pub(crate) fn tasks(&self, instance: InstanceInfo) -> TaskReport {
        tasks::report(instance, rfc3339(self.clock.now().unix_ms), self.runtimes.totals())
    }

    /// Processor time of the monitor's thread, and of the one that writes flight records.
    fn cpu_us(&self) -> Result<u64, String> {
        let id = self.thread_id.get().ok_or("the thread has not started yet")?;
        let writer = self.recorder().as_ref().and_then(Recorder::thread_id);
        let nanos = cpu_ns(*id)? + writer.map_or(Ok(0), cpu_ns)?;
        Ok(nanos / 1000)
    }
}

/// Processor time of a thread of this process: the first number of `schedstat`.
fn cpu_ns(thread_id: u32) -> Result<u64, String> {
    let text = std::fs::read_to_string(format!("/proc/self/task/{thread_id}/schedstat"))
        .map_err(|error| format!("schedstat: {}", error.kind()))?;
    let nanos = text.split_whitespace().next().and_then(|nanos| nanos.parse().ok());
    nanos.ok_or_else(|| "schedstat has no such number".into())
}

/// The bytes of the events, about.
fn event_bytes(status: &MonitorStatus) -> u64 {
    let text = |event: &memory_debug_core::MonitorEvent| {
        let outcomes = event.actions.iter().map(|action| action.action.len() + action.outcome.len());
        size_of_val(event) + event.text.len() + event.at.len() + outcomes.sum::<usize>()
    };
    status.events.iter().map(text).sum::<usize>() as u64
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// How late the monitor's thread may end before its owner does not wait for it any more.
pub(crate) const END_WITHIN: Duration = Duration::from_secs(2);
