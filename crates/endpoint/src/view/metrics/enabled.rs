//! Writing metrics.

use std::borrow::Cow;
use std::fmt::Write;

use memory_debug_core::MonitorHandle;
use memory_debug_core::metrics::{MetricsView, classic, openmetrics};

use crate::reply::{Format, Problem, Reply};
use crate::view::fit::written;
use crate::view::page_request::{Material, RenderRequest};

pub(super) fn write(
    request: &RenderRequest,
    series: usize,
    knows_types: bool,
    monitor: Option<&MonitorHandle>,
    material: Material<'_>,
) -> Result<Reply, Problem> {
    let collected = material.collected()?;
    let mut report = Cow::Borrowed(&collected.report);
    if let Some(status) = monitor.and_then(|monitor| monitor.summary(report.instance.clone()).monitor) {
        report.to_mut().note_monitor(status);
    }
    let tracked = collected.tracked();
    let view = MetricsView { top: series, exact: knows_types };
    let text = match request.format {
        Format::OpenMetrics => openmetrics(&report, tracked, view),
        _ => classic(&report, tracked, view),
    };
    request.whole(material.max_bytes, |body| written(body.write_str(&text)))
}
