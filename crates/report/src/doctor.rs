//! Rules that judge a report: what stands out, how bad it is, and what to change.
//!
//! A rule about sizes fires only above a share *and* above an absolute size. So a small process gets no warnings
//! about percentages, and a large process gets none about a few megabytes. A rule whose numbers were not measured is
//! listed as not checked, with the reason.

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

/// Result of all rules for one report.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct Diagnosis {
    /// What the rules found, most severe first, then by id.
    pub verdicts: Vec<Verdict>,
    /// Ids of the rules that had all their numbers, whether or not they found something; sorted.
    pub checked: Vec<Cow<'static, str>>,
    /// Rules that lacked a number; sorted by id.
    pub not_checked: Vec<NotChecked>,
}

/// One finding.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct Verdict {
    /// Name of the rule, in kebab case. An id never changes its meaning.
    pub id: Cow<'static, str>,
    /// How bad it is.
    pub severity: Severity,
    /// The numbers behind the finding, with units.
    pub evidence: String,
    /// What to change. Quotes the exact line if there is one.
    pub advice: String,
}

/// Severity of a finding. The worst severity is the smallest value, so it sorts first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
#[non_exhaustive]
pub enum Severity {
    /// The process is about to be killed or to stall.
    Critical,
    /// Memory is wasted, or the table of types is missing or cannot be trusted.
    Warning,
    /// Worth knowing, but not certainly harmful.
    Notice,
}

/// A rule that could not be checked.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct NotChecked {
    /// Name of the rule, as in [`Verdict::id`].
    pub id: Cow<'static, str>,
    /// Which number was missing, and why.
    pub reason: String,
}

/// Applies every rule to `report`. It measures nothing, so equal reports give equal diagnoses.
///
/// Needs a report with all sections (`Scope::Everything` of `memory-debug-core`). Rules whose section is missing
/// are listed as not checked.
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
    // The sort is stable, so findings of one severity stay in the order of their ids.
    diagnosis.verdicts.sort_by_key(|verdict| verdict.severity);
    diagnosis
}
