//! The latest events.

use std::collections::VecDeque;
use std::sync::{Mutex, MutexGuard, PoisonError};

use memory_debug_core::{ActionOutcome, MonitorEvent};

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
}

impl EventRing {
    /// Keeps an event. Drops the oldest if there is no room. Returns the event with its id.
    pub(crate) fn push(&self, mut event: MonitorEvent) -> MonitorEvent {
        let mut ring = self.lock();
        ring.last_id += 1;
        event.id = ring.last_id;
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
        if let Some(event) = self.lock().events.iter_mut().rfind(|event| event.id == id) {
            change(event);
        }
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

#[cfg(test)]
mod tests {
    use memory_debug_core::EventKind;

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
