//! What a rule does at an event.

use std::fmt;
use std::path::PathBuf;
use std::sync::Arc;

use memory_debug_core::MonitorEvent;

/// A function of the application that gets events.
pub(crate) type OnEvent = Arc<dyn Fn(&MonitorEvent) + Send + Sync>;

/// What a rule does at an event. No action runs on the monitor's thread.
#[derive(Clone)]
#[non_exhaustive]
pub enum Action {
    /// Writes the event to the log, at level `warn`.
    Log,
    /// Calls a function with the event, see [`callback`](Self::callback).
    Callback(Callback),
    /// Keeps a snapshot of the heap in memory, for the page `/diff`. If memory is too short for that, it captures
    /// instead.
    KeepSnapshot,
    /// Saves a snapshot to a folder, see [`save_snapshot`](Self::save_snapshot). If memory is too short for that, it
    /// captures instead.
    SaveSnapshot(SaveTo),
    /// Returns the allocator's unused pages to the system, at most once a minute. It gives up for the rest of the
    /// process's life after three times in a row that returned less than 1 %.
    Purge,
    /// Captures to the folder of [`Monitor::before_oom`](crate::Monitor::before_oom). Does nothing without one.
    Capture,
}

/// A function that gets events.
#[derive(Clone)]
pub struct Callback(pub(crate) OnEvent);

/// A folder for snapshots, and how many bytes they may have.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SaveTo {
    pub(crate) folder: PathBuf,
    pub(crate) max_bytes: u64,
}

impl Action {
    /// Calls `function` with the event, on a thread of its own.
    ///
    /// A panic is caught and counted; after three, the function is not called any more. While a call does not return,
    /// further events of this function are counted and not sent; nothing else waits for it.
    pub fn callback(function: impl Fn(&MonitorEvent) + Send + Sync + 'static) -> Self {
        Self::Callback(Callback(Arc::new(function)))
    }

    /// Saves a snapshot to `folder`, whose snapshots may have `max_bytes` together. The oldest are removed, so the
    /// folder should be used for nothing else. A rule saves no more snapshots in 24 hours than it may send events,
    /// and counts the files in the folder, so that this holds over restarts.
    pub fn save_snapshot(folder: impl Into<PathBuf>, max_bytes: u64) -> Self {
        Self::SaveSnapshot(SaveTo { folder: folder.into(), max_bytes })
    }

    /// The name in events and on the page.
    pub(crate) fn name(&self) -> &'static str {
        match self {
            Self::Log => "log",
            Self::Callback(_) => "callback",
            Self::KeepSnapshot => "keep-snapshot",
            Self::SaveSnapshot(_) => "save-snapshot",
            Self::Purge => "purge",
            Self::Capture => "capture",
        }
    }
}

impl fmt::Debug for Action {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

impl fmt::Debug for Callback {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Callback")
    }
}
