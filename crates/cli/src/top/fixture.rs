//! Reports with known content, for tests.

use memory_debug_report::{MemoryReport, TypeRow};
use serde_json::json;

/// A report of the instance with this number.
pub(super) fn report(number: u64, rows: Vec<TypeRow>) -> MemoryReport {
    let total: u64 = rows.iter().fold(0, |sum, row| sum.saturating_add(row.bytes));
    let report = json!({
        "schema": "memory-debug/v1",
        "instance": {"id": format!("{number:08x}-0000-4000-8000-000000000000"), "service": "axum-service",
                     "version": "0.1.0", "host": "a1", "pid": 4242, "started_at": "2026-11-20T09:00:00Z",
                     "uptime_seconds": 11_520, "build_id": "ab12"},
        "collected_at": "2026-11-20T12:12:00Z",
        "duration_us": 8_123,
        "process": {"resident_bytes": 537_184_666_u64, "threads": 9},
        "cgroup": {"version": 2, "limit_bytes": 1_u64 << 30, "current_bytes": 3_u64 << 28},
        "allocator": {"name": "jemalloc", "allocated_bytes": 451_936_256_u64, "active_bytes": 456_130_560_u64,
                      "profiling": {}},
        "types": {"group": "container", "symbols": "inlined", "sample_bytes": 524_288, "rows": rows,
                  "active_since": "2026-11-20T09:00:00Z", "total_bytes": total,
                  "samples": {"generation": 0, "began_at": "2026-11-20T09:00:00Z", "sample_bytes": 524_288, "pauses": 0,
                              "resumed_at": null},
                  "total_bytes_stderr": (524_288.0 * total as f64).sqrt().round(),
                  "unattributed_bytes": 0, "omitted_rows": 0},
        "unavailable": {},
    });
    serde_json::from_value(report).unwrap()
}

pub(super) fn row(name: &str, objects: u64, bytes: u64, bytes_stderr: f64) -> TypeRow {
    let row = json!({
        "type": name, "full_type": format!("x::{name}"), "objects": objects, "bytes": bytes,
        "objects_stderr": objects as f64 / 10.0, "bytes_stderr": bytes_stderr, "source": "sampled",
    });
    serde_json::from_value(row).unwrap()
}
