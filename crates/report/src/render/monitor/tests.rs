use super::*;
use crate::monitor::{
    ActionOutcome, BlockedThread, BlockedWorker, Capture, CaptureKind, CaptureStatus, EarlierProcess,
    EventKind, FlightRecord, MonitorEvent, MonitorMetric, RuleState, RuleStatus,
};
use crate::render::text as text_of;
use crate::sample;
use crate::view::{Page, TypesView};

const AT: &str = "2026-11-20T12:11:58.250Z";

/// A report of a monitor that saw something of everything.
fn report() -> MonitorReport {
    let mut monitor = MonitorStatus {
        started_at: "2026-11-20T09:00:01Z".into(),
        wakes: vec!["memory.events".into(), "memory pressure".into()],
        ..MonitorStatus::default()
    };
    let mut container = RuleStatus::new("container", MonitorMetric::Container);
    (container.source, container.state) =
        (Some("container v2, working set, limit 512 MiB of /shop".into()), RuleState::Above);
    (container.limit, container.value, container.peak) =
        (Some(456_340_275), Some(480 << 20), Some(490 << 20));
    (container.since, container.held_for_ms) = (Some(AT.into()), 10_000);
    container.actions = vec!["log".into(), "keep-snapshot".into()];
    (container.sent, container.suppressed) = (2, 3);
    container.next_allowed_at = Some("2026-11-20T12:22:00Z".into());
    let mut threads = RuleStatus::new("threads", MonitorMetric::Threads);
    (threads.limit, threads.value, threads.state) = (Some(4_000), Some(9), RuleState::Below);
    let mut unarmed = RuleStatus::new("percent", MonitorMetric::Resident);
    unarmed.not_armed = Some("no limit is set".into());
    monitor.rules = vec![container, threads, unarmed];
    let mut exceeded =
        MonitorEvent::new(EventKind::Exceeded, AT, "container uses 480 MiB, more than 435 MiB");
    (exceeded.rule, exceeded.suppressed) = (Some("container".into()), 3);
    exceeded.actions =
        vec![ActionOutcome::new("log", "written"), ActionOutcome::new("purge", "4 MiB returned")];
    monitor.events = vec![exceeded, MonitorEvent::new(EventKind::Pressure, AT, "processes wait for memory")];
    (monitor.omitted_events, monitor.suppressed_events) = (5, 3);
    let thread = BlockedThread {
        tid: 4250,
        name: "tokio-rt-worker".into(),
        doing: Some("asleep in clock_nanosleep".into()),
        cpu_ms: Some(2),
        ..BlockedThread::default()
    };
    let blocked = BlockedWorker {
        runtime: "main".into(),
        worker: Some(2),
        started_at: AT.into(),
        duration_ms: 1_340,
        tick_ms: 62,
        ended: true,
        threads: vec![thread],
        label: Some("GET /orders/{id}".into()),
        ..BlockedWorker::default()
    };
    let unknown = BlockedWorker {
        ended: false,
        worker: None,
        label: None,
        threads: Vec::new(),
        unknown_threads: Some("/proc is not mounted here".into()),
        ..blocked.clone()
    };
    monitor.blocked = Some(vec![blocked, unknown]);
    let mut snapshot = Capture::new("snapshot-7.pb.gz", CaptureKind::Snapshot, AT, 1 << 20, 7);
    (snapshot.percent_of_limit, snapshot.largest_type) =
        (Some(90.04), Some(("Vec<AuditRecord>".into(), 371 << 20)));
    let mut earlier = EarlierProcess::new(
        7,
        "11111111-0000-4000-8000-000000000001",
        "the previous process (pid 7) ended 0.2 s after it used 98.7 % of 512 MiB; probably for lack of memory",
    );
    earlier.last = Some(FlightRecord {
        at: AT.into(),
        container_bytes: Some(505 << 20),
        limit_bytes: Some(512 << 20),
        types: vec![("Vec<AuditRecord>".into(), 371 << 20)],
        ..FlightRecord::default()
    });
    earlier.files = vec!["snapshot-7.pb.gz".into(), "flight-7.bin".into()];
    monitor.captures = Some(CaptureStatus {
        folder: "/var/lib/shop/memory".into(),
        max_bytes: 64 << 20,
        warning: Some("the folder is in a layer of the container and is lost with it".into()),
        paused: None,
        files: vec![snapshot, Capture::new("raw-7.heap", CaptureKind::RawDump, AT, 300 << 10, 7)],
        earlier: vec![earlier],
        skipped: vec!["flight-3.bin: its header has another version".into()],
    });
    (monitor.cost.looks, monitor.cost.wakes) = (11_520, 3);
    (monitor.cost.bytes, monitor.cost.descriptors) = (130_000, 4);
    let mut report = MonitorReport::new(sample::report().instance, "2026-11-20T12:12:00Z", monitor);
    report.unavailable.note("monitor.cost.cpu_us", "schedstat: permission denied");
    report
}

#[test]
fn the_page_begins_with_what_an_operator_needs_first() {
    let expected = include_str!("golden.txt");
    let text = report().to_string();
    if std::env::var_os("MEMORY_DEBUG_BLESS").is_some() {
        std::fs::write(concat!(env!("CARGO_MANIFEST_DIR"), "/src/render/monitor/golden.txt"), &text).unwrap();
        return;
    }
    assert_eq!(text, expected);
}

#[test]
fn a_process_without_a_monitor_says_why() {
    let reason = "the application started none; `Monitor::new()` makes one";
    let report = MonitorReport::not_running(sample::report().instance, "2026-11-20T12:12:00Z", reason);
    let text = report.to_string();
    assert!(text.ends_with(&format!("\n\nno monitor runs in this process: {reason}\n")), "{text}");
}

#[test]
fn an_idle_monitor_says_that_nothing_happened() {
    let mut report = report();
    report.monitor = Some(MonitorStatus::default());
    let text = report.to_string();
    for part in [
        "woken by its interval alone",
        "\nthere are no rules; ",
        "\nnothing happened\n",
        "nothing is captured",
    ] {
        assert!(text.contains(part), "{part}: {text}");
    }
    // No runtime is watched, so nothing is known about its workers.
    assert!(!text.contains("blocked") && !text.contains("ended abruptly"), "{text}");
    report.monitor = Some(MonitorStatus { blocked: Some(Vec::new()), ..MonitorStatus::default() });
    assert!(report.to_string().contains("\nblocked workers\nno worker was blocked\n"));
}

#[test]
fn a_rule_about_a_lower_limit_has_the_opposite_words() {
    for (state, above, below) in [
        (RuleState::Below, "below", "above"),
        (RuleState::Rising, "rising", "falling"),
        (RuleState::Above, "above", "below"),
    ] {
        for (is_above, word, sign) in [(true, above, "> 4,000"), (false, below, "< 4,000")] {
            let mut report = report();
            let rules = &mut report.monitor.as_mut().unwrap().rules;
            rules.retain(|rule| rule.name == "threads");
            (rules[0].state, rules[0].is_above) = (state, is_above);
            let text = report.to_string();
            let line = text.lines().find(|line| line.starts_with("threads |")).unwrap();
            assert!(line.contains(&format!(" {word} |")) && line.contains(sign), "{line}");
        }
    }
}

#[test]
fn s64_nothing_that_was_read_can_forge_lines() {
    let hostile = "x\nforged\u{1b}[31m".to_owned();
    let mut report = report();
    let before = report.to_string().lines().count();
    let monitor = report.monitor.as_mut().unwrap();
    monitor.wakes = vec![hostile.clone()];
    for rule in &mut monitor.rules {
        (rule.name, rule.source) = (hostile.clone(), rule.source.as_ref().map(|_| hostile.clone()));
        (rule.metric, rule.actions) = (MonitorMetric::Type(hostile.clone()), vec![hostile.clone()]);
    }
    for event in &mut monitor.events {
        (event.text, event.rule) = (hostile.clone(), Some(hostile.clone()));
        event.actions = vec![ActionOutcome::new(&hostile, &hostile)];
    }
    for block in monitor.blocked.iter_mut().flatten() {
        (block.runtime, block.label) = (hostile.clone(), Some(hostile.clone()));
        block.threads.iter_mut().for_each(|thread| thread.name = hostile.clone());
    }
    let captures = monitor.captures.as_mut().unwrap();
    (captures.folder, captures.warning) = (hostile.clone(), Some(hostile.clone()));
    captures.skipped = vec![hostile.clone()];
    for file in &mut captures.files {
        (file.file, file.largest_type) = (hostile.clone(), Some((hostile.clone(), 1)));
    }
    for process in &mut captures.earlier {
        (process.summary, process.instance) = (hostile.clone(), hostile.clone());
        process.files = vec![hostile.clone()];
    }
    let text = report.to_string();
    assert_eq!(text.lines().count(), before, "{text}");
    assert!(!text.contains('\u{1b}') && !text.lines().any(|line| line.starts_with("forged")), "{text}");
}

#[test]
fn the_overview_says_how_an_earlier_process_ended() {
    let mut overview = sample::report();
    let before = text_of(&overview, Page::Overview, &TypesView::default());
    overview.note_monitor(report().monitor.unwrap());
    let text = text_of(&overview, Page::Overview, &TypesView::default());
    let line = "the previous process (pid 7) ended 0.2 s after it used 98.7 % of 512 MiB; probably for lack of memory; \
                `/monitor` has its last record and its captures\n";
    assert!(text.contains(line), "{text}");
    assert_eq!(text.replace(line, ""), before, "the monitor changes nothing else");
    let json = crate::render::json(&overview, Page::Overview, &TypesView::default());
    let json: serde_json::Value = serde_json::from_str(&json).unwrap();
    assert_eq!(json["earlier_processes"][0]["pid"], 7);
    let stats = crate::render::json(&overview, Page::Stats, &TypesView::default());
    assert!(!stats.contains("earlier_processes"), "{stats}");
}
