//! The socket of this process, and the thread that waits at it.

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
use crate::audit;
use crate::endpoint::Endpoint;

/// Most connections that are answered at once. Others wait in the kernel.
const MAX_CONNECTIONS: usize = 8;

/// Before it is tried again to accept one, where the system had nothing left for it.
const PAUSE: Duration = Duration::from_millis(100);

/// Before it is tried again to listen.
const BEFORE_RETRY: Duration = Duration::from_secs(10);

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

/// A socket that answers under its name.
#[derive(Debug)]
struct Socket {
    listener: Arc<UnixListener>,
    directory: PathBuf,
    name: Name,
    /// Device and inode: another may have taken its name.
    identity: (u64, u64),
}

impl Listener {
    /// Begins to listen, unless it does, or that has failed a moment ago. What takes longer than a moment happens on the
    /// thread that is to wait at the socket.
    pub(super) fn start(self: &Arc<Self>, directory: &Path, answering: impl FnOnce() -> Endpoint) {
        let mut state = self.lock();
        if !state.may_start(Instant::now()) {
            return;
        }
        *state = State::Starting;
        drop(state);
        close_at_exit(self);
        let (this, directory, endpoint) = (Arc::clone(self), directory.to_owned(), answering());
        let thread = thread::Builder::new().name("memory-siblings".to_owned());
        if spawn_thread(thread, move || this.run(directory, &endpoint)).is_err() {
            self.fail("the system gave no thread to listen on; look at the limit of threads".to_owned());
        }
    }

    fn run(&self, directory: PathBuf, endpoint: &Endpoint) {
        let socket = match Socket::bind(directory) {
            Ok(socket) => socket,
            Err(reason) => return self.fail(reason),
        };
        let listener = Arc::clone(&socket.listener);
        self.become_(State::Listening(socket));
        serve(&listener, endpoint);
    }

    /// Waits until it listens. The name of its socket.
    pub(super) fn wait(&self, end: Instant) -> Result<OsString, String> {
        let mut state = self.lock();
        loop {
            match &*state {
                State::Listening(socket) => return Ok(socket.name.to_string().into()),
                State::Failed { reason, .. } => return Err(reason.clone()),
                State::Closed => return Err("this process does not listen any more".to_owned()),
                State::Idle | State::Starting => {}
            }
            let Some(left) = end.checked_duration_since(Instant::now()) else {
                return Err("this process does not listen yet".to_owned());
            };
            state = self.changed.wait_timeout(state, left).unwrap_or_else(PoisonError::into_inner).0;
        }
    }

    /// `/fleet` gives the reason to those who ask; the audit tells it at once.
    fn fail(&self, reason: String) {
        audit::no_siblings(&reason);
        self.become_(State::Failed { reason, at: Instant::now() });
    }

    /// Takes its socket away and ends its thread.
    pub(super) fn close(&self) {
        self.become_(State::Closed);
    }

    /// Closed, it stays closed.
    fn become_(&self, next: State) {
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
    /// Listens in `directory`, and clears away the sockets of processes that are no more.
    fn bind(directory: PathBuf) -> Result<Self, String> {
        let (open, name) = (Directory::open(&directory)?, Name::own()?);
        let path = open.path(name.to_string());
        // Under another name until it answers: a socket that refuses is taken for that of a process that is no more.
        let unready = open.path(format!(".{name}"));
        let failed = |error: io::Error| {
            format!(
                "cannot bind the socket for siblings: {}; look at the directory's owner, mode and room",
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
        // Wakes the thread that waits for connections. What fails here is cleared away by whoever looks next.
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

/// Answers until the socket is closed.
fn serve(listener: &UnixListener, endpoint: &Endpoint) {
    let places = Arc::new(Places::default());
    loop {
        let place = places.take();
        match listener.accept() {
            Ok((stream, _)) => {
                let endpoint = endpoint.clone();
                let answer = move || {
                    let _place = place;
                    connection::answer(stream, &endpoint);
                };
                // Without a thread the connection is closed, which the other end can tell from an answer.
                let _ = spawn_thread(thread::Builder::new().name("memory-sibling".to_owned()), answer);
            }
            Err(error) if error.kind() == ErrorKind::InvalidInput => return,
            Err(_) => thread::sleep(PAUSE),
        }
    }
}

/// Places for connections that are being answered.
#[derive(Debug, Default)]
struct Places {
    taken: Mutex<usize>,
    freed: Condvar,
}

struct Place(Arc<Places>);

impl Places {
    /// Waits for a free one.
    fn take(self: &Arc<Self>) -> Place {
        let mut taken = self.taken.lock().unwrap_or_else(PoisonError::into_inner);
        while *taken >= MAX_CONNECTIONS {
            taken = self.freed.wait(taken).unwrap_or_else(PoisonError::into_inner);
        }
        *taken += 1;
        Place(Arc::clone(self))
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        *self.0.taken.lock().unwrap_or_else(PoisonError::into_inner) -= 1;
        self.0.freed.notify_one();
    }
}

/// What is closed when the main thread ends, and the process with it: values that live as long as the process are not
/// dropped. Other threads may end before the process does.
fn close_at_exit(listener: &Arc<Listener>) {
    if gettid().as_raw_nonzero().get().unsigned_abs() == process::id() {
        // Fails if the thread is ending, when there is nothing left to do.
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
            // A forked process ends before the one that listens.
            if let Some(listener) = listener.upgrade().filter(|_| process == process::id()) {
                listener.close();
            }
        }
    }
}

#[cfg(test)]
mod tests;
