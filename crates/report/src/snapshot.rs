//! Snapshots of the heap, small enough to keep and to compare.

mod diff;
mod growth;
mod id;

use std::time::{Duration, SystemTime};

use memory_debug_formats::to_json_line;
use memory_debug_profile::{Births, PprofOptions, SymbolizedProfile};
use serde::{Deserialize, Serialize};

pub use self::diff::{ChangeKind, DiffRow, SnapshotDiff};
pub use self::growth::{Growth, beyond_peaks};
pub use self::id::SnapshotId;
use crate::ages::RecordedAges;
use crate::ceiling::Ceiling;
use crate::comparison::Origin;
use crate::error::{Error, ErrorKind};
use crate::instance::InstanceInfo;
use crate::report::MemoryReport;
use crate::samples::SampleOrigin;
use crate::timestamp;

/// Schema of the description in a snapshot's profile: the value of [`SnapshotInfo::schema`].
const SCHEMA: &str = "memory-debug-snapshot/v1";

/// Schema of the times of allocation in a snapshot's profile, which are a comment of their own.
const BIRTHS_SCHEMA: &str = "memory-debug-births/v1";

/// A snapshot of the heap: the memory of each stack at one moment, with names and the numbers around it.
///
/// It is kept in memory in the form in which it is saved: a profile in pprof's format, which other tools can open,
/// with a [`SnapshotInfo`] as its comment. A thousand stacks take about 40 KiB. If ages are recorded, a second comment
/// says when the memory of each type and route was allocated.
#[derive(Clone, Debug)]
pub struct Snapshot {
    info: SnapshotInfo,
    pprof: Box<[u8]>,
}

/// Description of a snapshot: its moment, its process, and what else was measured then.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct SnapshotInfo {
    /// `memory-debug-snapshot/v1`.
    pub schema: String,
    /// Random id of the snapshot.
    pub id: SnapshotId,
    /// Label given by the caller.
    pub label: Option<String>,
    /// When the snapshot was taken, RFC 3339 in UTC.
    pub taken_at: String,
    /// The process whose heap it shows.
    pub instance: InstanceInfo,
    /// Origin of its samples. `None` if unknown, or if an older version wrote the file without recording them.
    pub samples: Option<SampleOrigin>,
    /// Number of distinct stacks.
    pub stacks: u64,
    /// Live bytes of all stacks, as sampled.
    pub sampled_bytes: u64,
    /// Bytes that jemalloc had allocated.
    pub allocated_bytes: Option<u64>,
    /// Resident set size.
    pub resident_bytes: Option<u64>,
    /// Memory charged to the container.
    pub cgroup_current_bytes: Option<u64>,
    /// The container's own limit.
    pub cgroup_limit_bytes: Option<u64>,
    /// The limit that the process reaches first: of its container, of a group above, or of the machine.
    pub ceiling: Option<Ceiling>,
    /// Since when ages are recorded, and for how much of the memory. `None` if they are not, or if an older version wrote
    /// the file.
    pub ages: Option<RecordedAges>,
}

/// The comment with the times of allocation.
#[derive(Serialize, Deserialize)]
struct BirthsComment<B> {
    schema: String,
    births: B,
}

impl SnapshotInfo {
    /// The facts that a comparison needs. `sample_bytes` is the profile's sampling rate, if the profile was read.
    pub(crate) fn origin(&self, sample_bytes: Option<u64>) -> Origin<'_> {
        Origin { instance: &self.instance, samples: self.samples.as_ref(), sample_bytes }
    }

    /// Whether `later` is a later moment of one recording of ages, so that it tells what survived of this one.
    pub fn is_recorded_until(&self, later: &Self) -> bool {
        let recorded = |info: &Self| {
            let ages = info.ages.as_ref()?;
            Some((ages.recorded_since.clone()?, ages.recorded_seconds))
        };
        // Recording has the same start until it begins again.
        recorded(self)
            .zip(recorded(later))
            .is_some_and(|((since, earlier), (later_since, later))| since == later_since && earlier < later)
    }

    /// Describes a snapshot of the heap `profile`, taken together with `report`.
    pub fn of(
        report: &MemoryReport,
        profile: &SymbolizedProfile,
        id: SnapshotId,
        label: Option<String>,
        at: SystemTime,
    ) -> Self {
        Self {
            schema: SCHEMA.into(),
            id,
            label,
            taken_at: timestamp::millis(at),
            instance: report.instance.clone(),
            samples: report.types.as_ref().and_then(|types| types.samples.clone()),
            stacks: u64::try_from(profile.stack_count()).unwrap_or(u64::MAX),
            sampled_bytes: u64::try_from(profile.total().bytes).unwrap_or(0),
            allocated_bytes: report.allocator.as_ref().and_then(|allocator| allocator.allocated_bytes),
            resident_bytes: report.process.as_ref().and_then(|process| process.resident_bytes),
            cgroup_current_bytes: report.cgroup.as_ref().and_then(|cgroup| cgroup.current_bytes),
            cgroup_limit_bytes: report.cgroup.as_ref().and_then(|cgroup| cgroup.limit_bytes),
            ceiling: report.ceiling().ok(),
            ages: report.types.as_ref().and_then(|types| types.ages.clone()),
        }
    }
}

impl Snapshot {
    /// Makes a snapshot from `profile`, the heap at the moment `at`. `info` describes it.
    ///
    /// # Errors
    ///
    /// If the profile cannot be written as pprof.
    pub fn new(info: SnapshotInfo, profile: &SymbolizedProfile, at: SystemTime) -> Result<Self, Error> {
        Self::with_births(info, profile, None, at)
    }

    /// Makes a snapshot, as [`new`](Self::new) does, that also keeps when the memory was allocated.
    ///
    /// # Errors
    ///
    /// If the profile cannot be written as pprof.
    pub fn with_births(
        mut info: SnapshotInfo,
        profile: &SymbolizedProfile,
        births: Option<&Births>,
        at: SystemTime,
    ) -> Result<Self, Error> {
        fn line(value: &impl Serialize) -> Result<String, Error> {
            to_json_line(value).map_err(|error| Error::of(ErrorKind::Internal, error))
        }
        info.ages = info.ages.filter(|_| births.is_some());
        let mut options = PprofOptions::taken_at(at);
        options.comments.push(line(&info)?);
        if let Some(births) = births {
            options.comments.push(line(&BirthsComment { schema: BIRTHS_SCHEMA.into(), births })?);
        }
        let mut pprof = Vec::new();
        profile.write_pprof(&options, &mut pprof).map_err(|error| Error::of(ErrorKind::Profile, error))?;
        Ok(Self { info, pprof: pprof.into() })
    }

    /// Reads the bytes that [`as_bytes`](Self::as_bytes) returns.
    ///
    /// # Errors
    ///
    /// If the bytes are truncated, damaged, of another version, or not a snapshot. The text says which.
    pub fn from_bytes(bytes: impl Into<Box<[u8]>>) -> Result<Self, Error> {
        let pprof = bytes.into();
        let read = SymbolizedProfile::read_pprof(&*pprof);
        let (_, comments) = read.map_err(|error| Error::of(ErrorKind::Snapshot, error))?;
        let infos = comments.iter().filter(|comment| comment.starts_with('{'));
        let mut infos = infos.filter_map(|comment| serde_json::from_str::<SnapshotInfo>(comment).ok());
        match infos.next() {
            Some(info) if info.schema == SCHEMA => Ok(Self { info, pprof }),
            Some(info) => {
                let message = format!("has version {:?}; this program reads {SCHEMA}", info.schema);
                Err(Error::new(ErrorKind::Snapshot, message))
            }
            None => {
                let message = "is a profile, but not a snapshot: it does not name its process";
                Err(Error::new(ErrorKind::Snapshot, message))
            }
        }
    }

    /// The snapshot in the form in which it is saved: a profile in pprof's format.
    pub fn as_bytes(&self) -> &[u8] {
        &self.pprof
    }

    /// Description of the snapshot.
    pub fn info(&self) -> &SnapshotInfo {
        &self.info
    }

    /// The stacks, with the memory that each stack held.
    ///
    /// # Errors
    ///
    /// Never for a snapshot that this process took or read, because it was readable then.
    pub fn profile(&self) -> Result<SymbolizedProfile, Error> {
        self.contents().map(|(profile, _)| profile)
    }

    /// The stacks, and when the memory of each type and route was allocated. The latter is `None` if ages were not
    /// recorded, or if another version wrote it in another way.
    ///
    /// # Errors
    ///
    /// As for [`profile`](Self::profile).
    pub fn contents(&self) -> Result<(SymbolizedProfile, Option<Births>), Error> {
        let read = SymbolizedProfile::read_pprof(&*self.pprof);
        let (profile, comments) = read.map_err(|error| Error::of(ErrorKind::Snapshot, error))?;
        let is_births = |comment: &&String| comment.starts_with('{') && comment.contains(BIRTHS_SCHEMA);
        let births = comments.iter().filter(is_births).find_map(|comment| {
            let read = serde_json::from_str::<BirthsComment<Births>>(comment).ok()?;
            (read.schema == BIRTHS_SCHEMA).then(|| read.births.bounded())
        });
        Ok((profile, births))
    }

    /// Time from this snapshot to `later`. `None` if `later` is older, or the clock was set in between.
    pub fn age_at(&self, later: &Self) -> Option<Duration> {
        let time = |snapshot: &Self| timestamp::parse(&snapshot.info.taken_at);
        time(later)?.duration_since(time(self)?).ok()
    }
}

#[cfg(test)]
pub(crate) mod tests {
    use std::sync::atomic::{AtomicU64, Ordering};

    use super::*;
    use crate::sample;

    /// A snapshot of an empty heap, `seconds` after 1970.
    pub(crate) fn empty(seconds: u64, label: &str) -> Snapshot {
        let dump = "heap_v2/524288\n  t*: 0: 0 [0: 0]\n\nMAPPED_LIBRARIES:\n";
        of_dump(dump, seconds, label)
    }

    /// Samples taken after this number of discards; 0 means since the start of the process.
    pub(crate) fn samples(generation: u64) -> SampleOrigin {
        let started_at = sample::report().instance.started_at;
        let began_at = if generation == 0 { started_at } else { Some("2026-11-21T09:00:00.000Z".into()) };
        SampleOrigin { generation, began_at, sample_bytes: 524_288, pauses: 0, resumed_at: None }
    }

    /// A copy of the snapshot with other samples.
    pub(crate) fn with_samples(snapshot: &Snapshot, samples: Option<SampleOrigin>) -> Snapshot {
        let info = SnapshotInfo { samples, ..snapshot.info().clone() };
        Snapshot::new(info, &snapshot.profile().unwrap(), SystemTime::UNIX_EPOCH).unwrap()
    }

    /// An id that no other snapshot in these tests has.
    fn fresh_id() -> SnapshotId {
        static NEXT: AtomicU64 = AtomicU64::new(1);
        SnapshotId::from_random(u128::from(NEXT.fetch_add(1, Ordering::Relaxed)).to_be_bytes())
    }

    pub(crate) fn of_dump(dump: &str, seconds: u64, label: &str) -> Snapshot {
        use memory_debug_profile::{HeapProfile, Mapping, TypeAttributor};
        let no_files = |_: &Mapping| Err(std::io::ErrorKind::NotFound.into());
        let profile = HeapProfile::parse(dump.as_bytes()).unwrap();
        let profile = TypeAttributor::new().symbolize(&profile, &no_files);
        let instance = sample::report().instance;
        let at = SystemTime::UNIX_EPOCH + Duration::from_secs(seconds);
        let info = SnapshotInfo {
            schema: SCHEMA.into(),
            id: fresh_id(),
            label: Some(label.into()),
            taken_at: timestamp::millis(at),
            samples: Some(samples(0)),
            instance,
            stacks: profile.stack_count() as u64,
            sampled_bytes: profile.total().bytes.unsigned_abs(),
            allocated_bytes: Some(1),
            resident_bytes: None,
            cgroup_current_bytes: None,
            cgroup_limit_bytes: None,
            ceiling: None,
            ages: None,
        };
        Snapshot::new(info, &profile, at).unwrap()
    }

    #[test]
    fn a_snapshot_reads_back_as_it_was_written() {
        let dump = "heap_v2/524288\n  t*: 9: 576 [0: 0]\n@ 0x10 0x20\n  t*: 9: 576 [0: 0]\n\
            \x20 t1: 9: 576 [0: 0]\n\nMAPPED_LIBRARIES:\n";
        let snapshot = of_dump(dump, 7, "before");
        let read = Snapshot::from_bytes(snapshot.as_bytes()).unwrap();
        assert_eq!(read.info(), snapshot.info());
        assert_eq!(read.profile().unwrap(), snapshot.profile().unwrap());
        assert_eq!(read.profile().unwrap().total().bytes, 9 * 524_320);
        assert_eq!(read.info().taken_at, "1970-01-01T00:00:07.000Z");
    }

    /// A copy of the snapshot that keeps when its memory was allocated.
    pub(crate) fn with_births(snapshot: &Snapshot, births: &Births) -> Snapshot {
        let ages = RecordedAges {
            recorded_since: Some("1970-01-01T00:00:00.000Z".into()),
            recorded_seconds: births.recorded_ms as f64 / 1000.0,
            known_share: Some(1.0),
            dropped_samples: 0,
        };
        let info = SnapshotInfo { ages: Some(ages), ..snapshot.info().clone() };
        Snapshot::with_births(info, &snapshot.profile().unwrap(), Some(births), SystemTime::UNIX_EPOCH)
            .unwrap()
    }

    #[test]
    fn a_snapshot_keeps_when_memory_was_allocated_and_one_without_it_has_no_ages() {
        let births = serde_json::json!({
            "recorded_ms": 9000, "sample_bytes": 524_288, "bounds_ms": [4000],
            "all": {"periods": [[0, 8193, 524_320]]},
            "types": [{"type": "A", "full_type": "a::A", "is_attributed": true, "periods": [[0, 8193, 524_320]]}],
        });
        let births: Births = serde_json::from_value(births).unwrap();
        let plain = empty(7, "x");
        let snapshot = with_births(&plain, &births);
        let read = Snapshot::from_bytes(snapshot.as_bytes()).unwrap();
        assert_eq!(read.info().ages.as_ref().map(|ages| ages.recorded_seconds), Some(9.0));
        assert_eq!(read.contents().unwrap().1, Some(births));
        assert_eq!(plain.contents().unwrap().1, None);
        let alone = Snapshot::new(snapshot.info().clone(), &plain.profile().unwrap(), SystemTime::UNIX_EPOCH);
        assert_eq!(alone.unwrap().info().ages, None, "ages without the times that they come from");
    }

    #[test]
    fn reads_a_file_that_does_not_record_its_samples() {
        let info: SnapshotInfo = serde_json::from_str(
            r#"{"schema": "memory-debug-snapshot/v1", "id": "000102030405060708090a0b0c0d0e0f", "label": null,
                "taken_at": "2026-11-21T09:00:00.000Z", "stacks": 9, "sampled_bytes": 1,
                "instance": {"id": "00000000-0000-4000-8000-000000000000", "pid": 1}}"#,
        )
        .unwrap();
        assert_eq!(info.samples, None);
    }

    #[test]
    fn says_why_bytes_are_not_a_snapshot() {
        let snapshot = empty(7, "x");
        for cut in [0, 1, 20, snapshot.as_bytes().len() - 1] {
            assert!(Snapshot::from_bytes(&snapshot.as_bytes()[..cut]).is_err(), "{cut}");
        }
        let mut plain = Vec::new();
        snapshot.profile().unwrap().write_pprof(&PprofOptions::default(), &mut plain).unwrap();
        assert!(Snapshot::from_bytes(plain).unwrap_err().to_string().contains("not a snapshot"));
        let info = SnapshotInfo { schema: "memory-debug-snapshot/v2".into(), ..snapshot.info().clone() };
        let later = Snapshot::new(info, &snapshot.profile().unwrap(), SystemTime::UNIX_EPOCH).unwrap();
        assert!(
            Snapshot::from_bytes(later.as_bytes())
                .unwrap_err()
                .to_string()
                .contains("memory-debug-snapshot/v2")
        );
    }

    #[test]
    fn a_snapshot_can_be_taken_with_any_clock() {
        let snapshot = empty(7, "x");
        for at in timestamp::unusual_clocks() {
            let info = SnapshotInfo { taken_at: timestamp::millis(at), ..snapshot.info().clone() };
            let made = Snapshot::new(info, &snapshot.profile().unwrap(), at).unwrap();
            assert_eq!(Snapshot::from_bytes(made.as_bytes()).unwrap().info().taken_at, made.info().taken_at);
        }
    }

    #[test]
    fn the_age_of_a_snapshot_is_never_negative() {
        let (first, second) = (empty(10, "a"), empty(70, "b"));
        assert_eq!(first.age_at(&second), Some(Duration::from_secs(60)));
        assert_eq!(second.age_at(&first), None);
        let at = |taken_at: &str| {
            let mut snapshot = empty(0, "c");
            snapshot.info.taken_at = taken_at.into();
            snapshot
        };
        let (before, after) = (at("1969-12-31T23:59:59.500Z"), at("9999-12-31T23:59:59.999Z"));
        assert_eq!(before.age_at(&first), Some(Duration::from_millis(10_500)));
        assert!(before.age_at(&after) > before.age_at(&first), "{:?}", before.age_at(&after));
        assert_eq!(at("").age_at(&first), None);
    }
}
