//! Threads whose own memory stays out of the profile.
//!
//! Reading a heap profile takes memory itself. On an ordinary thread, that memory would appear in the profile itself,
//! and its pages would stay with the process afterwards.

use std::io;
use std::sync::OnceLock;
use std::thread::{self, Builder, JoinHandle};

use memory_debug_report::{Error, ErrorKind};

use crate::headroom::room_for_threads;
use crate::jemalloc;
use crate::mallctl;
use crate::priority::yield_to_others;

/// The name of threads that collect.
pub(crate) const COLLECTING: &str = "memory-debug";

/// Runs `work` on a new thread named `memory-debug`. Its allocations stay out of the heap profile, and its pages
/// go back to the operating system when it ends.
///
/// The thread is not sampled (`thread.prof.active`). It allocates from a jemalloc arena that the first call makes and
/// all later calls share. If jemalloc is not the global allocator, `work` simply runs. From Linux 6.12 on, threads that become
/// ready preempt it at once.
///
/// # Errors
///
/// If the operating system refused a thread, or [`spawn_thread`] did.
pub fn spawn_collecting<R: Send + 'static>(
    work: impl FnOnce() -> R + Send + 'static,
) -> io::Result<JoinHandle<R>> {
    spawn_thread(Builder::new().name(COLLECTING.into()), move || collecting(work))
}

/// Starts a thread, unless the limits on the process's addresses are so near that the thread could end the
/// process. jemalloc cannot report that it has no addresses for the arena of a new thread.
///
/// # Errors
///
/// Errors of [`Builder::spawn`], and [`io::ErrorKind::OutOfMemory`] with the [`Headroom`](crate::Headroom) that
/// is too short.
pub fn spawn_thread<R: Send + 'static>(
    builder: Builder,
    work: impl FnOnce() -> R + Send + 'static,
) -> io::Result<JoinHandle<R>> {
    room_for_threads(1)?;
    builder.spawn(work)
}

/// Runs `work` as [`spawn_collecting`] does, and waits for its result.
///
/// # Errors
///
/// If the operating system refused a thread, or `work` panicked.
pub(crate) fn wait_for_collecting<R: Send + 'static>(
    work: impl FnOnce() -> R + Send + 'static,
) -> Result<R, Error> {
    let thread = spawn_collecting(work).map_err(|error| {
        let message = format!("no thread for the collection: {}", error.kind());
        Error::with_source(ErrorKind::System, message, error)
    })?;
    let failed = |_panic| Error::new(ErrorKind::Internal, "the collection failed; this is a bug");
    thread.join().map_err(failed)
}

/// Runs `work` as [`spawn_collecting`] does, and waits for its result. The work may borrow from the caller.
///
/// # Errors
///
/// If the operating system refused a thread, or `work` panicked.
pub(crate) fn scoped_collecting<R: Send>(work: impl FnOnce() -> R + Send) -> Result<R, Error> {
    let refused = |error: io::Error| {
        let message = format!("no thread for the collection: {}", error.kind());
        Error::with_source(ErrorKind::System, message, error)
    };
    room_for_threads(1).map_err(refused)?;
    thread::scope(|scope| {
        let builder = Builder::new().name(COLLECTING.into());
        let thread = builder.spawn_scoped(scope, || collecting(work)).map_err(refused)?;
        thread
            .join()
            .map_err(|_panic| Error::new(ErrorKind::Internal, "the collection failed; this is a bug"))
    })
}

/// What a collecting thread does: `work`, with its own memory apart.
fn collecting<R>(work: impl FnOnce() -> R) -> R {
    yield_to_others();
    let _isolation = Isolation::enter();
    work()
}

/// Lets the arena of collecting threads return unused pages at once, until the next thread uses the arena.
/// Otherwise the pages stay for seconds, and the largest parts of a collection would add up.
pub(crate) fn give_back_at_once() {
    if let Some(arena) = arena_in_use() {
        let _ = mallctl::arena_dirty_decay_ms(arena).write(0);
        let _ = mallctl::arena_muzzy_decay_ms(arena).write(0);
    }
}

/// Keeps the memory of this thread apart until dropped, even after a panic.
struct Isolation {
    arena: Option<u32>,
}

impl Isolation {
    /// Never fails: a thread that cannot be kept apart still does its work.
    fn enter() -> Self {
        if jemalloc::global_allocator().is_err() {
            return Self { arena: None };
        }
        // jemalloc refuses this if profiling is not enabled, but then nothing is sampled anyway.
        let _ = mallctl::THREAD_PROF_ACTIVE.write(false);
        Self { arena: arena().filter(|arena| use_arena(*arena).is_ok()) }
    }
}

impl Drop for Isolation {
    fn drop(&mut self) {
        let Some(arena) = self.arena else { return };
        // Turning the cache off returns its contents to the arena. With decay times of 0 the arena returns
        // unused pages now, and later the pages of values that `work` handed over, once these are freed. A
        // refusal costs memory, not correctness.
        let _ = mallctl::THREAD_TCACHE_ENABLED.write(false);
        let _ = mallctl::arena_dirty_decay_ms(arena).write(0);
        let _ = mallctl::arena_muzzy_decay_ms(arena).write(0);
    }
}

/// The arena of all collecting threads. Several threads may share it at a time. This is safe and only mixes their
/// leftovers.
fn arena() -> Option<u32> {
    *ARENA.get_or_init(|| mallctl::ARENAS_CREATE.read().ok())
}

/// The arena of collecting threads, if one was ever made.
pub(crate) fn arena_in_use() -> Option<u32> {
    ARENA.get().copied().flatten()
}

static ARENA: OnceLock<Option<u32>> = OnceLock::new();

/// Moves this thread to `arena`. While the thread works, the arena keeps unused pages as long as other arenas
/// do.
fn use_arena(arena: u32) -> Result<(), mallctl::Error> {
    mallctl::THREAD_ARENA.write(arena)?;
    mallctl::arena_dirty_decay_ms(arena).write(mallctl::ARENAS_DIRTY_DECAY_MS.read()?)?;
    mallctl::arena_muzzy_decay_ms(arena).write(mallctl::ARENAS_MUZZY_DECAY_MS.read()?)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn without_jemalloc_the_work_simply_runs() {
        let thread = spawn_collecting(|| thread::current().name().map(str::to_owned)).unwrap();
        assert_eq!(thread.join().unwrap().as_deref(), Some("memory-debug"));
    }

    #[test]
    fn scoped_work_borrows_and_a_panic_is_an_error() {
        let text = String::from("borrowed");
        assert_eq!(scoped_collecting(|| text.len()).unwrap(), 8);
        let error = scoped_collecting(|| panic!("expected by the test")).map(|()| 0).unwrap_err();
        assert_eq!(error.to_string(), "the collection failed; this is a bug");
    }

    #[test]
    fn s47_a_panic_stays_in_the_thread() {
        let thread = spawn_collecting(|| panic!("expected by the test")).unwrap();
        assert!(thread.join().is_err());
        assert_eq!(spawn_collecting(|| 7).unwrap().join().unwrap(), 7);
    }
}
