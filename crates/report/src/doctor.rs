//! What stands out in a report, how bad it is, and what to change.
//!
//! A rule about sizes speaks only if a share *and* an absolute size are exceeded, so that small processes are not
//! bothered with percentages, nor large ones with megabytes. A rule whose numbers were not measured says neither yes
//! nor no: it is listed as not checked, with the reason.

mod allocator;
mod container;
#[cfg(test)]
mod healthy;
mod holder;
mod process;
mod profiling;
mod rule;
mod table;
#[cfg(test)]
mod tests;

use std::borrow::Cow;

use serde::{Deserialize, Serialize};

use self::rule::Rule;
use crate::report::MemoryReport;

/// All rules, by theme.
const RULES: [&[Rule]; 5] =
    [profiling::RULES, table::RULES, allocator::RULES, process::RULES, container::RULES];

/// What all rules say about one report.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct Diagnosis {
    /// What was found, most severe first, then by id.
    pub verdicts: Vec<Verdict>,
    /// The ids of the rules that had all their numbers, whether they found something or not; sorted.
    pub checked: Vec<Cow<'static, str>>,
    /// The rules that lacked a number; sorted by id.
    pub not_checked: Vec<NotChecked>,
}

/// One finding.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct Verdict {
    /// Names the rule, in kebab case. An id keeps its meaning.
    pub id: Cow<'static, str>,
    /// How bad it is.
    pub severity: Severity,
    /// The numbers that say so, with units.
    pub evidence: String,
    /// What to change: the exact line where there is one.
    pub advice: String,
}

/// How bad a finding is; the worst is the least.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
#[non_exhaustive]
pub enum Severity {
    /// The process is about to be killed or to stand still.
    Critical,
    /// Memory is wasted, or the table of types cannot be had or not be trusted.
    Warning,
    /// Worth knowing; harm is not certain.
    Notice,
}

/// A rule that could not be checked.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct NotChecked {
    /// Names the rule, as [`Verdict::id`] does.
    pub id: Cow<'static, str>,
    /// Which number was missing, and why.
    pub reason: String,
}

/// Applies every rule to `report`. Measures nothing; equal reports give equal diagnoses.
///
/// Give it a report with everything in it ([`Scope::Everything`](crate::Scope::Everything)), or the rules that lack
/// their section are not checked.
pub fn diagnose(report: &MemoryReport) -> Diagnosis {
    let mut rules: Vec<&Rule> = RULES.into_iter().flatten().collect();
    rules.sort_by_key(|rule| rule.id);
    let mut diagnosis = Diagnosis::default();
    for rule in rules {
        match (rule.check)(report) {
            Ok(finding) => {
                diagnosis.checked.push(rule.id.into());
                diagnosis.verdicts.extend(finding.map(|finding| finding.by(rule)));
            }
            Err(reason) => diagnosis.not_checked.push(NotChecked { id: rule.id.into(), reason }),
        }
    }
    // Stable, so findings of one severity stay in the order of their ids.
    diagnosis.verdicts.sort_by_key(|verdict| verdict.severity);
    diagnosis
}
