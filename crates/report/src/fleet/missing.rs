//! Reasons why an instance is missing from the sums.

use serde::{Deserialize, Serialize};

/// An instance that was asked and did not give a report.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct MissingInstance {
    /// Address of the instance.
    pub target: String,
    /// The reason, for programs.
    pub reason: MissingReason,
    /// The reason in words, with what to do.
    pub detail: String,
}

/// Why an instance gave no report.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
#[non_exhaustive]
pub enum MissingReason {
    /// The address is invalid, or its name does not resolve.
    Address,
    /// No process listens there, or the network has no route.
    Unreachable,
    /// The connection is not as secure as required.
    Tls,
    /// The instance does not accept the credentials.
    Unauthorized,
    /// The credentials are valid but lack the role.
    Forbidden,
    /// The instance answered with an unexpected status.
    Refused,
    /// The instance did not answer in time.
    Deadline,
    /// The answer is not a report of this version.
    NoReport,
    /// The answer is longer than the limit.
    TooLong,
    /// There were more instances than the limit.
    TooMany,
    /// The address does not belong to an instance of this fleet: it is another user's, or not an instance at all.
    Foreign,
}

impl MissingReason {
    /// The name on the wire.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Address => "address",
            Self::Unreachable => "unreachable",
            Self::Tls => "tls",
            Self::Unauthorized => "unauthorized",
            Self::Forbidden => "forbidden",
            Self::Refused => "refused",
            Self::Deadline => "deadline",
            Self::NoReport => "no-report",
            Self::TooLong => "too-long",
            Self::TooMany => "too-many",
            Self::Foreign => "foreign",
        }
    }
}

impl MissingInstance {
    /// Records that `target` is missing for `reason`; `detail` explains it in words.
    pub fn new(target: impl Into<String>, reason: MissingReason, detail: impl Into<String>) -> Self {
        Self { target: target.into(), reason, detail: detail.into() }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_reason_has_the_same_name_in_json_and_in_text() {
        for reason in [
            MissingReason::Address,
            MissingReason::Unreachable,
            MissingReason::Tls,
            MissingReason::Unauthorized,
            MissingReason::Forbidden,
            MissingReason::Refused,
            MissingReason::Deadline,
            MissingReason::NoReport,
            MissingReason::TooLong,
            MissingReason::TooMany,
            MissingReason::Foreign,
        ] {
            assert_eq!(serde_json::to_value(reason).unwrap(), reason.as_str());
        }
    }
}
