//! Writes metrics as text: OpenMetrics 1.0, and the older Prometheus format.

use std::fmt::{self, Write};

use memory_debug_report::{MemoryReport, TypeRow};

use crate::all::families;
use crate::families::{Metric, MetricFamily, MetricKind};
use crate::view::MetricsView;

/// Metrics in OpenMetrics 1.0: `application/openmetrics-text; version=1.0.0; charset=utf-8`.
pub fn openmetrics(report: &MemoryReport, tracked: &[TypeRow], view: MetricsView) -> String {
    let mut text = text(report, tracked, view, Format::OpenMetrics);
    text.push_str("# EOF\n");
    text
}

/// Metrics in the format before OpenMetrics: `text/plain; version=0.0.4; charset=utf-8`.
///
/// It has no units, no infos and no end marker, and it names a counter after its series.
pub fn classic(report: &MemoryReport, tracked: &[TypeRow], view: MetricsView) -> String {
    text(report, tracked, view, Format::Classic)
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Format {
    OpenMetrics,
    Classic,
}

fn text(report: &MemoryReport, tracked: &[TypeRow], view: MetricsView, format: Format) -> String {
    let mut text = String::new();
    for family in families(report, tracked, view) {
        // Writing to a string cannot fail.
        let _ = write_family(&mut text, &family, format);
    }
    text
}

/// Writes the description of a family, then a line for each of its metrics.
fn write_family(out: &mut String, family: &MetricFamily, format: Format) -> fmt::Result {
    let name = family.full_name();
    let suffix = suffix(family.kind);
    let described = if format == Format::Classic { format!("{name}{suffix}") } else { name.clone() };
    writeln!(out, "# HELP {described} {}", family.help)?;
    writeln!(out, "# TYPE {described} {}", kind(family.kind, format))?;
    if let (Format::OpenMetrics, Some(unit)) = (format, family.unit) {
        writeln!(out, "# UNIT {described} {unit}")?;
    }
    for metric in &family.metrics {
        write!(out, "{name}{suffix}")?;
        write_labels(out, metric)?;
        match family.kind {
            MetricKind::Info => writeln!(out, " 1")?,
            MetricKind::Gauge | MetricKind::Counter => writeln!(out, " {}", number(metric.value))?,
        }
    }
    Ok(())
}

fn write_labels(out: &mut String, metric: &Metric) -> fmt::Result {
    for (index, (label, value)) in metric.labels.iter().enumerate() {
        let separator = if index == 0 { '{' } else { ',' };
        write!(out, "{separator}{label}=\"")?;
        write_escaped(out, value);
        out.push('"');
    }
    if !metric.labels.is_empty() {
        out.push('}');
    }
    Ok(())
}

/// Writes a label's value. Both formats escape the same three characters.
fn write_escaped(out: &mut String, value: &str) {
    for character in value.chars() {
        match character {
            '\\' => out.push_str("\\\\"),
            '"' => out.push_str("\\\""),
            '\n' => out.push_str("\\n"),
            other => out.push(other),
        }
    }
}

/// The shortest text that parses to the same number. It always has a fraction, as OpenMetrics requires for floats.
fn number(value: f64) -> String {
    if value.fract() == 0.0 { format!("{value}.0") } else { value.to_string() }
}

fn kind(kind: MetricKind, format: Format) -> &'static str {
    match (kind, format) {
        (MetricKind::Counter, _) => "counter",
        (MetricKind::Info, Format::OpenMetrics) => "info",
        (MetricKind::Gauge | MetricKind::Info, _) => "gauge",
    }
}

fn suffix(kind: MetricKind) -> &'static str {
    match kind {
        MetricKind::Gauge => "",
        MetricKind::Counter => "_total",
        MetricKind::Info => "_info",
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sample;

    #[test]
    fn openmetrics_has_units_suffixes_and_an_end() {
        let mut report = sample::report();
        report.cgroup.as_mut().unwrap().oom_kills = Some(2);
        let text = openmetrics(&report, &[], MetricsView { top: 1, exact: true });
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
    fn numbers_have_a_fraction_and_no_exponent() {
        for (value, text) in [
            (0.0, "0.0"),
            (0.000_001, "0.000001"),
            (-1.5, "-1.5"),
            (1_795_165_200.125, "1795165200.125"),
            (18_446_744_073_709_551_615.0, "18446744073709552000.0"),
        ] {
            assert_eq!(number(value), text);
        }
    }

    #[test]
    fn the_older_format_names_counters_and_infos_after_their_series() {
        let mut report = sample::report();
        report.cgroup.as_mut().unwrap().oom_kills = Some(2);
        let text = classic(&report, &[], MetricsView { top: 1, exact: true });
        for lines in [
            "# TYPE memory_debug_cgroup_oom_kills_total counter\nmemory_debug_cgroup_oom_kills_total 2.0\n",
            "# TYPE memory_debug_build_info gauge\nmemory_debug_build_info{version=\"",
            "# TYPE memory_debug_jemalloc_allocated_bytes gauge\nmemory_debug_jemalloc_allocated_bytes 4",
        ] {
            assert!(text.contains(lines), "{lines}\nis not in\n{text}");
        }
        assert!(!text.contains("# UNIT") && !text.contains("# EOF"), "{text}");
    }

    /// A report with every kind of metric, and a name with every character that a label must escape.
    fn whole_report() -> MemoryReport {
        let mut report = sample::report_with_roots();
        let cgroup = report.cgroup.as_mut().unwrap();
        (cgroup.oom_kills, cgroup.high_events, cgroup.max_events) = (Some(2), Some(0), Some(7));
        cgroup.levels[0].path = "/a \"b\" \\c".into();
        report.types.as_mut().unwrap().rows[1].bytes_stderr = 0.1;
        report
    }

    /// Compares `text` with a file in `data`. `MEMORY_DEBUG_BLESS=1` rewrites the file.
    fn assert_golden(file: &str, text: &str) {
        let text = text.replace(env!("CARGO_PKG_VERSION"), "VERSION");
        let path = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("data").join(file);
        if std::env::var_os("MEMORY_DEBUG_BLESS").is_some() {
            std::fs::write(&path, &text).unwrap();
        }
        let expected = std::fs::read_to_string(&path).unwrap();
        let hint = format!("{}; if that is intended, MEMORY_DEBUG_BLESS=1 rewrites it", path.display());
        for (line, expected) in text.lines().zip(expected.lines()) {
            assert_eq!(line, expected, "{hint}");
        }
        assert_eq!(text.len(), expected.len(), "{hint}");
    }

    #[test]
    fn both_formats_match_their_golden_files() {
        let view = MetricsView { top: 2, exact: true };
        assert_golden("openmetrics.txt", &openmetrics(&whole_report(), &[], view));
        assert_golden("classic.txt", &classic(&whole_report(), &[], view));
    }

    #[test]
    fn s64_a_name_cannot_forge_series() {
        let mut report = sample::report();
        report.types.as_mut().unwrap().rows[0].type_name = "a\"} 1\nforged{x=\"\\".into();
        let text = openmetrics(&report, &[], MetricsView { top: 9, exact: true });
        assert!(text.contains(r#"{type="a\"} 1\\u{a}forged{x=\"\\"}"#), "{text}");
        assert!(text.lines().all(|line| !line.starts_with("forged")), "{text}");
    }
}
