//! How many events may be sent.

use std::collections::VecDeque;
use std::time::Duration;

/// The time over which the alarms of a rule are counted.
const DAY: Duration = Duration::from_secs(24 * 60 * 60);

/// Flood control of one rule: a pause after each alarm, and a number of alarms a day.
#[derive(Clone, Debug)]
pub(crate) struct Flood {
    cool_down: Duration,
    at_most: usize,
    /// The alarms of the last day, the oldest first. It has room for all of them from the start.
    sent: VecDeque<Duration>,
}

impl Flood {
    pub(crate) fn new(cool_down: Duration, at_most: usize) -> Self {
        Self { cool_down, at_most, sent: VecDeque::with_capacity(remembered(at_most)) }
    }

    /// When the next alarm may be sent. `None` if never.
    pub(crate) fn next_allowed(&self) -> Option<Duration> {
        if self.at_most == 0 {
            return None;
        }
        let after_pause = self.sent.back().map_or(Duration::ZERO, |last| last.saturating_add(self.cool_down));
        // The oldest of as many alarms as a day may have.
        let oldest = self.sent.len().checked_sub(self.at_most).and_then(|index| self.sent.get(index));
        let after_day = oldest.map_or(Duration::ZERO, |oldest| oldest.saturating_add(DAY));
        Some(after_pause.max(after_day))
    }

    pub(crate) fn permits(&self, at: Duration) -> bool {
        self.next_allowed().is_some_and(|next| at >= next)
    }

    /// Notes an alarm that was sent at `at`.
    pub(crate) fn note(&mut self, at: Duration) {
        if self.sent.len() >= remembered(self.at_most) {
            self.sent.pop_front();
        }
        self.sent.push_back(at);
    }
}

/// How many alarms a rule remembers. A rule that may send very many a day has no cap in effect.
fn remembered(at_most: usize) -> usize {
    at_most.clamp(1, 1024)
}

/// Events of all rules together: at most [`Budget::EVENTS`] a minute.
#[derive(Clone, Debug)]
pub(crate) struct Budget {
    sent: [Option<Duration>; Self::EVENTS],
    next: usize,
}

impl Budget {
    /// The most events a minute.
    pub(crate) const EVENTS: usize = 30;
    const MINUTE: Duration = Duration::from_secs(60);

    pub(crate) const fn new() -> Self {
        Self { sent: [None; Self::EVENTS], next: 0 }
    }

    pub(crate) fn permits(&self, at: Duration) -> bool {
        // The slot to be used next holds the oldest of the last events.
        self.sent[self.next].is_none_or(|oldest| at.saturating_sub(oldest) >= Self::MINUTE)
    }

    /// Notes an event that was sent at `at`.
    pub(crate) fn note(&mut self, at: Duration) {
        self.sent[self.next] = Some(at);
        self.next = (self.next + 1) % Self::EVENTS;
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const fn seconds(seconds: u64) -> Duration {
        Duration::from_secs(seconds)
    }

    #[test]
    fn m1_a_rule_pauses_after_an_alarm_and_stops_after_the_last_of_a_day() {
        let mut flood = Flood::new(seconds(600), 2);
        assert!(flood.permits(seconds(0)));
        flood.note(seconds(0));
        assert!(!flood.permits(seconds(599)) && flood.permits(seconds(600)));
        flood.note(seconds(600));
        assert_eq!(flood.next_allowed(), Some(DAY));
        flood.note(DAY);
        assert_eq!(flood.next_allowed(), Some(DAY + seconds(600)), "the first alarm is a day old");
        assert_eq!(Flood::new(seconds(0), 0).next_allowed(), None);
    }

    proptest! {
        #[test]
        fn m1_never_two_alarms_in_a_cool_down_nor_too_many_in_a_day(
            steps in prop::collection::vec(0_u64..20_000, 1..300), pause in 0_u64..2_000, at_most in 0_usize..8,
        ) {
            let mut flood = Flood::new(seconds(pause), at_most);
            let (mut at, mut sent) = (Duration::ZERO, Vec::new());
            for step in steps {
                at += seconds(step);
                if flood.permits(at) {
                    flood.note(at);
                    sent.push(at);
                }
            }
            for pair in sent.windows(2) {
                prop_assert!(pair[1] - pair[0] >= seconds(pause));
            }
            for window in sent.windows(at_most + 1) {
                prop_assert!(window[at_most] - window[0] >= DAY);
            }
        }

        #[test]
        fn never_more_than_thirty_events_a_minute(steps in prop::collection::vec(0_u64..5_000, 1..500)) {
            let mut budget = Budget::new();
            let (mut at, mut sent) = (Duration::ZERO, Vec::new());
            for step in steps {
                at += Duration::from_millis(step);
                if budget.permits(at) {
                    budget.note(at);
                    sent.push(at);
                }
            }
            for window in sent.windows(Budget::EVENTS + 1) {
                prop_assert!(window[Budget::EVENTS] - window[0] >= seconds(60));
            }
        }
    }
}
