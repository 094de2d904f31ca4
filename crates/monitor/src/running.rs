//! A running monitor.

use std::sync::Arc;

use memory_debug_core::{InstanceInfo, MonitorHandle, MonitorReport, MonitorSource, TaskReport};

/// A monitor that runs until this value is dropped.
#[derive(Debug)]
pub struct RunningMonitor {
    shared: Arc<Shared>,
}

#[derive(Debug, Default)]
struct Shared {}

impl RunningMonitor {
    /// Stops the monitor, and marks that the process did not end because of memory.
    pub fn stop(self) {
        drop(self);
    }
}

impl MonitorSource for Shared {
    fn report(&self, instance: InstanceInfo) -> MonitorReport {
        MonitorReport::not_running(instance, "", "the monitor does not run yet")
    }

    fn tasks(&self, instance: InstanceInfo) -> TaskReport {
        TaskReport::new(instance, "")
    }
}

impl MonitorSource for RunningMonitor {
    fn report(&self, instance: InstanceInfo) -> MonitorReport {
        self.shared.report(instance)
    }

    fn tasks(&self, instance: InstanceInfo) -> TaskReport {
        self.shared.tasks(instance)
    }
}

impl From<&RunningMonitor> for MonitorHandle {
    fn from(monitor: &RunningMonitor) -> Self {
        Self::new(Arc::<Shared>::clone(&monitor.shared))
    }
}
