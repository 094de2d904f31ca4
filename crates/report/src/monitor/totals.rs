//! What the monitor counted since it started.

use serde::{Deserialize, Serialize};

use super::event::{EventKind, MonitorEvent};

/// Counters since the monitor started. Unlike the lists of events and captures, they lose nothing.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
#[serde(default)]
pub struct MonitorTotals {
    /// Events that were sent, by rule and kind, sorted.
    pub events: Vec<EventCount>,
    /// Files that were captured.
    pub captures: u64,
    /// Blocks of workers.
    pub blocked: u64,
    /// How long workers were blocked, all blocks together.
    pub blocked_ms: u64,
}

/// How many events of one kind a rule made.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[non_exhaustive]
pub struct EventCount {
    /// The rule or the check that made them. `None` if none did.
    pub rule: Option<String>,
    /// What happened.
    pub kind: EventKind,
    /// How often.
    pub count: u64,
}

impl MonitorTotals {
    /// Counts an event. A block that lasts is counted without its time; [`add_blocked`](Self::add_blocked) adds that
    /// when it has ended.
    pub fn add(&mut self, event: &MonitorEvent) {
        let key = (&event.rule, event.kind);
        match self.events.binary_search_by(|known| (&known.rule, known.kind).cmp(&key)) {
            Ok(at) => self.events[at].count += 1,
            Err(at) => {
                let count = EventCount { rule: event.rule.clone(), kind: event.kind, count: 1 };
                self.events.insert(at, count);
            }
        }
        if event.kind == EventKind::Blocked {
            self.blocked += 1;
            let ended = event.blocked.as_ref().filter(|block| block.ended);
            self.add_blocked(ended.map_or(0, |block| block.duration_ms));
        }
    }

    /// Adds the time of a block that has ended after its event was sent.
    pub fn add_blocked(&mut self, milliseconds: u64) {
        self.blocked_ms = self.blocked_ms.saturating_add(milliseconds);
    }
}

#[cfg(test)]
mod tests {
    use super::super::block::BlockedWorker;
    use super::*;

    fn event(rule: Option<&str>, kind: EventKind) -> MonitorEvent {
        MonitorEvent {
            rule: rule.map(String::from),
            ..MonitorEvent::new(kind, "2026-11-20T12:00:00Z", "it happened")
        }
    }

    #[test]
    fn events_are_counted_by_rule_and_kind_and_sorted() {
        let mut totals = MonitorTotals::default();
        for (rule, kind) in [
            (Some("b"), EventKind::Under),
            (Some("a"), EventKind::Exceeded),
            (Some("b"), EventKind::Exceeded),
            (None, EventKind::Pressure),
            (Some("b"), EventKind::Under),
        ] {
            totals.add(&event(rule, kind));
        }
        let counts: Vec<_> =
            totals.events.iter().map(|count| (count.rule.as_deref(), count.kind, count.count)).collect();
        assert_eq!(
            counts,
            [
                (None, EventKind::Pressure, 1),
                (Some("a"), EventKind::Exceeded, 1),
                (Some("b"), EventKind::Exceeded, 1),
                (Some("b"), EventKind::Under, 2),
            ]
        );
    }

    #[test]
    fn a_block_that_lasts_is_counted_once_and_its_time_when_it_ends() {
        let mut totals = MonitorTotals::default();
        let block = |ended| BlockedWorker { ended, duration_ms: 700, ..BlockedWorker::default() };
        let blocked = |ended| MonitorEvent { blocked: Some(block(ended)), ..event(None, EventKind::Blocked) };
        totals.add(&blocked(true));
        totals.add(&blocked(false));
        assert_eq!((totals.blocked, totals.blocked_ms), (2, 700));
        totals.add_blocked(9000);
        assert_eq!((totals.blocked, totals.blocked_ms), (2, 9700));
    }
}
