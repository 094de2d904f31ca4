//! The state of one kind of collection: which requests wait, for which views, and until when.

use std::sync::Arc;
use std::time::{Duration, Instant};

use futures_channel::oneshot;
use memory_debug_fleet::Neighbours;

use super::Answer;
use super::breaker::Breaker;
use super::share::{Turns, gives_way};
use crate::auth::Authorized;
use crate::reply::Problem;
use crate::view::RenderRequest;

/// The maximum number of different views of one report. Each needs a rendering, and memory until its last
/// reader is done.
pub(super) const MAX_VIEWS: usize = 16;

#[derive(Debug, Default)]
pub(super) struct Slot {
    phase: Phase,
    /// Requests for the report that is being collected or rendered.
    current: Vec<Group>,
    /// Requests that arrived too late for this report. Empty except during rendering.
    next: Vec<Group>,
    breaker: Breaker,
    turns: Turns,
}

#[derive(Debug, Default)]
enum Phase {
    /// No thread is running.
    #[default]
    Idle,
    /// The thread is collecting. Requests can still join this report.
    Collecting { deadline: Instant },
    /// The report has been collected and is being rendered.
    Rendering { deadline: Instant },
    /// The deadline has passed and all requests are answered, but the thread is still running.
    Overdue,
}

/// Requests with equal views, which share one rendering.
#[derive(Debug)]
pub(super) struct Group {
    view: RenderRequest,
    proof: Authorized,
    /// The waiting requests, ordered by number. Never empty.
    waiters: Vec<Waiter>,
}

/// A waiting request.
#[derive(Debug)]
pub(super) struct Waiter {
    /// The number of the request. Later requests have higher numbers.
    pub(super) number: u64,
    pub(super) login: Arc<str>,
    pub(super) sender: oneshot::Sender<Answer>,
    /// The processes that the page asks. Equal pages ask the same processes.
    pub(super) neighbours: Option<Arc<dyn Neighbours>>,
}

/// The next page to write.
pub(super) struct NextPage {
    pub(super) request: RenderRequest,
    pub(super) proof: Authorized,
    pub(super) neighbours: Option<Arc<dyn Neighbours>>,
}

/// The outcome of joining, which says whether the request must start the thread.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Joined {
    /// No thread was running.
    First,
    /// A thread is running and will answer.
    Running,
}

/// The way a collection ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum End {
    Collected,
    /// Too little memory was left to try.
    Refused,
    Panicked,
}

/// The outcome of a collection, with what the collecting thread must do next.
#[derive(Debug)]
pub(super) struct Finished {
    /// Requests without an answer.
    pub(super) unanswered: Vec<Group>,
    /// Whether to collect again, for requests that arrived too late.
    pub(super) collects_again: bool,
    /// Whether the deadline had already passed.
    pub(super) was_overdue: bool,
}

impl Group {
    pub(super) fn answer(self, answer: &Answer) {
        for waiter in self.waiters {
            waiter.answer(answer.clone());
        }
    }

    /// The login whose turn is used when the view is rendered.
    fn login(&self) -> &Arc<str> {
        self.proof.login()
    }

    /// The login, if all requests for the view have the same one.
    fn only_login(&self) -> Option<&Arc<str>> {
        let first = &self.waiters.first()?.login;
        self.waiters.iter().all(|waiter| waiter.login == *first).then_some(first)
    }

    fn position(&self, number: u64) -> Option<usize> {
        self.waiters.binary_search_by_key(&number, |waiter| waiter.number).ok()
    }
}

impl Waiter {
    pub(super) fn answer(self, answer: Answer) {
        // Fails if the request has gone away, which is fine.
        let _ = self.sender.send(answer);
    }
}

impl Slot {
    /// Lets `waiter` wait for `view`. At the maximum number of views, a login with few views displaces the
    /// newest view of the login with the most. The caller must refuse the requests for the displaced view.
    pub(super) fn join(
        &mut self,
        view: RenderRequest,
        waiter: Waiter,
        proof: &Authorized,
        now: Instant,
        limit: Duration,
    ) -> Result<(Joined, Option<Group>), Problem> {
        if matches!(self.phase, Phase::Idle)
            && let Err(retry_after) = self.breaker.check(now)
        {
            return Err(Problem::BreakerOpen { kind: view.kind.as_str(), retry_after });
        }
        let groups = match self.phase {
            Phase::Idle | Phase::Collecting { .. } => &mut self.current,
            Phase::Rendering { .. } => &mut self.next,
            Phase::Overdue => return Err(Problem::CollectorOverdue { retry_after: limit }),
        };
        let mut displaced = None;
        if let Some(index) = groups.iter().position(|group| group.view == view) {
            groups[index].waiters.push(waiter);
        } else {
            if groups.len() >= MAX_VIEWS {
                displaced = Some(displace(groups, &waiter.login).ok_or(Problem::TooManyWaiters)?);
            }
            groups.push(Group { view, proof: proof.clone(), waiters: vec![waiter] });
        }
        if matches!(self.phase, Phase::Idle) {
            self.phase = Phase::Collecting { deadline: now + limit };
            return Ok((Joined::First, displaced));
        }
        Ok((Joined::Running, displaced))
    }

    /// Removes the request with this number if it still waits, and its view if no other request wants it.
    /// The caller must drop both without the lock, because they may be the last owners of something large.
    pub(super) fn leave(&mut self, number: u64) -> Option<(Waiter, Option<RenderRequest>)> {
        for groups in [&mut self.current, &mut self.next] {
            for index in 0..groups.len() {
                if let Some(position) = groups[index].position(number) {
                    let waiter = groups[index].waiters.remove(position);
                    let is_last = groups[index].waiters.is_empty();
                    return Some((waiter, is_last.then(|| groups.remove(index).view)));
                }
            }
        }
        None
    }

    /// Cancels the collection and returns its requests, or `None` if one of them set `force`. Later requests
    /// start a new attempt.
    pub(super) fn refuse(&mut self) -> Option<Vec<Group>> {
        if self.current.iter().any(|group| group.view.force) {
            return None;
        }
        self.collected();
        Some(self.take_current())
    }

    /// Records that the report has been collected.
    pub(super) fn collected(&mut self) {
        if let Phase::Collecting { deadline } = self.phase {
            self.phase = Phase::Rendering { deadline };
        }
    }

    /// Returns the next view to render. Logins take turns, however many views each of them wants.
    pub(super) fn next_page(&mut self) -> Option<NextPage> {
        let group = self.current.iter().min_by_key(|group| self.turns.last(group.login()))?;
        self.turns.take(group.login());
        let neighbours = group.waiters.first().and_then(|waiter| waiter.neighbours.clone());
        Some(NextPage { request: group.view.clone(), proof: group.proof.clone(), neighbours })
    }

    /// Takes the requests for `view`. `None` if the deadline has passed and they have been answered.
    pub(super) fn take_group(&mut self, view: &RenderRequest) -> Option<Group> {
        let index = self.current.iter().position(|group| group.view == *view)?;
        Some(self.current.remove(index))
    }

    /// Takes the requests for `view` that arrived too late for the report.
    pub(super) fn take_late(&mut self, view: &RenderRequest) -> Option<Group> {
        let index = self.next.iter().position(|group| group.view == *view)?;
        Some(self.next.remove(index))
    }

    /// Takes all requests for the current report.
    fn take_current(&mut self) -> Vec<Group> {
        std::mem::take(&mut self.current)
    }

    /// Ends a collection. This is one step under the lock, so no request can join in between.
    pub(super) fn finish(&mut self, end: End, now: Instant, limit: Duration) -> Finished {
        let was_overdue = matches!(self.phase, Phase::Overdue);
        match end {
            // The failure was counted when the deadline passed.
            _ if was_overdue => {}
            End::Collected => self.breaker.succeeded(),
            End::Refused => {}
            End::Panicked => self.breaker.failed(now),
        }
        let mut unanswered = self.take_current();
        if self.breaker.check(now).is_ok() {
            self.current = std::mem::take(&mut self.next);
        } else {
            unanswered.append(&mut self.next);
        }
        let collects_again = !self.current.is_empty();
        if !collects_again {
            self.turns = Turns::default();
        }
        self.phase = if collects_again { Phase::Collecting { deadline: now + limit } } else { Phase::Idle };
        Finished { unanswered, collects_again, was_overdue }
    }

    /// Returns the waiting requests, because the thread could not be started.
    pub(super) fn abandon(&mut self) -> Vec<Group> {
        self.phase = Phase::Idle;
        self.take_current()
    }

    /// The deadline of the running collection, if there is one.
    pub(super) fn deadline(&self) -> Option<Instant> {
        match self.phase {
            Phase::Collecting { deadline } | Phase::Rendering { deadline } => Some(deadline),
            Phase::Idle | Phase::Overdue => None,
        }
    }

    /// Takes all waiting requests if their deadline has passed.
    pub(super) fn expire(&mut self, now: Instant) -> Option<Vec<Group>> {
        self.deadline().filter(|deadline| *deadline <= now)?;
        self.phase = Phase::Overdue;
        self.breaker.failed(now);
        let mut expired = self.take_current();
        expired.append(&mut self.next);
        Some(expired)
    }

    pub(super) fn waiters(&self) -> impl Iterator<Item = &Waiter> {
        self.current.iter().chain(&self.next).flat_map(|group| &group.waiters)
    }

    pub(super) fn waiting(&self) -> usize {
        self.current.iter().chain(&self.next).map(|group| group.waiters.len()).sum()
    }

    #[cfg(test)]
    pub(super) fn is_idle(&self) -> bool {
        matches!(self.phase, Phase::Idle)
    }

    /// Sets the deadline to `now`.
    #[cfg(test)]
    pub(super) fn expire_now(&mut self, now: Instant) {
        if let Phase::Collecting { deadline } | Phase::Rendering { deadline } = &mut self.phase {
            *deadline = now;
        }
    }
}

/// Takes the newest view that only one login wants, if that login must give way to the newcomer.
fn displace(groups: &mut Vec<Group>, newcomer: &str) -> Option<Group> {
    let loser = gives_way(groups.iter().filter_map(Group::only_login), newcomer)?;
    let index = groups.iter().rposition(|group| group.only_login() == Some(&loser))?;
    Some(groups.remove(index))
}
