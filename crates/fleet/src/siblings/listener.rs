//! The socket of this process, and the thread that accepts its connections.

use std::cell::RefCell;
use std::ffi::OsString;
use std::fs::{self, Permissions};
use std::io::{self, ErrorKind};
use std::os::unix::fs::{MetadataExt as _, PermissionsExt as _};
use std::os::unix::net::UnixListener;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError, Weak};
use std::time::{Duration, Instant};
use std::{process, thread};

use memory_debug_core::spawn_thread;
use rustix::net::Shutdown;
use rustix::thread::gettid;

use super::directory::Directory;
use super::name::Name;
use super::{ask, connection};
use crate::permits::Permits;
use crate::serve::AnswerSiblings;

/// Maximum number of connections that are answered at once. More connections wait in the kernel.
const MAX_CONNECTIONS: usize = 8;

/// The pause after `accept` failed because the system lacked a resource.
const PAUSE: Duration = Duration::from_millis(100);

/// The pause before listening is tried again after a failure.
const BEFORE_RETRY: Duration = Duration::from_secs(10);

/// The listener of this process for siblings in one directory.
#[derive(Debug, Default)]
pub(super) struct Listener {
    state: Mutex<State>,
    changed: Condvar,
}

#[derive(Debug, Default)]
enum State {
    #[default]
    Idle,
    Starting,
    Listening(Socket),
    Failed {
        reason: String,
        at: Instant,
    },
    Closed,
}

/// A socket that is listening under its final name.
#[derive(Debug)]
struct Socket {
    listener: Arc<UnixListener>,
    directory: PathBuf,
    name: Name,
    /// The device and inode of the socket. Another socket could have taken its name.
    identity: (u64, u64),
}

impl Listener {
    /// Starts listening. Does nothing if this process is already listening, or if listening failed a moment ago.
    /// Returns at once, because a new thread creates the socket.
    pub(super) fn start(
        self: &Arc<Self>,
        directory: &Path,
        answering: impl FnOnce() -> Arc<dyn AnswerSiblings>,
    ) {
        let mut state = self.lock();
        if !state.may_start(Instant::now()) {
            return;
        }
        *state = State::Starting;
        drop(state);
        close_at_exit(self);
        let service = answering();
        let thread = thread::Builder::new().name("memory-siblings".to_owned());
        let work = {
            let (this, directory, service) = (Arc::clone(self), directory.to_owned(), Arc::clone(&service));
            move || this.run(directory, &service)
        };
        if spawn_thread(thread, work).is_err() {
            let reason = "no thread could be created to listen for siblings; raise the limit on threads";
            self.fail(reason.to_owned(), &*service);
        }
    }

    fn run(&self, directory: PathBuf, service: &Arc<dyn AnswerSiblings>) {
        let socket = match Socket::bind(directory) {
            Ok(socket) => socket,
            Err(reason) => return self.fail(reason, &**service),
        };
        let listener = Arc::clone(&socket.listener);
        self.transition(State::Listening(socket));
        serve(&listener, service);
    }

    /// Waits until this process listens, and returns the name of its socket.
    pub(super) fn wait(&self, end: Instant) -> Result<OsString, String> {
        let mut state = self.lock();
        loop {
            match &*state {
                State::Listening(socket) => return Ok(socket.name.to_string().into()),
                State::Failed { reason, .. } => return Err(reason.clone()),
                State::Closed => return Err("this process has stopped listening for siblings".to_owned()),
                State::Idle | State::Starting => {}
            }
            let Some(left) = end.checked_duration_since(Instant::now()) else {
                return Err("this process is not listening for siblings yet; try again in a while".to_owned());
            };
            state = self.changed.wait_timeout(state, left).unwrap_or_else(PoisonError::into_inner).0;
        }
    }

    /// Reports the reason at once, and keeps it for later requests for the fleet.
    fn fail(&self, reason: String, service: &dyn AnswerSiblings) {
        service.cannot_listen(&reason);
        self.transition(State::Failed { reason, at: Instant::now() });
    }

    /// Removes the socket and ends its thread.
    pub(super) fn close(&self) {
        self.transition(State::Closed);
    }

    /// Changes the state. A closed listener stays closed, and closes a new socket at once.
    fn transition(&self, next: State) {
        let mut state = self.lock();
        let left = match (&*state, &next) {
            (State::Closed, _) => next,
            _ => std::mem::replace(&mut *state, next),
        };
        let is_closed = matches!(*state, State::Closed);
        drop(state);
        self.changed.notify_all();
        if let State::Listening(socket) = left
            && is_closed
        {
            socket.close();
        }
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl State {
    fn may_start(&self, now: Instant) -> bool {
        match self {
            Self::Idle => true,
            Self::Failed { at, .. } => now.saturating_duration_since(*at) >= BEFORE_RETRY,
            Self::Starting | Self::Listening(_) | Self::Closed => false,
        }
    }
}

impl Socket {
    /// Binds a socket in `directory`, and removes the sockets of processes that have ended.
    fn bind(directory: PathBuf) -> Result<Self, String> {
        let open = Directory::open(&directory)?;
        let name = Name::own()?;
        let path = open.path(name.to_string());
        // Hidden until it listens, because siblings remove a socket that refuses connections.
        let unready = open.path(format!(".{name}"));
        let failed = |error: io::Error| {
            format!(
                "cannot bind the socket for siblings: {}; check the directory's owner, mode and free space",
                error.kind()
            )
        };
        let listener = UnixListener::bind(&unready).map_err(failed)?;
        fs::set_permissions(&unready, Permissions::from_mode(0o600)).map_err(failed)?;
        let identity = identity(&unready).map_err(failed)?;
        fs::rename(&unready, &path).map_err(failed)?;
        ask::clear(&open);
        Ok(Self { listener: Arc::new(listener), directory, name, identity })
    }

    fn close(self) {
        // Wakes the thread that waits for connections. If the removal below fails, a sibling removes the socket later.
        let _ = rustix::net::shutdown(&self.listener, Shutdown::Both);
        if let Ok(directory) = Directory::open(&self.directory) {
            let path = directory.path(self.name.to_string());
            if identity(&path).is_ok_and(|found| found == self.identity) {
                let _ = fs::remove_file(path);
            }
        }
    }
}

fn identity(path: &Path) -> io::Result<(u64, u64)> {
    let found = fs::symlink_metadata(path)?;
    Ok((found.dev(), found.ino()))
}

/// Answers requests until the socket is closed.
fn serve(listener: &UnixListener, service: &Arc<dyn AnswerSiblings>) {
    let permits = Arc::new(Permits::new(MAX_CONNECTIONS));
    loop {
        let permit = Permits::take(Arc::clone(&permits));
        match listener.accept() {
            Ok((stream, _)) => {
                let service = Arc::clone(service);
                let answer = move || {
                    let _permit = permit;
                    connection::answer(stream, &*service);
                };
                // Without a thread the connection is closed, and the sibling reports a missing answer.
                let _ = spawn_thread(thread::Builder::new().name("memory-sibling".to_owned()), answer);
            }
            Err(error) if error.kind() == ErrorKind::InvalidInput => return,
            Err(_) => thread::sleep(PAUSE),
        }
    }
}

/// Closes `listener` when the main thread ends. The process ends with it, and does not drop values that live as long
/// as the process. Does nothing on other threads, which may end before the process does.
fn close_at_exit(listener: &Arc<Listener>) {
    if gettid().as_raw_nonzero().get().unsigned_abs() == process::id() {
        // Fails if the thread is already ending. There is nothing left to do then.
        let _ = AT_EXIT.try_with(|at_exit| {
            at_exit.0.borrow_mut().push((process::id(), Arc::downgrade(listener)));
        });
    }
}

thread_local! {
    static AT_EXIT: AtExit = const { AtExit(RefCell::new(Vec::new())) };
}

struct AtExit(RefCell<Vec<(u32, Weak<Listener>)>>);

impl Drop for AtExit {
    fn drop(&mut self) {
        for (process, listener) in self.0.take() {
            // A forked process must not close its parent's listener.
            if let Some(listener) = listener.upgrade().filter(|_| process == process::id()) {
                listener.close();
            }
        }
    }
}

#[cfg(test)]
mod tests;
