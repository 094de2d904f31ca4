//! All that is looked at: readings in, events out.

use std::time::Duration;

use memory_debug_core::units::{Bytes, percent};
use memory_debug_core::{EventKind, MonitorEvent, MonitorMetric, RuleStatus};

use crate::clock::{Moment, rfc3339};
use crate::flood::Budget;
use crate::interval::{Growth, SHORTEST, next_look};
use crate::reader::{Needs, Reader};
use crate::reading::Reading;
use crate::rule::Rule;
use crate::watched::Watched;

/// The page cache is read from this share of the lowest limit on.
const STAT_FROM: f64 = 0.8;

/// Captures are made at marks from here on, in steps of 5 % of the container's limit.
const FIRST_MARK: f64 = 0.5;
const MARK_STEP: f64 = 0.05;

/// With captures, it looks as often as it can for so long after the start.
const FIRST: Duration = Duration::from_secs(2);

/// Pressure is an event at most this often, and only if the container has used half of its limit.
const BETWEEN_PRESSURE: Duration = Duration::from_secs(60);

/// What woke the monitor.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Woken {
    pub(crate) by_events: bool,
    pub(crate) by_pressure: bool,
}

impl Woken {
    pub(crate) fn any(self) -> bool {
        self.by_events || self.by_pressure
    }
}

/// An event, and the index of the rule that made it.
pub(crate) type Found = (MonitorEvent, Option<usize>);

/// The rules and what is known about them.
#[derive(Debug)]
pub(crate) struct Watch {
    reader: Reader,
    rules: Vec<Watched>,
    budget: Budget,
    /// Growth of the container, for captures.
    growth: Growth,
    captures: bool,
    /// The types of the last snapshot.
    types: Vec<(String, u64)>,
    last: Reading,
    looks: u64,
    wakes: u64,
    /// Events that are not of a rule, and were too many.
    suppressed: u64,
    last_pressure: Option<Duration>,
    oom_kills: Option<u64>,
}

impl Watch {
    /// `captures` says whether something is captured before a kill.
    pub(crate) fn new(reader: Reader, rules: Vec<Rule>, captures: bool) -> Self {
        Self {
            reader,
            rules: rules.into_iter().map(Watched::new).collect(),
            budget: Budget::new(),
            growth: Growth::new(),
            captures,
            types: Vec::new(),
            last: Reading::default(),
            looks: 0,
            wakes: 0,
            suppressed: 0,
            last_pressure: None,
            oom_kills: None,
        }
    }

    /// What the rules need to be read. `all` is for records and lines, which have every number that is cheap enough.
    pub(crate) fn needs(rules: &[Rule], all: bool) -> Needs {
        let mut needs = Needs { allocator: all, threads: all, ..Needs::default() };
        rules.iter().for_each(|rule| needs.add(&rule.metric));
        needs.group_peak = rules.iter().any(Rule::has_group_peak);
        needs.machine = rules.iter().any(Rule::falls_back);
        needs
    }

    /// Looks at the numbers, and adds what happened to `found`. Allocates nothing if nothing happened.
    pub(crate) fn look(&mut self, now: Moment, woken: Woken, found: &mut Vec<Found>) -> Reading {
        self.looks += 1;
        self.wakes += u64::from(woken.any());
        self.reader.read_stat_from(self.stat_share());
        let reading = self.reader.read(now, woken.any());
        self.decide(now, woken, reading, found);
        reading
    }

    fn decide(&mut self, now: Moment, woken: Woken, reading: Reading, found: &mut Vec<Found>) {
        self.last = reading;
        if let Some(container) = reading.container {
            self.growth.note(now.at, container.used);
        }
        for index in 0..self.rules.len() {
            let watched = &mut self.rules[index];
            let of_type = match &watched.rule.metric {
                MonitorMetric::Type(name) => {
                    self.types.iter().find(|(known, _)| known == name).map(|(_, bytes)| *bytes)
                }
                _ => None,
            };
            if let Some(change) = watched.look(&reading, of_type, &mut self.budget) {
                let source = watched.source(self.reader.source(&watched.rule.metric));
                found.push((watched.event(change, now, source), Some(index)));
            }
            if let Some(sees) = watched.new_sight() {
                let reason = watched.not_armed(reason(&self.reader, &watched.rule)).unwrap_or_default();
                let text = match sees {
                    true => format!("{} is armed again", watched.rule.name),
                    false => format!("{} is not armed: {reason}", watched.rule.name),
                };
                let rule = Some(watched.rule.name.clone());
                self.admit(now, EventKind::Failure, text, rule, found);
            }
        }
        self.note_kills(now, reading.oom_kills, found);
        if woken.by_pressure {
            self.note_pressure(now, found);
        }
    }

    /// A kill while this process lives was of another process of the container.
    fn note_kills(&mut self, now: Moment, kills: Option<u64>, found: &mut Vec<Found>) {
        let Some(kills) = kills else { return };
        if self.oom_kills.is_some_and(|before| kills > before) {
            let text = "the kernel killed another process of this container for lack of memory".into();
            self.admit(now, EventKind::OomKill, text, None, found);
        }
        self.oom_kills = Some(kills);
    }

    /// Pressure alone says nothing about this process: all processes of a machine may wait for the memory of one.
    fn note_pressure(&mut self, now: Moment, found: &mut Vec<Found>) {
        let Some(container) = self.last.container.filter(|use_| use_.used >= use_.limit / 2) else { return };
        if self.last_pressure.is_some_and(|last| now.at.saturating_sub(last) < BETWEEN_PRESSURE) {
            return;
        }
        self.last_pressure = Some(now.at);
        let share = percent(container.used as f64, container.limit as f64).unwrap_or(0.0);
        let text = format!(
            "processes wait for memory; the container has used {share:.1} % of {}",
            Bytes(container.limit)
        );
        self.admit(now, EventKind::Pressure, text, None, found);
    }

    fn admit(
        &mut self,
        now: Moment,
        kind: EventKind,
        text: String,
        rule: Option<String>,
        found: &mut Vec<Found>,
    ) {
        let mut event = MonitorEvent::new(kind, rfc3339(now.unix_ms), text);
        event.rule = rule;
        self.admit_event(now, event, found);
    }

    /// Adds an event of another part of the monitor, unless there were too many.
    pub(crate) fn admit_event(&mut self, now: Moment, event: MonitorEvent, found: &mut Vec<Found>) {
        if self.budget.permits(now.at) {
            self.budget.note(now.at);
            found.push((event, None));
        } else {
            self.suppressed += 1;
        }
    }

    /// Takes the types of a snapshot, the largest first.
    pub(crate) fn know_types(&mut self, types: Vec<(String, u64)>) {
        self.types = types;
    }

    /// Takes the largest types of a snapshot. Smaller types keep what was known of them.
    pub(crate) fn know_largest(&mut self, largest: Vec<(String, u64)>) {
        let is_smaller = |known: &(String, u64)| !largest.iter().any(|(name, _)| *name == known.0);
        let smaller: Vec<_> = self.types.drain(..).filter(is_smaller).collect();
        self.types = largest;
        self.types.extend(smaller);
    }

    /// From which share of the container's limit the page cache matters.
    fn stat_share(&self) -> f64 {
        let Some(whole) = self.last.container.map(|container| container.limit as f64) else { return 0.0 };
        let of_container = |watched: &&Watched| watched.rule.metric == MonitorMetric::Container;
        let limits = self.rules.iter().filter(of_container).filter_map(Watched::limit);
        let lowest = limits.map(|limit| limit as f64 / whole).fold(f64::INFINITY, f64::min);
        STAT_FROM * if self.captures { lowest.min(FIRST_MARK) } else { lowest }
    }

    /// When to look next, at the latest after `interval`.
    pub(crate) fn next_look(&self, at: Duration, interval: Duration) -> Duration {
        let approaches = self.rules.iter().filter_map(Watched::approach).chain(self.next_mark());
        let waits = approaches.map(|(distance, steepest)| next_look(distance, steepest, interval));
        // How fast the container grows is not known yet, and a capture may be due soon.
        let first = (self.captures && at < FIRST).then_some(SHORTEST.min(interval));
        let next = at.saturating_add(waits.chain(first).min().unwrap_or(interval));
        // A rise becomes an event as soon as it has lasted long enough.
        let rises = self.rules.iter().filter_map(Watched::rises_until).filter(|until| *until > at);
        rises.min().map_or(next, |until| next.min(until))
    }

    /// The distance to the next mark of captures, and the growth towards it.
    fn next_mark(&self) -> Option<(u64, f64)> {
        let container = self.last.container.filter(|_| self.captures)?;
        let whole = container.limit as f64;
        let share = container.used as f64 / whole;
        let steps = ((share - FIRST_MARK) / MARK_STEP).floor() + 1.0;
        let mark = if share < FIRST_MARK { FIRST_MARK } else { FIRST_MARK + steps * MARK_STEP };
        // Beyond the limit there is no further mark: it looks as often as it can.
        let distance = (mark.min(1.0) * whole) as u64;
        Some((distance.saturating_sub(container.used), self.growth.steepest()))
    }

    /// The rules for the page.
    pub(crate) fn statuses(&self, now: Moment) -> Vec<RuleStatus> {
        let status = |watched: &Watched| {
            let source = watched.source(self.reader.source(&watched.rule.metric));
            watched.status(now, source, reason(&self.reader, &watched.rule))
        };
        self.rules.iter().map(status).collect()
    }

    /// Where the container's limit comes from, if there is one.
    pub(crate) fn container_source(&self) -> Option<String> {
        self.reader.source(&MonitorMetric::Container)
    }

    pub(crate) fn last(&self) -> &Reading {
        &self.last
    }

    pub(crate) fn types(&self) -> &[(String, u64)] {
        &self.types
    }

    pub(crate) fn reader(&self) -> &Reader {
        &self.reader
    }

    /// How often it looked, and how often because of a wake.
    pub(crate) fn looks(&self) -> (u64, u64) {
        (self.looks, self.wakes)
    }

    /// Events that were counted and not sent.
    pub(crate) fn suppressed(&self) -> u64 {
        self.rules.iter().map(Watched::suppressed).sum::<u64>() + self.suppressed
    }
}

/// Why the last reading has no value for a rule.
fn reason(reader: &Reader, rule: &Rule) -> Option<String> {
    let of_metric = reader.reason(&rule.metric);
    match reader.machine_failure().filter(|_| rule.falls_back()) {
        Some(failed) => Some(format!("{}; {failed}", of_metric.as_deref().unwrap_or("no limit is set"))),
        None => of_metric,
    }
}

#[cfg(test)]
mod tests;
