//! Bodies of requests that are on their way: how many at once, and for how long.
//!
//! Their time is watched by the supervisor, which needs no runtime. It is there for them only while there are any.

use std::fmt;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::{Duration, Instant};

use futures_channel::oneshot;

use super::{Flights, Shared, supervisor};
use crate::problem::Problem;

/// Most bodies that are awaited at once. Each may take 16 KiB.
pub(super) const MAX_BODIES: usize = 64;

/// Longest time for a body to arrive, unless the deadline of collections is shorter.
const LONGEST: Duration = Duration::from_secs(10);

/// All that are awaited.
#[derive(Default)]
pub(super) struct Bodies {
    awaited: Vec<Awaited>,
    last: u64,
}

struct Awaited {
    number: u64,
    deadline: Instant,
    over: oneshot::Sender<()>,
}

impl Bodies {
    /// One more. Its number, and who is told when its time is over.
    fn admit(&mut self, deadline: Instant) -> Result<(u64, oneshot::Receiver<()>), Problem> {
        if self.awaited.len() >= MAX_BODIES {
            return Err(Problem::TooManyBodies);
        }
        let (over, receiver) = oneshot::channel();
        self.last += 1;
        self.awaited.push(Awaited { number: self.last, deadline, over });
        Ok((self.last, receiver))
    }

    fn remove(&mut self, number: u64) -> Option<Awaited> {
        let index = self.awaited.iter().position(|awaited| awaited.number == number)?;
        Some(self.awaited.swap_remove(index))
    }

    /// When the supervisor has to look again.
    pub(super) fn deadline(&self) -> Option<Instant> {
        self.awaited.iter().map(|awaited| awaited.deadline).min()
    }

    /// Those whose time is up, to be told without the lock.
    pub(super) fn expire(&mut self, now: Instant) -> Vec<oneshot::Sender<()>> {
        let expired = self.awaited.extract_if(.., |awaited| awaited.deadline <= now);
        expired.map(|awaited| awaited.over).collect()
    }

    /// Makes the deadline of all the present moment.
    #[cfg(test)]
    pub(super) fn hurry(&mut self, now: Instant) {
        self.awaited.iter_mut().for_each(|awaited| awaited.deadline = now);
    }

    #[cfg(test)]
    pub(super) fn is_empty(&self) -> bool {
        self.awaited.is_empty()
    }
}

/// The time that one body has to arrive in. Dropped, nothing of it is left.
pub(crate) struct BodyTime {
    shared: Arc<Shared>,
    number: u64,
    over: oneshot::Receiver<()>,
}

impl Flights {
    /// Begins to count the time of a body.
    ///
    /// # Errors
    ///
    /// If too many are on their way, or there is no thread to watch over it.
    pub(crate) fn await_body(&self) -> Result<BodyTime, Problem> {
        let shared = Arc::clone(self.shared());
        let deadline = Instant::now() + limit(&shared);
        let (number, over) = shared.lock().bodies.admit(deadline)?;
        let time = BodyTime { shared, number, over };
        // Only now, for the supervisor leaves if there is nothing to watch. Without one, dropping `time` takes it back.
        supervisor::ensure(&time.shared).map_err(|_no_thread| Problem::NoThread)?;
        Ok(time)
    }
}

fn limit(shared: &Shared) -> Duration {
    shared.limits.deadline.min(LONGEST)
}

impl BodyTime {
    /// Ready when the time is over.
    pub(crate) fn poll_over(&mut self, context: &mut Context<'_>) -> Poll<()> {
        Pin::new(&mut self.over).poll(context).map(drop)
    }

    pub(crate) fn limit(&self) -> Duration {
        limit(&self.shared)
    }
}

impl Drop for BodyTime {
    fn drop(&mut self) {
        let removed = self.shared.lock().bodies.remove(self.number);
        // The supervisor may have nothing else to wait for.
        self.shared.changed.notify_all();
        // Wakes whoever polled for it, so never under the lock.
        drop(removed);
    }
}

impl fmt::Debug for BodyTime {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("BodyTime").field("number", &self.number).finish_non_exhaustive()
    }
}
