//! Metrics of the monitor: its rules and what it counted.

use std::collections::{BTreeMap, HashSet};

use memory_debug_report::units::printable;
use memory_debug_report::{EventCount, EventKind, MonitorMetric, MonitorStatus, RuleState};

use crate::families::{Metric, MetricFamily, SECONDS};

/// The metrics of the monitor. Without `names_types`, rules about the bytes of one type have none.
pub(super) fn of_monitor(monitor: &MonitorStatus, names_types: bool) -> Vec<MetricFamily> {
    let of_types = monitor.rules.iter().filter(|rule| matches!(rule.metric, MonitorMetric::Type(_)));
    let hidden: HashSet<_> = of_types.filter(|_| !names_types).map(|rule| rule.name.as_str()).collect();
    let mut states = MetricFamily::gauge(
        "memory_debug_monitor_rule_state",
        None,
        "State of a rule: -1 not armed, 0 quiet, 1 passed its limit for too short a time, 2 passed its limit",
    );
    for rule in monitor.rules.iter().filter(|rule| !hidden.contains(rule.name.as_str())) {
        state(rule.state).into_iter().for_each(|state| states.add("rule", printable(&rule.name), state));
    }
    let (totals, counter) = (&monitor.totals, MetricFamily::counter);
    let mut events = counter("memory_debug_monitor_events", "Events of the monitor, by rule and kind");
    let shown =
        counts(monitor).into_iter().filter(|((rule, _), _)| rule.is_none_or(|rule| !hidden.contains(rule)));
    events.metrics.extend(shown.map(|((rule, kind), count)| {
        let rule = rule.map(|rule| ("rule", printable(rule)));
        let labels = rule.into_iter().chain([("kind", kind.as_str().to_owned())]).collect();
        Metric { labels, value: count as f64 }
    }));
    let captures = monitor.captures.as_ref().map(|_| totals.captures as f64);
    let blocked = monitor.blocked.as_ref();
    vec![
        states,
        events,
        counter("memory_debug_monitor_captures", "Files that were captured").with(captures),
        MetricFamily {
            unit: SECONDS,
            ..counter("memory_debug_monitor_blocked", "How long workers of runtimes were blocked")
        }
        .with(blocked.map(|_| totals.blocked_ms as f64 / 1000.0)),
        counter("memory_debug_monitor_blocked", "How often workers of runtimes were blocked")
            .with(blocked.map(|_| totals.blocked as f64)),
    ]
}

/// How often each event happened, by rule and kind. Most events are rare, and a reader of counters sees only that one
/// grew. So a counter that may grow begins at 0.
fn counts(monitor: &MonitorStatus) -> BTreeMap<(Option<&str>, EventKind), u64> {
    let of_rules =
        monitor.rules.iter().flat_map(|rule| OF_RULES.map(|kind| (Some(rule.name.as_str()), kind)));
    let of_workers = OF_WORKERS.into_iter().filter(|_| monitor.blocked.is_some());
    let others = OF_ALL.into_iter().chain(of_workers).map(|kind| (None, kind));
    let mut counts: BTreeMap<_, _> = of_rules.chain(others).map(|key| (key, 0)).collect();
    let counted = monitor.totals.events.iter();
    counts.extend(counted.map(|EventCount { rule, kind, count, .. }| ((rule.as_deref(), *kind), *count)));
    counts
}

const OF_RULES: [EventKind; 3] = [EventKind::Exceeded, EventKind::StillGrowing, EventKind::Under];
const OF_WORKERS: [EventKind; 2] = [EventKind::Blocked, EventKind::ProcessStarved];
const OF_ALL: [EventKind; 3] = [EventKind::Pressure, EventKind::OomKill, EventKind::Failure];

/// The number of a state. `None` for a state that has no number yet.
fn state(state: RuleState) -> Option<f64> {
    match state {
        RuleState::NotArmed => Some(-1.0),
        RuleState::Below => Some(0.0),
        RuleState::Rising => Some(1.0),
        RuleState::Above => Some(2.0),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use memory_debug_report::{CaptureStatus, MonitorEvent, RuleStatus};

    use super::*;
    use crate::{MetricsView, families, sample};

    const OF_A_TYPE: &str = "Vec<AuditRecord> over 1 GiB";

    fn monitor() -> MonitorStatus {
        let mut monitor = MonitorStatus::default();
        for (index, state) in [RuleState::NotArmed, RuleState::Below, RuleState::Rising, RuleState::Above]
            .into_iter()
            .enumerate()
        {
            let mut rule = RuleStatus::new(format!("rule {index}"), MonitorMetric::Container);
            rule.state = state;
            monitor.rules.push(rule);
        }
        monitor.rules.push(RuleStatus::new(OF_A_TYPE, MonitorMetric::Type("Vec<AuditRecord>".into())));
        for (rule, kind) in [
            (Some("rule 3"), EventKind::Exceeded),
            (Some("rule 3"), EventKind::Exceeded),
            (Some(OF_A_TYPE), EventKind::Under),
            (None, EventKind::Blocked),
        ] {
            let mut event = MonitorEvent::new(kind, "2026-11-20T12:00:00Z", "it happened");
            event.rule = rule.map(String::from);
            monitor.totals.add(&event);
        }
        monitor
    }

    fn lines(monitor: MonitorStatus, exact: bool) -> Vec<String> {
        let mut report = sample::report();
        report.note_monitor(monitor);
        let of_monitor = families(&report, &[], MetricsView { top: 0, exact });
        let of_monitor =
            of_monitor.into_iter().filter(|family| family.name.starts_with("memory_debug_monitor"));
        of_monitor
            .flat_map(|family| {
                let name = family.full_name();
                family.metrics.into_iter().map(move |metric| {
                    let labels = metric.labels.iter().map(|(name, value)| format!(" {name}={value}"));
                    format!("{name}{} {}", labels.collect::<String>(), metric.value)
                })
            })
            .collect()
    }

    #[test]
    fn rules_have_states_and_events_are_counted_by_rule_and_kind() {
        let expected = [
            "memory_debug_monitor_rule_state rule=rule 0 -1",
            "memory_debug_monitor_rule_state rule=rule 1 0",
            "memory_debug_monitor_rule_state rule=rule 2 1",
            "memory_debug_monitor_rule_state rule=rule 3 2",
            "memory_debug_monitor_events kind=blocked 1",
            "memory_debug_monitor_events rule=rule 3 kind=exceeded 2",
        ];
        let lines = lines(monitor(), false);
        let (zeros, others): (Vec<_>, Vec<_>) =
            lines.iter().partition(|line| line.contains("_events") && line.ends_with(" 0"));
        assert_eq!(others, expected.iter().collect::<Vec<_>>());
        // Three kinds without a rule, and three of each shown rule, of which one happened.
        assert_eq!(zeros.len(), 3 + 4 * 3 - 1, "{zeros:?}");
        assert!(zeros.contains(&&"memory_debug_monitor_events rule=rule 0 kind=still-growing 0".to_owned()));
    }

    #[test]
    fn a_part_of_the_monitor_that_is_not_used_has_no_zero() {
        let mut used = monitor();
        (used.captures, used.blocked) = (Some(CaptureStatus::default()), Some(Vec::new()));
        (used.totals.blocked_ms, used.totals.blocked) = (1_500, 2);
        let (used, unused) = (lines(used, false), lines(monitor(), false));
        let more: Vec<_> = used.iter().filter(|line| !unused.contains(line)).collect();
        assert_eq!(
            more,
            [
                "memory_debug_monitor_events kind=process-starved 0",
                "memory_debug_monitor_captures 0",
                "memory_debug_monitor_blocked_seconds 1.5",
                "memory_debug_monitor_blocked 2"
            ]
        );
        assert!(lines(MonitorStatus::default(), true).iter().all(|line| line.contains("_events kind=")));
    }

    #[test]
    fn s62_rules_about_a_type_have_metrics_only_for_readers_of_types() {
        let named = |exact| lines(monitor(), exact).iter().filter(|line| line.contains(OF_A_TYPE)).count();
        assert_eq!((named(false), named(true)), (0, 4));
    }
}
