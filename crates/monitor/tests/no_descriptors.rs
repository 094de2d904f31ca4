//! A process without free file descriptors. A program of its own, because the limit is of the whole process.
#![cfg(target_os = "linux")]
#![allow(clippy::unwrap_used, reason = "the functions here are parts of tests")]

use std::sync::mpsc::channel;
use std::time::Duration;

use memory_debug_core::EventKind;
use memory_debug_monitor::{Limit, Monitor, MonitorMetric, Rule};
use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};

#[test]
fn m5_without_descriptors_a_rule_is_blind_and_says_so_and_later_sees_again() {
    let (sender, events) = channel();
    let rule = Rule::above(MonitorMetric::Resident, Limit::bytes(u64::MAX)).named("memory");
    let monitor = Monitor::new().rule(rule).interval(Duration::from_millis(10));
    let monitor = monitor.on_event(move |event| _ = sender.send((event.kind, event.text.clone())));
    let monitor = monitor.start().unwrap();
    let limit = getrlimit(Resource::Nofile);
    setrlimit(Resource::Nofile, Rlimit { current: Some(0), ..limit }).unwrap();
    let (kind, text) = events.recv().unwrap();
    assert_eq!(kind, EventKind::Failure);
    assert!(text.starts_with("memory is not armed: statm: "), "{text}");
    setrlimit(Resource::Nofile, limit).unwrap();
    assert_eq!(events.recv().unwrap(), (EventKind::Failure, "memory is armed again".into()));
    monitor.stop();
}
