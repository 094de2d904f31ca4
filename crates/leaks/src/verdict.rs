//! The verdict and its parts.

use memory_debug_profile::Ages;
use memory_debug_report::SnapshotInfo;
use serde::{Deserialize, Serialize};

/// Growth found in the longest run of comparable snapshots, and in the newest one.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct LeakVerdict {
    /// The longest run, or the newest among runs of equal length.
    #[serde(flatten)]
    pub run: LeakRun,
    /// The newest run, if another run is longer and the newest has at least three snapshots.
    pub newer: Option<LeakRun>,
    /// Types that keep growing in one of the runs, the fastest first.
    pub suspects: Vec<Suspect>,
    /// Snapshots that were left out of the verdict.
    pub left_out: Vec<LeftOut>,
    /// Description of the test, in sentences.
    pub test: String,
}

/// Snapshots that were compared: from one process, with the same samples.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct LeakRun {
    /// The snapshots, the oldest first.
    pub snapshots: Vec<SnapshotInfo>,
    /// Seconds from the first to the last.
    pub seconds: f64,
    /// Number of types that were compared.
    pub compared_rows: u64,
    /// Caveats about the samples, one sentence each.
    pub notes: Vec<String>,
    /// How the run was judged. [`LeakRule::Growth`] in a verdict of an older version.
    #[serde(default)]
    pub rule: LeakRule,
    /// Number of types that grew and were judged by growth, because the age of too many of their bytes is unknown. 0
    /// unless the rule is survival.
    #[serde(default)]
    pub rows_without_ages: u64,
}

/// How a run was judged.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum LeakRule {
    /// By the sizes of each type at each snapshot.
    #[default]
    Growth,
    /// By what each snapshot keeps of the memory that was allocated before and after the earlier ones.
    Survival,
}

/// Snapshots that were left out, for one reason.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct LeftOut {
    /// The snapshots, in the order given.
    pub snapshots: Vec<SnapshotInfo>,
    /// Why they were left out, and what to do.
    pub reason: String,
}

/// A type that keeps growing.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct Suspect {
    /// As in [`TypeRow::type_name`](memory_debug_report::TypeRow::type_name).
    #[serde(rename = "type")]
    pub type_name: String,
    /// As in [`TypeRow::full_type`](memory_debug_report::TypeRow::full_type).
    pub full_type: String,
    /// Whether the type grew in the newer run.
    pub is_newer: bool,
    /// Live bytes at the end.
    pub bytes: u64,
    /// Growth in objects.
    pub objects_change: i64,
    /// Growth in bytes.
    pub bytes_change: i64,
    /// One standard error of `bytes_change`.
    pub bytes_change_stderr: f64,
    /// Growth in bytes per hour.
    pub bytes_per_hour: f64,
    /// Seconds until the limit with the least room is reached, if nothing else changes. The limit is the container's, a
    /// group's above it, or the machine's memory, as in the last snapshot's `ceiling`. `None` if no limit is known.
    pub seconds_to_limit: Option<f64>,
    /// Live bytes at each snapshot of its run, the oldest first. Empty in a verdict of an older version.
    #[serde(default)]
    pub history_bytes: Vec<u64>,
    /// How old the bytes were at the last snapshot of the run. `None` if the run was judged by growth.
    #[serde(default)]
    pub ages: Option<Ages>,
}

impl LeakVerdict {
    /// The suspects with their growth in bytes per hour, the fastest first, for
    /// [`MemoryReport::note_leaks`](memory_debug_report::MemoryReport::note_leaks).
    pub fn growing_types(&self) -> impl Iterator<Item = (&str, f64)> {
        self.suspects.iter().map(|suspect| (suspect.type_name.as_str(), suspect.bytes_per_hour))
    }

    /// The name and the full type of each suspect, in their order.
    pub fn suspect_names(&self) -> impl Iterator<Item = (&str, &str)> {
        self.suspects.iter().map(|suspect| (suspect.type_name.as_str(), suspect.full_type.as_str()))
    }
}
