//! One way of calls.

use serde::{Deserialize, Serialize};

/// What a node stands for.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
#[non_exhaustive]
pub enum TraceKind {
    /// A span of the crate `tracing`.
    #[default]
    Span,
    /// Requests of one route.
    Route,
    /// A future that the program named.
    Future,
    /// Calls beyond the maximum number of nodes.
    Other,
}

/// A span, route or future, reached by one way of parents.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[non_exhaustive]
#[serde(default)]
pub struct TraceNode {
    /// How many ancestors it has.
    pub depth: u64,
    /// Its name: of the span or future, or `GET /items/{id}`.
    pub name: String,
    /// What it stands for.
    pub kind: TraceKind,
    /// The source file of the span or of the call, if known.
    pub file: Option<String>,
    /// The line in `file`, from 1.
    pub line: Option<u32>,
    /// Calls that began.
    pub calls: u64,
    /// Calls that finished.
    pub completed: u64,
    /// Calls that were dropped before they finished.
    pub cancelled: u64,
    /// Calls that are still open. `calls` is the sum of the three.
    pub pending: u64,
    /// How often it was polled or entered.
    pub polls: u64,
    /// Wall time from the beginning of each call to its end, or until now.
    pub total_ns: u64,
    /// The part of `total_ns` during which no call below was open.
    pub own_total_ns: u64,
    /// Time inside polls.
    pub busy_ns: u64,
    /// The part of `busy_ns` outside of polls of calls below.
    pub own_busy_ns: u64,
    /// The longest poll.
    pub longest_poll_ns: u64,
    /// Bytes that were allocated inside polls. `None` without jemalloc.
    pub allocated: Option<u64>,
    /// The part of `allocated` outside of polls of calls below.
    pub own_allocated: Option<u64>,
    /// Bytes that were freed inside polls. `None` without jemalloc.
    pub freed: Option<u64>,
    /// The part of `freed` outside of polls of calls below.
    pub own_freed: Option<u64>,
}

impl TraceNode {
    /// The part of `total_ns` outside of polls.
    pub fn idle_ns(&self) -> u64 {
        self.total_ns.saturating_sub(self.busy_ns)
    }
}

/// The number of each node that a page or a file shows.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum TraceEvent {
    /// Wall time.
    #[default]
    Total,
    /// Time inside polls.
    Busy,
    /// Allocated bytes.
    Allocated,
}

impl TraceEvent {
    /// All events.
    pub const ALL: [Self; 3] = [Self::Total, Self::Busy, Self::Allocated];

    /// Its name, as in the parameter `events`.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Total => "total",
            Self::Busy => "busy",
            Self::Allocated => "allocated",
        }
    }

    /// The number of `node` without calls below it, in nanoseconds or bytes.
    pub fn own(self, node: &TraceNode) -> Option<u64> {
        match self {
            Self::Total => Some(node.own_total_ns),
            Self::Busy => Some(node.own_busy_ns),
            Self::Allocated => node.own_allocated,
        }
    }
}
