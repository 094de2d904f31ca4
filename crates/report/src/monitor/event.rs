//! One event of the monitor.

use serde::{Deserialize, Serialize};

use super::block::BlockedWorker;

/// What happened.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
#[non_exhaustive]
pub enum EventKind {
    /// A value has passed its limit for long enough.
    Exceeded,
    /// A value that had passed its limit reached a new peak.
    StillGrowing,
    /// A value is back on the quiet side of its limit.
    Under,
    /// The kernel reports that processes wait for memory.
    Pressure,
    /// The kernel killed another process of the same container for lack of memory.
    OomKill,
    /// A worker of a runtime was or is blocked.
    Blocked,
    /// The process did not run: throttled, stopped or suspended.
    ProcessStarved,
    /// An earlier process that used the same folder did not end in order.
    EndedAbruptly,
    /// A check of the application reported something, panicked or hangs.
    Check,
    /// The monitor could not do something: a callback panicked, a folder is full, a file cannot be read.
    Failure,
}

impl EventKind {
    /// The name in JSON and in metrics: `still-growing`.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Exceeded => "exceeded",
            Self::StillGrowing => "still-growing",
            Self::Under => "under",
            Self::Pressure => "pressure",
            Self::OomKill => "oom-kill",
            Self::Blocked => "blocked",
            Self::ProcessStarved => "process-starved",
            Self::EndedAbruptly => "ended-abruptly",
            Self::Check => "check",
            Self::Failure => "failure",
        }
    }
}

/// One event.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct MonitorEvent {
    /// Counts the events of this process, from 1.
    pub id: u64,
    /// When it happened, RFC 3339 in UTC with milliseconds.
    pub at: String,
    /// What happened.
    pub kind: EventKind,
    /// The event in a sentence, as the log has it.
    pub text: String,
    /// The rule or the check that made it.
    pub rule: Option<String>,
    /// The value at that time.
    pub value: Option<u64>,
    /// The limit of the rule.
    pub limit: Option<u64>,
    /// Where value and limit come from.
    pub source: Option<String>,
    /// The largest value since the limit was passed.
    pub peak: Option<u64>,
    /// How fast the value grew in the last minute, per second.
    pub growth_per_second: Option<f64>,
    /// Since when the value had passed the limit, RFC 3339 in UTC.
    pub since: Option<String>,
    /// Events of this rule that were not sent since its last event, because of its cool-down or its cap.
    pub suppressed: u64,
    /// The worker that is or was blocked.
    pub blocked: Option<BlockedWorker>,
    /// What the actions did. Filled in when they have ended.
    pub actions: Vec<ActionOutcome>,
}

/// What an action did.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct ActionOutcome {
    /// The name of the action: `log`, `callback`, `keep-snapshot`, `save-snapshot`, `purge`, `capture`.
    pub action: String,
    /// Its result in words.
    pub outcome: String,
}

impl ActionOutcome {
    /// The result of an action, in words.
    pub fn new(action: impl Into<String>, outcome: impl Into<String>) -> Self {
        Self { action: action.into(), outcome: outcome.into() }
    }
}

impl MonitorEvent {
    /// An event of `kind` at `at` (RFC 3339, in UTC), in a sentence.
    pub fn new(kind: EventKind, at: impl Into<String>, text: impl Into<String>) -> Self {
        Self {
            id: 0,
            at: at.into(),
            kind,
            text: text.into(),
            rule: None,
            value: None,
            limit: None,
            source: None,
            peak: None,
            growth_per_second: None,
            since: None,
            suppressed: 0,
            blocked: None,
            actions: Vec::new(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn kinds_have_the_names_that_json_has() {
        for kind in [
            EventKind::Exceeded,
            EventKind::StillGrowing,
            EventKind::Under,
            EventKind::Pressure,
            EventKind::OomKill,
            EventKind::Blocked,
            EventKind::ProcessStarved,
            EventKind::EndedAbruptly,
            EventKind::Check,
            EventKind::Failure,
        ] {
            assert_eq!(serde_json::to_value(kind).unwrap(), kind.as_str());
        }
    }
}
