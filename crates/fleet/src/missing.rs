//! The reasons why an instance is missing from the sums.

use std::fmt;

use memory_debug_report::{MissingInstance, MissingReason};

/// The reason why an instance gave no report.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Missing {
    /// The reason, to match on.
    pub reason: MissingReason,
    /// The reason as a sentence, with what to do next.
    pub detail: String,
}

impl Missing {
    /// Creates the reason. `detail` says what to do next.
    pub fn new(reason: MissingReason, detail: impl Into<String>) -> Self {
        Self { reason, detail: detail.into() }
    }

    /// Creates the reason for an answer that is not a report. `why` continues a sentence that begins with "its answer".
    pub fn no_report(why: impl fmt::Display) -> Self {
        Self::new(MissingReason::NoReport, format!("its answer {why}"))
    }

    /// Converts the reason into an entry of the fleet's report, for the instance that was asked as `target`.
    pub fn of(self, target: impl Into<String>) -> MissingInstance {
        MissingInstance::new(target, self.reason, self.detail)
    }
}

impl fmt::Display for Missing {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.detail)
    }
}

/// The meaning of an HTTP status other than 200.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Refusal {
    /// The page is elsewhere. Redirects are not followed.
    Redirect,
    /// The login is wrong.
    Unauthorized,
    /// The login may not do this.
    Forbidden,
    /// The page does not exist, or it is hidden.
    NotFound,
    /// The instance is busy or lacks memory.
    Busy,
    /// Any other status.
    Other,
}

impl Refusal {
    /// The meaning of `status`.
    #[must_use]
    pub fn of(status: u16) -> Self {
        match status {
            300..=399 => Self::Redirect,
            401 => Self::Unauthorized,
            403 => Self::Forbidden,
            404 => Self::NotFound,
            429 | 503 | 504 => Self::Busy,
            _ => Self::Other,
        }
    }

    /// The reason for the fleet's report.
    #[must_use]
    pub fn reason(self) -> MissingReason {
        match self {
            Self::Unauthorized => MissingReason::Unauthorized,
            Self::Forbidden => MissingReason::Forbidden,
            Self::Redirect | Self::NotFound | Self::Busy | Self::Other => MissingReason::Refused,
        }
    }

    /// Returns what happened and what to do, for instances that ask each other.
    #[must_use]
    pub fn advice(self) -> &'static str {
        match self {
            Self::Redirect => "it redirects elsewhere, and redirects are not followed; use that address",
            Self::Unauthorized => {
                "it does not accept the login; every instance must accept it, also while it is being changed"
            }
            Self::Forbidden => {
                "the login's role is too low there, or it requires TLS and cannot see that this connection has it"
            }
            Self::NotFound => {
                "the page does not exist there, or it is hidden from this login; check the path"
            }
            Self::Busy => "it is busy or short of memory; try again in a while",
            Self::Other => "it gives no report; ask it directly to see why",
        }
    }
}
