//! What the monitor of a process watches and what it saw, as values.

mod block;
mod capture;
mod event;
mod rule;
mod task;
mod totals;

pub use block::{BlockedThread, BlockedWorker};
pub use capture::{
    Capture, CaptureKind, CaptureStatus, CapturedProcess, EarlierProcess, FlightRecord, ProcessEnd,
};
pub use event::{ActionOutcome, EventKind, MonitorEvent};
pub use rule::{MonitorMetric, RuleState, RuleStatus};
pub use task::{TaskNode, TaskReport, TaskRow, TaskSourceReport, TaskState};
pub use totals::{EventCount, MonitorTotals};

use serde::{Deserialize, Serialize};

use crate::instance::InstanceInfo;
use crate::schema::SCHEMA;
use crate::unavailable::Unavailable;

/// What the monitor of a process watches, what it saw, and what it cost.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct MonitorReport {
    /// Always [`SCHEMA`](crate::SCHEMA).
    pub schema: String,
    /// The process that is watched.
    pub instance: InstanceInfo,
    /// When this report was made, RFC 3339 in UTC.
    pub reported_at: String,
    /// The monitor's state. `None` if it does not run; `unavailable` says why under `monitor`.
    pub monitor: Option<MonitorStatus>,
    /// Why a value is `None`, keyed by its path.
    pub unavailable: Unavailable,
}

/// The state of a running monitor.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[non_exhaustive]
#[serde(default)]
pub struct MonitorStatus {
    /// When it started, RFC 3339 in UTC.
    pub started_at: String,
    /// What wakes it besides its interval, in words: `memory.events`, `memory pressure`. A source that cannot be used
    /// has its reason in `unavailable` under `monitor.wakes.NAME`.
    pub wakes: Vec<String>,
    /// The rules, in the order in which they were added.
    pub rules: Vec<RuleStatus>,
    /// The latest events, the newest first.
    pub events: Vec<MonitorEvent>,
    /// Events that are no longer in `events`.
    pub omitted_events: u64,
    /// Events that were counted and not sent, because there were too many.
    pub suppressed_events: u64,
    /// What is captured before a kill. `None` if no folder was set.
    pub captures: Option<CaptureStatus>,
    /// Workers that are blocked now, and the last ones that were. `None` if no runtime is watched.
    pub blocked: Option<Vec<BlockedWorker>>,
    /// Counters since the monitor started.
    pub totals: MonitorTotals,
    /// What the monitor itself cost.
    pub cost: MonitorCost,
}

/// What the monitor itself cost.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
#[serde(default)]
pub struct MonitorCost {
    /// How many times it looked at the numbers.
    pub looks: u64,
    /// Of these, how many because of a wake-up.
    pub wakes: u64,
    /// Processor time of its threads. `None` if the kernel does not tell.
    pub cpu_us: Option<u64>,
    /// Bytes that it holds for events, records and tasks.
    pub bytes: u64,
    /// File descriptors that it keeps open.
    pub descriptors: u64,
    /// Times that a callback or a check of the application panicked.
    pub panics: u64,
}

impl MonitorReport {
    /// Keeps the latest `top` events, and counts the others as omitted.
    pub fn keep_events(&mut self, top: usize) {
        if let Some(monitor) = &mut self.monitor {
            monitor.omitted_events += monitor.events.len().saturating_sub(top) as u64;
            monitor.events.truncate(top);
        }
    }

    /// The report of a running monitor, made at `reported_at` (RFC 3339, in UTC).
    pub fn new(instance: InstanceInfo, reported_at: impl Into<String>, monitor: MonitorStatus) -> Self {
        Self {
            schema: SCHEMA.into(),
            instance,
            reported_at: reported_at.into(),
            monitor: Some(monitor),
            unavailable: Unavailable::default(),
        }
    }

    /// The report of a process whose monitor does not run, and why.
    pub fn not_running(instance: InstanceInfo, reported_at: impl Into<String>, reason: &str) -> Self {
        let mut report = Self::new(instance, reported_at, MonitorStatus::default());
        report.monitor = None;
        report.unavailable.note("monitor", reason);
        report
    }
}
