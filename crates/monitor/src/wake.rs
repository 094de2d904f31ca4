//! What wakes the monitor besides its interval. A wake only causes a look; the numbers decide.

mod events;
mod pressure;

use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::path::Path;
use std::time::Duration;

use rustix::event::PollFlags;

use crate::reader::Reader;
pub(crate) use pressure::ServiceManager;

/// How long a source is not waited for after it woke the monitor. The kernel counts an event at each pass of its
/// reclaim, which can be thousands a second.
pub(crate) const HOLD_OFF: Duration = Duration::from_millis(500);

/// The sources that can wake the monitor.
#[derive(Debug)]
pub(crate) struct Wakes {
    pub(crate) events: Result<Source, String>,
    pub(crate) pressure: Result<Source, String>,
}

/// One source.
#[derive(Debug)]
pub(crate) struct Source {
    /// Its name for people: `memory.events of /shop`.
    pub(crate) name: String,
    fd: OwnedFd,
    flags: PollFlags,
    kind: Kind,
    /// It is not waited for until then.
    quiet_until: Duration,
}

#[derive(Debug)]
enum Kind {
    Events,
    Stall(pressure::Stall),
    /// A fifo or socket of a service manager. Its bytes mean nothing.
    Stream,
}

/// What became of a source that was ready.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Woke {
    /// It reported something.
    Yes,
    /// It reported something that is not true.
    Falsely,
    /// It will report nothing any more.
    Ended,
}

impl Wakes {
    /// Opens the sources that exist. `proc` is the folder where `/proc` is mounted.
    pub(crate) fn open(proc: &Path, reader: &Reader, manager: &ServiceManager, buffer: &mut [u8]) -> Self {
        let group = reader.own_group();
        let own = group.as_ref().filter(|(version, _)| *version == 2).map(|(_, folder)| folder.as_path());
        let polls_only = || "version 1 control groups report no events without write access";
        let events = match (&group, own) {
            (_, Some(folder)) => events::watch(folder),
            (Some(_), None) => Err(polls_only().into()),
            (None, None) => Err("the process's control group was not found".into()),
        };
        let host = (!reader.has_limit()).then(|| proc.join("pressure"));
        Self { events, pressure: pressure::watch(manager, own, host.as_deref(), buffer) }
    }

    /// Both sources, for the loop of the driver.
    pub(crate) fn both(&mut self) -> [&mut Result<Source, String>; 2] {
        [&mut self.events, &mut self.pressure]
    }

    /// When a source that is not waited for now will be waited for again.
    pub(crate) fn next_waited_for(&self, at: Duration) -> Option<Duration> {
        let sources = [&self.events, &self.pressure].into_iter().flatten();
        sources.map(|source| source.quiet_until).filter(|until| *until > at).min()
    }
}

impl Source {
    fn new(name: String, fd: OwnedFd, flags: PollFlags, kind: Kind) -> Self {
        Self { name, fd, flags, kind, quiet_until: Duration::ZERO }
    }

    /// What to wait for at `at`, unless it is quiet now.
    pub(crate) fn waits_for(&self, at: Duration) -> Option<(BorrowedFd<'_>, PollFlags)> {
        (at >= self.quiet_until).then(|| (self.fd.as_fd(), self.flags))
    }

    /// Takes what a source has that was ready.
    pub(crate) fn take(&mut self, at: Duration, ready: PollFlags, buffer: &mut [u8]) -> Woke {
        self.quiet_until = at.saturating_add(HOLD_OFF);
        match &mut self.kind {
            Kind::Events => drain(&self.fd, buffer),
            Kind::Stream => drain(&self.fd, buffer),
            // The kernel says so when the group was removed.
            Kind::Stall(_) if ready.contains(PollFlags::ERR) => Woke::Ended,
            Kind::Stall(stall) => stall.take(buffer),
        }
    }
}

/// Reads what is there and forgets it.
fn drain(fd: &OwnedFd, buffer: &mut [u8]) -> Woke {
    // A source that is written to all the time must not keep the monitor here.
    for _ in 0..16 {
        match rustix::io::read(fd, &mut *buffer) {
            Ok(0) => return Woke::Ended,
            Ok(length) if length == buffer.len() => {}
            Ok(_) => return Woke::Yes,
            Err(rustix::io::Errno::INTR) => {}
            Err(rustix::io::Errno::AGAIN) => return Woke::Yes,
            Err(_) => return Woke::Ended,
        }
    }
    Woke::Yes
}

#[cfg(test)]
mod tests;
