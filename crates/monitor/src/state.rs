//! Where a rule stands: the decisions, without a clock.

use std::time::Duration;

use memory_debug_core::RuleState;

/// The levels that decisions compare with. They follow the container's limit, which can change.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Levels {
    /// The limit of the rule.
    pub(crate) limit: u64,
    /// How far from the limit the value must be to be quiet again.
    pub(crate) hysteresis: u64,
    /// How much a peak must be above the last one to be news.
    pub(crate) step: u64,
}

/// What flood control allows at this moment.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Permit {
    /// Whether the rule may send an alarm.
    pub(crate) alarm: bool,
    /// Whether it may say that an alarm is over.
    pub(crate) end: bool,
}

/// What happened at one look.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Observed {
    /// What to send.
    pub(crate) send: Option<Change>,
    /// Whether something happened that may not be sent.
    pub(crate) is_suppressed: bool,
}

/// A change that is worth an event.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Change {
    /// The value has passed the limit for long enough.
    Exceeded { since: Duration },
    /// The value has a new peak.
    StillGrowing { since: Duration },
    /// The value is quiet again. `peak` is the value farthest beyond the limit.
    Under { since: Duration, peak: u64 },
}

/// Where the value of one rule stands.
#[derive(Clone, Debug)]
pub(crate) struct Crossing {
    is_above: bool,
    held_for: Duration,
    stand: Stand,
    /// When it began to stand there.
    since: Duration,
}

/// Values in here are turned round if the rule watches for low values, so that "higher" is always "worse".
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Stand {
    Below,
    Rising {
        peak: u64,
    },
    Above {
        /// The highest value since the limit was passed.
        peak: u64,
        /// The peak of the last event. `None` if no event was allowed yet.
        reported: Option<u64>,
        /// The peak up to which growth was sent or counted.
        counted: u64,
        /// Since when the value is quiet.
        quiet_since: Option<Duration>,
    },
}

impl Crossing {
    /// A value on the quiet side. `is_above` says whether values above the limit are the loud ones.
    pub(crate) fn new(is_above: bool, held_for: Duration) -> Self {
        Self { is_above, held_for, stand: Stand::Below, since: Duration::ZERO }
    }

    /// Takes the value of a look at `at`.
    ///
    /// An alarm that is not permitted now is sent later, at the first look that permits it, if the value is still
    /// beyond the limit. If it is quiet again before, the alarm counts as suppressed.
    pub(crate) fn observe(&mut self, at: Duration, value: u64, levels: Levels, permit: Permit) -> Observed {
        let value = self.turned(value);
        let limit = self.turned(levels.limit);
        let is_beyond = value > limit;
        match self.stand {
            Stand::Below if !is_beyond => return Observed::default(),
            Stand::Below => self.begin(at, Stand::Rising { peak: value }),
            Stand::Rising { .. } if !is_beyond => {
                self.begin(at, Stand::Below);
                return Observed::default();
            }
            Stand::Rising { peak } => self.stand = Stand::Rising { peak: peak.max(value) },
            Stand::Above { .. } => return self.observe_above(at, value, limit, levels, permit),
        }
        let Stand::Rising { peak } = self.stand else { return Observed::default() };
        if at.saturating_sub(self.since) < self.held_for {
            return Observed::default();
        }
        let reported = permit.alarm.then_some(peak);
        self.stand = Stand::Above { peak, reported, counted: peak, quiet_since: None };
        Observed { send: reported.map(|_| Change::Exceeded { since: self.since }), is_suppressed: false }
    }

    fn observe_above(
        &mut self,
        at: Duration,
        value: u64,
        limit: u64,
        levels: Levels,
        permit: Permit,
    ) -> Observed {
        let Stand::Above { peak, mut reported, mut counted, quiet_since } = self.stand else {
            return Observed::default();
        };
        let (since, is_new_peak) = (self.since, value > peak);
        let peak = peak.max(value);
        let is_quiet = value <= limit.saturating_sub(levels.hysteresis);
        let quiet_since = is_quiet.then(|| quiet_since.unwrap_or(at));
        if quiet_since.is_some_and(|quiet| at.saturating_sub(quiet) >= self.held_for) {
            self.begin(at, Stand::Below);
            let is_sent = reported.is_some() && permit.end;
            let send = is_sent.then(|| Change::Under { since, peak: self.turned(peak) });
            return Observed { send, is_suppressed: !is_sent };
        }
        let mut observed = Observed::default();
        match reported {
            None if permit.alarm && value > limit => {
                (reported, counted) = (Some(peak), peak);
                observed.send = Some(Change::Exceeded { since });
            }
            Some(last) if is_new_peak && permit.alarm && peak >= last.saturating_add(levels.step) => {
                (reported, counted) = (Some(peak), peak);
                observed.send = Some(Change::StillGrowing { since });
            }
            _ if is_new_peak && peak >= counted.saturating_add(levels.step) => {
                counted = peak;
                observed.is_suppressed = true;
            }
            _ => {}
        }
        self.stand = Stand::Above { peak, reported, counted, quiet_since };
        observed
    }

    /// The value is not known at this look. A rise that has not lasted long enough begins again, because nothing
    /// says that the value stayed beyond the limit.
    pub(crate) fn miss(&mut self, at: Duration) {
        if matches!(self.stand, Stand::Rising { .. }) {
            self.begin(at, Stand::Below);
        }
    }

    pub(crate) fn state(&self) -> RuleState {
        match self.stand {
            Stand::Below => RuleState::Below,
            Stand::Rising { .. } => RuleState::Rising,
            Stand::Above { .. } => RuleState::Above,
        }
    }

    /// When it began to be in this state.
    pub(crate) fn since(&self) -> Duration {
        self.since
    }

    /// The value farthest beyond the limit since it passed the limit.
    pub(crate) fn peak(&self) -> Option<u64> {
        match self.stand {
            Stand::Below => None,
            Stand::Rising { peak } | Stand::Above { peak, .. } => Some(self.turned(peak)),
        }
    }

    fn begin(&mut self, at: Duration, stand: Stand) {
        // A rise that has lasted long enough goes on: the time since the limit was passed stays.
        (self.stand, self.since) = (stand, at);
    }

    fn turned(&self, value: u64) -> u64 {
        if self.is_above { value } else { u64::MAX - value }
    }
}

#[cfg(test)]
mod tests;
