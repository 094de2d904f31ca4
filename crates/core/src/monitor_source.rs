//! The monitor of this process, as the page sees it.

use std::fmt::Debug;

use memory_debug_report::{InstanceInfo, MonitorReport, TaskReport};

use crate::collect::Collector;
use crate::shared_source::{SharedSource, note_all, now};

/// A monitor that can say what it watches and what it saw.
pub trait MonitorSource: Debug + Send + Sync {
    /// The state of the monitor now. It reads no heap profile.
    fn report(&self, instance: InstanceInfo) -> MonitorReport;

    /// The report without the list of captured files, for the overview and for metrics, which are read often. It reads
    /// no folder.
    fn summary(&self, instance: InstanceInfo) -> MonitorReport {
        self.report(instance)
    }

    /// The tasks that are known now.
    fn tasks(&self, instance: InstanceInfo) -> TaskReport;
}

/// A shared [`MonitorSource`].
pub type MonitorHandle = SharedSource<dyn MonitorSource>;

/// Why there is no monitor to ask, and the lines that start one.
const NO_MONITOR: &str = "the page has none; start one with `let monitor = Monitor::new().recommended().start()?;`, \
                          and show it with `endpoint.monitor(&monitor)`";

impl Collector {
    /// The state of `monitor`, or why none runs. Reads the identity of the process and nothing else.
    pub fn monitor_report(&self, monitor: Option<&MonitorHandle>) -> MonitorReport {
        let (instance, reasons) = self.identity();
        let mut report = match monitor {
            Some(monitor) => monitor.report(instance),
            None => MonitorReport::not_running(instance, now(), NO_MONITOR),
        };
        note_all(&mut report.unavailable, &reasons);
        report
    }

    /// The tasks that `monitor` knows, or why it knows none. Reads the identity of the process and nothing else.
    pub fn task_report(&self, monitor: Option<&MonitorHandle>) -> TaskReport {
        let (instance, reasons) = self.identity();
        let mut report = match monitor {
            Some(monitor) => monitor.tasks(instance),
            None => {
                let mut report = TaskReport::new(instance, now());
                report
                    .unavailable
                    .note("tasks", format_args!("no monitor runs in this process: {NO_MONITOR}"));
                report
            }
        };
        note_all(&mut report.unavailable, &reasons);
        report
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;

    #[derive(Debug)]
    struct Fake;

    impl MonitorSource for Fake {
        fn report(&self, instance: InstanceInfo) -> MonitorReport {
            MonitorReport::new(
                instance,
                "2026-11-20T12:12:00Z",
                memory_debug_report::MonitorStatus::default(),
            )
        }

        fn tasks(&self, instance: InstanceInfo) -> TaskReport {
            TaskReport::new(instance, "2026-11-20T12:12:00Z")
        }
    }

    #[test]
    fn handles_are_equal_if_they_share_one_monitor() {
        let first = MonitorHandle::new(Arc::new(Fake));
        assert_eq!(first, first.clone());
        // A value without fields has no address of its own, so the second one has a field.
        #[derive(Debug)]
        struct Other(#[expect(dead_code, reason = "it makes the value larger than nothing")] u64);
        impl MonitorSource for Other {
            fn report(&self, instance: InstanceInfo) -> MonitorReport {
                Fake.report(instance)
            }
            fn tasks(&self, instance: InstanceInfo) -> TaskReport {
                Fake.tasks(instance)
            }
        }
        let other = MonitorHandle::new(Arc::new(Other(7)));
        assert!(first != other && MonitorHandle::new(Arc::new(Other(7))) != other);
    }

    #[test]
    fn a_process_without_a_monitor_says_how_to_start_one() {
        let collector = Collector::new();
        let report = collector.monitor_report(None);
        assert_eq!(report.monitor, None);
        assert!(report.unavailable.get("monitor").is_some_and(|reason| reason.contains(".start()?")));
        // The identity has its own reasons.
        assert!(report.unavailable.get("instance.service").is_some());
        let tasks = collector.task_report(None);
        assert_eq!((tasks.known, tasks.alive), (0, None));
        assert!(tasks.unavailable.get("tasks").is_some_and(|reason| reason.contains(".start()?")));
        let monitor = MonitorHandle::new(Arc::new(Fake));
        let collector = collector.service("shop", "1.4.2");
        let report = collector.monitor_report(Some(&monitor));
        assert_eq!(report.instance.service.as_deref(), Some("shop"));
        assert!(report.monitor.is_some() && report.unavailable.get("monitor").is_none());
    }
}
