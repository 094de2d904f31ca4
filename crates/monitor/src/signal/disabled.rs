//! Without the feature `signal` no signal is handled.

use std::os::fd::BorrowedFd;

/// No handlers.
#[derive(Debug)]
pub(crate) enum Signals {}

impl Signals {
    /// The file descriptors that it keeps open.
    pub(crate) const DESCRIPTORS: u64 = 0;

    pub(crate) fn fd(&self) -> BorrowedFd<'_> {
        match *self {}
    }

    pub(crate) fn take(&mut self) -> Option<super::Signal> {
        match *self {}
    }
}
