//! Beginnings, entries, exits and ends of calls, on the thread where they happen.

use std::cell::RefCell;
use std::sync::Arc;

use memory_debug_core::__private::ThreadCounters;

use crate::counting;
use crate::counts::{Counts, Identity};
use crate::frames::{Adder, Depth, Frames};
use crate::kept::{Kept, RouteNodes};
use crate::name::RouteLabel;
use crate::numbers::{Outcome, Reading};
use crate::position::{OpenCall, Position};

thread_local! {
    static THREAD: RefCell<Thread> = const { RefCell::new(Thread::new()) };
}

struct Thread {
    /// What this thread counted in last.
    counts: Option<Arc<Counts>>,
    kept: Kept,
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

/// A request begins, and this thread enters it at the same moment. `number`: the number of its route among the known
/// routes. Sets `open` if it is counted, and returns `None` if it cannot be entered.
#[inline]
pub(crate) fn begin_entered(
    generation: u64,
    label: RouteLabel<'_>,
    number: Option<u32>,
    open: &mut Option<OpenCall>,
) -> Option<Depth> {
    with(|thread| {
        thread.prepare(generation)?;
        let counts = thread.counts.as_deref()?;
        let parent = thread.frames.position(generation);
        let time = now(counts)?;
        let call = match counts.begin_kept(time, number, parent, &mut thread.kept) {
            Some(call) => call,
            None => thread.begin_new(time, Identity::route(label, number), parent)?,
        };
        let call = open.insert(call);
        thread.prepare_entry(call)?;
        Some(thread.frames.push(call, 0, thread.reading(time)))
    })
}

/// A call ends.
#[inline]
pub(crate) fn end(call: &OpenCall, outcome: Outcome) {
    with_counts(call.generation, |counts, kept| {
        if let Some(bytes) = counts.end(now(counts)?, call, outcome, kept) {
            counts.add_request(call, bytes, kept);
        }
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

/// Exits a call that [`enter`] entered on this thread, and all calls that were entered since.
#[inline]
pub(crate) fn exit(depth: Depth) {
    with(|thread| {
        let generation = thread.frames.generation(depth)?;
        // If it no longer counts, the frames go without being counted.
        let end = thread.prepare(generation).and_then(|()| thread.read());
        let adder = thread.counts.as_deref().map(|counts| Adder { counts, kept: &thread.kept });
        thread.frames.exit(depth, adder, end);
        Some(())
    });
}

/// Exits a call, as [`exit`] does, and ends it at the same moment: one reading of the clock serves both.
#[inline]
pub(crate) fn exit_and_end(depth: Depth, call: &OpenCall) {
    let ended = with(|thread| {
        let moment = thread.prepare(call.generation).and_then(|()| thread.read());
        let adder = thread.counts.as_deref().map(|counts| Adder { counts, kept: &thread.kept });
        thread.frames.exit(depth, adder, moment);
        let (counts, moment) = (thread.counts.as_deref()?, moment?);
        if let Some(bytes) = counts.end(moment.time, call, Outcome::Completed, &mut thread.kept) {
            let before = thread.bytes();
            counts.add_request(call, bytes, &thread.kept);
            thread.excuse(before);
        }
        Some(())
    });
    if ended.is_none() {
        end(call, Outcome::Completed);
    }
}

/// A span begins.
#[inline]
pub(crate) fn begin_span(generation: u64, identity: Identity<'_>, parent: Parent, span: u64) {
    let begun = with(|thread| thread.begin(generation, identity, parent));
    let Some((call, _)) = begun else { return };
    with_counts(generation, |counts, kept| {
        if !counts.spans.insert(span, &call) {
            // Its end could not be noticed. A span is no request.
            let _ = counts.end(now(counts)?, &call, Outcome::Completed, kept);
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
        let adder = Adder { counts: thread.counts.as_deref()?, kept: &thread.kept };
        thread.frames.exit_span(span, adder, end);
        Some(())
    });
}

/// A span closes.
#[inline]
pub(crate) fn end_span(generation: u64, span: u64) {
    with_counts(generation, |counts, kept| {
        let call = counts.spans.remove(span, generation)?;
        let _ = counts.end(now(counts)?, &call, Outcome::Completed, kept);
        Some(())
    });
}

/// Runs `run`, which is work of the tracer. No call has the bytes that it allocates.
pub(crate) fn excused<T>(run: impl FnOnce() -> T) -> T {
    let before = with(|thread| Some(thread.bytes()));
    let result = run();
    if let Some(before) = before {
        with(|thread| {
            thread.excuse(before);
            Some(())
        });
    }
    result
}

/// Runs `run` with the state of this thread. `None` while the thread ends, or inside of `run`.
#[inline]
fn with<T>(run: impl FnOnce(&mut Thread) -> Option<T>) -> Option<T> {
    THREAD.try_with(|thread| run(&mut *thread.try_borrow_mut().ok()?)).ok().flatten()
}

/// Runs `run` with the counting of this number, if it still counts.
#[inline]
fn with_counts(generation: u64, run: impl Fn(&Counts, &mut Kept) -> Option<()>) {
    let ran = with(|thread| {
        let counts = match thread.prepare(generation) {
            Some(()) => thread.counts.as_deref(),
            None => None,
        };
        let before = thread.bytes();
        if let Some(counts) = counts {
            run(counts, &mut thread.kept);
        }
        thread.excuse(before);
        Some(())
    });
    // A thread that ends can still drop calls.
    if ran.is_none()
        && let Some(counts) = counting::find(generation)
    {
        let mut kept = Kept::default();
        run(&counts, &mut kept);
        if let Some(spare) = kept.spare {
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
            kept: Kept { spare: None, lane: None, route_nodes: RouteNodes::new() },
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
        self.give_back();
        // What no longer counts is not kept.
        self.counts = counting::find(generation);
        self.kept.lane = self.counts.as_ref().and_then(|counts| counts.take_lane());
        self.excuse(before);
        self.counts.is_some().then_some(())
    }

    fn give_back(&mut self) {
        let kept = std::mem::take(&mut self.kept);
        if let (Some(counts), Some(spare)) = (&self.counts, kept.spare) {
            counts.slots.put(spare);
        }
        if let Some(lane) = kept.lane {
            lane.give_back();
        }
    }

    /// Returns the time at which the call began.
    #[inline]
    fn begin(&mut self, generation: u64, identity: Identity<'_>, parent: Parent) -> Option<(OpenCall, u64)> {
        self.prepare(generation)?;
        let counts = self.counts.as_deref()?;
        let parent = self.parent(counts, parent);
        let time = now(counts)?;
        Some((self.begin_new(time, identity, parent)?, time))
    }

    /// A call begins whose node this thread looks up.
    #[inline(never)]
    fn begin_new(&mut self, time: u64, identity: Identity<'_>, parent: Option<Position>) -> Option<OpenCall> {
        let before = self.bytes();
        let call = self.counts.as_deref()?.begin(time, identity, parent, &mut self.kept);
        self.excuse(before);
        call
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
        self.give_back();
    }
}
