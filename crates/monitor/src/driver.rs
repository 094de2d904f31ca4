//! The thread: waits, looks, decides.

use std::os::fd::BorrowedFd;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use memory_debug_core::{ActionOutcome, EventKind, MonitorEvent};
use rustix::event::{PollFd, PollFlags, Timespec, poll};

use crate::captures::JobResult;
use crate::check::Check;
use crate::clock::{Moment, rfc3339};
use crate::dispatch::Dispatch;
use crate::engine::Engine;
use crate::inbox::Note;
use crate::log;
use crate::reading::Reading;
use crate::signal::{Signals, report_is_due};
use crate::summary_line::{signal_report, summary_line};
use crate::wake::{ServiceManager, Wakes, Woke};
use crate::watch::{Found, Woken};

/// Room for what the sources of wakes report.
const BUFFER_BYTES: usize = 4096;

/// The work of the monitor's thread.
#[derive(Debug)]
pub(crate) struct Driver {
    engine: Arc<Engine>,
    dispatch: Dispatch,
    wakes: Wakes,
    interval: Duration,
    look_due: Duration,
    checks: Vec<(Check, Duration)>,
    summary: Option<(Duration, Duration)>,
    /// Is empty at most looks, and keeps its room.
    found: Vec<Found>,
    /// When to look at the workers of runtimes.
    workers_due: Duration,
    /// How much later than planned this thread woke up.
    overslept: Duration,
    signals: Option<Signals>,
    last_signal: Option<Duration>,
    /// Whether captures pause.
    is_paused: bool,
    buffer: Box<[u8]>,
}

/// What a driver is made of besides its engine.
#[derive(Debug)]
pub(crate) struct Duties {
    pub(crate) dispatch: Dispatch,
    pub(crate) interval: Duration,
    pub(crate) checks: Vec<Check>,
    pub(crate) summary_every: Option<Duration>,
    /// What the first look found.
    pub(crate) found: Vec<Found>,
    pub(crate) signals: Option<Signals>,
}

impl Driver {
    /// A driver that begins with a look. Opens the sources of wakes; `proc` is the folder where `/proc` is mounted.
    pub(crate) fn new(engine: Arc<Engine>, duties: Duties, proc: &Path) -> Self {
        let mut buffer = vec![0; BUFFER_BYTES].into_boxed_slice();
        let wakes = Wakes::open(proc, engine.watch().reader(), &ServiceManager::from_env(), &mut buffer);
        let driver = Self {
            dispatch: duties.dispatch,
            wakes,
            interval: duties.interval,
            look_due: Duration::ZERO,
            checks: duties.checks.into_iter().map(|check| (check, Duration::ZERO)).collect(),
            summary: duties.summary_every.map(|every| (every, every)),
            found: duties.found,
            is_paused: false,
            workers_due: Duration::ZERO,
            overslept: Duration::ZERO,
            signals: duties.signals,
            last_signal: None,
            buffer,
            engine,
        };
        driver.show_wakes();
        let descriptors = driver.signals.as_ref().map_or(0, |_| Signals::DESCRIPTORS);
        let _ = driver.engine.signal_descriptors.set(descriptors);
        driver
    }

    /// Runs until the inbox says that it is time to stop.
    pub(crate) fn run(mut self) {
        self.report_earlier();
        let mut woken = Woken::default();
        while !self.engine.inbox.is_stopping() {
            let now = self.engine.clock.now();
            self.take_notes(now);
            if woken.any() || now.at >= self.look_due {
                self.look(now, woken);
            }
            self.look_at_workers(now);
            self.report_on_signal(now);
            self.run_checks(now);
            self.write_summary(now);
            self.send();
            woken = self.wait();
        }
        if let Some(recorder) = self.engine.take_recorder()
            && let Err(reason) = recorder.close()
        {
            // The threads that write events may not run any more.
            log::write_warning(&format!(
                "memory: the end of this process could not be marked in its flight record: {reason}; the next start \
                 reports that it did not end in order"
            ));
        }
    }

    fn look(&mut self, now: Moment, woken: Woken) {
        let mut watch = self.engine.watch();
        let reading = watch.look(now, woken, &mut self.found);
        self.look_due = watch.next_look(now.at, self.interval);
        for (name, running) in self.dispatch.new_hangs(now.at) {
            let seconds = running.as_secs();
            let text = format!(
                "{name} has not returned for {seconds} s; until it does, further calls wait or are left out"
            );
            let event = MonitorEvent::new(EventKind::Failure, rfc3339(now.unix_ms), text);
            watch.admit_event(now, event, &mut self.found);
        }
        drop(watch);
        if let Some(reason) = self.record(&reading) {
            self.fail(now, format!("nothing is captured now: {reason}"));
        }
    }

    /// Writes the record of a look, and captures if that is due. Returns why captures pause, if they begin to.
    fn record(&mut self, reading: &Reading) -> Option<String> {
        let mut recorder = self.engine.recorder();
        let recorder = recorder.as_mut()?;
        recorder.record(reading);
        if let Some(job) = recorder.due(reading) {
            self.dispatch.capture(job, None);
        }
        let was_paused = std::mem::replace(&mut self.is_paused, recorder.is_paused());
        if self.is_paused && !was_paused { recorder.paused() } else { None }
    }

    /// Looks at the workers at each look, and more often while one of them may be blocked.
    fn look_at_workers(&mut self, now: Moment) {
        let overslept = std::mem::take(&mut self.overslept);
        if now.at < self.workers_due && overslept < self.engine.blocked_after {
            return;
        }
        let look = self.engine.workers().look(now.at, now.unix_ms, overslept);
        self.workers_due = look.due(now.at, self.look_due, self.interval);
        for event in look.events {
            self.engine.watch().admit_event(now, event, &mut self.found);
        }
    }

    /// Writes a report to the log if a signal has arrived.
    fn report_on_signal(&mut self, now: Moment) {
        let Some(signal) = self.signals.as_mut().and_then(Signals::take) else { return };
        if !report_is_due(self.last_signal, now.at) {
            return;
        }
        self.last_signal = Some(now.at);
        let engine = Arc::clone(&self.engine);
        self.dispatch.report(format!("{signal:?}"), move |types| {
            let watch = engine.watch();
            let (reading, known) = (*watch.last(), watch.types().to_vec());
            drop(watch);
            let types = if types.is_empty() { known } else { types };
            let (blocked, tasks) = (engine.workers().current(), engine.tasks_now());
            signal_report(&reading, &types, &blocked, &tasks)
        });
    }

    fn fail(&mut self, now: Moment, text: String) {
        let event = MonitorEvent::new(EventKind::Failure, rfc3339(now.unix_ms), text);
        self.engine.watch().admit_event(now, event, &mut self.found);
    }

    /// Sends what was found.
    fn send(&mut self) {
        for (event, rule) in self.found.drain(..) {
            self.dispatch.send(event, rule);
        }
    }

    fn take_notes(&mut self, now: Moment) {
        for note in self.engine.inbox.take() {
            match note {
                Note::Event(event) => self.engine.watch().admit_event(now, *event, &mut self.found),
                Note::Types(types) => {
                    self.engine.watch().know_types(types);
                    self.look_due = now.at;
                }
                Note::CaptureWanted(event) => self.capture(event),
                Note::Captured(result, event) => self.take_capture(result, event, now),
            }
        }
    }

    fn take_capture(&mut self, result: JobResult, event: Option<u64>, now: Moment) {
        if let Some(recorder) = self.engine.recorder().as_mut() {
            recorder.done(&result);
        }
        if result.has_file() {
            self.engine.ring.count_capture();
        }
        match event {
            Some(event) => self.engine.ring.note_outcome(event, result.outcome),
            None if result.has_failed() => {
                self.fail(now, format!("a capture before the kill failed: {}", result.outcome.outcome));
            }
            None => {}
        }
        if !result.types.is_empty() {
            self.engine.watch().know_largest(result.types);
            self.look_due = now.at;
        }
    }

    /// Captures for an event that asks for it.
    fn capture(&self, event: u64) {
        let outcome = |text: &str| {
            self.engine.ring.note_outcome(event, ActionOutcome::new("capture", text));
        };
        let reading = *self.engine.watch().last();
        let mut recorder = self.engine.recorder();
        let Some(recorder) = recorder.as_mut() else {
            return outcome("skipped: no folder was set; name one with `Monitor::before_oom`");
        };
        match (recorder.capture_now(&reading), recorder.paused()) {
            (Some(job), _) => self.dispatch.capture(job, Some(event)),
            (None, Some(reason)) => outcome(&format!("skipped: nothing is captured now: {reason}")),
            (None, None) => outcome("skipped: another capture is under way, or there is no room"),
        }
    }

    /// One event for each earlier process that did not end in order.
    fn report_earlier(&mut self) {
        let now = self.engine.clock.now();
        let recorder = self.engine.recorder();
        for earlier in recorder.as_ref().map(|recorder| recorder.earlier()).unwrap_or_default() {
            let at = rfc3339(now.unix_ms);
            let event = MonitorEvent::new(EventKind::EndedAbruptly, at, earlier.summary.clone());
            self.engine.watch().admit_event(now, event, &mut self.found);
        }
    }

    fn run_checks(&mut self, now: Moment) {
        for (index, (check, due)) in self.checks.iter_mut().enumerate() {
            if now.at >= *due {
                *due = now.at.saturating_add(check.period);
                self.dispatch.check(index, check);
            }
        }
    }

    fn write_summary(&mut self, now: Moment) {
        let Some((every, due)) = &mut self.summary else { return };
        if now.at >= *due {
            *due = now.at.saturating_add(*every);
            let watch = self.engine.watch();
            let line = summary_line(watch.last(), watch.types());
            drop(watch);
            self.dispatch.line(line);
        }
    }

    /// Waits until something is due, or a source wakes the monitor.
    fn wait(&mut self) -> Woken {
        let at = self.engine.clock.now().at;
        let checks = self.checks.iter().map(|(_, due)| *due);
        let others = self.summary.map(|(_, due)| due).into_iter().chain(self.wakes.next_waited_for(at));
        let due = checks.chain(others).fold(self.look_due.min(self.workers_due), Duration::min).max(at);
        let timeout = timespec(due - at);
        let bell = self.engine.inbox.bell();
        let mut polled =
            [PollFd::from_borrowed_fd(bell, PollFlags::IN), silent(bell), silent(bell), silent(bell)];
        let sources = [&self.wakes.events, &self.wakes.pressure];
        if let Some(signals) = &self.signals {
            polled[3] = PollFd::from_borrowed_fd(signals.fd(), PollFlags::IN);
        }
        for (slot, source) in polled[1..].iter_mut().zip(sources) {
            if let Some((fd, flags)) = source.as_ref().ok().and_then(|source| source.waits_for(at)) {
                *slot = PollFd::from_borrowed_fd(fd, flags);
            }
        }
        // Only a signal can interrupt it, and then it looks whether something is due.
        let result = poll(&mut polled, Some(&timeout));
        self.overslept = self.engine.clock.now().at.saturating_sub(due);
        if result.is_err() {
            return Woken::default();
        }
        let ready = [polled[1].revents(), polled[2].revents()];
        self.take_wakes(ready)
    }

    fn take_wakes(&mut self, ready: [PollFlags; 2]) -> Woken {
        let at = self.engine.clock.now().at;
        let (mut woke, mut is_ended) = ([false; 2], false);
        for (index, source) in self.wakes.both().into_iter().enumerate() {
            let Ok(open) = source else { continue };
            if ready[index].is_empty() {
                continue;
            }
            match open.take(at, ready[index], &mut self.buffer) {
                Woke::Yes => woke[index] = true,
                Woke::Falsely => {}
                Woke::Ended => {
                    *source = Err(format!("{} ended; the monitor looks at its interval", open.name));
                    is_ended = true;
                }
            }
        }
        if is_ended {
            self.show_wakes();
        }
        Woken { by_events: woke[0], by_pressure: woke[1] }
    }

    /// Tells the page which sources there are.
    fn show_wakes(&self) {
        let of = |source: &Result<crate::wake::Source, String>| {
            source.as_ref().map(|source| source.name.clone()).map_err(Clone::clone)
        };
        let shown =
            vec![("memory_events", of(&self.wakes.events)), ("memory_pressure", of(&self.wakes.pressure))];
        *self.engine.wakes.lock().unwrap_or_else(std::sync::PoisonError::into_inner) = shown;
    }
}

/// A place of the poll that is not used.
fn silent(fd: BorrowedFd<'_>) -> PollFd<'_> {
    PollFd::from_borrowed_fd(fd, PollFlags::empty())
}

fn timespec(duration: Duration) -> Timespec {
    Timespec {
        tv_sec: i64::try_from(duration.as_secs()).unwrap_or(i64::MAX),
        tv_nsec: i64::from(duration.subsec_nanos()),
    }
}
