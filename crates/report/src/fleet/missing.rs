//! Why an instance is not in the sum.

use serde::{Deserialize, Serialize};

/// An instance that was asked for and did not give a report.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct MissingInstance {
    /// How it was addressed.
    pub target: String,
    /// What kept it away.
    pub reason: MissingReason,
    /// The same in words, with what to do.
    pub detail: String,
}

/// What kept an instance away.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
#[non_exhaustive]
pub enum MissingReason {
    /// The address is not one, or its name has none.
    Address,
    /// Nobody listens there, or the network does not lead there.
    Unreachable,
    /// The connection is not as safe as it has to be.
    Tls,
    /// The credentials are not those of this instance.
    Unauthorized,
    /// The credentials are right and have not the role.
    Forbidden,
    /// The instance answered with another status.
    Refused,
    /// No answer in time.
    Deadline,
    /// The answer is no report of this version.
    NoReport,
    /// The answer is longer than is read.
    TooLong,
    /// There were more instances than are asked.
    TooMany,
    /// What is at the address is nobody's who is to be asked: another user's, or no instance at all.
    Foreign,
}

impl MissingReason {
    /// The word on the wire.
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
    /// `target` is missing for `reason`, which `detail` says in words.
    pub fn new(target: impl Into<String>, reason: MissingReason, detail: impl Into<String>) -> Self {
        Self { target: target.into(), reason, detail: detail.into() }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_reason_is_the_same_word_everywhere() {
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
