//! Bodies of requests that are on their way, and the time they have to arrive in.

use std::fmt;
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::{Duration, Instant};

use futures_channel::oneshot;

use super::Flights;
use super::alarms::{Permit, Wait};
use crate::auth::Authorized;
use crate::reply::Problem;

/// Longest time for a body to arrive, unless the deadline of collections is shorter.
const LONGEST: Duration = Duration::from_secs(10);

/// The time that one body has to arrive in.
pub(crate) struct BodyTime {
    limit: Duration,
    over: oneshot::Receiver<()>,
    _permit: Permit,
}

impl Flights {
    /// Begins to count the time of a body.
    ///
    /// # Errors
    ///
    /// If too many are on their way, or there is no thread to watch over it.
    pub(crate) fn await_body(&self, proof: &Authorized) -> Result<BodyTime, Problem> {
        let shared = self.shared();
        let permit = Permit::take(shared, Wait::Body, proof)?;
        let limit = shared.limits.deadline.min(LONGEST);
        let over = permit.ring_at(Instant::now() + limit)?;
        Ok(BodyTime { limit, over, _permit: permit })
    }
}

impl BodyTime {
    /// Why there is no more time for the body: it is over, or another login needs the place.
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
