//! The thread that writes the flight file. A disk that does not answer holds this thread and no other.

use std::fmt;
use std::io;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::PathBuf;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, OnceLock, PoisonError};
use std::thread::{Builder, JoinHandle};
use std::time::Duration;

use memory_debug_core::__private::without_signal;
use memory_debug_core::spawn_thread;

use super::{KnownTypes, Recording};
use crate::reading::Reading;
use crate::thread_id::thread_id;

/// The kernel keeps 15 bytes of it.
const THREAD_NAME: &str = "memory-debug-flight";

/// It only writes buffers, and looks through the folder when it makes a file.
const STACK_BYTES: usize = 128 << 10;

/// Work for the disk that takes longer is late.
const LATE_AFTER: Duration = Duration::from_secs(2);

/// Writes records in the order in which they come. Its methods wait for no disk, except [`end`](Self::end).
#[derive(Debug)]
pub(crate) struct Writer {
    /// Where the file is, for messages.
    path: PathBuf,
    shared: Arc<Shared>,
    thread: Option<JoinHandle<()>>,
}

/// How the writing goes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Health {
    Good,
    /// There is no file.
    Failed,
    /// The disk has not answered for so long.
    Late(Duration),
}

#[derive(Debug)]
struct Shared {
    state: Mutex<State>,
    changed: Condvar,
    /// The kernel's number of the thread.
    thread_id: OnceLock<u32>,
}

#[derive(Debug, Default)]
struct State {
    wanted: Wanted,
    /// When the work under way was asked for.
    since: Option<Duration>,
    /// Why there is no file.
    failure: Option<String>,
    /// What became of the mark of an orderly end.
    ended: Option<Result<(), String>>,
}

/// What the thread does next, in this order.
#[derive(Debug, Default)]
struct Wanted {
    /// When the latest part was asked for.
    at: Duration,
    opening: bool,
    types: Option<KnownTypes>,
    /// The latest record. It replaces one that is not written yet.
    record: Option<Reading>,
    end: Option<End>,
}

/// How a file ends.
#[derive(Clone, Copy, Debug)]
enum End {
    /// With the mark of an orderly end, at this time since 1970.
    Marked(u64),
    Unmarked,
}

impl Writer {
    /// Starts the thread, which goes on with `file`, or has no file for a reason. `open` makes another file at `path`.
    ///
    /// # Errors
    ///
    /// If there is no thread.
    pub(crate) fn start(
        path: PathBuf,
        file: Result<Recording, String>,
        open: impl FnMut() -> io::Result<Recording> + Send + 'static,
    ) -> io::Result<Self> {
        let (file, failure) = match file {
            Ok(file) => (Some(file), None),
            Err(reason) => (None, Some(reason)),
        };
        let state = Mutex::new(State { failure, ..State::default() });
        let shared = Arc::new(Shared { state, changed: Condvar::new(), thread_id: OnceLock::new() });
        let of_thread = Arc::clone(&shared);
        let run = move || {
            let _ = of_thread.thread_id.set(thread_id());
            // The thread writes nothing else, so the signal stays blocked.
            let work = || without_signal(|| of_thread.run(file, open));
            if catch_unwind(AssertUnwindSafe(work)).is_err() {
                of_thread.lock().failure = Some(failed(&"its thread panicked; this is a bug"));
            }
        };
        let thread = spawn_thread(Builder::new().name(THREAD_NAME.into()).stack_size(STACK_BYTES), run)?;
        Ok(Self { path, shared, thread: Some(thread) })
    }

    /// Makes a file in place of one that failed. `at` is the monitor's time, here and below.
    pub(crate) fn open(&self, at: Duration) {
        self.shared.ask(at, |wanted| wanted.opening = true);
    }

    /// Writes a record. Allocates nothing.
    pub(crate) fn write(&self, reading: &Reading) {
        self.shared.ask(reading.at, |wanted| wanted.record = Some(*reading));
    }

    /// Writes the types that are known now.
    pub(crate) fn know(&self, at: Duration, types: KnownTypes) {
        self.shared.ask(at, |wanted| wanted.types = Some(types));
    }

    /// How the writing goes. Allocates nothing.
    pub(crate) fn health(&self, at: Duration) -> Health {
        let state = self.shared.lock();
        let taken = state.since.map_or(Duration::ZERO, |since| at.saturating_sub(since));
        match &state.failure {
            _ if taken >= LATE_AFTER => Health::Late(taken),
            Some(_) => Health::Failed,
            None => Health::Good,
        }
    }

    /// Why nothing is written, if so.
    pub(crate) fn problem(&self, at: Duration) -> Option<String> {
        match self.health(at) {
            Health::Good => None,
            Health::Failed => self.shared.lock().failure.clone(),
            Health::Late(taken) => {
                let (path, seconds) = (self.path.display(), taken.as_secs());
                Some(failed(&format_args!("a write to {path} has not returned for {seconds} s")))
            }
        }
    }

    /// The kernel's number of the thread, which is `None` until it runs.
    pub(crate) fn thread_id(&self) -> Option<u32> {
        self.shared.thread_id.get().copied()
    }

    /// Waits until all is written that was handed over.
    #[cfg(test)]
    pub(crate) fn settle(&self) {
        let is_busy = |state: &mut State| state.since.is_some();
        drop(self.shared.changed.wait_while(self.shared.lock(), is_busy).unwrap());
    }

    /// Marks that the process ended in order at this time since 1970, and ends the thread.
    ///
    /// # Errors
    ///
    /// If the mark could not be written in this time. The thread is left alone then.
    pub(crate) fn end(mut self, unix_ms: u64, within: Duration) -> Result<(), String> {
        self.shared.ask(Duration::ZERO, |wanted| wanted.end = Some(End::Marked(unix_ms)));
        let waited = self.shared.changed.wait_timeout_while(self.shared.lock(), within, |state| {
            // A thread that panicked ends nothing.
            state.ended.is_none() && self.thread.as_ref().is_some_and(|thread| !thread.is_finished())
        });
        let ended = waited.unwrap_or_else(PoisonError::into_inner).0.ended.take();
        let Some(ended) = ended else { return Err("the disk does not answer".into()) };
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
        ended
    }
}

impl Drop for Writer {
    fn drop(&mut self) {
        self.shared.ask(Duration::ZERO, |wanted| _ = wanted.end.get_or_insert(End::Unmarked));
    }
}

impl Shared {
    /// Adds to what the thread does next. The work is on its way when this returns, unless the disk is busy.
    fn ask(&self, at: Duration, add: impl FnOnce(&mut Wanted)) {
        let mut state = self.lock();
        state.since.get_or_insert(at);
        state.wanted.at = at;
        add(&mut state.wanted);
        drop(state);
        self.changed.notify_all();
    }

    fn run(&self, mut file: Option<Recording>, mut open: impl FnMut() -> io::Result<Recording>) {
        loop {
            let wanted = self.next();
            let end = wanted.end;
            let done = wanted.carry_out(&mut file, &mut open);
            let ended = end.map(|end| match (end, file.take()) {
                (End::Marked(at), Some(file)) => file.end(at).map_err(|error| error.to_string()),
                (End::Marked(_), None) => Err("there is no file".into()),
                (End::Unmarked, _) => Ok(()),
            });
            let is_last = ended.is_some();
            self.done(done, ended);
            if is_last {
                return;
            }
        }
    }

    /// Waits for work.
    fn next(&self) -> Wanted {
        let waited = self.changed.wait_while(self.lock(), |state| state.wanted.is_empty());
        std::mem::take(&mut waited.unwrap_or_else(PoisonError::into_inner).wanted)
    }

    /// Takes what became of the work: whether there is a file now, unless nothing was tried.
    fn done(&self, done: Option<io::Result<()>>, ended: Option<Result<(), String>>) {
        let mut state = self.lock();
        match done {
            Some(Ok(())) => state.failure = None,
            Some(Err(error)) => state.failure = Some(failed(&error)),
            None => {}
        }
        state.since = (!state.wanted.is_empty()).then_some(state.wanted.at);
        state.ended = ended;
        drop(state);
        self.changed.notify_all();
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Wanted {
    fn is_empty(&self) -> bool {
        !self.opening && self.types.is_none() && self.record.is_none() && self.end.is_none()
    }

    /// Opens and writes. A file that fails is closed. `None` if there is no file and none is wanted.
    fn carry_out(
        self,
        file: &mut Option<Recording>,
        open: &mut impl FnMut() -> io::Result<Recording>,
    ) -> Option<io::Result<()>> {
        if self.opening {
            // The earlier file goes first, because the new one has its name.
            *file = None;
            match open() {
                Ok(opened) => *file = Some(opened),
                Err(error) => return Some(Err(error)),
            }
        }
        let recording = file.as_mut()?;
        let types = self.types.map_or(Ok(()), |types| recording.know(types));
        let written = types.and_then(|()| self.record.map_or(Ok(()), |record| recording.write(&record)));
        if written.is_err() {
            *file = None;
        }
        Some(written)
    }
}

/// Why there is no flight record, for people.
pub(crate) fn failed(reason: &dyn fmt::Display) -> String {
    format!("the flight record cannot be written: {reason}")
}

#[cfg(test)]
mod tests;
