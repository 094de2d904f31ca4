//! The tracer of this process, as the page sees it.

use std::fmt::Debug;
use std::ops::Deref;
use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use memory_debug_report::{InstanceInfo, TraceReport, Unavailable};

use crate::collect::Collector;
use crate::timestamp;

/// A tracer that an operator can start, stop and read.
pub trait TraceSource: Debug + Send + Sync {
    /// What was counted so far.
    fn report(&self, instance: InstanceInfo) -> TraceReport;

    /// Forgets what was counted, and counts for `time`.
    ///
    /// # Errors
    ///
    /// If it already counts.
    fn start(&self, time: Duration, user: &str) -> Result<(), AlreadyCounting>;

    /// Stops counting. What was counted stays until the next start. Returns whether it counted.
    fn stop(&self) -> bool;
}

/// The tracer already counts.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct AlreadyCounting;

/// A shared [`TraceSource`].
#[derive(Clone, Debug)]
pub struct TraceHandle(Arc<dyn TraceSource>);

impl TraceHandle {
    /// Shares `source`.
    pub fn new(source: Arc<dyn TraceSource>) -> Self {
        Self(source)
    }
}

impl Deref for TraceHandle {
    type Target = dyn TraceSource;

    fn deref(&self) -> &Self::Target {
        &*self.0
    }
}

/// Two handles are equal if they share one tracer.
impl PartialEq for TraceHandle {
    fn eq(&self, other: &Self) -> bool {
        // Compares the addresses alone: one tracer can have several tables of functions.
        std::ptr::addr_eq(Arc::as_ptr(&self.0), Arc::as_ptr(&other.0))
    }
}

impl Eq for TraceHandle {}

/// Why there is no tracer to ask, and the lines that add one.
const NO_TRACER: &str = "the page has none; make one with `let tracer = Tracer::new();`, \
                         and show it with `endpoint.tracer(&tracer)`";

impl Collector {
    /// What `tracer` counted, or why it is missing. Reads the identity of the process and nothing else.
    pub fn trace_report(&self, tracer: Option<&TraceHandle>) -> TraceReport {
        let mut reasons = Unavailable::default();
        let instance = self.instance(Path::new("/proc"), &mut reasons);
        let mut report = match tracer {
            Some(tracer) => tracer.report(instance),
            None => TraceReport::without_tracer(instance, timestamp::seconds(SystemTime::now()), NO_TRACER),
        };
        reasons.iter().for_each(|(path, reason)| report.unavailable.note(path, reason));
        report
    }
}
