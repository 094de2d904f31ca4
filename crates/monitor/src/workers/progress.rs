//! Whether a worker makes progress: a function of its counters.

use std::time::Duration;

/// The counters of a worker, as tokio publishes them.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Counters {
    /// Grows by one when the worker parks, and by one when it unparks.
    pub(super) parks: u64,
    pub(super) busy: Duration,
}

impl Counters {
    /// Whether the worker was not parked when it published them.
    fn is_active(self) -> bool {
        self.parks.is_multiple_of(2)
    }
}

/// A look at a worker.
#[derive(Clone, Copy, Debug)]
pub(super) struct At {
    pub(super) now: Duration,
    /// Time since the look before.
    pub(super) since_last: Duration,
    /// The part of this time in which the process did not run.
    pub(super) excused: Duration,
}

/// What a look at a worker found.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Found {
    /// It is parked, and was at the look before.
    Parked,
    /// It makes progress.
    Moved(Option<Stretch>),
    /// It has not come back to its scheduler for this long.
    Stuck(Duration),
}

/// The time between the last two times that the worker came back to its scheduler, if a look fell into it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Stretch {
    /// It was at least this long …
    pub(super) least: Duration,
    /// … and at most this long. The difference is the time since the look before.
    pub(super) most: Duration,
}

/// What is remembered of a worker from look to look.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Progress {
    counters: Counters,
    /// The first look that saw these counters.
    seen: Duration,
    /// The look before that. The counters changed after it.
    pub(super) changed_after: Duration,
    /// Time since `seen` in which the process did not run.
    excused: Duration,
    /// The same for the time before `seen`. It may belong to the stretch, because the counters changed at some moment
    /// after the look before.
    excused_before: Duration,
    was_seen: bool,
}

impl Progress {
    pub(super) fn look(&mut self, counters: Counters, at: At) -> Found {
        let before = *self;
        if !before.was_seen || before.counters != counters {
            let changed_after = at.now.saturating_sub(at.since_last);
            *self = Self {
                counters,
                seen: at.now,
                changed_after,
                excused: Duration::ZERO,
                excused_before: at.excused,
                was_seen: true,
            };
            let was_active = before.was_seen && before.counters.is_active();
            return Found::Moved(was_active.then(|| before.stretch(counters, at)));
        }
        if !counters.is_active() {
            return Found::Parked;
        }
        self.excused += at.excused;
        Found::Stuck((at.now - self.seen).saturating_sub(self.excused))
    }

    /// Forgets how long the worker has been stuck.
    pub(super) fn restart(&mut self, now: Duration) {
        self.seen = now;
        self.excused = Duration::ZERO;
    }

    /// The stretch that ended between the look before and this one.
    ///
    /// The busy time grew by the whole stretch, and by what the worker did after it. That is at most the time since the
    /// look before, during which the stretch went on for a while.
    fn stretch(self, counters: Counters, at: At) -> Stretch {
        let grown = counters.busy.saturating_sub(self.counters.busy);
        let excused = self.excused + self.excused_before;
        Stretch {
            least: grown.saturating_sub(excused + at.since_last.max(at.excused)),
            most: grown.saturating_sub(excused + at.excused),
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn millis(millis: u64) -> Duration {
        Duration::from_millis(millis)
    }

    fn at(now: u64, since_last: u64) -> At {
        At { now: millis(now), since_last: millis(since_last), excused: Duration::ZERO }
    }

    fn counters(parks: u64, busy: u64) -> Counters {
        Counters { parks, busy: millis(busy) }
    }

    #[test]
    fn a_parked_worker_is_never_stuck() {
        let mut progress = Progress::default();
        assert_eq!(progress.look(counters(1, 0), at(0, 0)), Found::Moved(None));
        assert_eq!(progress.look(counters(1, 0), at(60_000, 60_000)), Found::Parked);
    }

    #[test]
    fn an_active_worker_whose_counters_stand_still_is_stuck() {
        let mut progress = Progress::default();
        progress.look(counters(2, 10), at(0, 0));
        assert_eq!(progress.look(counters(2, 10), at(100, 100)), Found::Stuck(millis(100)));
        assert_eq!(progress.look(counters(2, 10), at(160, 60)), Found::Stuck(millis(160)));
        // It ends, and the busy time tells how long it was.
        let stretch = Stretch { least: millis(140), most: millis(200) };
        assert_eq!(progress.look(counters(3, 210), at(220, 60)), Found::Moved(Some(stretch)));
    }

    #[test]
    fn busy_time_that_moves_is_progress() {
        let mut progress = Progress::default();
        progress.look(counters(2, 0), at(0, 0));
        for look in 1..100 {
            let found = progress.look(counters(2, look * 61), at(look * 62, 62));
            let Found::Moved(Some(stretch)) = found else { panic!("{found:?}") };
            assert!(stretch.least < millis(1));
        }
    }

    #[test]
    fn m10_time_in_which_the_process_did_not_run_counts_for_no_worker() {
        let stopped = At { now: millis(2_010), since_last: millis(2_010), excused: millis(2_000) };
        let mut stuck = Progress::default();
        stuck.look(counters(2, 0), at(0, 0));
        assert_eq!(stuck.look(counters(2, 0), stopped), Found::Stuck(millis(10)));
        // The stretch ends after the stop: its busy time includes the stop.
        let Found::Moved(Some(stretch)) = stuck.look(counters(3, 2_030), at(2_050, 40)) else { panic!() };
        assert!(stretch.most <= millis(30));
        // Or it began right before the stop, and no look saw its begin.
        let mut unseen = Progress::default();
        unseen.look(counters(2, 0), at(0, 0));
        unseen.look(counters(2, 5), stopped);
        let Found::Moved(Some(stretch)) = unseen.look(counters(3, 2_035), at(2_050, 40)) else { panic!() };
        assert!(stretch.most <= millis(30));
        // Or it ends before the next look.
        let mut ended = Progress::default();
        ended.look(counters(2, 0), at(0, 0));
        let Found::Moved(Some(stretch)) = ended.look(counters(3, 2_005), stopped) else { panic!() };
        assert!(stretch.most <= millis(5));
    }

    proptest! {
        /// A worker that is busy in stretches of known length. No stretch is said to be longer than it was, and a look
        /// that falls into a stretch sees at least its length without the time since the look before.
        #[test]
        fn a_stretch_is_between_its_bounds(
            stretches in prop::collection::vec((1_u64..400, 0_u64..400), 1..40),
            every in 5_u64..100,
        ) {
            // When each stretch begins and ends. The worker is parked between them.
            let mut events = Vec::new();
            let mut time = 1;
            for (busy, pause) in stretches {
                events.push((time, time + busy));
                time += busy + pause + 1;
            }
            let mut progress = Progress::default();
            let mut now = 0;
            while now < time + every {
                let ended = events.iter().take_while(|(_, end)| *end <= now);
                let (parks, busy) = ended.fold((1, 0), |(parks, busy), (start, end)| {
                    (parks + 2, busy + end - start)
                });
                let running = events.iter().find(|(start, end)| *start <= now && now < *end);
                let counters = counters(parks + u64::from(running.is_some()), busy);
                match progress.look(counters, at(now, every)) {
                    Found::Stuck(span) => {
                        let start = running.unwrap().0;
                        prop_assert!(span <= millis(now - start));
                        prop_assert!(span + millis(every) >= millis(now - start));
                    }
                    Found::Moved(Some(stretch)) => {
                        let last = now - every;
                        let (start, end) = *events.iter().find(|(s, e)| *s <= last && last < *e).unwrap();
                        prop_assert!(stretch.least <= millis(end - start));
                        prop_assert!(stretch.most >= millis(end - start));
                    }
                    Found::Moved(None) | Found::Parked => {}
                }
                now += every;
            }
        }
    }
}
