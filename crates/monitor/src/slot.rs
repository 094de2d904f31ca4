//! What each thread polls now: a route or a task.
//!
//! A slot belongs to one thread. Only this thread writes it, two stores at the begin of a poll and one at its end; the
//! monitor reads it. No lock is taken, so a slot works the same in a process that was forked at any moment.

use std::cell::OnceCell;
use std::process;
use std::sync::OnceLock;
use std::time::{Duration, Instant};

#[cfg(not(all(test, memory_debug_loom)))]
use std::sync::atomic::{AtomicU64, Ordering};

#[cfg(all(test, memory_debug_loom))]
use memory_debug_modelled::{AtomicU64, Ordering};

mod label;

pub use label::Label;
pub(crate) use label::Named;

use crate::thread_id::thread_id;

/// A poll under way, as the monitor sees it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Poll {
    pub(crate) tid: u32,
    pub(crate) label: Label,
    /// When the outermost poll of the thread began, by [`now`].
    pub(crate) started: Duration,
}

/// What a poll writes. 0 means that no poll is under way.
#[derive(Debug)]
struct Cell {
    started: AtomicU64,
    label: AtomicU64,
}

#[derive(Debug)]
struct Slot {
    /// The process, shifted by 32, and the thread. 0 if no thread has the slot.
    owner: AtomicU64,
    cell: Cell,
    /// Slots are never freed, and are used again by other threads.
    next: OnceLock<Box<Slot>>,
}

/// The slot of a thread, which gives it back when it ends.
struct Own(&'static Slot);

thread_local! {
    static OWN: OnceCell<Own> = const { OnceCell::new() };
}

/// Runs `poll`. While it runs, the monitor sees that this thread polls `label`.
///
/// If one poll is inside another, the label belongs to the inner one, and the time to the outer one: the thread
/// has not returned to its scheduler in between.
pub fn poll_as<R>(label: Label, poll: impl FnOnce() -> R) -> R {
    let slot = OWN.try_with(|own| own.get_or_init(|| Own(claim())).0);
    // While a thread ends, it has no slot.
    let Ok(slot) = slot else { return poll() };
    let _polling = slot.cell.begin(label, now());
    poll()
}

/// The route that this thread polls, for tests of adapters.
pub fn polled_route() -> Option<String> {
    let mut route = None;
    polls(|poll| {
        if poll.tid == thread_id() {
            route = Some(poll.label);
        }
    });
    match route?.named() {
        Named::Route(name) => Some(name.to_string()),
        Named::Task(_) => None,
    }
}

/// Calls `each` with each poll under way in this process. Allocates nothing.
pub(crate) fn polls(mut each: impl FnMut(Poll)) {
    let process = process::id();
    let mut next = first();
    while let Some(slot) = next {
        let owner = slot.owner.load(Ordering::Acquire);
        // A forked child has copies of slots whose threads it does not have.
        if (owner >> 32) as u32 == process
            && let Some((label, started)) = slot.cell.read()
        {
            each(Poll { tid: owner as u32, label, started });
        }
        next = slot.next.get().map(Box::as_ref);
    }
}

/// Time since the first call, on the clock of the slots. Never zero.
pub(crate) fn now() -> Duration {
    static START: OnceLock<Instant> = OnceLock::new();
    START.get_or_init(Instant::now).elapsed() + Duration::from_nanos(1)
}

impl Cell {
    fn begin(&self, label: Label, now: Duration) -> Polling<'_> {
        let outer = self.label.load(Ordering::Relaxed);
        let inside = self.started.load(Ordering::Relaxed) != 0;
        // Release: a reader that sees this label also sees that the last poll has ended.
        self.label.store(label.0, Ordering::Release);
        if !inside {
            self.started.store(u64::try_from(now.as_nanos()).unwrap_or(u64::MAX), Ordering::Release);
        }
        Polling { cell: self, outer: inside.then_some(outer) }
    }

    /// Label and begin of the poll under way. `None` without a poll, or if it changes at this moment.
    fn read(&self) -> Option<(Label, Duration)> {
        let started = self.started.load(Ordering::Acquire);
        let label = self.label.load(Ordering::Acquire);
        let same = self.started.load(Ordering::Acquire) == started;
        (started != 0 && same).then(|| (Label(label), Duration::from_nanos(started)))
    }
}

/// Ends the poll when it is dropped, also if the poll panics.
struct Polling<'a> {
    cell: &'a Cell,
    /// The label of the poll around it.
    outer: Option<u64>,
}

impl Drop for Polling<'_> {
    fn drop(&mut self) {
        match self.outer {
            Some(label) => self.cell.label.store(label, Ordering::Release),
            None => self.cell.started.store(0, Ordering::Release),
        }
    }
}

impl Drop for Own {
    fn drop(&mut self) {
        self.0.owner.store(0, Ordering::Release);
    }
}

fn list() -> &'static OnceLock<Box<Slot>> {
    static LIST: OnceLock<Box<Slot>> = OnceLock::new();
    &LIST
}

fn first() -> Option<&'static Slot> {
    list().get().map(Box::as_ref)
}

/// Takes a free slot, or adds one to the list.
fn claim() -> &'static Slot {
    let owner = u64::from(process::id()) << 32 | u64::from(thread_id());
    let mut next = list();
    loop {
        let slot = next.get_or_init(|| {
            let cell = Cell { started: AtomicU64::new(0), label: AtomicU64::new(0) };
            Box::new(Slot { owner: AtomicU64::new(0), cell, next: OnceLock::new() })
        });
        if slot.owner.compare_exchange(0, owner, Ordering::AcqRel, Ordering::Relaxed).is_ok() {
            return slot;
        }
        next = &slot.next;
    }
}

#[cfg(all(test, not(memory_debug_loom)))]
mod tests;

#[cfg(all(test, memory_debug_loom))]
mod models;
