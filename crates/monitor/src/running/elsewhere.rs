//! Without `/proc` no monitor runs.

use memory_debug_core::{InstanceInfo, MonitorHandle, MonitorReport, MonitorSource, TaskReport};

use crate::error::MonitorError;
use crate::settings::Settings;

/// A monitor that runs until this value is dropped. It does not exist on this system.
#[derive(Debug)]
pub enum RunningMonitor {}

impl RunningMonitor {
    /// Says that the monitor needs Linux.
    pub(crate) fn start(_settings: Settings) -> Result<Self, MonitorError> {
        Err(MonitorError::new("the monitor reads /proc, which only Linux has; start it only there"))
    }

    /// Stops the monitor.
    pub fn stop(self) {
        match self {}
    }
}

impl MonitorSource for RunningMonitor {
    fn report(&self, _instance: InstanceInfo) -> MonitorReport {
        match *self {}
    }

    fn tasks(&self, _instance: InstanceInfo) -> TaskReport {
        match *self {}
    }
}

impl From<&RunningMonitor> for MonitorHandle {
    fn from(monitor: &RunningMonitor) -> Self {
        match *monitor {}
    }
}
