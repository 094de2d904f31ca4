//! A request for the reports of several processes.

#[cfg(test)]
#[cfg(all(feature = "siblings", target_os = "linux"))]
mod tests;

use memory_debug_core::{MissingReason, TypesView};
pub(crate) use memory_debug_fleet::{Caller, HOP_HEADER as HOP};
use memory_debug_fleet::{CannotAsk, Missing, NeighboursId};

use crate::reply::Problem;

/// The kind of instances to ask.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum FleetScope {
    /// The siblings on this host.
    Host,
    /// The peers elsewhere.
    Peers,
}

/// The instances to ask, and the rows of the table to show.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct FleetWanted {
    pub(crate) members: FleetMembers,
    /// Maximum number of rows in each report.
    pub(crate) rows: usize,
    pub(crate) types: TypesView,
}

/// The instances to ask, and the credential for asking them.
///
/// Requests with equal values share an answer. The credential is one of these values, so a client never gets a report
/// that was fetched with another client's rights. Credentials are compared in constant time.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct FleetMembers {
    pub(crate) scope: FleetScope,
    pub(crate) neighbours: NeighboursId,
    /// The client's credential. `None` for peers, which get their own secret from every client's request.
    pub(crate) caller: Option<Caller>,
    /// The path of the page, here and in siblings.
    pub(crate) base: String,
}

impl From<CannotAsk> for Problem {
    fn from(error: CannotAsk) -> Self {
        match error {
            CannotAsk::NoThread => Self::NoThread,
            CannotAsk::Unavailable(reason) => Self::FleetUnavailable(reason),
        }
    }
}

impl From<Problem> for Missing {
    fn from(problem: Problem) -> Self {
        Self::new(MissingReason::Refused, problem.detail())
    }
}
