//! Renders the doctor's findings as text.

use std::fmt::{self, Write};

use super::reasons;
use crate::diagnosis::{Diagnosis, Severity, Verdict};
use crate::units::printable;

/// The findings more severe than a notice.
pub fn warnings(diagnosis: &Diagnosis) -> impl Iterator<Item = &Verdict> {
    diagnosis.verdicts.iter().filter(|verdict| verdict.severity < Severity::Notice)
}

/// Writes one line for each finding more severe than a notice.
pub(super) fn write_short(out: &mut (impl Write + ?Sized), diagnosis: &Diagnosis) -> fmt::Result {
    for verdict in warnings(diagnosis) {
        writeln!(
            out,
            "{} {}: {}",
            name(verdict.severity),
            printable(&verdict.id),
            printable(&verdict.evidence)
        )?;
    }
    Ok(())
}

impl fmt::Display for Diagnosis {
    /// All findings with their advice, then the number of rules checked, then the rules that could not be checked.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write(f, self)
    }
}

fn write(out: &mut (impl Write + ?Sized), diagnosis: &Diagnosis) -> fmt::Result {
    for verdict in &diagnosis.verdicts {
        writeln!(out, "{} {}", name(verdict.severity), printable(&verdict.id))?;
        writeln!(out, "  {}", printable(&verdict.evidence))?;
        writeln!(out, "  advice: {}\n", printable(&verdict.advice))?;
    }
    if diagnosis.verdicts.is_empty() {
        write!(out, "no findings; ")?;
    }
    writeln!(out, "{}", checked(diagnosis))?;
    for (ids, reason) in not_checked(diagnosis) {
        writeln!(out, "not checked: {ids} because {reason}")?;
    }
    Ok(())
}

/// How many rules were checked, and how many could not be.
pub fn checked(diagnosis: &Diagnosis) -> String {
    let (checked, not_checked) = (diagnosis.checked.len(), diagnosis.not_checked.len());
    let noun = if checked == 1 { "rule" } else { "rules" };
    format!("{checked} {noun} checked, {not_checked} not checked")
}

/// The rules that could not be checked: every reason once, after the rules that it explains.
pub fn not_checked(diagnosis: &Diagnosis) -> Vec<(String, String)> {
    let rules = diagnosis.not_checked.iter().map(|rule| (rule.id.as_ref(), rule.reason.as_str()));
    let reasons = reasons::grouped(rules).into_iter();
    reasons.map(|(reason, ids)| (printable(&ids.join(", ")), printable(reason))).collect()
}

/// The word for a severity.
pub fn name(severity: Severity) -> &'static str {
    match severity {
        Severity::Critical => "critical",
        Severity::Warning => "warning",
        Severity::Notice => "notice",
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::doctor::diagnose;
    use crate::report::MemoryReport;
    use crate::sample;

    fn text(report: &MemoryReport) -> String {
        let mut text = String::new();
        write(&mut text, &diagnose(report)).unwrap();
        text
    }

    #[test]
    fn a_finding_has_its_evidence_and_its_advice() {
        let mut report = sample::report();
        report.cgroup.as_mut().unwrap().oom_kills = Some(2);
        let text = text(&report);
        let lines: Vec<_> = text.lines().take(4).collect();
        assert_eq!(
            lines[..2],
            ["critical oom-kills", "  processes in the container killed because memory ran out: 2"]
        );
        assert!(lines[2].starts_with("  advice: the largest part is "), "{text}");
        assert_eq!(lines[3], "");
        assert!(!text.contains("no findings"), "{text}");
    }

    #[test]
    fn rules_that_could_not_be_checked_are_listed() {
        let mut report = sample::report();
        report.process = None;
        report.unavailable.note("process", "/proc/self: entity not found");
        let text = text(&report);
        let first = text.lines().next().unwrap();
        let Diagnosis { checked, not_checked, .. } = diagnose(&report);
        let (checked, missing) = (checked.len(), not_checked.len());
        assert_eq!(first, format!("no findings; {checked} rules checked, {missing} not checked"));
        let because = "because /proc/self: entity not found";
        let line = format!(
            "\nnot checked: dominating-row, mapped-files, memory-outside-jemalloc, muzzy-pages, never-touched, \
             shared-memory, swap-in-use, thread-caches {because}\n"
        );
        assert!(text.contains(&line), "{text}");
    }

    #[test]
    fn s64_a_reason_cannot_forge_lines() {
        let mut report = sample::report();
        report.process = None;
        report.unavailable.note("process", "\nno findings");
        assert!(text(&report).contains(r"because \u{a}no findings"));
    }
}
