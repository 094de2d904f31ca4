//! Beginnings, entries, exits and ends of calls, on the thread where they happen.

use std::cell::RefCell;
use std::sync::Arc;

use memory_debug_core::__private::ThreadCounters;

use crate::counting;
use crate::counts::{Counts, Identity, Outcome};
use crate::frames::{Depth, Frames};
use crate::node::Reading;
use crate::position::{OpenCall, Position};
use crate::slots::SlotId;

thread_local! {
    static THREAD: RefCell<Thread> = const { RefCell::new(Thread::new()) };
}

struct Thread {
    /// What this thread counted in last.
    counts: Option<Arc<Counts>>,
    /// A slot of `counts` for the next call, so that most calls leave the list of free slots, which all threads share,
    /// alone.
    spare: Option<SlotId>,
    frames: Frames,
    counters: Counters,
    /// Bytes that the tracer itself allocated and freed, which no call has.
    ours: Reading,
}

enum Counters {
    Unknown,
    None,
    Of(ThreadCounters),
}

/// The parent of a new call.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Parent {
    /// The call that the thread runs.
    Current,
    None,
    /// The span with this id.
    Span(u64),
}

/// A call begins on this thread, below the call that the thread runs. `None` if nothing counts.
#[inline]
pub(crate) fn begin(generation: u64, identity: Identity<'_>) -> Option<OpenCall> {
    with(|thread| Some(thread.begin(generation, identity, Parent::Current)?.0))
}

/// A call begins, and this thread enters it at the same moment. The depth is `None` if it cannot be entered.
#[inline]
pub(crate) fn begin_entered(generation: u64, identity: Identity<'_>) -> Option<(OpenCall, Option<Depth>)> {
    with(|thread| {
        let (call, time) = thread.begin(generation, identity, Parent::Current)?;
        let depth = thread.prepare_entry(&call).map(|()| thread.frames.push(&call, 0, thread.reading(time)));
        Some((call, depth))
    })
}

/// A call ends, perhaps on another thread than the one it began on. A request tells how many bytes it allocated.
#[inline]
pub(crate) fn end(call: &OpenCall, outcome: Outcome, request: Option<u64>) {
    with_counts(call.generation, |counts, spare| {
        let now = now(counts)?;
        if let Some(bytes) = request {
            counts.add_request(call, bytes);
        }
        counts.end(now, call, outcome, spare);
        Some(())
    });
}

/// Enters a call.
#[inline]
pub(crate) fn enter(call: &OpenCall) -> Option<Depth> {
    with(|thread| {
        thread.prepare(call.generation)?;
        thread.enter(call, 0)
    })
}

/// Exits a call that [`enter`] entered on this thread, and all calls that were entered since. Returns what it cost.
#[inline]
pub(crate) fn exit(depth: Depth) -> Option<Reading> {
    with(|thread| {
        let generation = thread.frames.generation(depth)?;
        // If it no longer counts, the frames go without being counted.
        let end = thread.prepare(generation).and_then(|()| thread.read());
        thread.frames.exit(depth, thread.counts.as_deref(), end)
    })
}

/// Exits a call that [`enter`] entered on this thread, as [`exit`] does, and ends it at the same moment. A request tells
/// how many bytes it allocated until this entry.
#[inline]
pub(crate) fn exit_and_end(depth: Depth, call: &OpenCall, request: Option<u64>) {
    let ended = with(|thread| {
        let moment = thread.prepare(call.generation).and_then(|()| thread.read());
        let counts = thread.counts.as_deref();
        let cost = thread.frames.exit(depth, counts, moment);
        let (counts, moment) = (counts?, moment?);
        let before = thread.bytes();
        if let Some(bytes) = request {
            counts.add_request(call, bytes.wrapping_add(cost.unwrap_or_default().allocated));
        }
        counts.end(moment.time, call, Outcome::Completed, &mut thread.spare);
        thread.excuse(before);
        Some(())
    });
    if ended.is_none() {
        end(call, Outcome::Completed, request);
    }
}

/// A span begins.
#[inline]
pub(crate) fn begin_span(generation: u64, identity: Identity<'_>, parent: Parent, span: u64) {
    let begun = with(|thread| thread.begin(generation, identity, parent));
    let Some((call, _)) = begun else { return };
    with_counts(generation, |counts, spare| {
        if !counts.spans.insert(span, &call) {
            // Its end could not be noticed.
            counts.end(now(counts)?, &call, Outcome::Completed, spare);
        }
        Some(())
    });
}

/// Enters a span.
#[inline]
pub(crate) fn enter_span(generation: u64, span: u64) {
    with(|thread| {
        thread.prepare(generation)?;
        let call = thread.counts.as_ref()?.spans.get(span, generation)?;
        thread.enter(&call, span)
    });
}

/// Exits a span.
#[inline]
pub(crate) fn exit_span(generation: u64, span: u64) {
    with(|thread| {
        thread.prepare(generation)?;
        let end = thread.read();
        thread.frames.exit_span(span, thread.counts.as_deref()?, end);
        Some(())
    });
}

/// A span closes.
#[inline]
pub(crate) fn end_span(generation: u64, span: u64) {
    with_counts(generation, |counts, spare| {
        let call = counts.spans.remove(span, generation)?;
        counts.end(now(counts)?, &call, Outcome::Completed, spare);
        Some(())
    });
}

/// Runs `run` with the state of this thread. `None` while the thread ends, or inside of `run`.
#[inline]
fn with<T>(run: impl FnOnce(&mut Thread) -> Option<T>) -> Option<T> {
    THREAD.try_with(|thread| run(&mut *thread.try_borrow_mut().ok()?)).ok().flatten()
}

/// Runs `run` with the counting of this number, if it still counts.
#[inline]
fn with_counts(generation: u64, run: impl Fn(&Counts, &mut Option<SlotId>) -> Option<()>) {
    let ran = with(|thread| {
        let counts = match thread.prepare(generation) {
            Some(()) => thread.counts.as_deref(),
            None => None,
        };
        let before = thread.bytes();
        if let Some(counts) = counts {
            run(counts, &mut thread.spare);
        }
        thread.excuse(before);
        Some(())
    });
    // A thread that ends can still drop calls.
    if ran.is_none()
        && let Some(counts) = counting::find(generation)
    {
        let mut spare = None;
        run(&counts, &mut spare);
        if let Some(spare) = spare {
            counts.slots.put(spare);
        }
    }
}

/// The time, or `None` if the counting has reached its end.
#[inline]
fn now(counts: &Counts) -> Option<u64> {
    let now = counts.now();
    if now.is_none() {
        counting::remove(counts);
    }
    now
}

impl Thread {
    const fn new() -> Self {
        Self {
            counts: None,
            spare: None,
            frames: Frames::new(),
            counters: Counters::Unknown,
            ours: Reading { time: 0, allocated: 0, freed: 0 },
        }
    }

    /// Makes `self.counts` the counting with this number. `None` if it no longer counts.
    #[inline]
    fn prepare(&mut self, generation: u64) -> Option<()> {
        match &self.counts {
            Some(counts) if counts.generation == generation && counts.is_on() => Some(()),
            _ => self.look_up(generation),
        }
    }

    #[cold]
    fn look_up(&mut self, generation: u64) -> Option<()> {
        if matches!(self.counters, Counters::Unknown) {
            self.counters = ThreadCounters::of_this_thread().map_or(Counters::None, Counters::Of);
        }
        let before = self.bytes();
        self.give_back_spare();
        // What no longer counts is not kept.
        self.counts = counting::find(generation);
        self.excuse(before);
        self.counts.is_some().then_some(())
    }

    fn give_back_spare(&mut self) {
        if let (Some(counts), Some(spare)) = (&self.counts, self.spare.take()) {
            counts.slots.put(spare);
        }
    }

    /// Returns the time at which the call began.
    #[inline]
    fn begin(&mut self, generation: u64, identity: Identity<'_>, parent: Parent) -> Option<(OpenCall, u64)> {
        self.prepare(generation)?;
        let before = self.bytes();
        let counts = self.counts.as_ref()?;
        let parent = self.parent(counts, parent);
        let time = now(counts)?;
        let call = counts.begin(time, identity, parent, &mut self.spare);
        self.excuse(before);
        Some((call?, time))
    }

    #[inline]
    fn parent(&self, counts: &Counts, parent: Parent) -> Option<Position> {
        match parent {
            Parent::Current => self.frames.position(counts.generation),
            Parent::None => None,
            Parent::Span(span) => counts.spans.get(span, counts.generation).map(|call| call.position),
        }
    }

    #[inline]
    fn enter(&mut self, call: &OpenCall, span: u64) -> Option<Depth> {
        self.prepare_entry(call)?;
        let begin = self.read()?;
        Some(self.frames.push(call, span, begin))
    }

    /// Makes room for a call that is entered next. `None` if there are too many.
    #[inline]
    fn prepare_entry(&mut self, call: &OpenCall) -> Option<()> {
        if self.frames.innermost_span().is_some_and(|generation| generation != call.generation) {
            self.leave_ended_spans();
        }
        if self.frames.are_full() {
            let before = self.bytes();
            let room = self.frames.make_room();
            self.excuse(before);
            room?;
        }
        Some(())
    }

    /// Exits spans whose counting ended before they exited. Futures exit by themselves.
    #[cold]
    fn leave_ended_spans(&mut self) {
        while let Some(generation) = self.frames.innermost_span()
            && counting::find(generation).is_none()
        {
            self.frames.forget_innermost();
        }
    }

    /// Bytes that this thread allocated and freed. Zero without jemalloc.
    #[inline]
    fn bytes(&self) -> (u64, u64) {
        match &self.counters {
            Counters::Of(counters) => counters.read(),
            _ => (0, 0),
        }
    }

    /// Leaves out what the tracer allocated since `before`.
    #[inline]
    fn excuse(&mut self, before: (u64, u64)) {
        let after = self.bytes();
        self.ours.allocated = self.ours.allocated.wrapping_add(after.0.wrapping_sub(before.0));
        self.ours.freed = self.ours.freed.wrapping_add(after.1.wrapping_sub(before.1));
    }

    /// The time and the bytes. `None` if the counting has reached its end.
    #[inline]
    fn read(&self) -> Option<Reading> {
        Some(self.reading(now(self.counts.as_ref()?)?))
    }

    /// The bytes, with this time.
    #[inline]
    fn reading(&self, time: u64) -> Reading {
        let (allocated, freed) = self.bytes();
        Reading { time, allocated, freed }.minus(self.ours)
    }
}

impl Drop for Thread {
    fn drop(&mut self) {
        self.give_back_spare();
    }
}
