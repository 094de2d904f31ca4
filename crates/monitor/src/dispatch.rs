//! Runs the actions of events, on threads of their own.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use memory_debug_core::{ActionOutcome, EventKind, MonitorEvent};

use crate::action::{Action, Callback, OnEvent, SaveTo};
use crate::captures;
use crate::check::Check;
use crate::clock::{Clock, rfc3339};
use crate::collecting::{Collecting, NotTaken};
use crate::event_ring::EventRing;
use crate::inbox::{Inbox, Note};
use crate::isolate::{Job, Lane, LaneThread, Refused};
use crate::log;
use crate::rule::Rule;

/// Sends events to the log and to functions of the application, and has snapshots taken.
#[derive(Debug)]
pub(crate) struct Dispatch {
    shared: Shared,
    log: Lane,
    /// For all events.
    listeners: Vec<Listener>,
    /// For the events of each rule.
    rules: Vec<RuleActions>,
    collecting_lane: Lane,
    /// A raw dump does not wait for a collection of types that takes too long.
    capture_lanes: [Lane; 2],
    checks: Vec<Lane>,
}

/// What jobs share with the monitor.
#[derive(Clone, Debug)]
pub(crate) struct Shared {
    pub(crate) clock: Clock,
    pub(crate) ring: Arc<EventRing>,
    pub(crate) inbox: Arc<Inbox>,
    pub(crate) collecting: Arc<Collecting>,
    /// Events that a function of the application did not get.
    pub(crate) suppressed: Arc<AtomicU64>,
    pub(crate) panics: Arc<AtomicU64>,
}

#[derive(Debug)]
struct Listener {
    callback: Callback,
    lane: Lane,
}

/// The actions of one rule, by how they run.
#[derive(Debug)]
struct RuleActions {
    has_log: bool,
    callbacks: Vec<Listener>,
    collects: Collects,
}

/// What is done on a collecting thread, in this order.
#[derive(Clone, Debug, Default)]
struct Collects {
    purge: bool,
    keep: bool,
    save: Vec<SaveTo>,
    capture: bool,
    /// The most snapshots in 24 hours.
    at_most: usize,
}

impl Dispatch {
    pub(crate) fn new(shared: Shared, listeners: &[Callback], rules: &[Rule], checks: &[Check]) -> Self {
        let lane = |name: &str, thread| Lane::new(name, thread, shared.clock, Arc::clone(&shared.panics));
        let (ordinary, collecting) = (LaneThread::Ordinary, LaneThread::Collecting);
        let listener =
            |callback: &Callback| Listener { callback: callback.clone(), lane: lane("a callback", ordinary) };
        let actions = |rule: &Rule| {
            let mut actions = RuleActions {
                has_log: false,
                callbacks: Vec::new(),
                collects: Collects { at_most: rule.at_most, ..Collects::default() },
            };
            for action in &rule.actions {
                match action {
                    Action::Log => actions.has_log = true,
                    Action::Callback(callback) => actions.callbacks.push(listener(callback)),
                    Action::Purge => actions.collects.purge = true,
                    Action::KeepSnapshot => actions.collects.keep = true,
                    Action::SaveSnapshot(to) => actions.collects.save.push(to.clone()),
                    Action::Capture => actions.collects.capture = true,
                }
            }
            actions
        };
        Self {
            log: lane("the log", ordinary),
            listeners: listeners.iter().map(listener).collect(),
            rules: rules.iter().map(actions).collect(),
            collecting_lane: lane("a snapshot or a purge", collecting),
            capture_lanes: [lane("a capture", collecting), lane("a capture", collecting)],
            checks: checks.iter().map(|check| lane(&format!("the check {}", check.name), ordinary)).collect(),
            shared,
        }
    }

    /// Keeps an event and runs its actions. `rule` is the index of the rule that made it.
    pub(crate) fn send(&self, event: MonitorEvent, rule: Option<usize>) {
        let event = Arc::new(self.shared.ring.push(event));
        let actions = rule.and_then(|rule| self.rules.get(rule));
        // What is not from a rule has no actions, so it is always written to the log.
        if actions.is_none_or(|actions| actions.has_log) {
            self.log(&event, actions.is_some());
        }
        let of_rule = actions.map(|actions| actions.callbacks.as_slice()).unwrap_or_default();
        for listener in self.listeners.iter().chain(of_rule) {
            self.call(listener, &event);
        }
        let is_over = event.kind == EventKind::Under;
        if let Some(actions) = actions.filter(|actions| actions.collects.is_any() && !is_over) {
            self.collect(&actions.collects, &event);
        }
    }

    fn log(&self, event: &Arc<MonitorEvent>, is_action: bool) {
        let (written, ring) = (Arc::clone(event), Arc::clone(&self.shared.ring));
        let work = move || {
            let outcome = log::write_event(&written);
            if is_action {
                ring.note_outcome(written.id, ActionOutcome::new("log", outcome));
            }
        };
        self.run(&self.log, "log", event.id, work);
    }

    fn call(&self, listener: &Listener, event: &Arc<MonitorEvent>) {
        let (Callback(function), called) = (&listener.callback, Arc::clone(event));
        let (function, ring): (OnEvent, _) = (Arc::clone(function), Arc::clone(&self.shared.ring));
        let work = move || {
            function(&called);
            ring.note_outcome(called.id, ActionOutcome::new("callback", "called"));
        };
        self.run(&listener.lane, "callback", event.id, work);
    }

    fn collect(&self, collects: &Collects, event: &Arc<MonitorEvent>) {
        let (collects, event_id, shared) = (collects.clone(), event.id, self.shared.clone());
        let label = event.rule.clone().unwrap_or_default();
        let name = collects.first_name();
        self.run(&self.collecting_lane, name, event_id, move || collects.run(&label, event_id, &shared));
    }

    /// Calls that have not returned for too long, each once: what they are, and for how long.
    pub(crate) fn new_hangs(&self, at: Duration) -> impl Iterator<Item = (&str, Duration)> {
        let of_rules = self.rules.iter().flat_map(|rule| &rule.callbacks);
        let of_listeners = self.listeners.iter().chain(of_rules).map(|listener| &listener.lane);
        let own = [&self.log, &self.collecting_lane].into_iter().chain(&self.capture_lanes);
        let all = own.chain(of_listeners).chain(&self.checks);
        all.filter_map(move |lane| Some((lane.name(), lane.new_hang(at)?)))
    }

    /// Runs a capture. `event` is the id of the event that asked for it.
    pub(crate) fn capture(&self, job: captures::Job, event: Option<u64>) {
        let lane = self.capture_lanes.iter().find(|lane| lane.is_idle()).unwrap_or(&self.capture_lanes[0]);
        let (shared, failed) = (self.shared.clone(), self.shared.clone());
        let (of_panic, of_refusal) = (job.not_run("it panicked"), job.not_run("there was no thread for it"));
        let work = move || {
            let result = job.run(&shared.collecting.collector);
            shared.inbox.push(Note::Captured(result, event));
        };
        let sent = lane.send(Job::new(work, move |_| failed.inbox.push(Note::Captured(of_panic, event))));
        if sent.is_err() {
            self.shared.inbox.push(Note::Captured(of_refusal, event));
        }
    }

    /// Runs a check of the application, unless it runs already.
    pub(crate) fn check(&self, index: usize, check: &Check) {
        let Some(lane) = self.checks.get(index).filter(|lane| lane.is_idle()) else { return };
        let (name, function) = (check.name.clone(), Arc::clone(&check.function));
        let (shared, failed, failed_name) = (self.shared.clone(), self.shared.clone(), check.name.clone());
        let work = move || {
            // A panic poisons the lock. The check goes on with what it has, until it is switched off.
            let found = (function.lock().unwrap_or_else(std::sync::PoisonError::into_inner))();
            if let Some(text) = found {
                shared.tell(EventKind::Check, format!("{name}: {text}"), Some(name));
            }
        };
        let failed = move |reason: String| {
            let text = format!("{failed_name}: the check failed: {reason}");
            failed.tell(EventKind::Failure, text, Some(failed_name));
        };
        // A refusal of a check that is switched off was reported when it was switched off.
        let _ = lane.send(Job::new(work, failed));
    }

    /// Keeps a snapshot, and writes to the log what `lines` makes of its types. The types are empty without a snapshot.
    pub(crate) fn report(
        &self,
        signal: String,
        lines: impl FnOnce(Vec<(String, u64)>) -> Vec<String> + Send + 'static,
    ) {
        let shared = self.shared.clone();
        let work = move || {
            let (types, snapshot) = match shared.collecting.take(&signal) {
                Ok(taken) => (taken.types.clone(), shared.collecting.keep(taken)),
                Err(NotTaken::Short(reason) | NotTaken::Failed(reason)) => {
                    (Vec::new(), format!("not taken: {reason}"))
                }
            };
            if !types.is_empty() {
                shared.inbox.push(Note::Types(types.clone()));
            }
            log::write_line(&format!("memory: signal {signal}; snapshot {snapshot}"));
            lines(types).iter().for_each(|line| log::write_line(line));
        };
        let failed = self.shared.clone();
        let failed = move |reason| {
            failed.tell(EventKind::Failure, format!("the report at a signal failed: {reason}"), None)
        };
        if let Err(refused) = self.collecting_lane.send(Job::new(work, failed)) {
            self.line(format!("memory: no report at the signal: {refused}"));
        }
    }

    /// Writes a line to the log.
    pub(crate) fn line(&self, text: String) {
        // A log that hangs is reported by events, which are more important.
        let _ = self.log.send(Job::new(move || log::write_line(&text), |_| ()));
    }

    /// Runs `work` as the action `name` of an event, and notes if it fails.
    fn run(&self, lane: &Lane, name: &'static str, event: u64, work: impl FnOnce() + Send + 'static) {
        let failed = self.shared.clone();
        let job = Job::new(work, move |reason| {
            failed.ring.note_outcome(event, ActionOutcome::new(name, &*reason));
            failed.tell_failed(name, event, &reason);
        });
        if let Err(refused) = lane.send(job) {
            self.shared.suppressed.fetch_add(1, Ordering::Relaxed);
            self.shared.ring.note_outcome(event, ActionOutcome::new(name, format!("not run: {refused}")));
            if let Refused::NoThread(_) = refused {
                let text = format!("the action `{name}` of event {event} did not run: {refused}");
                // Only kept: more actions would need more threads.
                self.shared.ring.push(self.shared.event(EventKind::Failure, text, None));
            }
        }
    }
}

impl Shared {
    /// Lets the monitor's thread send an event.
    pub(crate) fn tell(&self, kind: EventKind, text: String, rule: Option<String>) {
        self.inbox.push(Note::Event(Box::new(self.event(kind, text, rule))));
    }

    /// Lets the monitor's thread send an event about an action that failed.
    fn tell_failed(&self, name: &str, event: u64, reason: &str) {
        let text = format!("the action `{name}` of event {event} failed: {reason}");
        self.tell(EventKind::Failure, text, None);
    }

    fn event(&self, kind: EventKind, text: String, rule: Option<String>) -> MonitorEvent {
        let mut event = MonitorEvent::new(kind, rfc3339(self.clock.now().unix_ms), text);
        event.rule = rule;
        event
    }
}

impl Collects {
    fn is_any(&self) -> bool {
        self.purge || self.keep || self.capture || !self.save.is_empty()
    }

    /// The action by whose name a failure of all is noted.
    fn first_name(&self) -> &'static str {
        match self {
            Self { purge: true, .. } => Action::Purge.name(),
            Self { keep: true, .. } => Action::KeepSnapshot.name(),
            Self { capture: true, .. } => Action::Capture.name(),
            _ => "save-snapshot",
        }
    }

    fn run(self, label: &str, event: u64, shared: &Shared) {
        let note =
            |name: &str, outcome: String| shared.ring.note_outcome(event, ActionOutcome::new(name, outcome));
        if self.purge {
            note("purge", shared.collecting.purge(shared.clock.now().at));
        }
        let mut capture = self.capture;
        if self.keep || !self.save.is_empty() {
            match shared.collecting.take(label) {
                Ok(taken) => {
                    shared.inbox.push(Note::Types(taken.types.clone()));
                    for to in &self.save {
                        let saved = shared.collecting.save(&taken, to, self.at_most);
                        if let Err(reason) = &saved {
                            shared.tell_failed("save-snapshot", event, reason);
                        }
                        note("save-snapshot", saved.unwrap_or_else(|reason| reason));
                    }
                    if self.keep {
                        note("keep-snapshot", shared.collecting.keep(taken));
                    }
                }
                Err(not_taken) => {
                    let name = if self.keep { "keep-snapshot" } else { "save-snapshot" };
                    let (NotTaken::Short(reason) | NotTaken::Failed(reason)) = &not_taken;
                    note(name, format!("not taken: {reason}"));
                    capture |= matches!(not_taken, NotTaken::Short(_));
                }
            }
        }
        if capture {
            shared.inbox.push(Note::CaptureWanted(event));
        }
    }
}
