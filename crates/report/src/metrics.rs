//! The report as metrics over time, with the names and units of OpenMetrics.
//!
//! One table of families serves all consumers: text for Prometheus ([`openmetrics`], [`classic`]), and programs with a
//! recorder of the `metrics` facade. A number that was not measured is omitted and never 0.

mod families;
mod monitor;
#[cfg(feature = "prometheus")]
mod openmetrics;
#[cfg(feature = "metrics")]
mod recorder;
mod types;

pub use self::families::{Metric, MetricFamily, MetricKind};
#[cfg(feature = "prometheus")]
pub use self::openmetrics::{classic, openmetrics};
#[cfg(feature = "metrics")]
pub use self::recorder::record;
use crate::report::{MemoryReport, TypeRow};

/// Which types have metrics; none by default.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct MetricsView {
    /// The number of types with metrics of their own: the types with the most bytes. All others share one, named
    /// `other`. Needs a report with types.
    pub top: usize,
    /// Whether tracked types, registered roots, and rules of the monitor about one type have metrics.
    pub exact: bool,
}

/// The metrics of a report, of tracked types, and of the monitor, if the report has its state
/// ([`MemoryReport::note_monitor`]).
///
/// `tracked` has the rows of tracked types, for a report without a table. If it is empty, the table's rows are used.
pub fn families(report: &MemoryReport, tracked: &[TypeRow], view: MetricsView) -> Vec<MetricFamily> {
    let mut families = families::of_numbers(report);
    families.extend(types::of_types(report, tracked, view));
    families.extend(report.monitor.iter().flat_map(|monitor| monitor::of_monitor(monitor, view.exact)));
    families.retain(|family| !family.metrics.is_empty());
    families
}
