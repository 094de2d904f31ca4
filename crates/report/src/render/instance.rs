//! The identity of a process.

use std::fmt::{self, Display, Formatter};

use super::layout::Layout;
use super::reasons;
use crate::instance_report::InstanceReport;
use crate::units::{printable, span};

impl Display for InstanceReport {
    /// One line for each part of the identity, then the reasons for missing parts.
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        for (name, value) in parts(self) {
            writeln!(f, "{name:<8} {}", value.as_deref().unwrap_or("not available"))?;
        }
        reasons::lines(self.unavailable.iter()).try_for_each(|line| writeln!(f, "\nnot available: {line}"))
    }
}

/// Writes the parts of the identity, then the reasons for missing parts.
///
/// # Errors
///
/// Errors of `out`.
pub fn write(out: &mut dyn Layout, report: &InstanceReport) -> fmt::Result {
    parts(report).into_iter().try_for_each(|(name, value)| out.fact(name, value))?;
    if !report.unavailable.is_empty() {
        out.heading("not available")?;
    }
    reasons::named(report.unavailable.iter()).try_for_each(|(names, reason)| out.item(&names, &reason))
}

/// The parts of the identity. `None` if a part is missing.
fn parts(report: &InstanceReport) -> [(&'static str, Option<String>); 8] {
    let instance = &report.instance;
    [
        ("instance", Some(instance.id.to_string())),
        ("service", instance.service.as_deref().map(printable)),
        ("version", instance.version.as_deref().map(printable)),
        ("host", instance.host.as_deref().map(printable)),
        ("pid", Some(instance.pid.to_string())),
        ("started", instance.started_at.as_deref().map(printable)),
        ("up", instance.uptime_seconds.map(span)),
        ("build", instance.build_id.as_deref().map(printable)),
    ]
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sample;

    #[test]
    fn shows_each_part_on_a_line() {
        let text = InstanceReport::of(&sample::report()).to_string();
        let expected = "\
instance 6f1c9a2e-0000-4000-8000-000000000001
service  axum-service
version  0.1.0
host     a1
pid      4242
started  2026-11-20T09:00:00Z
up       3h 12m
build    ab12
";
        assert_eq!(text, expected);
    }

    #[test]
    fn a_missing_part_has_a_reason_and_is_not_empty() {
        let mut report = sample::report();
        report.instance.host = None;
        report.instance.uptime_seconds = None;
        for path in ["instance.host", "instance.uptime_seconds"] {
            report.unavailable.note(path, "/proc is not mounted here");
        }
        let text = InstanceReport::of(&report).to_string();
        assert!(
            text.contains("\nhost     not available\n") && text.contains("\nup       not available\n"),
            "{text}"
        );
        let reason = "\nnot available: instance.host, instance.uptime_seconds: /proc is not mounted here\n";
        assert!(text.ends_with(reason), "{text}");
    }

    #[test]
    fn s64_a_name_cannot_forge_lines() {
        let mut report = sample::report();
        report.instance.service = Some("shop\npid      1".into());
        let text = InstanceReport::of(&report).to_string();
        assert!(text.contains("service  shop\\u{a}pid      1\n"), "{text}");
    }
}
