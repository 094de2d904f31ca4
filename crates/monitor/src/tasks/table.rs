//! The table of known tasks.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use memory_debug_core::PerProcess;

use super::Record;

/// The most tasks that are known at a time. The table then takes 1 MiB, and the records some 10 MiB.
pub(super) const MAX_TASKS: usize = 65_536;

/// The tasks of this process.
pub(super) static TABLE: Table = Table::new();

pub(super) struct Table {
    /// A forked child has none of the tasks.
    entries: PerProcess<Mutex<Entries>>,
    /// Tasks that are alive and not in the table, because it was full.
    beyond: AtomicU64,
}

#[derive(Debug)]
struct Entries {
    records: Vec<Option<Arc<Record>>>,
    free: Vec<usize>,
}

impl Table {
    pub(super) const fn new() -> Self {
        Self { entries: PerProcess::new(Mutex::new(Entries::new())), beyond: AtomicU64::new(0) }
    }

    /// Adds a task, and returns its place. `None` if the table is full.
    pub(super) fn insert(&self, record: &Arc<Record>) -> Option<usize> {
        let index = self.lock().insert(Arc::clone(record));
        if index.is_none() {
            self.beyond.fetch_add(1, Ordering::Relaxed);
        }
        index
    }

    /// Removes the task that [`insert`](Self::insert) put at `index`.
    pub(super) fn remove(&self, index: Option<usize>, id: u64) {
        match index {
            Some(index) => {
                let record = self.lock().remove(index, id);
                // Freed after the lock is.
                drop(record);
            }
            None => {
                self.beyond.fetch_sub(1, Ordering::Relaxed);
            }
        }
    }

    /// All records, in no order, and how many tasks are beyond the table.
    pub(super) fn records(&self) -> (Vec<Arc<Record>>, u64) {
        let records = self.lock().records.iter().flatten().cloned().collect();
        (records, self.beyond.load(Ordering::Relaxed))
    }

    pub(super) fn find(&self, is: impl Fn(&Record) -> bool) -> Option<Arc<Record>> {
        self.lock().records.iter().flatten().find(|record| is(record)).cloned()
    }

    fn lock(&self) -> MutexGuard<'_, Entries> {
        let entries = self.entries.get(|_| Mutex::new(Entries::new()));
        entries.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Entries {
    const fn new() -> Self {
        Self { records: Vec::new(), free: Vec::new() }
    }

    fn insert(&mut self, record: Arc<Record>) -> Option<usize> {
        if let Some(index) = self.free.pop() {
            self.records[index] = Some(record);
            return Some(index);
        }
        if self.records.len() >= MAX_TASKS {
            return None;
        }
        self.records.push(Some(record));
        Some(self.records.len() - 1)
    }

    fn remove(&mut self, index: usize, id: u64) -> Option<Arc<Record>> {
        // In a forked child, a task of the parent has no entry, and its place may belong to another task.
        let record = self.records.get_mut(index)?.take_if(|record| record.id == id)?;
        self.free.push(index);
        if self.free.len() == self.records.len() {
            // The last task has ended. Give the memory of a large table back.
            *self = Self::new();
        }
        Some(record)
    }
}

#[cfg(test)]
impl Table {
    /// Entries in use, and entries that have memory.
    pub(super) fn size(&self) -> (usize, usize) {
        let entries = self.lock();
        (entries.records.len() - entries.free.len(), entries.records.capacity())
    }
}
