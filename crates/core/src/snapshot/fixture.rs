//! Snapshots with a known content, for tests.

use std::io::ErrorKind;
use std::time::{Duration, SystemTime};

use memory_debug_profile::{HeapProfile, Mapping, TypeAttributor};
use memory_debug_report::{InstanceInfo, MemoryReport, SampleOrigin, Snapshot, SnapshotId, SnapshotInfo};

use crate::instance::instance_id;

const STARTED_AT: &str = "2026-11-20T09:00:00Z";

/// A snapshot of an empty heap, `seconds` after 1970.
pub(crate) fn empty(seconds: u64, label: &str) -> Snapshot {
    let dump = "heap_v2/524288\n  t*: 0: 0 [0: 0]\n\nMAPPED_LIBRARIES:\n";
    of_dump(dump, seconds, label)
}

/// Samples since the start of the process, or since the last of these discards.
pub(crate) fn samples(generation: u64) -> SampleOrigin {
    let mut samples = SampleOrigin::new(generation, 524_288);
    let began_at = if generation == 0 { STARTED_AT } else { "2026-11-21T09:00:00.000Z" };
    samples.began_at = Some(began_at.into());
    samples
}

/// A copy of the snapshot with other samples.
pub(crate) fn with_samples(snapshot: &Snapshot, samples: Option<SampleOrigin>) -> Snapshot {
    let mut info = snapshot.info().clone();
    info.samples = samples;
    Snapshot::new(info, &snapshot.profile().unwrap(), SystemTime::UNIX_EPOCH).unwrap()
}

/// A snapshot of this dump, `seconds` after 1970.
pub(crate) fn of_dump(dump: &str, seconds: u64, label: &str) -> Snapshot {
    let no_files = |_: &Mapping| Err(ErrorKind::NotFound.into());
    let profile = HeapProfile::parse(dump.as_bytes()).unwrap();
    let profile = TypeAttributor::new().symbolize(&profile, &no_files);
    let mut id = [0; 16];
    getrandom::fill(&mut id).unwrap();
    let mut instance = InstanceInfo::new(instance_id(), std::process::id());
    instance.started_at = Some(STARTED_AT.into());
    let report = MemoryReport::new(instance, STARTED_AT);
    let at = SystemTime::UNIX_EPOCH + Duration::from_secs(seconds);
    let mut info = SnapshotInfo::of(&report, &profile, SnapshotId::from_random(id), Some(label.into()), at);
    info.samples = Some(samples(0));
    Snapshot::new(info, &profile, at).unwrap()
}
