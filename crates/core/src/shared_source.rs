//! A part of the program that the page asks.

use std::ops::Deref;
use std::path::Path;
use std::sync::Arc;
use std::time::SystemTime;

use memory_debug_report::{InstanceInfo, Unavailable};

use crate::collect::Collector;
use crate::timestamp;

/// A shared source. Two are equal if they share one.
#[derive(Debug)]
pub struct SharedSource<T: ?Sized>(Arc<T>);

impl<T: ?Sized> SharedSource<T> {
    /// Shares `source`.
    pub fn new(source: Arc<T>) -> Self {
        Self(source)
    }
}

impl<T: ?Sized> Clone for SharedSource<T> {
    fn clone(&self) -> Self {
        Self(Arc::clone(&self.0))
    }
}

impl<T: ?Sized> Deref for SharedSource<T> {
    type Target = T;

    fn deref(&self) -> &T {
        &self.0
    }
}

impl<T: ?Sized> PartialEq for SharedSource<T> {
    fn eq(&self, other: &Self) -> bool {
        // Compares the addresses alone: one source can have several tables of functions.
        std::ptr::addr_eq(Arc::as_ptr(&self.0), Arc::as_ptr(&other.0))
    }
}

impl<T: ?Sized> Eq for SharedSource<T> {}

impl Collector {
    /// The identity of the process for the report of a source. Reads nothing else.
    pub(crate) fn identity(&self) -> (InstanceInfo, Unavailable) {
        let mut reasons = Unavailable::default();
        (self.instance(Path::new("/proc"), &mut reasons), reasons)
    }
}

/// The time of a report.
pub(crate) fn now() -> String {
    timestamp::seconds(SystemTime::now())
}

pub(crate) fn note_all(unavailable: &mut Unavailable, reasons: &Unavailable) {
    reasons.iter().for_each(|(path, reason)| unavailable.note(path, reason));
}
