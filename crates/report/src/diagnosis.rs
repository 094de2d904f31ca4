//! What the rules of the doctor found in a report.

use std::borrow::Cow;

use serde::{Deserialize, Serialize};

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

impl Diagnosis {
    /// Adds what other rules found, by id.
    pub(crate) fn add(&mut self, others: &Self) {
        self.verdicts.extend_from_slice(&others.verdicts);
        self.verdicts.sort_by(|one, other| one.id.cmp(&other.id));
        self.checked.extend_from_slice(&others.checked);
        self.checked.sort();
        self.not_checked.extend_from_slice(&others.not_checked);
        self.not_checked.sort_by(|one, other| one.id.cmp(&other.id));
    }
}

impl Verdict {
    /// What the rule `id` found.
    pub fn new(id: &'static str, severity: Severity, evidence: String, advice: String) -> Self {
        Self { id: id.into(), severity, evidence, advice }
    }
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

impl NotChecked {
    /// Says why the rule `id` could not be checked.
    pub fn new(id: &'static str, reason: String) -> Self {
        Self { id: id.into(), reason }
    }
}
