//! Why an instance is missing from the sums.

use std::fmt;

use memory_debug_report::{MissingInstance, MissingReason};

/// Why an instance gave no report.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Missing {
    /// The reason, to match on.
    pub reason: MissingReason,
    /// The same in a sentence, with what to do next.
    pub detail: String,
}

impl Missing {
    /// An instance that is missing for `reason`.
    pub fn new(reason: MissingReason, detail: impl Into<String>) -> Self {
        Self { reason, detail: detail.into() }
    }

    /// An instance whose answer is not a report. `why` follows "its answer".
    pub fn no_report(why: impl fmt::Display) -> Self {
        Self::new(MissingReason::NoReport, format!("its answer {why}"))
    }

    /// The entry in the fleet's report, for the instance that was asked as `target`.
    pub fn of(self, target: impl Into<String>) -> MissingInstance {
        MissingInstance::new(target, self.reason, self.detail)
    }
}

impl fmt::Display for Missing {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.detail)
    }
}

/// What an HTTP status other than 200 says about an instance.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Refusal {
    /// The page is elsewhere. Redirects are not followed.
    Redirect,
    /// The login is wrong.
    Unauthorized,
    /// The login may not do this.
    Forbidden,
    /// There is no such page, or it is hidden.
    NotFound,
    /// The instance is busy or short of something.
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

    /// What happened and what to do, for instances that ask each other.
    #[must_use]
    pub fn advice(self) -> &'static str {
        match self {
            Self::Redirect => "it redirects elsewhere, and redirects are not followed; name that address",
            Self::Unauthorized => {
                "it does not accept the login; every instance must accept it, also while it is being changed"
            }
            Self::Forbidden => {
                "the login's role is too low there, or it requires TLS and cannot see that this connection has it"
            }
            Self::NotFound => "there is no page, or it is hidden from this login; check the path",
            Self::Busy => "it is busy or short of memory; ask again in a while",
            Self::Other => "it gives no report; ask it directly to see why",
        }
    }
}
