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

use self::rule::Rule;
use crate::diagnosis::{Diagnosis, NotChecked};
use crate::report::MemoryReport;

/// All rules, by theme.
const RULES: [&[Rule]; 5] =
    [profiling::RULES, table::RULES, allocator::RULES, process::RULES, container::RULES];

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
    if let Some(others) = &report.findings {
        diagnosis.add(others);
    }
    // The sort is stable, so findings of one severity stay in the order of their ids.
    diagnosis.verdicts.sort_by_key(|verdict| verdict.severity);
    diagnosis
}
