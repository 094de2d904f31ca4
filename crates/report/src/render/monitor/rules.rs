//! The rules and where they stand.

use std::fmt;

use super::super::layout::{Layout, table};
use crate::monitor::{MonitorMetric, RuleState, RuleStatus};
use crate::units::{Bytes, count, printable, short_name};

const HEADINGS: [&str; 10] =
    ["rule", "watches", "state", "value", "limit", "peak", "since", "events", "not sent", "next event"];

pub(super) fn write(out: &mut dyn Layout, rules: &[RuleStatus]) -> fmt::Result {
    out.heading("rules")?;
    if rules.is_empty() {
        return out.remark("there are no rules; `.recommended()` adds one for the memory of the container");
    }
    table(out, HEADINGS, rules.iter().map(cells))?;
    rules.iter().try_for_each(|rule| out.item(&printable(&rule.name), &about(rule)))
}

fn cells(rule: &RuleStatus) -> [String; 10] {
    let or_dash = |text: Option<String>| text.unwrap_or_else(|| "–".to_owned());
    let number = |value: Option<u64>| value.map(|value| quantity(&rule.metric, value));
    let limit = number(rule.limit).map(|limit| format!("{} {limit}", if rule.is_above { '>' } else { '<' }));
    [
        printable(&rule.name),
        short_name(&rule.metric.to_string()),
        state(rule).to_owned(),
        number(rule.value).unwrap_or_else(|| "not available".to_owned()),
        or_dash(limit),
        or_dash(number(rule.peak)),
        or_dash(rule.since.as_deref().map(printable)),
        count(rule.sent),
        count(rule.suppressed),
        rule.next_allowed_at.as_deref().map_or_else(|| "now".to_owned(), printable),
    ]
}

/// Where a rule stands. A rule about a lower limit has the opposite words.
fn state(rule: &RuleStatus) -> &'static str {
    match (rule.state, rule.is_above) {
        (RuleState::NotArmed, _) => "not armed",
        (RuleState::Below, true) | (RuleState::Above, false) => "below",
        (RuleState::Rising, true) => "rising",
        (RuleState::Rising, false) => "falling",
        (RuleState::Above, true) | (RuleState::Below, false) => "above",
    }
}

/// Where the numbers come from, or why they are missing, and what happens at an event.
fn about(rule: &RuleStatus) -> String {
    let mut parts = Vec::new();
    if rule.state == RuleState::NotArmed {
        let reason = rule.not_armed.as_deref().unwrap_or("it was not checked yet");
        parts.push(format!("not armed: {}", printable(reason)));
    }
    parts.extend(rule.source.as_deref().map(printable));
    if rule.held_for_ms > 0 {
        parts.push(format!("an event after {:.1} s", rule.held_for_ms as f64 / 1000.0));
    }
    if rule.actions.is_empty() {
        parts.push("no actions".to_owned());
    } else {
        parts.push(format!("actions: {}", printable(&rule.actions.join(", "))));
    }
    parts.join("; ")
}

/// A value in the unit of its metric.
fn quantity(metric: &MonitorMetric, value: u64) -> String {
    match metric {
        MonitorMetric::Threads | MonitorMetric::OpenFiles => count(value),
        _ => Bytes(value).to_string(),
    }
}
