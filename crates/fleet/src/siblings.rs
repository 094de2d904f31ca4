//! The processes of one host that answer together.
//!
//! Each listens on a Unix socket in a directory that is theirs alone. Whichever is asked for the fleet asks all sockets
//! there, its own among them, with the caller's credential, and adds up what they answer. What is in the directory and
//! what comes over a socket is looked at as if a stranger had put it there.

mod ask;
mod connection;
mod directory;
mod listener;
mod name;
#[cfg(test)]
mod tests;

use std::path::PathBuf;
use std::sync::{Arc, Mutex, PoisonError, Weak};
use std::time::Duration;

use memory_debug_core::{Fleet, FleetReport, MissingInstance, MissingReason, PerProcess};

use self::ask::Question;
use self::directory::Directory;
use self::listener::Listener;
use crate::endpoint::Endpoint;
use crate::fleet::Caller;
use crate::fleet::exchange::request;
use crate::fleet::fan_out;
use crate::reply::Problem;

/// Most names in the directory that are looked at.
const MAX_ENTRIES: usize = 256;

/// Those that share a directory, as this process knows them.
#[derive(Debug)]
pub(crate) struct Siblings {
    directory: PathBuf,
    /// A forked process has a listener of its own, or none.
    listener: PerProcess<Arc<Listener>>,
}

/// Those there are, by their directories: a process has one socket in each.
static SIBLINGS: Mutex<Vec<Weak<Siblings>>> = Mutex::new(Vec::new());

impl Siblings {
    /// Those in `directory`, which are the same for all who name it.
    pub(crate) fn of_process(directory: PathBuf) -> Option<Arc<Self>> {
        // The same whatever the working directory becomes. Without a trailing slash, which would have a link followed.
        let directory = std::path::absolute(&directory).unwrap_or(directory);
        let directory: PathBuf = directory.components().collect();
        Some(Self::among(&mut SIBLINGS.lock().unwrap_or_else(PoisonError::into_inner), directory))
    }

    fn among(all: &mut Vec<Weak<Self>>, directory: PathBuf) -> Arc<Self> {
        all.retain(|siblings| siblings.strong_count() > 0);
        let known = all.iter().filter_map(Weak::upgrade).find(|siblings| siblings.directory == directory);
        known.unwrap_or_else(|| {
            let new = Arc::new(Self { directory, listener: PerProcess::default() });
            all.push(Arc::downgrade(&new));
            new
        })
    }

    fn listener(&self) -> &Arc<Listener> {
        self.listener.get(|_| Arc::default())
    }

    /// Begins to listen, unless that was tried before, and answers as the endpoint that `answering` makes.
    pub(crate) fn start(&self, answering: impl FnOnce() -> Endpoint) {
        self.listener().start(&self.directory, answering);
    }

    /// Asks all of them, this process included, for the page at `base` with so many rows.
    ///
    /// # Errors
    ///
    /// If this process does not listen itself, or there is no thread to ask on.
    pub(crate) fn ask(
        &self,
        caller: &Caller,
        base: &str,
        rows: usize,
        force: bool,
        deadline: Duration,
    ) -> Result<FleetReport, Problem> {
        let end = fan_out::end(deadline);
        let own = self.listener().wait(end).map_err(Problem::FleetUnavailable)?;
        let directory = Directory::open(&self.directory).map_err(Problem::FleetUnavailable)?;
        let mut names = directory.names().map_err(Problem::FleetUnavailable)?;
        // Its own first: whatever others put there, it is among those that are asked.
        names.sort_by(|a, b| (*a != own, a).cmp(&(*b != own, b)));
        let mut fleet = Fleet::new("host");
        let beyond = names.len().saturating_sub(MAX_ENTRIES);
        if beyond > 0 {
            let detail = format!("{beyond} more names are there than the {MAX_ENTRIES} that are looked at");
            fleet.miss(MissingInstance::new("the directory", MissingReason::TooMany, detail));
        }
        names.truncate(MAX_ENTRIES);
        let request = request("localhost", base, rows, force, caller);
        let question = Question { directory, request, rows };
        let asked = fan_out::ask_all(names, question, end, |name, answer| match answer {
            Ok(report) => fleet.add(name, &report),
            Err((reason, detail)) => fleet.miss(MissingInstance::new(name, reason, detail)),
        });
        asked.map_err(|_no_thread| Problem::NoThread)?;
        Ok(fleet.finish())
    }
}

/// Closes this process's own socket. That of the process it was forked from is not its to close.
impl Drop for Siblings {
    fn drop(&mut self) {
        self.listener().close();
    }
}
