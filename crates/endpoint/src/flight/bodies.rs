//! The time limit of request bodies that are still arriving.

use std::fmt;
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::{Duration, Instant};

use futures_channel::oneshot;

use super::Flights;
use super::alarms::{Permit, Wait};
use crate::auth::Authorized;
use crate::reply::Problem;

/// The maximum time for a body to arrive, unless the deadline of collections is shorter.
const LONGEST: Duration = Duration::from_secs(10);

/// The time limit of one body.
pub(crate) struct BodyTime {
    limit: Duration,
    over: oneshot::Receiver<()>,
    _permit: Permit,
}

impl Flights {
    /// Starts the time limit of a body.
    ///
    /// # Errors
    ///
    /// If too many bodies are arriving, or if the supervisor thread cannot be started.
    pub(crate) fn await_body(&self, proof: &Authorized) -> Result<BodyTime, Problem> {
        let shared = self.shared();
        let permit = Permit::take(shared, Wait::Body, proof)?;
        let limit = shared.limits.deadline.min(LONGEST);
        let over = permit.ring_at(Instant::now() + limit)?;
        Ok(BodyTime { limit, over, _permit: permit })
    }
}

impl BodyTime {
    /// The reason why the body can no longer be awaited: its time is over, or another login needs the permit.
    pub(crate) fn poll_over(&mut self, context: &mut Context<'_>) -> Poll<Problem> {
        Pin::new(&mut self.over).poll(context).map(|rang| match rang {
            Ok(()) => Problem::BodyTimeout { limit: self.limit },
            Err(_displaced) => Problem::TooManyBodies,
        })
    }

    #[cfg(test)]
    pub(super) fn limit(&self) -> Duration {
        self.limit
    }
}

impl fmt::Debug for BodyTime {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("BodyTime").field("limit", &self.limit).finish_non_exhaustive()
    }
}
