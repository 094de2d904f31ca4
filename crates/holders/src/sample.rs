//! A made-up report for tests.

use memory_debug_report::{InstanceId, InstanceInfo};

use crate::holders_report::HoldersReport;

/// What hostile names try: to leave their element, their string, their line, or the address of a link.
pub(crate) const HOSTILE: &str = "</text><script>alert(1)</script>\"'\\\n\u{202e}]]>--><x y=&#0;";

/// A service that keeps its sessions in a static, and leaks nodes in a cycle.
pub(crate) fn report() -> HoldersReport {
    let link = |name: &str| serde_json::json!({"type_name": name, "bytes": 64});
    let value = serde_json::json!({
        "schema": memory_debug_report::SCHEMA,
        "instance": {"id": "6f1c9a2e-0000-4000-8000-000000000001", "service": "shop", "version": "1.4.2", "pid": 4242},
        "scanned_at": "2026-11-20T12:12:00Z", "duration_us": 4_100_000, "cpu_us": 2_900_000,
        "coverage": {"scans": 3, "heap_bytes": 128 << 20, "read_bytes": 96 << 20, "ended_early": null,
                     "recorded_since": "2026-11-20T09:00:00Z", "known_share": 0.82, "dropped": 0},
        "types": [
            {"type_name": "String", "bytes": 30 << 20, "bytes_stderr": 3_000_000.0, "samples": 60, "chains": [
                {"links": [link("Session"), link("HashMap<u64, Arc<Session>>")],
                 "root": {"kind": "static", "name": "shop::SESSIONS"},
                 "bytes": 24_536_678, "bytes_stderr": 3_435_135.0, "samples": 47},
                {"links": [{"type_name": "Node", "bytes": 48, "repeated": true}, {"bytes": 640}],
                 "root": {"kind": "thread_local", "name": "shop::CACHE", "also": ["static shop::INDEX"]},
                 "bytes": 4 << 20, "bytes_stderr": 1_482_910.0, "samples": 8},
                {"links": [{"type_name": "Vec<String>", "bytes": 24, "inferred": true}],
                 "root": {"kind": "stack", "name": "worker-3"}, "doubtful": true,
                 "bytes": 1 << 20, "bytes_stderr": 741_455.0, "samples": 2},
             ], "omitted_chains": 2, "unreachable": null, "unknown_bytes": 1 << 20},
            {"type_name": "shop::Node", "bytes": 8 << 20, "bytes_stderr": 2_097_152.0, "samples": 16, "chains": [],
             "unreachable": {"bytes": 8 << 20, "bytes_stderr": 2_097_152.0, "samples": 16, "scans": 3,
                             "holds": [link("Vec<Arc<Node>>"), link("String")],
                             "cycle": ["shop::Node", "Vec<Arc<Node>>"]}},
            {"type_name": "Vec<u8>", "bytes": 2 << 20, "bytes_stderr": 1_048_576.0, "samples": 4, "chains": [],
             "unreachable": {"bytes": 2 << 20, "bytes_stderr": 1_048_576.0, "samples": 4, "scans": 3}},
        ],
        "omitted": 12, "unavailable": {},
    });
    serde_json::from_value(value).expect("a report")
}

/// A report in which every name is `name`.
pub(crate) fn named(name: &str) -> HoldersReport {
    let mut report = report();
    report.instance.service = Some(name.to_owned());
    report.scanned_at = name.to_owned();
    if let Some(coverage) = &mut report.coverage {
        coverage.ended_early = Some(name.to_owned());
        coverage.recorded_since = Some(name.to_owned());
    }
    report.unavailable.note(name, name);
    for held in &mut report.types {
        held.type_name = name.to_owned();
        for chain in &mut held.chains {
            chain.root.name = Some(name.to_owned());
            chain.root.also = vec![name.to_owned()];
            chain.links.iter_mut().for_each(|link| link.type_name = Some(name.to_owned()));
        }
        if let Some(unreachable) = &mut held.unreachable {
            unreachable.holds.iter_mut().for_each(|link| link.type_name = Some(name.to_owned()));
            unreachable.cycle.iter_mut().for_each(|link| *link = name.to_owned());
        }
    }
    report
}

/// The process of a report.
pub(crate) fn instance() -> InstanceInfo {
    InstanceInfo::new(InstanceId::from_random([7; 16]), 4242)
}
