//! The report as numbers over time: metrics, by the names and units of OpenMetrics.
//!
//! One table of families serves all who take them: text for Prometheus ([`openmetrics`], [`classic`]), and programs that
//! have a recorder of the `metrics` facade. What was not measured is left out, never 0.

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

/// Which types have metrics. The default is none.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct MetricsView {
    /// So many types that hold the most bytes have metrics of their own; the others are one, named `other`. Takes a
    /// report with types.
    pub top: usize,
    /// Tracked types and registered roots have some.
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
