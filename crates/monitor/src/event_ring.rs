//! The latest events.

use std::collections::VecDeque;
use std::sync::{Mutex, MutexGuard, PoisonError};

use memory_debug_core::{ActionOutcome, MonitorEvent, MonitorTotals};

/// How many events are kept.
const MAX_EVENTS: usize = 256;

/// The latest events of a monitor.
#[derive(Debug, Default)]
pub(crate) struct EventRing(Mutex<Ring>);

#[derive(Debug, Default)]
struct Ring {
    /// The oldest first.
    events: VecDeque<MonitorEvent>,
    /// The id of the last event.
    last_id: u64,
    /// What was counted, also of events that were dropped.
    totals: MonitorTotals,
}

impl EventRing {
    /// Keeps an event. Drops the oldest if there is no room. Returns the event with its id.
    pub(crate) fn push(&self, mut event: MonitorEvent) -> MonitorEvent {
        let mut ring = self.lock();
        ring.last_id += 1;
        event.id = ring.last_id;
        ring.totals.add(&event);
        if ring.events.len() == MAX_EVENTS {
            ring.events.pop_front();
        }
        ring.events.push_back(event.clone());
        event
    }

    /// Adds the result of an action to its event, unless the event was dropped.
    pub(crate) fn note_outcome(&self, id: u64, outcome: ActionOutcome) {
        self.change(id, |event| event.actions.push(outcome));
    }

    /// Changes an event, unless it was dropped.
    pub(crate) fn change(&self, id: u64, change: impl FnOnce(&mut MonitorEvent)) {
        let mut ring = self.lock();
        let Ring { events, totals, .. } = &mut *ring;
        if let Some(event) = events.iter_mut().rfind(|event| event.id == id) {
            let was_ended = ended_after(event).is_some();
            change(event);
            if let Some(milliseconds) = ended_after(event).filter(|_| !was_ended) {
                totals.add_blocked(milliseconds);
            }
        }
    }

    /// Counts a file that was captured.
    pub(crate) fn count_capture(&self) {
        self.lock().totals.captures += 1;
    }

    /// What was counted since the monitor started.
    pub(crate) fn totals(&self) -> MonitorTotals {
        self.lock().totals.clone()
    }

    /// The events, the newest first, and how many were dropped.
    pub(crate) fn list(&self) -> (Vec<MonitorEvent>, u64) {
        let ring = self.lock();
        let kept = ring.events.len() as u64;
        (ring.events.iter().rev().cloned().collect(), ring.last_id - kept)
    }

    fn lock(&self) -> MutexGuard<'_, Ring> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// How long the block of an event lasted, in milliseconds. `None` if it lasts, or if the event is about something else.
fn ended_after(event: &MonitorEvent) -> Option<u64> {
    event.blocked.as_ref().filter(|block| block.ended).map(|block| block.duration_ms)
}

#[cfg(test)]
mod tests {
    use memory_debug_core::{BlockedWorker, EventKind};

    use super::*;

    fn event(text: &str) -> MonitorEvent {
        MonitorEvent::new(EventKind::Check, "2026-11-29T12:00:00.000Z", text)
    }

    #[test]
    fn keeps_the_latest_events_and_counts_the_others() {
        let ring = EventRing::default();
        for number in 0..MAX_EVENTS as u64 + 3 {
            assert_eq!(ring.push(event("x")).id, number + 1);
        }
        let (events, dropped) = ring.list();
        assert_eq!((events.len(), dropped), (MAX_EVENTS, 3));
        assert_eq!((events[0].id, events[MAX_EVENTS - 1].id), (MAX_EVENTS as u64 + 3, 4));
    }

    #[test]
    fn dropped_events_and_the_time_of_a_block_that_lasted_are_counted() {
        let ring = EventRing::default();
        (0..MAX_EVENTS + 7).for_each(|_| _ = ring.push(event("x")));
        let mut blocked = MonitorEvent::new(EventKind::Blocked, "2026-11-29T12:00:00.000Z", "blocked");
        blocked.blocked = Some(BlockedWorker::default());
        let id = ring.push(blocked).id;
        let end = |event: &mut MonitorEvent| {
            let block = event.blocked.as_mut().unwrap();
            (block.ended, block.duration_ms) = (true, 9_000);
        };
        ring.change(id, end);
        // What changes later does not count again.
        ring.change(id, end);
        ring.count_capture();
        let totals = ring.totals();
        assert_eq!((totals.blocked, totals.blocked_ms, totals.captures), (1, 9_000, 1));
        let counts: Vec<_> = totals.events.iter().map(|count| (count.kind, count.count)).collect();
        assert_eq!(counts, [(EventKind::Blocked, 1), (EventKind::Check, MAX_EVENTS as u64 + 7)]);
    }

    #[test]
    fn a_result_is_added_to_its_event_and_lost_with_it() {
        let ring = EventRing::default();
        let first = ring.push(event("first")).id;
        ring.push(event("second"));
        ring.note_outcome(first, ActionOutcome::new("log", "written"));
        assert_eq!(ring.list().0[1].actions, [ActionOutcome::new("log", "written")]);
        (0..MAX_EVENTS).for_each(|_| _ = ring.push(event("x")));
        ring.note_outcome(first, ActionOutcome::new("purge", "lost"));
        assert!(ring.list().0.iter().all(|event| event.actions.is_empty()));
    }
}
