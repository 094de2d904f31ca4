//! The report as metrics over time, with the names and units of OpenMetrics.
//!
//! One table of families serves all consumers: text for Prometheus (`openmetrics`, `classic`), and programs with a
//! recorder of the `metrics` facade. A number that was not measured is omitted and never 0.
//!
//! Most services should use the crates for axum and tower. `memory-debug-core` re-exports everything here as
//! `metrics`.
//!
//! # Features
//!
//! | feature | default | |
//! |---|---|---|
//! | `metrics` | no | `record`: the numbers for a recorder of the `metrics` facade |
//! | `prometheus` | no | `openmetrics` and `classic`: the numbers as text for Prometheus |
//!
//! # Modules, from the ground up
//!
//! - `families`: metrics of the process, its container and its allocator
//! - `monitor`: metrics of the monitor
//! - `view`: which types have metrics
//! - `types`: metrics of types and roots
//! - `all`: all metrics of a report
//! - `openmetrics`: the text for Prometheus
//! - `recorder`: exports metrics to a recorder of the `metrics` facade

#![forbid(unsafe_code)]

// In the order of the list above.
mod families;
mod monitor;
mod view;
mod types;
mod all;
#[cfg(feature = "prometheus")]
mod openmetrics;
#[cfg(feature = "metrics")]
mod recorder;
#[cfg(test)]
mod sample;

pub use all::families;
pub use families::{Metric, MetricFamily, MetricKind};
#[cfg(feature = "prometheus")]
pub use openmetrics::{classic, openmetrics};
#[cfg(feature = "metrics")]
pub use recorder::record;
pub use view::MetricsView;
