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
use crate::report::MemoryReport;

/// The metrics of a report, with the `top` types that hold the most bytes; the others are one, named `other`.
pub fn families(report: &MemoryReport, top: usize) -> Vec<MetricFamily> {
    let mut families = families::of_numbers(report);
    families.extend(types::of_types(report, top));
    families.retain(|family| !family.metrics.is_empty());
    families
}
