//! The tracer of this process, as the page sees it.

use std::fmt::Debug;
use std::time::Duration;

use memory_debug_report::{InstanceInfo, TraceReport};

use crate::collect::Collector;
use crate::shared_source::{SharedSource, note_all, now};

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
pub type TraceHandle = SharedSource<dyn TraceSource>;

/// Why there is no tracer to ask, and the lines that add one.
const NO_TRACER: &str = "the page has none; make one with `let tracer = Tracer::new();`, \
                         and show it with `endpoint.tracer(&tracer)`";

impl Collector {
    /// What `tracer` counted, or why it is missing. Reads the identity of the process and nothing else.
    pub fn trace_report(&self, tracer: Option<&TraceHandle>) -> TraceReport {
        let (instance, reasons) = self.identity();
        let mut report = match tracer {
            Some(tracer) => tracer.report(instance),
            None => TraceReport::without_tracer(instance, now(), NO_TRACER),
        };
        note_all(&mut report.unavailable, &reasons);
        report
    }
}
