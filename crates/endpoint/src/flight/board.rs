//! The state of all collections of an endpoint.

use std::sync::Arc;
use std::time::{Duration, Instant};

use super::Answer;
use super::alarms::Alarms;
use super::recent_pages::RecentPages;
use super::share::gives_way;
use super::slot::{Group, Slot, Waiter};
use crate::auth::Authorized;
use crate::reply::Problem;
use crate::view::{Kind, RenderRequest};

/// The state under the lock. Nothing that can panic or block runs while the lock is held.
#[derive(Default)]
pub(super) struct Board {
    pub(super) slots: [Slot; Kind::ALL.len()],
    pub(super) alarms: Alarms,
    pub(super) recent_stats: RecentPages,
    pub(super) supervised: bool,
    /// The number of the latest waiting request.
    pub(super) latest: u64,
}

impl Board {
    pub(super) fn slot(&mut self, kind: Kind) -> &mut Slot {
        &mut self.slots[kind as usize]
    }

    pub(super) fn slots(&mut self) -> impl Iterator<Item = &mut Slot> {
        self.slots.iter_mut()
    }

    /// Takes the requests whose deadline has passed, by kind.
    pub(super) fn expire(&mut self, now: Instant) -> Vec<(Kind, Vec<Group>)> {
        let kinds = Kind::ALL.into_iter().zip(&mut self.slots);
        kinds.filter_map(|(kind, slot)| Some((kind, slot.expire(now)?))).collect()
    }

    /// The time of the supervisor's next action.
    pub(super) fn next_event(&mut self) -> Option<Instant> {
        let slots = self.slots.iter().filter_map(Slot::deadline);
        slots.chain(self.alarms.next()).min()
    }

    /// Records that the report of this kind has been collected.
    pub(super) fn collected(&mut self, kind: Kind, cache_stats_for: Duration) {
        if kind == Kind::Stats {
            self.recent_stats.begin(Instant::now(), cache_stats_for);
        }
        self.slot(kind).collected();
    }

    /// Takes the requests that wait for `view`, which has been rendered. A page of statistics that can be reused also answers
    /// those that arrived while it was rendered; otherwise they would collect once more within its time.
    pub(super) fn take_groups(
        &mut self,
        kind: Kind,
        view: &RenderRequest,
        answer: &Answer,
    ) -> impl Iterator<Item = Group> + use<> {
        let mut is_recent = false;
        if let (Kind::Stats, Ok(page)) = (kind, answer) {
            self.recent_stats.add(view, page);
            is_recent = self.recent_stats.get(view, Instant::now()).is_some();
        }
        let slot = self.slot(kind);
        let late = if is_recent { slot.take_late(view) } else { None };
        [slot.take_group(view), late].into_iter().flatten()
    }

    /// Refuses a request beyond the limit, unless another login must give way. Returns the login that must give way.
    pub(super) fn make_room(
        &mut self,
        max_waiters: usize,
        proof: &Authorized,
    ) -> Result<Option<Arc<str>>, Problem> {
        if self.slots().map(|slot| slot.waiting()).sum::<usize>() < max_waiters {
            return Ok(None);
        }
        let holders = self.slots.iter().flat_map(Slot::waiters).map(|waiter| &waiter.login);
        gives_way(holders, proof.user()).map(Some).ok_or(Problem::TooManyWaiters)
    }

    /// Takes the newest request of `login`.
    pub(super) fn take_newest(&mut self, login: &Arc<str>) -> Option<(Waiter, Option<RenderRequest>)> {
        let newest = |slot: &Slot| {
            slot.waiters().filter(|waiter| waiter.login == *login).map(|waiter| waiter.number).max()
        };
        let number = self.slots.iter().filter_map(newest).max()?;
        self.slots.iter_mut().find_map(|slot| slot.leave(number))
    }
}
