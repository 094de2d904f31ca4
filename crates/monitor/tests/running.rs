//! A monitor that runs: events, callbacks that fail, its end.
#![cfg(target_os = "linux")]
#![allow(clippy::unwrap_used, reason = "the functions here are parts of tests")]

use std::sync::Arc;
use std::sync::mpsc::{Receiver, channel};
use std::time::Duration;

use memory_debug_core::{
    Collector, EventKind, InstanceInfo, MonitorHandle, MonitorReport, MonitorSource, RuleState, Scope,
};
use memory_debug_monitor::{
    Action, Captures, Limit, Monitor, MonitorEvent, MonitorMetric, Rule, RunningMonitor,
};

/// A rule that is broken from the start: every process has resident memory.
fn broken(name: &str) -> Rule {
    Rule::above(MonitorMetric::Resident, Limit::bytes(1)).named(name)
}

fn instance() -> InstanceInfo {
    Collector::new().collect(Scope::Stats).report.instance
}

fn report(monitor: &RunningMonitor) -> MonitorReport {
    monitor.report(instance())
}

/// The events of a monitor with this function among its listeners.
fn listening(monitor: Monitor) -> (RunningMonitor, Receiver<MonitorEvent>) {
    let (sender, events) = channel();
    let monitor = monitor.on_event(move |event| _ = sender.send(event.clone()));
    (monitor.start().unwrap(), events)
}

/// Asks for the report until `is_done`.
fn wait_for(monitor: &RunningMonitor, is_done: impl Fn(&MonitorReport) -> bool) -> MonitorReport {
    loop {
        let report = report(monitor);
        if is_done(&report) {
            return report;
        }
        std::thread::yield_now();
    }
}

fn outcomes(report: &MonitorReport, rule: &str) -> Vec<(String, String)> {
    let events = &report.monitor.as_ref().unwrap().events;
    let of_rule = events.iter().filter(|event| event.rule.as_deref() == Some(rule));
    let actions = of_rule.flat_map(|event| &event.actions);
    actions.map(|action| (action.action.clone(), action.outcome.clone())).collect()
}

#[test]
fn an_event_reaches_the_listener_and_the_page() {
    let (monitor, events) = listening(Monitor::new().service("shop", "1.2.3").rule(broken("memory")));
    let event = events.recv().unwrap();
    assert_eq!((event.kind, event.rule.as_deref()), (EventKind::Exceeded, Some("memory")));
    assert!(event.text.starts_with("memory: resident at "), "{}", event.text);
    assert_eq!(event.source.as_deref(), Some("process, /proc/self/statm"));
    let report = wait_for(&monitor, |report| !outcomes(report, "memory").is_empty());
    let status = report.monitor.as_ref().unwrap();
    assert_eq!(outcomes(&report, "memory"), [("callback".into(), "called".into())]);
    assert_eq!((status.rules[0].state, status.rules[0].sent), (RuleState::Above, 1));
    assert!(status.rules[0].next_allowed_at.is_some());
    assert!(status.cost.looks >= 1 && status.cost.descriptors <= 6, "{:?}", status.cost);
    let handle = MonitorHandle::from(&monitor);
    assert!(handle.report(instance()).monitor.is_some());
}

#[test]
fn every_source_of_wakes_is_named_or_has_a_reason() {
    let monitor = Monitor::new().start().unwrap();
    let report = report(&monitor);
    let reasons = report.unavailable.iter().filter(|(path, _)| path.starts_with("monitor.wakes.")).count();
    assert_eq!(report.monitor.unwrap().wakes.len() + reasons, 2);
}

#[test]
fn after_the_end_the_page_says_that_it_was_stopped() {
    let monitor = Monitor::new().start().unwrap();
    let handle = MonitorHandle::from(&monitor);
    monitor.stop();
    let report = handle.report(instance());
    assert_eq!((report.monitor, report.unavailable.get("monitor")), (None, Some("the monitor was stopped")));
}

#[test]
fn m5_a_callback_that_panics_is_counted_and_others_are_called() {
    let panics = |_: &MonitorEvent| panic!("expected by the test");
    let rules = ["a", "b", "c", "d"].map(|name| broken(name).then(Action::callback(|_| ())));
    let monitor = rules.into_iter().fold(Monitor::new().on_event(panics), Monitor::rule);
    let (monitor, events) = listening(monitor);
    // Four alarms, and an event for each of the three panics.
    let kinds: Vec<_> = events.iter().take(7).map(|event| event.kind).collect();
    assert_eq!(kinds.iter().filter(|kind| **kind == EventKind::Failure).count(), 3, "{kinds:?}");
    let report = wait_for(&monitor, |report| report.monitor.as_ref().unwrap().cost.panics == 3);
    let all: Vec<_> = ["a", "b", "c", "d"].iter().flat_map(|rule| outcomes(&report, rule)).collect();
    assert!(all.iter().any(|(_, outcome)| outcome.ends_with("it is switched off now")), "{all:?}");
    assert!(all.iter().filter(|(_, outcome)| outcome == "called").count() >= 4, "{all:?}");
}

#[test]
fn m5_a_callback_that_hangs_stops_no_rule_and_no_other_callback() {
    let (release, hang) = channel::<()>();
    let hang = std::sync::Mutex::new(hang);
    let hangs = move |_: &MonitorEvent| _ = hang.lock().map(|hang| hang.recv());
    let monitor = Monitor::new().rule(broken("a").then(Action::callback(hangs))).rule(broken("b"));
    let (monitor, events) = listening(monitor.interval(Duration::from_millis(10)));
    let rules: Vec<_> = events.iter().take(2).filter_map(|event| event.rule).collect();
    assert_eq!(rules, ["a", "b"]);
    let looks = |report: &MonitorReport| report.monitor.as_ref().unwrap().cost.looks;
    let before = looks(&report(&monitor));
    wait_for(&monitor, |report| looks(report) > before + 3);
    drop(release);
}

#[test]
fn m5_a_check_that_panics_is_an_event_and_another_check_goes_on() {
    let second = Duration::from_secs(1);
    let monitor = Monitor::new()
        .add_check("bad", second, || panic!("expected by the test"))
        .add_check("good", second, || Some("the queue is long".into()))
        .add_check("quiet", second, || None);
    let (_monitor, events) = listening(monitor);
    let mut found: Vec<_> = events.iter().take(2).map(|event| (event.kind, event.text)).collect();
    found.sort_by(|a, b| a.1.cmp(&b.1));
    assert_eq!(found[0].1, "bad: the check failed: it panicked: expected by the test");
    assert_eq!(found[1], (EventKind::Check, "good: the queue is long".into()));
}

#[test]
fn a_rule_that_cannot_be_armed_is_an_event_with_the_reason() {
    let rule = Rule::above(MonitorMetric::Allocated, Limit::mib(1)).named("allocated");
    let (monitor, events) = listening(Monitor::new().rule(rule));
    let event = events.recv().unwrap();
    assert_eq!(event.kind, EventKind::Failure);
    assert!(event.text.starts_with("allocated is not armed: "), "{}", event.text);
    let report = report(&monitor);
    let rule = &report.monitor.unwrap().rules[0];
    assert_eq!(rule.state, RuleState::NotArmed);
    assert!(rule.not_armed.is_some());
}

#[test]
fn wrong_settings_are_refused_with_what_to_do() {
    let refused = |monitor: Monitor| monitor.start().unwrap_err().to_string();
    let twice = Monitor::new().rule(broken("a")).rule(broken("a"));
    assert_eq!(refused(twice), "two rules are named `a`: give one of them another name with `Rule::named`");
    let share = Rule::above(MonitorMetric::Threads, Limit::percent(5.0));
    assert!(refused(Monitor::new().rule(share)).contains("use `Limit::count`"));
    let capture = broken("a").then(Action::Capture);
    assert!(refused(Monitor::new().rule(capture)).contains("Monitor::before_oom"));
    assert!(refused(Monitor::new().interval(Duration::ZERO)).contains("interval"));
}

#[test]
fn actions_without_jemalloc_say_why() {
    let folder = tempfile::tempdir().unwrap();
    let rule = broken("memory")
        .then(Action::Log)
        .then(Action::Purge)
        .then(Action::KeepSnapshot)
        .then(Action::save_snapshot(folder.path(), 1 << 20));
    let snapshots = Arc::default();
    let monitor = Monitor::new().rule(rule).snapshots(Arc::clone(&snapshots)).start().unwrap();
    let report = wait_for(&monitor, |report| outcomes(report, "memory").len() >= 3);
    let mut names: Vec<_> = outcomes(&report, "memory").into_iter().map(|(name, _)| name).collect();
    names.sort();
    assert_eq!(names, ["keep-snapshot", "log", "purge"], "both snapshots are one collection");
    assert_eq!((snapshots.list().len(), folder.path().read_dir().unwrap().count()), (0, 0));
}

#[test]
fn m14_nothing_runs_before_the_start() {
    let snapshots: Arc<memory_debug_core::Snapshots> = Arc::default();
    let monitor = Monitor::new().recommended().snapshots(Arc::clone(&snapshots));
    assert_eq!(Arc::strong_count(&snapshots), 2, "no thread has it");
    drop(monitor);
    assert_eq!(Arc::strong_count(&snapshots), 1);
}

#[test]
fn everything_that_a_monitor_has_is_gone_after_its_end() {
    let snapshots: Arc<memory_debug_core::Snapshots> = Arc::default();
    let monitor = Monitor::new().recommended().snapshots(Arc::clone(&snapshots)).start().unwrap();
    assert!(Arc::strong_count(&snapshots) > 1);
    monitor.stop();
    assert_eq!(Arc::strong_count(&snapshots), 1);
}

#[test]
fn m5_a_folder_that_vanishes_is_an_event_and_rules_go_on() {
    let root = tempfile::tempdir_in(env!("CARGO_TARGET_TMPDIR")).unwrap();
    let folder = root.path().join("captures");
    // The folder vanishes before the capture that this rule asks for.
    let rule = broken("memory").held_for(Duration::from_secs(2)).then(Action::Capture);
    let captures = Captures::in_folder(&folder).even_in_memory();
    let (sender, events) = channel();
    let monitor = Monitor::new()
        .before_oom(captures)
        .rule(rule)
        .on_event(move |event| _ = sender.send(event.clone()))
        .start()
        .unwrap();
    std::fs::remove_dir_all(&folder).unwrap();
    // If the folder vanished before the first record, that is an event too.
    let event = events.iter().find(|event| {
        assert!(event.rule.is_some() || event.text.starts_with("nothing is captured now: "), "{event:?}");
        event.rule.is_some()
    });
    assert_eq!(event.unwrap().rule.as_deref(), Some("memory"));
    let report =
        wait_for(&monitor, |report| outcomes(report, "memory").iter().any(|(name, _)| name == "capture"));
    let capture = outcomes(&report, "memory").into_iter().find(|(name, _)| name == "capture");
    let (_, outcome) = capture.unwrap();
    let is_known = |reason| outcome.starts_with(reason);
    assert!(is_known("failed: ") || is_known("skipped: nothing is captured now: "), "{outcome}");
    assert_eq!(report.monitor.unwrap().rules[0].state, RuleState::Above);
}

#[test]
fn after_an_end_in_order_the_next_monitor_reports_nothing() {
    let root = tempfile::tempdir_in(env!("CARGO_TARGET_TMPDIR")).unwrap();
    let captures = || Captures::in_folder(root.path().join("captures")).even_in_memory();
    let first = Monitor::new().before_oom(captures()).start().unwrap();
    let status = report(&first).monitor.unwrap().captures.unwrap();
    assert_eq!((status.paused, status.earlier.len()), (None, 0));
    first.stop();
    let second = Monitor::new().before_oom(captures()).start().unwrap();
    let status = report(&second).monitor.unwrap();
    assert_eq!(status.captures.unwrap().earlier.len(), 0, "the first one ended in order");
    assert!(status.events.iter().all(|event| event.kind != EventKind::EndedAbruptly));
}
