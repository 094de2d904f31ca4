//! The state of one kind of collection: who waits for it, for what, until when.

use std::time::{Duration, Instant};

use futures_channel::oneshot;

use super::Answer;
use super::breaker::Breaker;
use crate::authenticate::Authorized;
use crate::problem::Problem;
use crate::view::View;

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
    view: View,
    proof: Authorized,
    waiters: Vec<oneshot::Sender<Answer>>,
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
            // Fails if the request has gone away, which is its right.
            let _ = waiter.send(answer.clone());
        }
    }
}

impl Slot {
    pub(super) fn join(
        &mut self,
        view: View,
        waiter: oneshot::Sender<Answer>,
        proof: &Authorized,
        now: Instant,
        limit: Duration,
    ) -> Result<Joined, Problem> {
        if matches!(self.phase, Phase::Idle)
            && let Err(retry_after) = self.breaker.check(now)
        {
            return Err(Problem::BreakerOpen { kind: view.wanted.kind().as_str(), retry_after });
        }
        let groups = match self.phase {
            Phase::Idle | Phase::Collecting { .. } => &mut self.current,
            Phase::Rendering { .. } => &mut self.next,
            Phase::Overdue => return Err(Problem::CollectorOverdue { retry_after: limit }),
        };
        match groups.iter().position(|group| group.view == view) {
            Some(index) => groups[index].waiters.push(waiter),
            None if groups.len() < MAX_VIEWS => {
                groups.push(Group { view, proof: proof.clone(), waiters: vec![waiter] });
            }
            None => return Err(Problem::TooManyWaiters),
        }
        if matches!(self.phase, Phase::Idle) {
            self.phase = Phase::Collecting { deadline: now + limit };
            return Ok(Joined::First);
        }
        Ok(Joined::Running)
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

    /// A view that somebody waits for.
    pub(super) fn next_view(&self) -> Option<(View, Authorized)> {
        self.current.first().map(|group| (group.view.clone(), group.proof.clone()))
    }

    /// Those who wait for `view`. `None` if they were answered meanwhile, because time was up.
    pub(super) fn take_group(&mut self, view: &View) -> Option<Group> {
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

    pub(super) fn waiting(&self) -> usize {
        self.current.iter().chain(&self.next).map(|group| group.waiters.len()).sum()
    }

    /// Drops the waiters whose requests have gone away.
    pub(super) fn forget_gone(&mut self) {
        for groups in [&mut self.current, &mut self.next] {
            groups.iter_mut().for_each(|group| group.waiters.retain(|waiter| !waiter.is_canceled()));
            groups.retain(|group| !group.waiters.is_empty());
        }
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
