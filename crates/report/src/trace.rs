//! Where requests spend time and bytes, as a tracer counted it.

mod call_tree;
mod node;
mod route;

pub use node::{TraceKind, TraceNode};
pub use route::{BytesPerRequest, RouteTrace};

use serde::{Deserialize, Serialize};

use crate::instance::InstanceInfo;
use crate::schema::SCHEMA;
use crate::unavailable::Unavailable;

/// What a tracer counted in one process.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct TraceReport {
    /// Always [`SCHEMA`](crate::SCHEMA).
    pub schema: String,
    /// The process.
    pub instance: InstanceInfo,
    /// When this report was made, RFC 3339 in UTC.
    pub reported_at: String,
    /// What was counted. `None` if the page has no tracer; `unavailable` says why under `trace`.
    pub trace: Option<Trace>,
    /// Why a value is `None`, keyed by its path.
    pub unavailable: Unavailable,
}

/// What a tracer counted.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[non_exhaustive]
#[serde(default)]
pub struct Trace {
    /// Whether it counts now.
    pub counting: bool,
    /// When it began to count, RFC 3339 in UTC. `None` if it has never counted.
    pub started_at: Option<String>,
    /// When it stops by itself, RFC 3339 in UTC. `None` if it has no limit, or does not count.
    pub ends_at: Option<String>,
    /// The operator who started it. `None` if the program did.
    pub started_by: Option<String>,
    /// How long it has counted.
    pub counted_ns: u64,
    /// The nodes in preorder: a parent comes before its children, and the child with the most total time first.
    pub nodes: Vec<TraceNode>,
    /// Nodes that were left out of `nodes`.
    pub omitted: u64,
    /// The most nodes that are kept. Further calls count under `(other)` of the same parent.
    pub max_nodes: u64,
    /// Calls that count under `(other)`.
    pub calls_in_other: u64,
    /// Routes, the one that allocated the most first.
    pub routes: Vec<RouteTrace>,
}

impl TraceReport {
    /// The report of a tracer, made at `reported_at` (RFC 3339, in UTC).
    pub fn new(instance: InstanceInfo, reported_at: impl Into<String>, trace: Trace) -> Self {
        Self {
            schema: SCHEMA.into(),
            instance,
            reported_at: reported_at.into(),
            trace: Some(trace),
            unavailable: Unavailable::default(),
        }
    }

    /// The report of a process whose page has no tracer, and why.
    pub fn without_tracer(instance: InstanceInfo, reported_at: impl Into<String>, reason: &str) -> Self {
        let mut report = Self::new(instance, reported_at, Trace::default());
        report.trace = None;
        report.unavailable.note("trace", reason);
        report
    }
}
