//! The latest events.

use std::fmt;

use super::super::layout::Layout;
use super::super::table::more;
use crate::monitor::{EventKind, MonitorEvent, MonitorStatus};
use crate::units::{count, printable};

pub(super) fn write(out: &mut dyn Layout, monitor: &MonitorStatus) -> fmt::Result {
    out.heading("events")?;
    if monitor.events.is_empty() && monitor.omitted_events == 0 {
        out.remark("nothing happened")?;
    }
    monitor.events.iter().try_for_each(|event| out.item(&name(event), &sentence(event)))?;
    more(monitor.omitted_events).map_or(Ok(()), |line| out.remark(&line))?;
    match monitor.suppressed_events {
        0 => Ok(()),
        suppressed => out.remark(&format!("{} events were counted and not sent", count(suppressed))),
    }
}

fn name(event: &MonitorEvent) -> String {
    let rule = event.rule.as_deref().map(|rule| format!(" · {}", printable(rule)));
    format!("{} · {}{}", printable(&event.at), kind(event.kind), rule.unwrap_or_default())
}

fn kind(kind: EventKind) -> &'static str {
    match kind {
        EventKind::Exceeded => "exceeded",
        EventKind::StillGrowing => "still growing",
        EventKind::Under => "under",
        EventKind::Pressure => "pressure",
        EventKind::OomKill => "out-of-memory kill",
        EventKind::Blocked => "blocked",
        EventKind::ProcessStarved => "process starved",
        EventKind::EndedAbruptly => "ended abruptly",
        EventKind::Check => "check",
        EventKind::Failure => "failure",
    }
}

/// The event in a sentence, with what the actions did and what was not sent.
fn sentence(event: &MonitorEvent) -> String {
    let mut parts = vec![printable(&event.text)];
    let outcome = |action: &str, outcome: &str| format!("{}: {}", printable(action), printable(outcome));
    parts.extend(event.actions.iter().map(|action| outcome(&action.action, &action.outcome)));
    if event.suppressed > 0 {
        parts.push(format!("{} events of this rule before it were not sent", count(event.suppressed)));
    }
    parts.join("; ")
}
