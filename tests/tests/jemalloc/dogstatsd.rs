//! Metrics for Datadog's agent, through an exporter of the `metrics` facade, as the guide "Before the kill" shows.

use std::collections::BTreeMap;
use std::net::UdpSocket;
use std::time::Duration;

use memory_debug_core::metrics::{MetricsView, record};
use memory_debug_core::{Collector, MemoryReport, MonitorStatus, Scope, spawn_collecting};
use metrics_exporter_dogstatsd::DogStatsDBuilder;
use serde_json::json;

/// One line of the protocol: `name:value|type|#tag:value,tag`.
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
    // A label with an empty value is a tag without a value.
    assert!(tags.iter().all(|tag| tag.starts_with(|first: char| first.is_ascii_alphabetic())), "{line}");
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

/// The lines that arrive until all names in `wanted` have a line of which `is_wanted` holds.
fn receive(agent: &UdpSocket, wanted: &[&str], is_wanted: impl Fn(&Line) -> bool) -> Vec<Line> {
    let mut lines: Vec<Line> = Vec::new();
    let mut datagram = vec![0; 65_536];
    while !wanted.iter().all(|name| lines.iter().any(|line| line.name == *name && is_wanted(line))) {
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

    let numbers = ["process_resident_memory_bytes", "memory_debug_jemalloc_allocated_bytes"];
    let state = "memory_debug_monitor_rule_state";
    send(0);
    let lines = receive(&agent, &[numbers[0], numbers[1], state], |line| line.kind == "g");
    let gauges: BTreeMap<_, _> = lines.iter().map(|line| (line.name.as_str(), line)).collect();
    assert_eq!((gauges[state].value, &gauges[state].tags[..]), (2.0, &["rule:container".to_owned()][..]));
    assert!(numbers.iter().all(|name| gauges[name].value > 0.0), "{lines:?}");

    // The counter was at 0, so the agent learns of each event.
    send(2);
    let events = "memory_debug_monitor_events";
    let lines = receive(&agent, &[events], |line| line.value > 0.0);
    let event = lines.iter().find(|line| line.name == events && line.value > 0.0).unwrap();
    assert_eq!((event.kind.as_str(), event.value), ("c", 2.0));
    assert_eq!(event.tags, ["rule:container", "kind:exceeded"]);
}
