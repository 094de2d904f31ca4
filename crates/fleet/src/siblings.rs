//! The processes of one host that report together.
//!
//! Each process listens on a Unix socket in a directory that only their user can enter. The process that is asked for
//! the fleet asks all sockets in the directory, including its own, with the caller's credential, and adds up the
//! answers. It trusts neither the files in the directory nor the bytes from a socket: a stranger could have put them
//! there.

mod ask;
mod connection;
mod directory;
mod listener;
mod name;
#[cfg(test)]
mod tests;

use std::path::PathBuf;
use std::sync::{Arc, Mutex, PoisonError, Weak};

use memory_debug_core::{PerProcess, spawn_collecting};
use memory_debug_report::{Fleet, FleetReport, MissingInstance, MissingReason};

use self::ask::AskSibling;
use self::directory::Directory;
use self::listener::Listener;
use crate::caller::Caller;
use crate::exchange::{self, request};
use crate::neighbours::{CannotAsk, FleetQuery, Neighbours, NeighboursId, OwnReport};
use crate::serve::AnswerSiblings;

/// Maximum number of names in the directory that are used.
const MAX_ENTRIES: usize = 256;

/// The processes that share a directory.
#[derive(Debug)]
pub struct Siblings {
    id: NeighboursId,
    directory: PathBuf,
    /// The listener of this process. A forked process does not share it with its parent.
    listener: PerProcess<Arc<Listener>>,
}

/// All values of this process, one for each directory, because a process has one socket in each directory.
static SIBLINGS: Mutex<Vec<Weak<Siblings>>> = Mutex::new(Vec::new());

impl Siblings {
    /// Returns the siblings in `directory`. Calls with the same directory return the same value. `None` on systems
    /// other than Linux.
    pub fn of_process(directory: PathBuf) -> Option<Arc<Self>> {
        // Made absolute, so that a change of the working directory has no effect. A trailing slash is removed, because
        // the system would then follow a link.
        let directory = std::path::absolute(&directory).unwrap_or(directory);
        let directory: PathBuf = directory.components().collect();
        Some(Self::find_or_add(&mut SIBLINGS.lock().unwrap_or_else(PoisonError::into_inner), directory))
    }

    fn find_or_add(all: &mut Vec<Weak<Self>>, directory: PathBuf) -> Arc<Self> {
        all.retain(|siblings| siblings.strong_count() > 0);
        let known = all.iter().filter_map(Weak::upgrade).find(|siblings| siblings.directory == directory);
        known.unwrap_or_else(|| {
            let id = NeighboursId::unique();
            let new = Arc::new(Self { id, directory, listener: PerProcess::default() });
            all.push(Arc::downgrade(&new));
            new
        })
    }

    fn listener(&self) -> &Arc<Listener> {
        self.listener.get(|_| Arc::default())
    }

    /// Starts to listen on a new thread, unless this process already listens or has just failed to. The value that
    /// `answering` returns answers the requests of siblings.
    pub fn start(&self, answering: impl FnOnce() -> Arc<dyn AnswerSiblings>) {
        self.listener().start(&self.directory, answering);
    }
}

impl Neighbours for Siblings {
    fn id(&self) -> NeighboursId {
        self.id
    }

    /// Asks all siblings, including this process.
    fn ask(&self, query: &FleetQuery<'_>, _: OwnReport<'_>) -> Result<FleetReport, CannotAsk> {
        let fan_out = exchange::fan_out(query.deadline);
        let own = self.listener().wait(fan_out.end).map_err(CannotAsk::Unavailable)?;
        let directory = Directory::open(&self.directory).map_err(CannotAsk::Unavailable)?;
        let mut names = directory.names().map_err(CannotAsk::Unavailable)?;
        // This process's own socket comes first, so that files of others cannot push it beyond the limit.
        names.sort_by(|a, b| (*a != own, a).cmp(&(*b != own, b)));
        let mut fleet = Fleet::new("host");
        let beyond = names.len().saturating_sub(MAX_ENTRIES);
        if beyond > 0 {
            let detail = format!(
                "it has {beyond} names more than the limit of {MAX_ENTRIES}; remove files that do not belong there"
            );
            fleet.miss(MissingInstance::new("the directory", MissingReason::TooMany, detail));
        }
        names.truncate(MAX_ENTRIES);
        // Without a caller, every sibling refuses.
        let nothing = Caller::new(Vec::new());
        let caller = query.caller.unwrap_or(&nothing);
        let request = request("localhost", query.base, query.rows, query.force, caller);
        let ask = AskSibling { directory, request, rows: query.rows };
        let spawn = |work| spawn_collecting(work).map(drop);
        let asked = fan_out.ask_all(names, ask, spawn, |name, answer| {
            let name = name.to_string_lossy().into_owned();
            match answer {
                Some(Ok(report)) => fleet.add(name, &report),
                Some(Err(missing)) => fleet.miss(missing.of(name)),
                None => {}
            }
        });
        asked.map_err(|_no_thread| CannotAsk::NoThread)?;
        Ok(fleet.finish())
    }
}

/// Closes the socket of this process. A forked process does not close the socket of its parent.
impl Drop for Siblings {
    fn drop(&mut self) {
        self.listener().close();
    }
}
