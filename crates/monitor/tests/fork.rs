//! A forked process has its parent's settings and a monitor of its own. A program of its own, because it forks.
#![cfg(target_os = "linux")]
#![allow(clippy::unwrap_used, reason = "the functions here are parts of tests")]

use memory_debug_core::{Collector, InstanceInfo, MonitorReport, MonitorSource, RuleState, Scope};
use memory_debug_monitor::{Limit, Monitor, MonitorMetric, Rule, RunningMonitor};

fn instance() -> InstanceInfo {
    Collector::new().collect(Scope::Stats).report.instance
}

/// Runs `work` in a forked process, and returns whether it returned without a panic.
fn in_child(work: impl FnOnce()) -> bool {
    // SAFETY: the child calls only what works with the one thread that it has, and ends without unwinding further.
    match unsafe { libc::fork() } {
        0 => {
            let result = std::panic::catch_unwind(std::panic::AssertUnwindSafe(work));
            // SAFETY: it ends the child at once.
            unsafe { libc::_exit(i32::from(result.is_err())) }
        }
        child => {
            let mut status = 1;
            // SAFETY: the child exists, and `status` is good for the call.
            let waited = unsafe { libc::waitpid(child, &mut status, 0) };
            assert_eq!(waited, child);
            status == 0
        }
    }
}

fn wait_for(monitor: &RunningMonitor, is_done: impl Fn(&MonitorReport) -> bool) -> MonitorReport {
    loop {
        let report = monitor.report(instance());
        if is_done(&report) {
            return report;
        }
        std::thread::yield_now();
    }
}

/// Threads of this process with the name of the monitor's thread, as the kernel cuts it.
fn monitor_threads() -> usize {
    let names = std::fs::read_dir("/proc/self/task")
        .unwrap()
        .map(|task| std::fs::read_to_string(task.unwrap().path().join("comm")).unwrap_or_default());
    names.filter(|name| name.trim_end() == "memory-debug-mo").count()
}

#[test]
fn m5_a_forked_process_starts_its_own_monitor_with_its_first_request_and_stops_no_other() {
    let rule = Rule::above(MonitorMetric::Resident, Limit::bytes(1)).named("memory");
    let monitor = Monitor::new().rule(rule).start().unwrap();
    wait_for(&monitor, |report| report.monitor.is_some());
    assert!(in_child(|| {
        assert_eq!(monitor_threads(), 0, "nothing runs before the first request");
        let first = monitor.report(instance());
        let reason = first.unavailable.get("monitor").unwrap();
        assert!(reason.starts_with("this process was forked, and its monitor started"), "{reason}");
        // The second look is one of the thread.
        let has_looked =
            |report: &MonitorReport| report.monitor.as_ref().is_some_and(|status| status.cost.looks > 1);
        let report = wait_for(&monitor, has_looked);
        assert_eq!(report.monitor.unwrap().rules[0].state, RuleState::Above);
        assert_eq!(monitor_threads(), 1);
        assert_eq!(report.instance.pid, std::process::id());
    }));
    // A child that ends in order without a request drops what it inherited.
    assert!(in_child(|| {
        // SAFETY: the parent has its own copy of the memory, and this child does not use the value again.
        drop(unsafe { std::ptr::read(&monitor) });
    }));
    let looks = |report: &MonitorReport| report.monitor.as_ref().unwrap().cost.looks;
    let before = looks(&monitor.report(instance()));
    wait_for(&monitor, |report| looks(report) > before);
}
