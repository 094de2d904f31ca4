//! What other threads tell the monitor's thread.

use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Mutex, PoisonError};

use memory_debug_core::MonitorEvent;
use rustix::event::{EventfdFlags, eventfd};

use crate::captures::JobResult;
use crate::error::MonitorError;

/// Something that the monitor's thread should know.
#[derive(Debug)]
pub(crate) enum Note {
    /// An event of another thread.
    Event(Box<MonitorEvent>),
    /// A snapshot was taken, and these are its types with their bytes.
    Types(Vec<(String, u64)>),
    /// The event with this id asks for a capture.
    CaptureWanted(u64),
    /// A capture has ended. The event with this id had asked for it.
    Captured(JobResult, Option<u64>),
}

/// Notes for the monitor's thread, and a descriptor that wakes it.
#[derive(Debug)]
pub(crate) struct Inbox {
    notes: Mutex<Vec<Note>>,
    is_stopping: AtomicBool,
    bell: OwnedFd,
}

impl Inbox {
    pub(crate) fn new() -> Result<Self, MonitorError> {
        let bell = eventfd(0, EventfdFlags::CLOEXEC | EventfdFlags::NONBLOCK)
            .map_err(|errno| MonitorError::of("no descriptor to wake the monitor's thread", errno))?;
        Ok(Self { notes: Mutex::default(), is_stopping: AtomicBool::new(false), bell })
    }

    /// Leaves a note, and wakes the thread.
    pub(crate) fn push(&self, note: Note) {
        self.notes.lock().unwrap_or_else(PoisonError::into_inner).push(note);
        self.ring();
    }

    /// Tells the thread to end.
    pub(crate) fn stop(&self) {
        self.is_stopping.store(true, Ordering::SeqCst);
        self.ring();
    }

    pub(crate) fn is_stopping(&self) -> bool {
        self.is_stopping.load(Ordering::SeqCst)
    }

    /// Takes all notes. Allocates nothing without notes.
    pub(crate) fn take(&self) -> Vec<Note> {
        // The counter goes back to 0, so the bell is silent until the next note.
        let _ = rustix::io::read(&self.bell, &mut [0; 8]);
        std::mem::take(&mut *self.notes.lock().unwrap_or_else(PoisonError::into_inner))
    }

    /// Readable if there is something to take.
    pub(crate) fn bell(&self) -> BorrowedFd<'_> {
        self.bell.as_fd()
    }

    fn ring(&self) {
        // It only fails if the counter is at its highest, and then the bell rings anyway.
        let _ = rustix::io::write(&self.bell, &1_u64.to_ne_bytes());
    }
}
