use super::*;
use crate::sample;
use crate::trace::TraceKind;

fn node(depth: u64, name: &str, calls: u64) -> TraceNode {
    TraceNode { depth, name: name.into(), calls, completed: calls, ..TraceNode::default() }
}

/// A report about a request that loads rows and renders them, in a service with jemalloc.
fn report() -> TraceReport {
    let route = TraceNode {
        kind: TraceKind::Route,
        cancelled: 2,
        pending: 3,
        total_ns: 12_345_678_000,
        busy_ns: 3_210_000_000,
        own_busy_ns: 10_000_000,
        longest_poll_ns: 41_000_000,
        allocated: Some(4_200 << 20),
        own_allocated: Some(4 << 20),
        ..node(0, "GET /export", 105)
    };
    let load = TraceNode {
        total_ns: 9_000_000_000,
        busy_ns: 3_200_000_000,
        own_busy_ns: 3_200_000_000,
        allocated: Some(4_196 << 20),
        file: Some("src/export.rs".into()),
        line: Some(41),
        ..node(1, "load", 105)
    };
    let health = TraceNode { kind: TraceKind::Route, allocated: Some(0), ..node(0, "GET /health", 1_000) };
    let mut trace = Trace {
        counting: true,
        started_at: Some("2026-11-20T12:11:30Z".into()),
        ends_at: Some("2026-11-20T12:12:00Z".into()),
        started_by: Some("ops".into()),
        counted_ns: 28_250_000_000,
        nodes: vec![route, load, health],
        max_nodes: 16_384,
        ..Trace::default()
    };
    let bytes =
        BytesPerRequest { total: 4_200 << 20, mean: 40 << 20, p50: 38 << 20, p99: 88 << 20, max: 91 << 20 };
    let export = RouteTrace {
        route: "GET /export".into(),
        requests: 105,
        cancelled: 2,
        in_flight: 3,
        total_ns: 12_345_678_000,
        busy_ns: 3_210_000_000,
        longest_poll_ns: 41_000_000,
        allocated: Some(bytes),
        ..RouteTrace::default()
    };
    let health = RouteTrace { route: "GET /health".into(), requests: 1_000, ..RouteTrace::default() };
    trace.routes = vec![export, health];
    TraceReport::new(sample::report().instance, "2026-11-20T12:11:58Z", trace)
}

#[test]
fn calls_stand_below_their_callers_and_routes_have_one_line_each() {
    let expected = "\
axum-service 0.1.0 · pid 4242 · host a1 · instance 6f1c9a2e · up 3h 12m
reported 2026-11-20T12:11:58Z · counts since 2026-11-20T12:11:30Z until 2026-11-20T12:12:00Z · counted 28.2 s · started by ops

calls
       call | calls | pending | cancelled |        total |        busy |    own busy | longest poll | bytes per call | allocated |               at
=========== | ===== | ======= | ========= | ============ | =========== | =========== | ============ | ============== | ========= | ================
GET /export |   105 |       3 |         2 | 12345.678 ms | 3210.000 ms |   10.000 ms |    41.000 ms |      40.00 MiB |  4.10 GiB |                –
· load      |   105 |       – |         – |  9000.000 ms | 3200.000 ms | 3200.000 ms |     0.000 ms |      39.96 MiB |  4.10 GiB | src/export.rs:41
GET /health | 1,000 |       – |         – |     0.000 ms |    0.000 ms |    0.000 ms |     0.000 ms |            0 B |       0 B |                –
a call stands below the call that began it; calls below it can overlap or outlive it, and then add up to more than its total; pending calls count so far

routes
      route | requests | in flight | cancelled | bytes per request |       p50 |       p99 |       max | allocated |        total |        busy | longest poll
=========== | ======== | ========= | ========= | ================= | ========= | ========= | ========= | ========= | ============ | =========== | ============
GET /export |      105 |         3 |         2 |         40.00 MiB | 38.00 MiB | 88.00 MiB | 91.00 MiB |  4.10 GiB | 12345.678 ms | 3210.000 ms |    41.000 ms
GET /health |    1,000 |         0 |         – |                 – |         – |         – |         – |         – |     0.000 ms |    0.000 ms |     0.000 ms
bytes of finished requests; p50 and p99 are exact to one eighth
";
    let text = report().to_string();
    assert_eq!(text, expected, "\n{text}");
}

#[test]
fn what_was_left_out_is_counted() {
    let mut report = report().shortened(1, TraceEvent::Busy);
    let trace = report.trace.as_mut().unwrap();
    (trace.calls_in_other, trace.max_nodes) = (7_000, 16_384);
    let text = report.to_string();
    assert!(text.contains("\n… and 2 more\na call stands below"), "{text}");
    assert!(text.contains("\n… and 1 more\nbytes of finished requests"), "{text}");
    let other = "7,000 calls count under `(other)`, because the tracer keeps at most 16,384 nodes\n";
    assert!(text.contains(other), "{text}");
}

#[test]
fn without_jemalloc_bytes_are_missing_with_a_reason_and_not_zero() {
    let mut report = report();
    let trace = report.trace.as_mut().unwrap();
    trace.nodes.iter_mut().for_each(|node| node.allocated = None);
    trace.routes.iter_mut().for_each(|route| route.allocated = None);
    report.unavailable.note("trace.nodes.allocated", "the allocator is not jemalloc");
    let text = report.to_string();
    assert!(!text.contains("bytes per call") && !text.contains(" 0 B"), "{text}");
    assert!(
        text.ends_with("\nnot available:\n  trace.nodes.allocated: the allocator is not jemalloc\n"),
        "{text}"
    );
}

#[test]
fn live_bytes_appear_as_soon_as_they_are_known() {
    let mut report = report();
    assert!(!report.to_string().contains("| live |"));
    let route = &mut report.trace.as_mut().unwrap().routes[0];
    (route.live, route.live_stderr) = (Some(3 << 20), Some(f64::from(1 << 19)));
    let text = report.to_string();
    assert!(
        text.contains("|     live |          ± |") && text.contains("| 3.00 MiB | 512.00 KiB |"),
        "{text}"
    );
    assert!(text.contains("\nlive: memory that requests of the route allocated"), "{text}");
}

#[test]
fn the_states_of_a_tracer_differ() {
    let mut report = report();
    let trace = report.trace.as_mut().unwrap();
    (trace.counting, trace.ends_at) = (false, None);
    let state = "does not count now; counted since 2026-11-20T12:11:30Z · counted 28.2 s · started by ops\n";
    assert!(report.to_string().contains(state), "{report}");
    report.trace = Some(Trace::default());
    let text = report.to_string();
    assert!(text.ends_with(&format!("reported 2026-11-20T12:11:58Z · {NOTHING}\n")), "{text}");
    let instance = report.instance;
    let none = TraceReport::without_tracer(instance, "2026-11-20T12:11:58Z", "the page has none");
    assert!(none.to_string().ends_with("\nno tracer in this process: the page has none\n"), "{none}");
}

#[test]
fn s64_s68_a_name_cannot_forge_lines_or_widen_the_table() {
    let mut report = report();
    let lines = report.to_string().lines().count();
    let trace = report.trace.as_mut().unwrap();
    let hostile = format!("a\nforged | \u{1b}[31m{}", "x".repeat(10_000));
    (trace.nodes[0].name, trace.nodes[0].depth) = (hostile.clone(), u64::MAX);
    trace.nodes[1].file = Some("b\nforged".into());
    (trace.routes[0].route, trace.started_by) = (hostile, Some("ops\nforged".into()));
    let text = report.to_string();
    assert_eq!(text.lines().count(), lines, "{text}");
    assert!(!text.contains('\u{1b}') && text.lines().all(|line| line.chars().count() < 500), "{text}");
}
