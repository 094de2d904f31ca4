//! Numbers for those who ask all the time.

use super::{Material, View};
use crate::reply::Problem;
use crate::reply::Reply;

impl View {
    #[cfg(feature = "prometheus")]
    pub(super) fn metrics(
        &self,
        series: usize,
        names_types: bool,
        material: Material<'_>,
    ) -> Result<Reply, Problem> {
        use std::fmt::Write;

        use memory_debug_core::metrics::{MetricsView, classic, openmetrics};

        use super::written;
        use crate::reply::Format;

        let collected = material.collected()?;
        let (report, tracked) = (&collected.report, collected.tracked());
        let view = MetricsView { top: series, exact: names_types };
        let text = match self.format {
            Format::OpenMetrics => openmetrics(report, tracked, view),
            _ => classic(report, tracked, view),
        };
        self.whole(material.max_bytes, |body| written(body.write_str(&text)))
    }

    #[cfg(not(feature = "prometheus"))]
    pub(super) fn metrics(
        &self,
        _series: usize,
        _names_types: bool,
        _material: Material<'_>,
    ) -> Result<Reply, Problem> {
        let reason = "metrics are not built in: add the cargo feature `prometheus`";
        Err(Problem::NoProfile { is_built: false, reason: reason.into() })
    }
}
