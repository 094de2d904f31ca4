//! A worker of a runtime that does not return to its scheduler.

use serde::{Deserialize, Serialize};

/// A worker that was blocked, or still is.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[non_exhaustive]
#[serde(default)]
pub struct BlockedWorker {
    /// The runtime, as the application named it.
    pub runtime: String,
    /// The worker's number in the runtime. `None` if only the route or task is known.
    pub worker: Option<u64>,
    /// When it began, RFC 3339 in UTC with milliseconds.
    pub started_at: String,
    /// How long it lasted, or has lasted until now. The true time is within `tick_ms` of it.
    pub duration_ms: u64,
    /// How often the worker is looked at.
    pub tick_ms: u64,
    /// Whether it has ended.
    pub ended: bool,
    /// The threads that the worker may be. Several if the kernel's numbers fit several.
    pub threads: Vec<BlockedThread>,
    /// The route (`GET /orders/{id}`) or the task, if it is wrapped.
    pub label: Option<String>,
    /// Why `threads` is empty, if it is.
    pub unknown_threads: Option<String>,
}

/// A thread that may be the blocked one, and what it did.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[non_exhaustive]
#[serde(default)]
pub struct BlockedThread {
    /// Its id.
    pub tid: u32,
    /// Its name.
    pub name: String,
    /// What it did, in words: `computing`, `asleep in clock_nanosleep`. `None` if the kernel does not tell.
    pub doing: Option<String>,
    /// The system call that it waited in.
    pub syscall: Option<String>,
    /// The function of the kernel that it waited in.
    pub wait_channel: Option<String>,
    /// Processor time that it used during the block.
    pub cpu_ms: Option<u64>,
}
