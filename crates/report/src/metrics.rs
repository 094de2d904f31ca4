//! The report as metrics over time, with the names and units of OpenMetrics.
//!
//! One table of families serves all consumers: text for Prometheus ([`openmetrics`], [`classic`]), and programs with a
//! recorder of the `metrics` facade. A number that was not measured is omitted and never 0.

mod families;
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
    /// Whether tracked types and registered roots have metrics.
    pub exact: bool,
}

/// The metrics of a report, and of tracked types.
///
/// `tracked` are the rows of tracked types, for a report without a table. If it is empty, they are taken from the table.
pub fn families(report: &MemoryReport, tracked: &[TypeRow], view: MetricsView) -> Vec<MetricFamily> {
    let mut families = families::of_numbers(report);
    families.extend(types::of_types(report, tracked, view));
    families.retain(|family| !family.metrics.is_empty());
    families
}
