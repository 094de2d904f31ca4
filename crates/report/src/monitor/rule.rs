//! The state of one rule.

use std::fmt;

use serde::{Deserialize, Serialize};

/// The number that a rule watches.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
#[non_exhaustive]
pub enum MonitorMetric {
    /// Working set of the container (usage without inactive page cache), against the limit that is reached first.
    Container,
    /// Resident memory of the process (`VmRSS`).
    Resident,
    /// Memory that only this process has (`Private_*` of `smaps_rollup`).
    Unique,
    /// Bytes that the program holds (`stats.allocated`).
    Allocated,
    /// Unused pages that jemalloc has not returned yet (`stats.arenas.*.pdirty`).
    Dirty,
    /// Free space between live objects, in bytes (`stats.active - stats.allocated`).
    Fragmentation,
    /// Bytes of one type, from the last snapshot.
    Type(String),
    /// Threads of the process.
    Threads,
    /// Open files of the process.
    OpenFiles,
}

impl fmt::Display for MonitorMetric {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Container => "container",
            Self::Resident => "resident",
            Self::Unique => "unique",
            Self::Allocated => "allocated",
            Self::Dirty => "dirty",
            Self::Fragmentation => "fragmentation",
            Self::Type(name) => name,
            Self::Threads => "threads",
            Self::OpenFiles => "open files",
        })
    }
}

/// Where a rule stands.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
#[non_exhaustive]
pub enum RuleState {
    /// It cannot be checked; `not_armed` says why.
    #[default]
    NotArmed,
    /// The value is on the quiet side of the limit.
    Below,
    /// The value has passed the limit, but not for long enough.
    Rising,
    /// The value passed the limit for long enough, and an event was made.
    Above,
}

/// The state of one rule.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct RuleStatus {
    /// Its name.
    pub name: String,
    /// The number that it watches.
    pub metric: MonitorMetric,
    /// Where the number and the limit come from: `container v2, working set, limit 512 MiB of /shop`. `None` until
    /// the number was read once.
    pub source: Option<String>,
    /// Whether an event is made above the limit (otherwise below it).
    pub is_above: bool,
    /// The limit in the unit of the number: bytes, threads or files. `None` if the rule is not armed.
    pub limit: Option<u64>,
    /// Where it stands.
    pub state: RuleState,
    /// Why it is not armed.
    pub not_armed: Option<String>,
    /// The last value.
    pub value: Option<u64>,
    /// The largest value since it passed the limit.
    pub peak: Option<u64>,
    /// Since when it is in this state, RFC 3339 in UTC.
    pub since: Option<String>,
    /// How long the value must have passed the limit, in milliseconds.
    pub held_for_ms: u64,
    /// The names of its actions.
    pub actions: Vec<String>,
    /// Events sent.
    pub sent: u64,
    /// Events that were counted and not sent.
    pub suppressed: u64,
    /// When the next event may be sent, RFC 3339 in UTC. `None` if it may be sent now.
    pub next_allowed_at: Option<String>,
}

impl RuleStatus {
    /// The state of a rule that was never checked.
    pub fn new(name: impl Into<String>, metric: MonitorMetric) -> Self {
        Self {
            name: name.into(),
            metric,
            source: None,
            is_above: true,
            limit: None,
            state: RuleState::NotArmed,
            not_armed: None,
            value: None,
            peak: None,
            since: None,
            held_for_ms: 0,
            actions: Vec::new(),
            sent: 0,
            suppressed: 0,
            next_allowed_at: None,
        }
    }
}
