//! Alarms for requests that wait until a certain time, and the limit of such requests.
//!
//! The supervisor rings the alarms, so they need no runtime. It runs while at least one alarm is set.

use std::sync::Arc;
use std::time::{Duration, Instant};

use futures_channel::oneshot;

use super::share::gives_way;
use super::{Shared, supervisor};
use crate::auth::Authorized;
use crate::reply::Problem;

/// The maximum number of bodies that are awaited at once. Each can take 16 KiB.
pub(super) const MAX_BODIES: usize = 64;

/// The maximum number of growths that are measured at once. Each can hold a profile.
pub(super) const MAX_GROWTHS: usize = 4;

/// The event that a request waits for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Wait {
    /// The end of the time for the request's body to arrive.
    Body,
    /// The start of the request's second collection.
    Growth,
}

/// A permit to wait, returned on drop. If all permits are taken, a login with fewer permits takes the newest
/// permit of the login with the most. The wait of that request then ends without a ring.
pub(super) struct Permit {
    shared: Arc<Shared>,
    number: u64,
}

/// The permits of all waiting requests, with their alarms.
#[derive(Default)]
pub(super) struct Alarms {
    latest: u64,
    permits: Vec<Permitted>,
}

struct Permitted {
    number: u64,
    wait: Wait,
    login: Arc<str>,
    /// The time to ring and the channel to ring on. `None` before the alarm is set and after it has rung.
    alarm: Option<(Instant, oneshot::Sender<()>)>,
}

impl Permit {
    /// Takes a permit.
    ///
    /// # Errors
    ///
    /// If too many requests already wait for this event.
    pub(super) fn take(shared: &Arc<Shared>, wait: Wait, proof: &Authorized) -> Result<Self, Problem> {
        let (number, displaced) = shared.lock().alarms.admit(wait, proof)?;
        // Dropping the channel wakes the task that polled it, so never drop it under the lock.
        drop(displaced);
        Ok(Self { shared: Arc::clone(shared), number })
    }

    /// Sets the alarm, once. The caller must keep the permit until the alarm rings.
    ///
    /// # Errors
    ///
    /// If the supervisor thread cannot be started.
    pub(super) fn ring_at(&self, due: Instant) -> Result<oneshot::Receiver<()>, Problem> {
        let (ring, receiver) = oneshot::channel();
        self.shared.lock().alarms.set(self.number, (due, ring));
        // Started after the alarm is set, because the supervisor ends if there is nothing to wait for.
        supervisor::ensure(&self.shared).map_err(|error| Problem::no_thread(&error))?;
        Ok(receiver)
    }

    pub(super) async fn wait_until(&self, due: Instant) -> Result<(), Problem> {
        let displaced = |_| Problem::TooManyGrowths { retry_after: Duration::ZERO };
        self.ring_at(due)?.await.map_err(displaced)
    }
}

impl Drop for Permit {
    fn drop(&mut self) {
        let removed = self.shared.lock().alarms.remove(self.number);
        // Lets the supervisor end if it has nothing else to wait for.
        self.shared.changed.notify_all();
        // Dropping the channel wakes the task that polled it, so never drop it under the lock.
        drop(removed);
    }
}

impl Alarms {
    /// Returns the number of a new permit, and the permit that was displaced to make room.
    fn admit(&mut self, wait: Wait, proof: &Authorized) -> Result<(u64, Option<Permitted>), Problem> {
        let most = match wait {
            Wait::Body => MAX_BODIES,
            Wait::Growth => MAX_GROWTHS,
        };
        let mut displaced = None;
        if self.permits_for(wait).count() >= most {
            displaced = Some(self.displace(wait, proof.user()).ok_or_else(|| self.refusal(wait))?);
        }
        self.latest += 1;
        let number = self.latest;
        let login = Arc::clone(proof.login());
        self.permits.push(Permitted { number, wait, login, alarm: None });
        Ok((number, displaced))
    }

    fn permits_for(&self, wait: Wait) -> impl Iterator<Item = &Permitted> {
        self.permits.iter().filter(move |permit| permit.wait == wait)
    }

    fn displace(&mut self, wait: Wait, newcomer: &str) -> Option<Permitted> {
        let loser = gives_way(self.permits_for(wait).map(|permit| &permit.login), newcomer)?;
        let newest = self
            .permits_for(wait)
            .filter(|permit| permit.login == loser)
            .map(|permit| permit.number)
            .max()?;
        self.remove(newest)
    }

    fn refusal(&self, wait: Wait) -> Problem {
        match wait {
            Wait::Body => Problem::TooManyBodies,
            Wait::Growth => {
                let next = self.permits_for(wait).filter_map(Permitted::due).min();
                let rest = next.map(|due| due.saturating_duration_since(Instant::now()));
                Problem::TooManyGrowths { retry_after: rest.unwrap_or_default() }
            }
        }
    }

    fn set(&mut self, number: u64, alarm: (Instant, oneshot::Sender<()>)) {
        if let Some(permit) = self.permits.iter_mut().find(|permit| permit.number == number) {
            permit.alarm = Some(alarm);
        }
    }

    fn remove(&mut self, number: u64) -> Option<Permitted> {
        let index = self.permits.iter().position(|permit| permit.number == number)?;
        Some(self.permits.swap_remove(index))
    }

    /// The time of the next alarm.
    pub(super) fn next(&self) -> Option<Instant> {
        self.permits.iter().filter_map(Permitted::due).min()
    }

    /// Takes the channels of all alarms that are due. The caller must ring them without the lock.
    pub(super) fn take_due(&mut self, now: Instant) -> Vec<oneshot::Sender<()>> {
        let due = self.permits.iter_mut().filter_map(|permit| permit.alarm.take_if(|(due, _)| *due <= now));
        due.map(|(_, ring)| ring).collect()
    }

    /// Lets all alarms expire.
    #[cfg(test)]
    pub(super) fn expire_now(&mut self, now: Instant) {
        self.permits.iter_mut().filter_map(|permit| permit.alarm.as_mut()).for_each(|(due, _)| *due = now);
    }

    #[cfg(test)]
    pub(super) fn len(&self) -> usize {
        self.permits.len()
    }
}

impl Permitted {
    fn due(&self) -> Option<Instant> {
        self.alarm.as_ref().map(|(due, _)| *due)
    }
}
