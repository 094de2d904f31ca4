//! A rule with what is known about its value: where it stands, its flood control and its growth.

use std::time::Duration;

use memory_debug_core::units::{Bytes, count, signed_bytes, span};
use memory_debug_core::{EventKind, MonitorEvent, MonitorMetric, RuleState, RuleStatus};

use crate::clock::{Moment, millis, rfc3339};
use crate::flood::{Budget, Flood};
use crate::interval::Growth;
use crate::reading::{GroupPeak, Reading};
use crate::rule::Rule;
use crate::state::{Change, Crossing, Levels, Permit};

/// The least growth of a peak that is news, in bytes.
const LEAST_STEP_BYTES: u64 = 16 << 20;

/// A rule that is watched.
#[derive(Debug)]
pub(crate) struct Watched {
    pub(crate) rule: Rule,
    crossing: Crossing,
    flood: Flood,
    growth: Growth,
    /// The machine's memory, if the rule falls back to it now.
    machine: Option<u64>,
    value: Option<u64>,
    levels: Option<Levels>,
    /// The kernel's peak at the last look at which the value was on the quiet side.
    quiet_peak: Option<GroupPeak>,
    /// The kernel's peak of the crossing that has just ended.
    crossing_peak: Option<u64>,
    sent: u64,
    suppressed: u64,
    /// Suppressed since the last event.
    suppressed_since: u64,
    sight: Sight,
}

/// Whether the rule has a value and a limit.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Sight {
    /// It was not looked at yet.
    Unknown,
    Sees,
    Blind,
    /// It waits for the first snapshot.
    Waits,
}

impl Watched {
    pub(crate) fn new(rule: Rule) -> Self {
        Self {
            crossing: Crossing::new(rule.is_above, rule.held_for),
            flood: Flood::new(rule.cool_down, rule.at_most),
            growth: Growth::new(),
            machine: None,
            value: None,
            levels: None,
            quiet_peak: None,
            crossing_peak: None,
            sent: 0,
            suppressed: 0,
            suppressed_since: 0,
            sight: Sight::Unknown,
            rule,
        }
    }

    /// Looks at a reading. `of_type` is the value if the rule is about a type. Allocates nothing.
    pub(crate) fn look(
        &mut self,
        reading: &Reading,
        of_type: Option<u64>,
        budget: &mut Budget,
    ) -> Option<Change> {
        let at = reading.at;
        let machine = reading.machine.filter(|_| self.rule.falls_back());
        self.machine = machine.map(|machine| machine.total);
        self.value = match machine {
            Some(machine) if self.rule.metric == MonitorMetric::Container => Some(machine.used),
            _ => of_type.or_else(|| reading.value(&self.rule.metric)),
        };
        self.levels = self.resolve(reading.container.map(|container| container.limit).or(self.machine));
        let Some((value, levels)) = self.value.zip(self.levels) else {
            self.crossing.miss(at);
            return None;
        };
        self.growth.note(at, value);
        let (flood, any) = (self.flood.permits(at), budget.permits(at));
        let observed = self.crossing.observe(at, value, levels, Permit { alarm: flood && any, end: any });
        if self.crossing.state() == RuleState::Below {
            self.crossing_peak = risen(self.quiet_peak, reading.group_peak);
            self.quiet_peak = reading.group_peak;
        }
        if observed.is_suppressed {
            self.suppressed += 1;
            self.suppressed_since += 1;
        }
        if let Some(change) = observed.send {
            self.sent += 1;
            budget.note(at);
            if !matches!(change, Change::Under { .. }) {
                self.flood.note(at);
            }
        }
        observed.send
    }

    /// Whether the rule became blind or sees again since the last call: `Some(true)` if it sees. A rule that waits for
    /// the first snapshot is not blind.
    pub(crate) fn new_sight(&mut self) -> Option<bool> {
        let is_of_type = matches!(self.rule.metric, MonitorMetric::Type(_));
        let sight = match (self.value, self.levels) {
            (Some(_), Some(_)) => Sight::Sees,
            (None, _) if is_of_type => Sight::Waits,
            _ => Sight::Blind,
        };
        let before = std::mem::replace(&mut self.sight, sight);
        match (before, sight) {
            (Sight::Blind, Sight::Sees) => Some(true),
            (Sight::Unknown | Sight::Sees | Sight::Waits, Sight::Blind) => Some(false),
            _ => None,
        }
    }

    fn resolve(&self, whole: Option<u64>) -> Option<Levels> {
        let limit = self.rule.limit.resolve(whole)?;
        let twentieth = limit / 20;
        let hysteresis = match self.rule.hysteresis {
            Some(distance) => distance.resolve(whole)?,
            None => twentieth,
        };
        let least = if self.is_count() { 1 } else { LEAST_STEP_BYTES };
        Some(Levels { limit, hysteresis, step: twentieth.max(least) })
    }

    /// Where its numbers come from. `of_metric` is the source of the metric.
    pub(crate) fn source(&self, of_metric: Option<String>) -> Option<String> {
        let Some(total) = self.machine else { return of_metric };
        let value = match of_metric {
            Some(source) => source,
            None => "machine, MemTotal - MemAvailable of /proc/meminfo".into(),
        };
        Some(format!("{value}; no limit is set, so shares are of the machine's {}", Bytes(total)))
    }

    fn is_count(&self) -> bool {
        matches!(self.rule.metric, MonitorMetric::Threads | MonitorMetric::OpenFiles)
    }

    /// How many events were counted and not sent.
    pub(crate) fn suppressed(&self) -> u64 {
        self.suppressed
    }

    /// The limit as a number, if the rule is armed.
    pub(crate) fn limit(&self) -> Option<u64> {
        self.levels.map(|levels| levels.limit)
    }

    /// How far the value is on the quiet side of the limit, and how fast it comes nearer. `None` if it has passed the
    /// limit, or moves away from it.
    pub(crate) fn approach(&self) -> Option<(u64, f64)> {
        let (value, limit) = (self.value?, self.limit()?);
        // A value that falls towards a lower limit has no growth; the interval is then the longest.
        let distance = if self.rule.is_above { limit.checked_sub(value)? } else { return None };
        Some((distance, self.growth.steepest()))
    }

    /// How long a rise must still last until it is an event.
    pub(crate) fn rises_until(&self) -> Option<Duration> {
        let is_rising = self.crossing.state() == RuleState::Rising;
        is_rising.then(|| self.crossing.since().saturating_add(self.rule.held_for))
    }

    /// The event of a change. `source` says where the value comes from.
    pub(crate) fn event(&mut self, change: Change, now: Moment, source: Option<String>) -> MonitorEvent {
        let (kind, since, peak) = match change {
            Change::Exceeded { since } => (EventKind::Exceeded, since, self.crossing.peak()),
            Change::StillGrowing { since } => (EventKind::StillGrowing, since, self.crossing.peak()),
            Change::Under { since, peak } => (EventKind::Under, since, Some(peak)),
        };
        let lasted = now.at.saturating_sub(since);
        let mut event = MonitorEvent::new(kind, rfc3339(now.unix_ms), self.sentence(kind, peak, lasted));
        event.rule = Some(self.rule.name.clone());
        (event.value, event.limit, event.peak, event.source) = (self.value, self.limit(), peak, source);
        event.growth_per_second = self.growth.average();
        event.since = Some(rfc3339(now.unix_ms_at(since)));
        event.suppressed = std::mem::take(&mut self.suppressed_since);
        event
    }

    fn sentence(&self, kind: EventKind, peak: Option<u64>, lasted: Duration) -> String {
        let amount = |number: Option<u64>| match number {
            Some(number) if self.is_count() => count(number),
            Some(number) => Bytes(number).to_string(),
            None => "an unknown amount".into(),
        };
        let (value, limit) = (amount(self.value), amount(self.limit()));
        let (side, at_most) = if self.rule.is_above { ("above", "at most") } else { ("below", "at least") };
        let lasted = match lasted.as_secs() {
            0 => String::new(),
            seconds => format!(" for {}", span(seconds)),
        };
        let of_machine = self.machine.is_some() && self.rule.metric == MonitorMetric::Container;
        let metric = if of_machine { "machine".to_owned() } else { self.rule.metric.to_string() };
        let (name, trend) = (&self.rule.name, self.trend());
        match kind {
            EventKind::Exceeded => {
                format!("{name}: {metric} at {value}, {side} the limit of {limit}{lasted}{trend}")
            }
            EventKind::StillGrowing => {
                format!(
                    "{name}: {metric} at a new peak of {value}, {side} the limit of {limit}{lasted}{trend}"
                )
            }
            _ => {
                let (peak, counted) = (amount(peak), self.counted());
                format!(
                    "{name}: {metric} at {value} again; it was {side} {limit}{lasted}, {at_most} {peak}{counted}"
                )
            }
        }
    }

    /// The kernel's peak of the crossing, beside the highest value of all looks: usage can be higher between two looks.
    fn counted(&self) -> String {
        let peak = self.crossing_peak.filter(|_| self.rule.has_group_peak());
        peak.map(|peak| format!(" (with page cache {} by the kernel's count)", Bytes(peak)))
            .unwrap_or_default()
    }

    /// How the value moved in the last minute: `, growing by 1.00 MiB/s`.
    fn trend(&self) -> String {
        let growth = self.growth.average().filter(|growth| growth.abs() >= 1.0);
        match growth {
            Some(growth) if self.is_count() => format!(", changing by {growth:.1}/s"),
            // Saturates, which is fine for a text.
            Some(growth) => format!(", changing by {}/s", signed_bytes(growth as i64)),
            None => String::new(),
        }
    }

    /// The state for the page. `source` says where its value comes from, `reason` why it is missing.
    pub(crate) fn status(&self, now: Moment, source: Option<String>, reason: Option<String>) -> RuleStatus {
        let mut status = RuleStatus::new(&self.rule.name, self.rule.metric.clone());
        let not_armed = self.not_armed(reason);
        status.source = source.filter(|_| self.sight != Sight::Unknown);
        status.is_above = self.rule.is_above;
        status.limit = self.limit();
        status.state = if not_armed.is_some() { RuleState::NotArmed } else { self.crossing.state() };
        status.not_armed = not_armed;
        status.value = self.value;
        status.peak = self.crossing.peak();
        status.since = (self.sight == Sight::Sees).then(|| rfc3339(now.unix_ms_at(self.crossing.since())));
        status.held_for_ms = millis(self.rule.held_for);
        status.actions = self.rule.actions.iter().map(|action| action.name().to_owned()).collect();
        status.sent = self.sent;
        status.suppressed = self.suppressed;
        let next = self.flood.next_allowed().filter(|next| *next > now.at);
        status.next_allowed_at = next.map(|next| rfc3339(now.unix_ms_at(next)));
        status
    }

    /// Why the rule is not armed. `reason` says why its value is missing.
    pub(crate) fn not_armed(&self, reason: Option<String>) -> Option<String> {
        match (self.sight, self.value, self.levels) {
            (Sight::Unknown, ..) => Some("it was not looked at yet".into()),
            (_, Some(_), Some(_)) => None,
            (_, None, _) => Some(reason.unwrap_or_else(|| "the value is missing".into())),
            (_, _, None) => Some("no limit is set for the container, and the rule has a share of it".into()),
        }
    }
}

/// The kernel's peak, if it has risen since the value was quiet. Otherwise it is older than the crossing, or of another
/// group, and says nothing about this crossing.
fn risen(before: Option<GroupPeak>, now: Option<GroupPeak>) -> Option<u64> {
    let (before, now) = before.zip(now)?;
    (now.group == before.group && now.bytes > before.bytes).then_some(now.bytes)
}

#[cfg(test)]
mod tests;
