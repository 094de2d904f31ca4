//! Snapshots for tests.

use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, SystemTime};

use memory_debug_profile::{Births, HeapProfile, Mapping, SymbolizedProfile, TypeAttributor};
use memory_debug_report::__private::timestamp;
use memory_debug_report::{SampleOrigin, Snapshot, SnapshotInfo};

const STARTED_AT: &str = "2026-11-20T09:00:00Z";

/// The description of a snapshot.
pub(crate) fn info(label: Option<&str>) -> SnapshotInfo {
    static NEXT: AtomicU64 = AtomicU64::new(1);
    let id = format!("{:032x}", NEXT.fetch_add(1, Ordering::Relaxed));
    serde_json::from_value(serde_json::json!({
        "schema": "memory-debug-snapshot/v1", "id": id, "label": label,
        "taken_at": "2026-11-21T09:00:00.000Z", "stacks": 9, "sampled_bytes": 1,
        "instance": {"id": "00000000-0000-4000-8000-000000000007", "pid": 4242, "started_at": STARTED_AT},
    }))
    .unwrap()
}

/// Samples taken after this number of discards; 0 means since the start of the process.
pub(crate) fn samples(generation: u64) -> SampleOrigin {
    let mut samples = SampleOrigin::new(generation, 524_288);
    let began_at = if generation == 0 { STARTED_AT } else { "2026-11-21T09:00:00.000Z" };
    samples.began_at = Some(began_at.into());
    samples
}

/// A snapshot of an empty heap, `seconds` after 1970.
pub(crate) fn empty(seconds: u64, label: &str) -> Snapshot {
    let dump = "heap_v2/524288\n  t*: 0: 0 [0: 0]\n\nMAPPED_LIBRARIES:\n";
    of_dump(dump, seconds, label)
}

/// The profile of a dump, without names.
pub(crate) fn profile_of(dump: &str) -> SymbolizedProfile {
    let no_files = |_: &Mapping| Err(std::io::ErrorKind::NotFound.into());
    let profile = HeapProfile::parse(dump.as_bytes()).unwrap();
    TypeAttributor::new().symbolize(&profile, &no_files)
}

/// A snapshot of this dump, `seconds` after 1970.
pub(crate) fn of_dump(dump: &str, seconds: u64, label: &str) -> Snapshot {
    let profile = profile_of(dump);
    let at = SystemTime::UNIX_EPOCH + Duration::from_secs(seconds);
    let mut info = info(Some(label));
    info.taken_at = timestamp::millis(at);
    info.samples = Some(samples(0));
    Snapshot::new(info, &profile, at).unwrap()
}

/// A copy of the snapshot with other samples.
pub(crate) fn with_samples(snapshot: &Snapshot, samples: Option<SampleOrigin>) -> Snapshot {
    let mut info = snapshot.info().clone();
    info.samples = samples;
    Snapshot::new(info, &snapshot.profile().unwrap(), SystemTime::UNIX_EPOCH).unwrap()
}

/// A copy of the snapshot that keeps when its memory was allocated.
pub(crate) fn with_births(snapshot: &Snapshot, births: &Births) -> Snapshot {
    let mut info = snapshot.info().clone();
    let ages = serde_json::json!({
        "recorded_since": "1970-01-01T00:00:00.000Z", "recorded_seconds": births.recorded_ms as f64 / 1000.0,
        "known_share": 1.0, "dropped_samples": 0,
    });
    info.ages = Some(serde_json::from_value(ages).unwrap());
    Snapshot::with_births(info, &snapshot.profile().unwrap(), Some(births), SystemTime::UNIX_EPOCH).unwrap()
}
