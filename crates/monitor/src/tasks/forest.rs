//! Records as rows of a report: each task below the task that spawned it.

use std::cmp::Reverse;
use std::collections::HashMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use memory_debug_core::{TaskRow, TaskState};

use super::{Record, place};

/// The most rows of a report.
pub(super) const MAX_ROWS: usize = 1_000;

/// The tasks in preorder, the busiest first among siblings, and how many are left out.
///
/// It keeps a stack of its own, because a chain of tasks can be as long as the table.
pub(super) fn rows(records: &[Arc<Record>], now: Duration) -> (Vec<TaskRow>, u64) {
    let known: HashMap<u64, &Record> = records.iter().map(|record| (record.id, &**record)).collect();
    let mut children: HashMap<u64, Vec<&Record>> = HashMap::new();
    for record in known.values() {
        let parent = if known.contains_key(&record.parent) { record.parent } else { 0 };
        children.entry(parent).or_default().push(record);
    }
    let mut below = |parent: u64| {
        let mut tasks = children.remove(&parent).unwrap_or_default();
        // The next one is taken from the end.
        tasks.sort_by_cached_key(|record| (busy(record, now), Reverse(record.id)));
        tasks
    };
    let mut rows = Vec::with_capacity(records.len().min(MAX_ROWS));
    let mut next: Vec<_> = below(0).into_iter().map(|record| (record, 0)).collect();
    while let Some((record, depth)) = next.pop() {
        if rows.len() == MAX_ROWS {
            break;
        }
        let parent = (depth > 0).then_some(record.parent);
        rows.push(row(record, parent, depth, now));
        next.extend(below(record.id).into_iter().map(|child| (child, depth + 1)));
    }
    let omitted = (records.len() - rows.len()) as u64;
    (rows, omitted)
}

fn row(record: &Record, parent: Option<u64>, depth: u64, now: Duration) -> TaskRow {
    let polls = load(&record.polls);
    let began = load(&record.poll_began_ns);
    let state = match (began, polls) {
        (0, 0) => TaskState::New,
        (0, _) => TaskState::Idle,
        _ => TaskState::Running,
    };
    let mut row = TaskRow::default();
    row.id = record.id;
    row.parent = parent;
    row.depth = depth;
    row.name = record.name.as_ref().into();
    row.location = place(record.location);
    row.state = state;
    row.age_ms = millis(now.saturating_sub(record.spawned));
    row.polls = polls;
    row.busy_us = busy(record, now) / 1_000;
    row.longest_poll_us = load(&record.longest_ns).max(under_way(record, now)) / 1_000;
    row.idle_ms = (state == TaskState::Idle)
        .then(|| millis(now.saturating_sub(Duration::from_nanos(load(&record.poll_ended_ns)))));
    row
}

/// Nanoseconds of all polls, with the poll under way.
fn busy(record: &Record, now: Duration) -> u64 {
    load(&record.busy_ns).saturating_add(under_way(record, now))
}

fn under_way(record: &Record, now: Duration) -> u64 {
    match load(&record.poll_began_ns) {
        0 => 0,
        began => super::nanos(now.saturating_sub(Duration::from_nanos(began))),
    }
}

fn load(counter: &AtomicU64) -> u64 {
    counter.load(Ordering::Relaxed)
}

fn millis(duration: Duration) -> u64 {
    u64::try_from(duration.as_millis()).unwrap_or(u64::MAX)
}
