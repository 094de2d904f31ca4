//! A report for tests that every rule can check and that no rule complains about.

use crate::report::MemoryReport;

const REPORT: &str = r#"{
  "schema": "memory-debug/v1",
  "instance": {"id": "6f1c9a2e-0000-4000-8000-000000000001", "pid": 4242},
  "collected_at": "2026-11-20T12:12:00Z",
  "duration_us": 8123,
  "process": {"resident_bytes": 1048576000, "anonymous_bytes": 996147200, "file_bytes": 52428800, "shared_bytes": 0,
              "swap_bytes": 0, "lazy_free_bytes": 0, "threads": 9, "cpus": 4},
  "cgroup": {"version": 2, "limit_bytes": 2147483648, "current_bytes": 1258291200, "inactive_file_bytes": 104857600,
             "oom_kills": 0, "high_events": 0, "max_events": 0, "pressure_some_avg10_percent": 0.25,
             "pressure_full_avg10_percent": 0.0, "parts": {"kernel_bytes": 20971520}},
  "machine": {"total_bytes": 25769803776, "available_bytes": 17179869184},
  "allocator": {"name": "jemalloc", "version": "5.3.1", "allocated_bytes": 838860800, "active_bytes": 891289600,
                "thread_cache_bytes": 1048576, "internal_bytes": 2097152, "sampled_pages_bytes": 4194304,
                "metadata_bytes": 10485760, "resident_bytes": 943718400, "dirty_bytes": 41943040,
                "muzzy_bytes": 0, "arenas": 17, "background_threads": false,
                "options": {"arenas.page": 4096, "opt.dirty_decay_ms": 10000, "opt.prof_active": true},
                "profiling": {"compiled": true, "enabled": true, "active": true, "sample_bytes": 524288,
                              "active_since": "2026-11-20T09:00:00Z",
                              "unwinder": {"name": "libgcc", "walked": 0, "fell_back": 0}}},
  "types": {"group": "container", "symbols": "inlined", "sample_bytes": 524288, "total_bytes": 838860800,
            "total_objects": 1000, "unattributed_bytes": 1048576, "stacks": 31, "rows": [
    {"type": "Vec<Item>", "full_type": "Vec<shop::Item>", "objects": 450, "bytes": 419430400,
     "objects_stderr": 15.9, "bytes_stderr": 14829094, "source": "sampled"},
    {"type": "parse", "full_type": "csv::parse", "objects": 100, "bytes": 1048576,
     "objects_stderr": 70.7, "bytes_stderr": 741455, "source": "unattributed"},
    {"type": "Box<Order>", "full_type": "Box<shop::Order>", "objects": 450, "bytes": 418381824,
     "objects_stderr": 15.9, "bytes_stderr": 14810546, "source": "sampled"}]},
  "unavailable": {}
}"#;

pub(super) fn report() -> MemoryReport {
    serde_json::from_str(REPORT).unwrap()
}
