//! What survives a kill: files in a folder.

use serde::{Deserialize, Serialize};

use crate::instance::InstanceInfo;

/// What a captured file holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
#[non_exhaustive]
pub enum CaptureKind {
    /// The flight record: numbers, many times a minute.
    Flight,
    /// A heap profile with types, taken in quiet times, to compare with.
    Baseline,
    /// A heap profile with types, taken at a high-water mark.
    Snapshot,
    /// jemalloc's own dump, without types until it is symbolised.
    RawDump,
}

/// One captured file.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct Capture {
    /// The name of the file in the folder.
    pub file: String,
    /// What it holds.
    pub kind: CaptureKind,
    /// When it was taken, RFC 3339 in UTC.
    pub taken_at: String,
    /// Its length.
    pub bytes: u64,
    /// The process that it describes.
    pub pid: u32,
    /// Memory in use at that time, in percent of the limit.
    pub percent_of_limit: Option<f64>,
    /// The type with the most bytes, and its bytes. `None` if the file has no types yet.
    pub largest_type: Option<(String, u64)>,
}

/// The folder, and what is in it.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[non_exhaustive]
#[serde(default)]
pub struct CaptureStatus {
    /// The folder.
    pub folder: String,
    /// The most bytes that all files together may have.
    pub max_bytes: u64,
    /// What is wrong with the folder, for example that it does not survive the container.
    pub warning: Option<String>,
    /// Why nothing is captured now, if so.
    pub paused: Option<String>,
    /// The files, the newest first.
    pub files: Vec<Capture>,
    /// Earlier processes that did not end in order, the latest first.
    pub earlier: Vec<EarlierProcess>,
    /// Records and files that could not be read, each with the reason.
    pub skipped: Vec<String>,
}

/// An earlier process that used the folder and did not end in order.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct EarlierProcess {
    /// Its process id.
    pub pid: u32,
    /// Its instance id.
    pub instance: String,
    /// How it ended, in a sentence: how full memory was, how long before, and what held it.
    pub summary: String,
    /// The last record of its flight recorder.
    pub last: Option<FlightRecord>,
    /// Whether the kernel counted a kill for lack of memory in its container. `None` if that is not known.
    pub was_oom_killed: Option<bool>,
    /// The names of its files, the newest first.
    pub files: Vec<String>,
}

/// How a process ended, as far as its flight record tells.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
#[non_exhaustive]
pub enum ProcessEnd {
    /// It has not ended.
    Running,
    /// It stopped its monitor before it ended.
    InOrder,
    /// It was killed, it crashed, or the machine failed.
    Abrupt,
}

/// A process that wrote to a folder of captures.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct CapturedProcess {
    /// The process.
    pub instance: InstanceInfo,
    /// How it ended.
    pub end: ProcessEnd,
    /// How it ended, in a sentence: how full memory was, and what held it.
    pub summary: String,
    /// Whether the kernel counted a kill for lack of memory in its container. `None` if that is not known.
    pub was_oom_killed: Option<bool>,
    /// Where its limit comes from.
    pub limit_source: Option<String>,
    /// The records of its flight recorder, the oldest first. The last one has the types that were known.
    pub records: Vec<FlightRecord>,
    /// Records that were damaged.
    pub damaged_records: u64,
    /// Its files, the newest first.
    pub files: Vec<Capture>,
}

/// One record of a flight recorder.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[non_exhaustive]
#[serde(default)]
pub struct FlightRecord {
    /// When it was written, RFC 3339 in UTC with milliseconds.
    pub at: String,
    /// Resident memory of the process.
    pub resident_bytes: Option<u64>,
    /// Working set of the container.
    pub container_bytes: Option<u64>,
    /// The limit that is reached first.
    pub limit_bytes: Option<u64>,
    /// jemalloc's numbers: bytes that the program holds, …
    pub allocated_bytes: Option<u64>,
    /// … pages that hold them, …
    pub active_bytes: Option<u64>,
    /// … jemalloc's own data, …
    pub metadata_bytes: Option<u64>,
    /// … resident pages, …
    pub allocator_resident_bytes: Option<u64>,
    /// … and addresses kept for later.
    pub retained_bytes: Option<u64>,
    /// Threads of the process.
    pub threads: Option<u64>,
    /// The largest types that were known then, with their bytes. Empty if the records before have them already.
    pub types: Vec<(String, u64)>,
    /// When these types were measured, RFC 3339 in UTC with milliseconds.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub types_at: Option<String>,
}

impl Capture {
    /// A file of `bytes` that describes the process `pid` at `taken_at` (RFC 3339, in UTC).
    pub fn new(
        file: impl Into<String>,
        kind: CaptureKind,
        taken_at: impl Into<String>,
        bytes: u64,
        pid: u32,
    ) -> Self {
        Self {
            file: file.into(),
            kind,
            taken_at: taken_at.into(),
            bytes,
            pid,
            percent_of_limit: None,
            largest_type: None,
        }
    }
}

impl CapturedProcess {
    /// A process that ended in this way, in a sentence.
    pub fn new(instance: InstanceInfo, end: ProcessEnd, summary: impl Into<String>) -> Self {
        Self {
            instance,
            end,
            summary: summary.into(),
            was_oom_killed: None,
            limit_source: None,
            records: Vec::new(),
            damaged_records: 0,
            files: Vec::new(),
        }
    }
}

impl From<CapturedProcess> for EarlierProcess {
    fn from(process: CapturedProcess) -> Self {
        Self {
            pid: process.instance.pid,
            instance: process.instance.id.to_string(),
            summary: process.summary,
            last: process.records.into_iter().next_back(),
            was_oom_killed: process.was_oom_killed,
            files: process.files.into_iter().map(|file| file.file).collect(),
        }
    }
}

impl EarlierProcess {
    /// A process that did not end in order, in a sentence.
    pub fn new(pid: u32, instance: impl Into<String>, summary: impl Into<String>) -> Self {
        Self {
            pid,
            instance: instance.into(),
            summary: summary.into(),
            last: None,
            was_oom_killed: None,
            files: Vec::new(),
        }
    }
}
