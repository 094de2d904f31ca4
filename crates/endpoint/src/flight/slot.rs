//! The state of one kind of collection: who waits for it, for what, until when.

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

/// Most different views of one report. Each costs a rendering and, until its last reader is done, its bytes.
pub(super) const MAX_VIEWS: usize = 16;

#[derive(Debug, Default)]
pub(super) struct Slot {
    phase: Phase,
    /// Waiting for the report being collected or rendered.
    current: Vec<Group>,
    /// Came too late for it. Empty except while rendering.
    next: Vec<Group>,
    breaker: Breaker,
    turns: Turns,
}

#[derive(Debug, Default)]
enum Phase {
    /// No thread.
    #[default]
    Idle,
    /// The thread collects; who comes now still gets this report.
    Collecting { deadline: Instant },
    /// The report is there and being written out.
    Rendering { deadline: Instant },
    /// The deadline is over, all waiters are answered, the thread is still running.
    Overdue,
}

/// Requests with equal views: one rendering answers them all.
#[derive(Debug)]
pub(super) struct Group {
    view: RenderRequest,
    proof: Authorized,
    /// In the order of their numbers; never empty.
    waiters: Vec<Waiter>,
}

/// A request that waits.
#[derive(Debug)]
pub(super) struct Waiter {
    /// Grows with each request.
    pub(super) number: u64,
    pub(super) login: Arc<str>,
    pub(super) sender: oneshot::Sender<Answer>,
    /// The processes that its page asks. Equal pages ask the same processes.
    pub(super) neighbours: Option<Arc<dyn Neighbours>>,
}

/// The page that is written next.
pub(super) struct NextPage {
    pub(super) request: RenderRequest,
    pub(super) proof: Authorized,
    pub(super) neighbours: Option<Arc<dyn Neighbours>>,
}

/// Whether a request has to start the thread.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Joined {
    /// Nothing was running.
    First,
    /// A thread is there and will answer.
    Running,
}

/// How the collecting thread is done with a report.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum End {
    Collected,
    /// There was not enough memory to try.
    Refused,
    Panicked,
}

/// What is left when the collecting thread is done with a report.
#[derive(Debug)]
pub(super) struct Finished {
    /// Those it leaves unanswered.
    pub(super) unanswered: Vec<Group>,
    /// Whether it has to collect again, for those who came late.
    pub(super) goes_on: bool,
    /// Whether the deadline was over before.
    pub(super) was_overdue: bool,
}

impl Group {
    pub(super) fn answer(self, answer: &Answer) {
        for waiter in self.waiters {
            waiter.answer(answer.clone());
        }
    }

    /// Whose turn it is when the view is written.
    fn login(&self) -> &Arc<str> {
        self.proof.login()
    }

    /// The login, if all who wait for the view are of one.
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
        // Fails if the request has gone away, which is its right.
        let _ = self.sender.send(answer);
    }
}

impl Slot {
    /// Lets `waiter` wait for `view`. Where there are as many views as may be, a login with fewer takes the place of the
    /// newest view of the one with the most, whose requests are then to be refused.
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

    /// Takes out the request of that number, if it still waits, and with it the view that no other request wants. Both
    /// may be the last that hold something, so they are dropped without the lock.
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

    /// Nothing will be collected. Everybody who waits for it; `None` if one of them wants it all the same. Who comes
    /// now waits for another try.
    pub(super) fn refuse(&mut self) -> Option<Vec<Group>> {
        if self.current.iter().any(|group| group.view.force) {
            return None;
        }
        self.collected();
        Some(self.take_current())
    }

    /// The report is there.
    pub(super) fn collected(&mut self) {
        if let Phase::Collecting { deadline } = self.phase {
            self.phase = Phase::Rendering { deadline };
        }
    }

    /// A view that a request waits for. Logins take turns, however many views each of them wants.
    pub(super) fn next_page(&mut self) -> Option<NextPage> {
        let group = self.current.iter().min_by_key(|group| self.turns.last(group.login()))?;
        self.turns.take(group.login());
        let neighbours = group.waiters.first().and_then(|waiter| waiter.neighbours.clone());
        Some(NextPage { request: group.view.clone(), proof: group.proof.clone(), neighbours })
    }

    /// Those who wait for `view`. `None` if they were answered meanwhile, because time was up.
    pub(super) fn take_group(&mut self, view: &RenderRequest) -> Option<Group> {
        let index = self.current.iter().position(|group| group.view == *view)?;
        Some(self.current.remove(index))
    }

    /// Everybody who waits for the present report.
    fn take_current(&mut self) -> Vec<Group> {
        std::mem::take(&mut self.current)
    }

    /// The thread answers nobody any more. One step, so that nobody comes in between.
    pub(super) fn finish(&mut self, end: End, now: Instant, limit: Duration) -> Finished {
        let was_overdue = matches!(self.phase, Phase::Overdue);
        match end {
            // It was counted when its time was up.
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
        let goes_on = !self.current.is_empty();
        if !goes_on {
            self.turns = Turns::default();
        }
        self.phase = if goes_on { Phase::Collecting { deadline: now + limit } } else { Phase::Idle };
        Finished { unanswered, goes_on, was_overdue }
    }

    /// There will be no thread. Everybody who waits for it.
    pub(super) fn abandon(&mut self) -> Vec<Group> {
        self.phase = Phase::Idle;
        self.take_current()
    }

    /// When the supervisor has to look again.
    pub(super) fn deadline(&self) -> Option<Instant> {
        match self.phase {
            Phase::Collecting { deadline } | Phase::Rendering { deadline } => Some(deadline),
            Phase::Idle | Phase::Overdue => None,
        }
    }

    /// Everybody who waits, if their time is up.
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

    /// Makes the deadline the present moment.
    #[cfg(test)]
    pub(super) fn hurry(&mut self, now: Instant) {
        if let Phase::Collecting { deadline } | Phase::Rendering { deadline } = &mut self.phase {
            *deadline = now;
        }
    }
}

/// The newest of the views that only one login wants, if that login has to give way to another.
fn displace(groups: &mut Vec<Group>, newcomer: &str) -> Option<Group> {
    let loser = gives_way(groups.iter().filter_map(Group::only_login), newcomer)?;
    let index = groups.iter().rposition(|group| group.only_login() == Some(&loser))?;
    Some(groups.remove(index))
}
