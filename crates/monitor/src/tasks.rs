//! The known tasks.
//!
//! A task is known if it was made by [`spawn`] or [`task`], or by a runtime with [`hooks`]. The table holds a record of
//! each until its future is dropped. A poll costs two reads of the clock and some stores into the record, no lock.

use std::borrow::Cow;
use std::cell::Cell;
use std::panic::Location;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use memory_debug_core::{InstanceInfo, TaskReport};

use crate::slot::{self, Label};

mod forest;
mod future;
#[cfg(all(tokio_unstable, feature = "tokio"))]
mod hooks;
mod source;
mod table;

#[cfg(feature = "tokio")]
pub use future::spawn;
pub use future::{TaskFuture, task};
#[cfg(all(tokio_unstable, feature = "tokio"))]
pub use hooks::hooks;
pub use source::add_task_source;

use table::TABLE;

thread_local! {
    /// The task that this thread polls. 0 if it polls none that is known.
    static CURRENT: Cell<u64> = const { Cell::new(0) };
}

/// What is known of a task.
#[derive(Debug)]
struct Record {
    id: u64,
    /// The task that spawned it. 0 if that is not known.
    parent: u64,
    name: Cow<'static, str>,
    location: &'static Location<'static>,
    /// All times are by [`slot::now`].
    spawned: Duration,
    polls: AtomicU64,
    busy_ns: AtomicU64,
    longest_ns: AtomicU64,
    /// When the poll under way began, or 0.
    poll_began_ns: AtomicU64,
    /// When the last poll ended, or 0.
    poll_ended_ns: AtomicU64,
}

/// A task in the table, until this is dropped.
#[derive(Debug)]
struct Known {
    record: Arc<Record>,
    /// Where it is in the table. `None` if the table was full; then the task is only counted.
    index: Option<usize>,
}

impl Known {
    fn new(name: Cow<'static, str>, location: &'static Location<'static>) -> Self {
        static LAST_ID: AtomicU64 = AtomicU64::new(0);
        let record = Arc::new(Record {
            id: LAST_ID.fetch_add(1, Ordering::Relaxed) + 1,
            parent: CURRENT.try_with(Cell::get).unwrap_or(0),
            name,
            location,
            spawned: slot::now(),
            polls: AtomicU64::new(0),
            busy_ns: AtomicU64::new(0),
            longest_ns: AtomicU64::new(0),
            poll_began_ns: AtomicU64::new(0),
            poll_ended_ns: AtomicU64::new(0),
        });
        let index = TABLE.insert(&record);
        Self { record, index }
    }

    /// Runs one poll of the task, and counts it.
    fn poll<R>(&self, poll: impl FnOnce() -> R) -> R {
        let _polling = Polling::begin(&self.record);
        slot::poll_as(Label::task(self.record.id), poll)
    }
}

impl Drop for Known {
    fn drop(&mut self) {
        TABLE.remove(self.index, self.record.id);
    }
}

/// A poll under way. Counted when it is dropped, also if the poll panics.
struct Polling<'a> {
    record: &'a Record,
    outer: u64,
}

impl<'a> Polling<'a> {
    fn begin(record: &'a Record) -> Self {
        record.begin_poll();
        Self { record, outer: CURRENT.try_with(|current| current.replace(record.id)).unwrap_or(0) }
    }
}

impl Drop for Polling<'_> {
    fn drop(&mut self) {
        let _ = CURRENT.try_with(|current| current.set(self.outer));
        self.record.end_poll();
    }
}

// Only the thread that polls the task writes these, so a load and a store are enough.
impl Record {
    fn begin_poll(&self) {
        self.poll_began_ns.store(nanos(slot::now()), Ordering::Relaxed);
    }

    fn end_poll(&self) {
        let now = nanos(slot::now());
        let took = now.saturating_sub(self.poll_began_ns.load(Ordering::Relaxed));
        let add = |counter: &AtomicU64, more: u64| {
            counter.store(counter.load(Ordering::Relaxed).saturating_add(more), Ordering::Relaxed);
        };
        add(&self.polls, 1);
        add(&self.busy_ns, took);
        self.longest_ns.store(self.longest_ns.load(Ordering::Relaxed).max(took), Ordering::Relaxed);
        self.poll_ended_ns.store(now, Ordering::Relaxed);
        self.poll_began_ns.store(0, Ordering::Relaxed);
    }
}

/// Tasks of the watched runtimes, also those that are not known.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Totals {
    pub(crate) alive: u64,
    pub(crate) queued: u64,
}

/// The known tasks as a forest. `totals` is `None` if no runtime is watched.
pub(crate) fn report(instance: InstanceInfo, reported_at: String, totals: Option<Totals>) -> TaskReport {
    let mut report = TaskReport::new(instance, reported_at);
    let (records, beyond_table) = TABLE.records();
    report.known = records.len() as u64;
    report.beyond_table = beyond_table;
    report.alive = totals.map(|totals| totals.alive);
    report.queued = totals.map(|totals| totals.queued);
    if totals.is_none() {
        for path in ["alive", "queued"] {
            report.unavailable.note(path, "no runtime is watched; name one with `Monitor::watch_runtime`");
        }
    }
    report.sources = source::reports();
    (report.tasks, report.omitted) = forest::rows(&records, slot::now());
    report
}

/// The name of a task that is alive, and where it was spawned.
pub(crate) fn name(id: u64) -> Option<String> {
    let record = TABLE.find(|record| record.id == id)?;
    Some(format!("{} ({})", record.name, place(record.location)))
}

fn place(location: &Location<'_>) -> String {
    format!("{}:{}", location.file(), location.line())
}

fn nanos(duration: Duration) -> u64 {
    u64::try_from(duration.as_nanos()).unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests;
