//! A report with known content, for tests.

use memory_debug_profile::RowId;

use crate::breakdown::Counts;
use crate::reconcile::Sampled;
use crate::reconciliation::Reconciliation;
use crate::report::{MemoryReport, RowSource, TypeRow, TypeSummary};
use crate::root_summary::{FieldRow, RootRow, RootSummary};
use crate::samples::SampleOrigin;
use crate::unavailable::Unavailable;

const REPORT: &str = r#"{
  "schema": "memory-debug/v1",
  "instance": {"id": "6f1c9a2e-0000-4000-8000-000000000001", "service": "axum-service", "version": "0.1.0",
               "host": "a1", "pid": 4242, "started_at": "2026-11-20T09:00:00Z", "uptime_seconds": 11520,
               "build_id": "ab12"},
  "collected_at": "2026-11-20T12:12:00Z",
  "duration_us": 8123,
  "process": {"resident_bytes": 537184666, "anonymous_bytes": 524288000, "file_bytes": 12896666, "shared_bytes": 0,
              "swap_bytes": 0, "lazy_free_bytes": 0, "threads": 9, "cpus": 4},
  "cgroup": {"version": 2, "path": "/pod/shop", "limit_bytes": 1073741824, "current_bytes": 786432000,
             "inactive_file_bytes": 52428800, "pressure_some_avg10_percent": 0.25,
             "parts": {"anonymous_bytes": 524288000, "file_bytes": 235929600, "mapped_file_bytes": 20971520,
                       "shared_bytes": 131072000, "kernel_bytes": 20971520, "socket_bytes": 5242880},
             "levels": [{"path": "/pod", "limit_bytes": 1342177280, "current_bytes": 1101004800,
                         "inactive_file_bytes": 52428800, "oom_kills": 0, "high_events": 0, "max_events": 0,
                         "parts": {"anonymous_bytes": 833617920}}],
             "binding": {"path": "/pod", "limit_bytes": 1342177280, "current_bytes": 1101004800,
                         "inactive_file_bytes": 52428800, "oom_kills": 0, "high_events": 0, "max_events": 0,
                         "parts": {"anonymous_bytes": 833617920}}},
  "machine": {"total_bytes": 25769803776, "available_bytes": 17179869184},
  "allocator": {"name": "jemalloc", "version": "5.3.1", "allocated_bytes": 451936256, "active_bytes": 456130560,
                "metadata_bytes": 8388608, "resident_bytes": 520093696, "dirty_bytes": 55574528,
                "muzzy_bytes": 0, "thread_cache_bytes": 1048576, "internal_bytes": 524288,
                "sampled_pages_bytes": 0, "options": {"opt.narenas": 8},
                "profiling": {"compiled": true, "enabled": true, "active": true, "sample_bytes": 524288,
                              "active_since": "2026-11-20T09:00:00Z",
                              "unwinder": {"name": "frame_pointers", "walked": 9000,
                                           "fell_back": 120}}},
  "types": null,
  "unavailable": {"process.uss_bytes": "smaps_rollup: permission denied"}
}"#;

/// A complete report.
pub(crate) fn report() -> MemoryReport {
    MemoryReport {
        types: Some(types()),
        reconciliation: Some(reconciliation()),
        ..serde_json::from_str(REPORT).unwrap()
    }
}

/// The report's reconciliation, as if the table were much longer.
pub(crate) fn reconciliation() -> Reconciliation {
    let report: MemoryReport = serde_json::from_str(REPORT).unwrap();
    Counts::of_report(&report).reconcile(
        Sampled { bytes: 430 << 20, stderr: 15_728_640.0, rate: 524_288, small_bytes: 0, since_start: true },
        &mut Unavailable::default(),
    )
}

/// The report's samples, all since the start of the process.
pub(crate) fn samples() -> SampleOrigin {
    SampleOrigin {
        generation: 0,
        began_at: Some("2026-11-20T09:00:00Z".into()),
        sample_bytes: 524_288,
        pauses: 0,
        resumed_at: None,
    }
}

/// The report's table.
pub(crate) fn types() -> TypeSummary {
    let row = |type_name: &str, full_type: &str, objects, bytes, source| TypeRow {
        id: (source != RowSource::Exact)
            .then(|| RowId::of(type_name, full_type, source == RowSource::Sampled)),
        type_name: type_name.into(),
        full_type: full_type.into(),
        objects,
        bytes,
        objects_stderr: objects as f64 / 10.0,
        bytes_stderr: (524_288.0 * bytes as f64).sqrt().round(),
        source,
        created: (source == RowSource::Exact).then_some(objects + 1_300),
        dropped: (source == RowSource::Exact).then_some(1_300),
        threads: None,
        slack_bytes: None,
        ages: None,
    };
    let map = "std::collections::HashMap<alloc::string::String, axum_service::Session>";
    TypeSummary {
        group: "container".into(),
        symbols: Some("inlined".into()),
        sample_bytes: Some(524_288),
        active_since: Some("2026-11-20T09:00:00Z".into()),
        samples: Some(samples()),
        ages: None,
        rows: vec![
            row("HashMap<String, Session>", map, 1, 12 << 20, RowSource::Sampled),
            row("String", "alloc::string::String", 97_100, 7_330_000, RowSource::Sampled),
            row("parse_row", "csv::parse_row", 512, 1 << 20, RowSource::Unattributed),
            row("Session", "axum_service::Session", 20_000, 960_000, RowSource::Exact),
        ],
        total_bytes: Some(20 << 20),
        total_bytes_stderr: Some(3_316_000.0),
        total_objects: Some(97_613),
        unattributed_bytes: Some(1 << 20),
        omitted_rows: 0,
        stacks: Some(31),
        symbol_gaps: Vec::new(),
        notes: Vec::new(),
        unavailable: None,
    }
}

/// Roots, which the report does not have.
pub(crate) fn roots() -> RootSummary {
    let field = |field: &str, type_name: &str, values, bytes, shared| FieldRow {
        field: field.into(),
        type_name: type_name.into(),
        full_type: format!("axum_service::{type_name}"),
        values,
        bytes,
        shared,
    };
    let sessions = RootRow {
        name: "sessions".into(),
        type_name: "Sessions".into(),
        full_type: "axum_service::Sessions".into(),
        retained_bytes: Some((1 << 20) + 10_240 + 172),
        not_counted: vec!["the contents of 1 locks that stayed held".into()],
        counted_elsewhere: [("prices".into(), 2)].into(),
        fields: vec![
            field("by_id.value.user", "String", 20_000, 1 << 20, false),
            field("config", "Arc<Config>", 1, 10_240, true),
        ],
        omitted_fields: 3,
        omitted_bytes: 172,
    };
    let prices = RootRow { name: "prices".into(), type_name: "Prices".into(), ..RootRow::default() };
    RootSummary { rows: vec![sessions, prices], refused: 0, duration_us: 1_500 }
}
