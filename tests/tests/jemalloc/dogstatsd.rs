//! Metrics for Datadog's agent, through an exporter of the `metrics` facade, as the guide "Before the kill" shows.

use std::collections::BTreeMap;
use std::net::UdpSocket;
use std::time::Duration;

use memory_debug_core::metrics::{MetricsView, record};
use memory_debug_core::{Collector, MemoryReport, MonitorStatus, Scope, spawn_collecting};
use metrics_exporter_dogstatsd::DogStatsDBuilder;
use serde_json::json;

/// One line of the protocol: `name:value|type|#tag:value,tag:value`.
#[derive(Debug, PartialEq)]
struct Line {
    name: String,
    value: f64,
    kind: String,
    tags: Vec<String>,
}

/// Parses a line as Datadog's agent does. Panics on anything else.
fn parse(line: &str) -> Line {
    let mut parts = line.split('|');
    let (name, value) = parts.next().unwrap().split_once(':').unwrap_or_else(|| panic!("no value: {line}"));
    let kind = parts.next().unwrap_or_else(|| panic!("no type: {line}"));
    assert!(["c", "g"].contains(&kind), "{line}");
    let is_plain = |character: char| character.is_ascii_alphanumeric() || "._".contains(character);
    assert!(
        name.starts_with(|first: char| first.is_ascii_alphabetic()) && name.chars().all(is_plain),
        "{line}"
    );
    let tags = parts.next().map(|tags| tags.strip_prefix('#').unwrap_or_else(|| panic!("no tags: {line}")));
    assert_eq!(parts.next(), None, "{line}");
    let tags: Vec<_> = tags.into_iter().flat_map(|tags| tags.split(',')).map(String::from).collect();
    for tag in &tags {
        assert!(tag.split_once(':').is_some_and(|(name, _)| !name.is_empty()), "{line}");
    }
    Line {
        name: name.into(),
        value: value.parse().unwrap_or_else(|_| panic!("no number: {line}")),
        kind: kind.into(),
        tags,
    }
}

/// A report of this process with a monitor that sent `events` events.
fn report(events: u64) -> MemoryReport {
    let collect = || Collector::new().service("shop", "1.4.2").collect(Scope::Stats).report;
    let mut report = spawn_collecting(collect).unwrap().join().unwrap();
    let rule = json!({
        "name": "container", "metric": "container", "source": null, "is_above": true, "limit": 1, "state": "above",
        "not_armed": null, "value": 2, "peak": 3, "since": null, "held_for_ms": 0, "actions": [], "sent": events,
        "suppressed": 0, "next_allowed_at": null,
    });
    let counts = [json!({"rule": "container", "kind": "exceeded", "count": events})];
    let status = json!({"rules": [rule], "totals": {"events": counts[..usize::from(events > 0)].to_vec()}});
    report.note_monitor(serde_json::from_value::<MonitorStatus>(status).unwrap());
    report
}

/// The lines that arrive until one satisfies `is_last`.
fn receive(agent: &UdpSocket, is_last: impl Fn(&Line) -> bool) -> Vec<Line> {
    let mut lines = Vec::new();
    let mut datagram = vec![0; 65_536];
    while !lines.iter().any(&is_last) {
        let length = agent.recv(&mut datagram).expect("a datagram");
        let text = std::str::from_utf8(&datagram[..length]).unwrap();
        lines.extend(text.lines().map(parse));
    }
    lines
}

#[test]
fn every_line_that_the_agent_gets_is_one_of_its_protocol() {
    let agent = UdpSocket::bind("127.0.0.1:0").unwrap();
    agent.set_read_timeout(Some(Duration::from_secs(60))).unwrap();
    let exporter = DogStatsDBuilder::default()
        .with_remote_address(agent.local_addr().unwrap().to_string())
        .unwrap()
        .with_telemetry(false)
        .with_flush_interval(Duration::from_millis(50))
        .build()
        .unwrap();
    let send = |events| {
        let report = report(events);
        metrics::with_local_recorder(&exporter, || record(&report, &[], MetricsView::default()));
    };
    let is = |line: &Line, name: &str| line.name == name;

    send(0);
    let lines = receive(&agent, |line| is(line, "memory_debug_monitor_rule_state"));
    let gauges: BTreeMap<_, _> =
        lines.iter().filter(|line| line.kind == "g").map(|line| (line.name.as_str(), line)).collect();
    let state = gauges["memory_debug_monitor_rule_state"];
    assert_eq!((state.value, &state.tags[..]), (2.0, &["rule:container".to_owned()][..]));
    for name in ["process_resident_memory_bytes", "memory_debug_jemalloc_allocated_bytes"] {
        assert!(gauges.get(name).is_some_and(|line| line.value > 0.0), "{name}: {lines:?}");
    }

    // The counter was at 0, so the agent learns of each event.
    send(2);
    let is_events = |line: &Line| is(line, "memory_debug_monitor_events") && line.value > 0.0;
    let lines = receive(&agent, is_events);
    let events = lines.iter().find(|line| is_events(line)).unwrap();
    assert_eq!((events.kind.as_str(), events.value), ("c", 2.0));
    assert_eq!(events.tags, ["rule:container", "kind:exceeded"]);
}
