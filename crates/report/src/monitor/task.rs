//! Tasks of asynchronous runtimes.

use serde::{Deserialize, Serialize};

use crate::instance::InstanceInfo;
use crate::schema::SCHEMA;
use crate::unavailable::Unavailable;

/// The tasks that are known, each with its children.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct TaskReport {
    /// Always [`SCHEMA`](crate::SCHEMA).
    pub schema: String,
    /// The process.
    pub instance: InstanceInfo,
    /// When this report was made, RFC 3339 in UTC.
    pub reported_at: String,
    /// Tasks that are alive and known.
    pub known: u64,
    /// Tasks that are alive in the watched runtimes. `None` if no runtime is watched.
    pub alive: Option<u64>,
    /// Tasks that wait in the global queues of the watched runtimes. `None` if no runtime is watched.
    pub queued: Option<u64>,
    /// Tasks that were spawned through the monitor and are not known, because its table was full.
    pub beyond_table: u64,
    /// The tasks as a forest in preorder, the one that was busy the longest first among siblings.
    pub tasks: Vec<TaskRow>,
    /// Tasks that were left out of `tasks`.
    pub omitted: u64,
    /// What sources of the application know, such as trees of awaits.
    #[serde(default)]
    pub sources: Vec<TaskSourceReport>,
    /// Why a value is `None`, keyed by its path.
    pub unavailable: Unavailable,
}

/// Where a task is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
#[non_exhaustive]
pub enum TaskState {
    /// It has never been polled.
    #[default]
    New,
    /// It is being polled now.
    Running,
    /// It waits to be woken.
    Idle,
}

/// One task.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[non_exhaustive]
#[serde(default)]
pub struct TaskRow {
    /// Counts the tasks of this process, from 1.
    pub id: u64,
    /// The task that spawned it, if that is known and alive.
    pub parent: Option<u64>,
    /// How many known ancestors it has.
    pub depth: u64,
    /// Its name.
    pub name: String,
    /// Where it was spawned: `src/feed.rs:41`.
    pub location: String,
    /// Where it is.
    pub state: TaskState,
    /// How long it has existed.
    pub age_ms: u64,
    /// How often it was polled.
    pub polls: u64,
    /// How long it was polled, all polls together.
    pub busy_us: u64,
    /// The longest poll.
    pub longest_poll_us: u64,
    /// How long it has waited, if it is idle.
    pub idle_ms: Option<u64>,
}

/// What a source of the application knows about tasks.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[non_exhaustive]
#[serde(default)]
pub struct TaskSourceReport {
    /// The name of the source.
    pub name: String,
    /// Its nodes in preorder.
    pub nodes: Vec<TaskNode>,
    /// Nodes that were left out.
    pub omitted: u64,
    /// Why there are no nodes, if the source failed.
    pub failed: Option<String>,
}

/// A task, or something that a task waits for.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
#[serde(default)]
pub struct TaskNode {
    /// How many nodes it is below.
    pub depth: u64,
    /// Its name, as the source has it.
    pub name: String,
    /// For how long it has existed or waited. `None` if the source does not know.
    pub age_ms: Option<u64>,
}

impl TaskNode {
    /// A node that is below `depth` others.
    pub fn new(depth: u64, name: impl Into<String>) -> Self {
        Self { depth, name: name.into(), age_ms: None }
    }
}

impl TaskReport {
    /// Keeps the first `top` tasks, which include the ancestors of each, and counts the others as omitted.
    pub fn keep_tasks(&mut self, top: usize) {
        self.omitted += self.tasks.len().saturating_sub(top) as u64;
        self.tasks.truncate(top);
    }

    /// A report without tasks, made at `reported_at` (RFC 3339, in UTC).
    pub fn new(instance: InstanceInfo, reported_at: impl Into<String>) -> Self {
        Self {
            schema: SCHEMA.into(),
            instance,
            reported_at: reported_at.into(),
            known: 0,
            alive: None,
            queued: None,
            beyond_table: 0,
            tasks: Vec::new(),
            omitted: 0,
            sources: Vec::new(),
            unavailable: Unavailable::default(),
        }
    }
}
