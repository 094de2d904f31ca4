//! The identity of the process as a document of its own.

use serde::{Deserialize, Serialize};

use crate::instance::InstanceInfo;
use crate::report::MemoryReport;
use crate::schema::SCHEMA;
use crate::unavailable::Unavailable;

/// Identity of the process that answered, without any number about its memory.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct InstanceReport {
    /// Always [`SCHEMA`](crate::SCHEMA).
    pub schema: String,
    /// The process.
    pub instance: InstanceInfo,
    /// Why a value is `None`, keyed by its path.
    pub unavailable: Unavailable,
}

impl InstanceReport {
    /// The identity of the process that a report describes, with the reasons for what is missing in it.
    pub fn of(report: &MemoryReport) -> Self {
        let mut unavailable = Unavailable::default();
        let missing = report.unavailable.iter().filter(|(path, _)| path.starts_with("instance."));
        missing.for_each(|(path, reason)| unavailable.note(path, reason));
        Self { schema: SCHEMA.into(), instance: report.instance.clone(), unavailable }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sample;

    #[test]
    fn has_the_identity_and_no_reasons_of_other_sections() {
        let mut report = sample::report();
        report.instance.host = None;
        report.unavailable.note("instance.host", "hostname: permission denied");
        assert!(report.unavailable.iter().count() > 1, "the sample lacks other values too");
        let instance = InstanceReport::of(&report);
        assert_eq!(instance.instance, report.instance);
        let reasons: Vec<_> = instance.unavailable.iter().collect();
        assert_eq!(reasons, [("instance.host", "hostname: permission denied")]);
    }
}
