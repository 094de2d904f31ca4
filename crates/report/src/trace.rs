//! Where requests spend time and bytes, as a tracer counted it.

mod call_tree;
mod node;
mod route;

pub use node::{TraceEvent, TraceKind, TraceNode};
pub use route::{BytesPerRequest, RouteTrace};

use std::cmp::Reverse;

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
    /// Routes that were left out of `routes`.
    pub omitted_routes: u64,
}

impl Trace {
    /// The place of each node's parent in `nodes`.
    pub fn parents(&self) -> Vec<Option<usize>> {
        let mut open: Vec<usize> = Vec::new();
        let mut parents = Vec::with_capacity(self.nodes.len());
        for (place, node) in self.nodes.iter().enumerate() {
            open.truncate(usize::try_from(node.depth).unwrap_or(usize::MAX));
            parents.push(open.last().copied());
            open.push(place);
        }
        parents
    }

    /// The own number of each node and of all nodes below it; missing numbers count as 0. A parent has at least the
    /// sum of its children. That is not true of inclusive numbers, because calls overlap and outlive their callers.
    pub fn weights(&self, event: TraceEvent) -> Vec<u64> {
        let mut weights: Vec<_> = self.nodes.iter().map(|node| event.own(node).unwrap_or(0)).collect();
        for (place, parent) in self.parents().into_iter().enumerate().rev() {
            if let Some(parent) = parent {
                weights[parent] = weights[parent].saturating_add(weights[place]);
            }
        }
        weights
    }
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

    /// The same report with the `top` nodes of the largest [weights](Trace::weights), which include the ancestors of
    /// each, and with the first `top` routes. The others are counted as omitted.
    #[must_use]
    pub fn shortened(&self, top: usize, event: TraceEvent) -> Self {
        let mut shortened = self.clone();
        let Some(trace) = &mut shortened.trace else { return shortened };
        let weights = trace.weights(event);
        let mut places: Vec<_> = (0..weights.len()).collect();
        places.sort_by_key(|place| (Reverse(weights[*place]), *place));
        let mut is_kept = vec![false; weights.len()];
        places.iter().take(top).for_each(|place| is_kept[*place] = true);
        let mut is_kept = is_kept.into_iter();
        trace.nodes.retain(|_| is_kept.next().unwrap_or(false));
        trace.omitted += weights.len().saturating_sub(top) as u64;
        trace.omitted_routes += trace.routes.len().saturating_sub(top) as u64;
        trace.routes.truncate(top);
        shortened
    }
}

#[cfg(test)]
mod tests;
