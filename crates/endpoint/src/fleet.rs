//! A request for the reports of several processes.

#[cfg(all(test, feature = "siblings", target_os = "linux"))]
mod tests;

use std::sync::Arc;

use memory_debug_core::{MissingReason, TypesView};
pub(crate) use memory_debug_fleet::{Caller, HOP_HEADER as HOP};
use memory_debug_fleet::{CannotAsk, Missing, Siblings};

use crate::flight::Flights;
use crate::peers::Peers;
use crate::reply::Problem;

/// The processes to ask.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum FleetScope {
    /// The siblings on this host.
    Host,
    /// The peers elsewhere.
    Peers,
}

/// The processes to ask, and the part of the table to show.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct FleetWanted {
    pub(crate) whom: Whom,
    /// Most rows of each report.
    pub(crate) rows: usize,
    pub(crate) types: TypesView,
}

/// The processes to ask, with what it takes to ask them.
#[derive(Clone, Debug)]
pub(crate) enum Whom {
    Siblings {
        siblings: Arc<Siblings>,
        caller: Caller,
        /// The path of the page, here and there.
        base: String,
    },
    Peers {
        peers: Arc<Peers>,
        /// Collects this process's own report.
        own: Arc<Flights>,
    },
}

/// Answers are shared by requests with the same credential, so no client gets a report that was fetched with another
/// client's rights. Peers are asked with their own secret, whichever client asks.
impl PartialEq for Whom {
    fn eq(&self, other: &Self) -> bool {
        match (self, other) {
            (
                Self::Siblings { siblings, caller, base },
                Self::Siblings { siblings: s, caller: c, base: b },
            ) => Arc::ptr_eq(siblings, s) && caller == c && base == b,
            (Self::Peers { peers, own }, Self::Peers { peers: p, own: o }) => {
                Arc::ptr_eq(peers, p) && Arc::ptr_eq(own, o)
            }
            (Self::Siblings { .. } | Self::Peers { .. }, _) => false,
        }
    }
}

impl Eq for Whom {}

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
