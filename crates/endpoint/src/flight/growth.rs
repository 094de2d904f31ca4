//! Growth within some seconds: two collections, and the wait between them.
//!
//! The wait is a future of the request, woken by the supervisor. It holds no thread and no slot, so other requests are
//! answered meanwhile. What it does hold is a profile, hence the bound on how many wait at once. A request that goes
//! away takes all of that with it.

use std::fmt;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::{Duration, Instant};

use futures_channel::oneshot;

use super::{Answer, Flights, Shared, supervisor};
use crate::authenticate::Authorized;
use crate::mark::Mark;
use crate::problem::Problem;
use crate::view::View;
use crate::wanted::{HeapWanted, Wanted};

/// Most growths that are measured at once.
pub(super) const MAX_GROWTHS: usize = 4;

/// The answer to a request for growth, once it is there.
pub(crate) struct Growth(Pin<Box<dyn Future<Output = Answer> + Send + Sync>>);

/// The growths being measured.
#[derive(Debug, Default)]
pub(super) struct Growths {
    latest: u64,
    running: Vec<Running>,
}

#[derive(Debug)]
struct Running {
    number: u64,
    /// When the second collection is due, and who waits for that; `None` while collecting.
    alarm: Option<(Instant, oneshot::Sender<()>)>,
}

/// One of the growths that may be measured at once. Dropping it makes room for another.
pub(super) struct Permit {
    shared: Arc<Shared>,
    number: u64,
}

impl Flights {
    /// Measures by how much the heap grows within `span`, to be shown as `view` and `heap` say. The first collection
    /// begins now.
    ///
    /// # Errors
    ///
    /// Those of [`Flights::join`], and if too many growths are being measured.
    pub(crate) fn grow(
        self: &Arc<Self>,
        view: View,
        heap: HeapWanted,
        span: Duration,
        proof: &Authorized,
    ) -> Result<Growth, Problem> {
        let permit = Permit::take(self.shared(), Instant::now())?;
        let mark = Mark::default();
        let marking = View { wanted: Wanted::Mark(mark.clone()), ..view.clone() };
        let since = View { wanted: Wanted::Growth { heap, since: mark }, ..view };
        let first = self.join(marking, proof)?;
        let (flights, proof) = (Arc::clone(self), proof.clone());
        Ok(Growth(Box::pin(async move {
            answer(first).await?;
            permit.wait_until(Instant::now() + span).await?;
            let second = flights.join(since, &proof)?;
            answer(second).await
        })))
    }
}

async fn answer(receiver: oneshot::Receiver<Answer>) -> Answer {
    // A sender dropped without a word means that its thread panicked outside of the collector.
    receiver.await.unwrap_or(Err(Problem::CollectorPanicked))
}

impl Permit {
    pub(super) fn take(shared: &Arc<Shared>, now: Instant) -> Result<Self, Problem> {
        let number = shared.lock().growths.begin(now)?;
        Ok(Self { shared: Arc::clone(shared), number })
    }

    pub(super) async fn wait_until(&self, due: Instant) -> Result<(), Problem> {
        let (sender, receiver) = oneshot::channel();
        self.shared.lock().growths.set_alarm(self.number, (due, sender));
        supervisor::ensure(&self.shared).map_err(|_no_thread| Problem::NoThread)?;
        receiver.await.map_err(|_| Problem::CollectorPanicked)
    }
}

impl Drop for Permit {
    fn drop(&mut self) {
        // The sender in it goes after the lock.
        let ended = self.shared.lock().growths.end(self.number);
        if ended.is_some_and(|running| running.alarm.is_some()) {
            // The supervisor may have nothing left to wait for.
            self.shared.changed.notify_all();
        }
    }
}

impl Growths {
    /// The number of a new growth, if there is room for it.
    fn begin(&mut self, now: Instant) -> Result<u64, Problem> {
        if self.running.len() >= MAX_GROWTHS {
            let rest = self.next_alarm().map(|due| due.saturating_duration_since(now));
            return Err(Problem::TooManyGrowths { retry_after: rest.unwrap_or_default() });
        }
        self.latest += 1;
        self.running.push(Running { number: self.latest, alarm: None });
        Ok(self.latest)
    }

    fn set_alarm(&mut self, number: u64, alarm: (Instant, oneshot::Sender<()>)) {
        if let Some(running) = self.running.iter_mut().find(|running| running.number == number) {
            running.alarm = Some(alarm);
        }
    }

    fn end(&mut self, number: u64) -> Option<Running> {
        let index = self.running.iter().position(|running| running.number == number)?;
        Some(self.running.remove(index))
    }

    /// When the supervisor has to ring again.
    pub(super) fn next_alarm(&self) -> Option<Instant> {
        self.running.iter().filter_map(|running| running.alarm.as_ref()).map(|(due, _)| *due).min()
    }

    /// Those whose time has come, to be told without the lock.
    pub(super) fn take_due(&mut self, now: Instant) -> Vec<oneshot::Sender<()>> {
        let due =
            self.running.iter_mut().filter_map(|Running { alarm, .. }| alarm.take_if(|(due, _)| *due <= now));
        due.map(|(_, sender)| sender).collect()
    }

    /// Lets the time of all have come.
    #[cfg(test)]
    pub(super) fn hurry(&mut self, now: Instant) {
        self.running.iter_mut().filter_map(|running| running.alarm.as_mut()).for_each(|(due, _)| *due = now);
    }

    #[cfg(test)]
    pub(super) fn len(&self) -> usize {
        self.running.len()
    }
}

impl Future for Growth {
    type Output = Answer;

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Answer> {
        self.0.as_mut().poll(context)
    }
}

impl fmt::Debug for Growth {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Growth").finish_non_exhaustive()
    }
}
