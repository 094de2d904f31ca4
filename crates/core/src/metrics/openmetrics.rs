//! Writes metrics as text: OpenMetrics 1.0, and the older Prometheus format.

use std::fmt::{self, Write as _};

use prometheus_client::collector::Collector;
use prometheus_client::encoding::{DescriptorEncoder, EncodeMetric as _, NoLabelSet};
use prometheus_client::metrics::MetricType;
use prometheus_client::metrics::counter::ConstCounter;
use prometheus_client::metrics::gauge::ConstGauge;
use prometheus_client::registry::{Registry, Unit};

use super::MetricsView;
use super::families::{MetricFamily, MetricKind};
use crate::report::MemoryReport;

/// Metrics in OpenMetrics 1.0: `application/openmetrics-text; version=1.0.0; charset=utf-8`.
pub fn openmetrics(report: &MemoryReport, view: MetricsView) -> String {
    let mut registry = Registry::default();
    registry.register_collector(Box::new(Families(super::families(report, view))));
    let mut text = String::new();
    prometheus_client::encoding::text::encode(&mut text, &registry)
        .expect("writing to a string does not fail");
    text
}

/// Metrics in the format before OpenMetrics: `text/plain; version=0.0.4; charset=utf-8`.
///
/// It has no units, no infos and no end marker, and it names a counter after its series.
pub fn classic(report: &MemoryReport, view: MetricsView) -> String {
    let families = super::families(report, view);
    let suffix = |name: &str| {
        let family = families.iter().find(|family| family.full_name() == name);
        family.map_or("", |family| suffix(family.kind))
    };
    let mut text = String::new();
    for line in openmetrics(report, view).lines() {
        let mut words = line.splitn(4, ' ');
        match (words.next(), words.next(), words.next(), words.next()) {
            (Some("#"), Some("EOF" | "UNIT"), ..) => {}
            (Some("#"), Some(what), Some(name), Some(rest)) => {
                let rest = if what == "TYPE" && rest == "info" { "gauge" } else { rest };
                // Writing to a string cannot fail.
                let _ = writeln!(text, "# {what} {name}{} {rest}", suffix(name));
            }
            _ => text.extend([line, "\n"]),
        }
    }
    text
}

fn suffix(kind: MetricKind) -> &'static str {
    match kind {
        MetricKind::Gauge => "",
        MetricKind::Counter => "_total",
        MetricKind::Info => "_info",
    }
}

#[derive(Debug)]
struct Families(Vec<MetricFamily>);

impl Collector for Families {
    fn encode(&self, mut encoder: DescriptorEncoder<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|family| encode(family, &mut encoder))
    }
}

fn encode(family: &MetricFamily, encoder: &mut DescriptorEncoder<'_>) -> fmt::Result {
    let unit = family.unit.map(|unit| Unit::Other(unit.to_owned()));
    let kind = match family.kind {
        MetricKind::Gauge => MetricType::Gauge,
        MetricKind::Counter => MetricType::Counter,
        MetricKind::Info => MetricType::Info,
    };
    let mut encoder = encoder.encode_descriptor(family.name, family.help, unit.as_ref(), kind)?;
    for metric in &family.metrics {
        let labels = &metric.labels;
        match family.kind {
            MetricKind::Info => encoder.encode_info(labels)?,
            MetricKind::Gauge if labels.is_empty() => encoder.encode_gauge(&metric.value)?,
            MetricKind::Gauge => ConstGauge::new(metric.value).encode(encoder.encode_family(labels)?)?,
            MetricKind::Counter if labels.is_empty() => {
                encoder.encode_counter::<NoLabelSet, _, u64>(&metric.value, None)?
            }
            MetricKind::Counter => ConstCounter::new(metric.value).encode(encoder.encode_family(labels)?)?,
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::render::sample;

    #[test]
    fn openmetrics_has_units_suffixes_and_an_end() {
        let mut report = sample::report();
        report.cgroup.as_mut().unwrap().oom_kills = Some(2);
        let text = openmetrics(&report, MetricsView { top: 1, exact: true });
        for lines in [
            "# HELP memory_debug_jemalloc_allocated_bytes Bytes that the program holds\n\
             # TYPE memory_debug_jemalloc_allocated_bytes gauge\n\
             # UNIT memory_debug_jemalloc_allocated_bytes bytes\n\
             memory_debug_jemalloc_allocated_bytes 451936256.0\n",
            "# TYPE memory_debug_cgroup_oom_kills counter\nmemory_debug_cgroup_oom_kills_total 2.0\n",
            "memory_debug_type_live_bytes{type=\"HashMap<String, Session>\"} 12582912.0\n",
            "memory_debug_build_info{version=\"",
        ] {
            assert!(text.contains(lines), "{lines}\nis not in\n{text}");
        }
        assert!(text.ends_with("# EOF\n"));
    }

    #[test]
    fn the_older_format_names_counters_and_infos_after_their_series() {
        let mut report = sample::report();
        report.cgroup.as_mut().unwrap().oom_kills = Some(2);
        let text = classic(&report, MetricsView { top: 1, exact: true });
        for lines in [
            "# TYPE memory_debug_cgroup_oom_kills_total counter\nmemory_debug_cgroup_oom_kills_total 2.0\n",
            "# TYPE memory_debug_build_info gauge\nmemory_debug_build_info{version=\"",
            "# TYPE memory_debug_jemalloc_allocated_bytes gauge\nmemory_debug_jemalloc_allocated_bytes 4",
        ] {
            assert!(text.contains(lines), "{lines}\nis not in\n{text}");
        }
        assert!(!text.contains("# UNIT") && !text.contains("# EOF"), "{text}");
    }

    #[test]
    fn s64_a_name_cannot_forge_series() {
        let mut report = sample::report();
        report.types.as_mut().unwrap().rows[0].type_name = "a\"} 1\nforged{x=\"\\".into();
        let text = openmetrics(&report, MetricsView { top: 9, exact: true });
        assert!(text.contains(r#"{type="a\"} 1\\u{a}forged{x=\"\\"}"#), "{text}");
        assert!(text.lines().all(|line| !line.starts_with("forged")), "{text}");
    }
}
