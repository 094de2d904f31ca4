//! The monitor of this process, as the page sees it.

use std::fmt::Debug;
use std::ops::Deref;
use std::sync::Arc;

use memory_debug_report::{InstanceInfo, MonitorReport, TaskReport};

/// A monitor that can say what it watches and what it saw.
pub trait MonitorSource: Debug + Send + Sync {
    /// The state of the monitor now. It reads no heap profile.
    fn report(&self, instance: InstanceInfo) -> MonitorReport;

    /// The tasks that are known now.
    fn tasks(&self, instance: InstanceInfo) -> TaskReport;
}

/// A shared [`MonitorSource`].
#[derive(Clone, Debug)]
pub struct MonitorHandle(Arc<dyn MonitorSource>);

impl MonitorHandle {
    /// Shares `source`.
    pub fn new(source: Arc<dyn MonitorSource>) -> Self {
        Self(source)
    }
}

impl Deref for MonitorHandle {
    type Target = dyn MonitorSource;

    fn deref(&self) -> &Self::Target {
        &*self.0
    }
}
