//! What this thread runs: the calls that it has entered.

use std::cell::RefCell;
use std::sync::Arc;
use std::sync::atomic::Ordering;

use memory_debug_core::__private::ThreadCounters;

use crate::counting;
use crate::counts::{Counts, Identity, OpenCall, Outcome, Position};
use crate::node::Reading;

/// Entered calls for which each thread has room from the start.
const FRAMES: usize = 32;

thread_local! {
    static THREAD: RefCell<Thread> = const { RefCell::new(Thread::new()) };
}

struct Thread {
    /// What this thread counted in last.
    counts: Option<Arc<Counts>>,
    /// The entered calls. The innermost is the last.
    frames: Vec<Frame>,
    /// One bit for each entered node. Several nodes share a bit.
    entered: u64,
    counters: Counters,
    /// Bytes that the tracer itself allocated and freed, which no call has.
    ours: Reading,
}

enum Counters {
    Unknown,
    None,
    Of(ThreadCounters),
}

/// A call that this thread has entered.
struct Frame {
    generation: u64,
    position: Position,
    /// The time and the thread's bytes at the beginning.
    begin: Reading,
    /// What calls inside cost.
    inside: Reading,
    /// The value of `Thread::entered` before.
    entered: u64,
    /// Whether a frame below is of the same node, and so contains this one.
    repeated: bool,
    /// Whether it has exited already, before a frame above it.
    exited: bool,
}

/// The place of an entered call among those of its thread.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Depth(usize);

/// A call begins on this thread, below the call that the thread runs. `None` if nothing counts.
#[inline]
pub(crate) fn begin(generation: u64, identity: Identity<'_>) -> Option<OpenCall> {
    with(|thread| {
        let parent = thread.position(generation);
        thread.begin(generation, identity, parent)
    })
}

/// A call ends, perhaps on another thread than the one it began on. A request tells how many bytes it allocated.
#[inline]
pub(crate) fn end(call: &OpenCall, outcome: Outcome, request: Option<u64>) {
    let end = |counts: &Counts| {
        let now = now(counts)?;
        if let Some(bytes) = request {
            counts.add_request(call, bytes);
        }
        counts.end(now, call, outcome);
        Some(())
    };
    let ended = with(|thread| {
        let before = thread.bytes();
        thread.prepare(call.generation)?;
        let ended = thread.counts.as_deref().and_then(end);
        thread.excuse(before);
        Some(ended)
    });
    // A thread that ends can still drop calls.
    if ended.is_none()
        && let Some(counts) = counting::find(call.generation)
    {
        end(&counts);
    }
}

/// Enters a call.
#[inline]
pub(crate) fn enter(call: &OpenCall) -> Option<Depth> {
    with(|thread| thread.enter(call))
}

/// Exits a call that [`enter`] entered on this thread, and all calls that were entered since. Returns what it cost.
#[inline]
pub(crate) fn exit(depth: Depth) -> Option<Reading> {
    with(|thread| thread.exit(depth))
}

/// Runs `run` with the state of this thread. `None` while the thread ends, or inside of `run`.
#[inline]
fn with<T>(run: impl FnOnce(&mut Thread) -> Option<T>) -> Option<T> {
    THREAD.try_with(|thread| run(&mut *thread.try_borrow_mut().ok()?)).ok().flatten()
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
            frames: Vec::new(),
            entered: 0,
            counters: Counters::Unknown,
            ours: Reading { time: 0, allocated: 0, freed: 0 },
        }
    }

    /// The innermost call of this counting.
    #[inline]
    fn position(&self, generation: u64) -> Option<Position> {
        let running = |frame: &&Frame| frame.generation == generation && !frame.exited;
        self.frames.iter().rev().find(running).map(|frame| frame.position)
    }

    /// Makes `self.counts` the counting with this number. `None` if it no longer counts.
    #[inline]
    fn prepare(&mut self, generation: u64) -> Option<()> {
        if self.counts.as_ref().is_some_and(|counts| counts.generation == generation) {
            // The switch of this counting, and not of the process: another tracer can be the current one.
            return self.counts.as_ref()?.is_on().then_some(());
        }
        self.look_up(generation)
    }

    #[cold]
    fn look_up(&mut self, generation: u64) -> Option<()> {
        if matches!(self.counters, Counters::Unknown) {
            let counters = ThreadCounters::of_this_thread();
            self.counters = counters.map_or(Counters::None, Counters::Of);
        }
        let before = self.bytes();
        self.counts = Some(counting::find(generation)?);
        if self.frames.capacity() < FRAMES {
            self.frames.reserve(FRAMES);
        }
        self.excuse(before);
        Some(())
    }

    #[inline]
    fn begin(
        &mut self,
        generation: u64,
        identity: Identity<'_>,
        parent: Option<Position>,
    ) -> Option<OpenCall> {
        self.prepare(generation)?;
        let before = self.bytes();
        let counts = self.counts.as_ref()?;
        let call = counts.begin(now(counts)?, identity, parent);
        self.excuse(before);
        call
    }

    #[inline]
    fn enter(&mut self, call: &OpenCall) -> Option<Depth> {
        self.prepare(call.generation)?;
        if self.frames.len() == self.frames.capacity() {
            let before = self.bytes();
            self.frames.reserve(FRAMES);
            self.excuse(before);
        }
        let depth = self.frames.len();
        let node = call.position.node;
        let bit = 1 << (node % u64::BITS);
        let is_same = |frame: &Frame| frame.position.node == node && frame.generation == call.generation;
        let repeated = self.entered & bit != 0 && self.frames.iter().any(is_same);
        // The clock comes last, so that this work is not part of the call.
        let begin = self.read(now(self.counts.as_ref()?)?);
        self.frames.push(Frame {
            generation: call.generation,
            position: call.position,
            begin,
            inside: Reading::default(),
            entered: self.entered,
            repeated,
            exited: false,
        });
        self.entered |= bit;
        Some(Depth(depth))
    }

    #[inline]
    fn exit(&mut self, depth: Depth) -> Option<Reading> {
        let generation = self.frames.get(depth.0)?.generation;
        // If it no longer counts, the frames go without being counted.
        let now = self.prepare(generation).and_then(|()| now(self.counts.as_ref()?));
        let mut cost = None;
        while self.frames.len() > depth.0 {
            cost = self.pop(now.map(|now| self.read(now)));
        }
        cost
    }

    /// Exits the innermost call. `None` if it is not counted.
    #[inline]
    fn pop(&mut self, end: Option<Reading>) -> Option<Reading> {
        let frame = self.frames.pop()?;
        self.entered = frame.entered;
        let counts = self.counts.as_ref().filter(|counts| counts.generation == frame.generation)?;
        let cost = if frame.exited {
            frame.inside
        } else {
            let cost = end?.minus(frame.begin);
            settle(counts, &frame, cost, cost.minus(frame.inside));
            cost
        };
        if let Some(below) = self.frames.last_mut().filter(|below| below.generation == frame.generation) {
            below.inside = below.inside.plus(cost);
        }
        Some(cost)
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

    #[inline]
    fn read(&self, time: u64) -> Reading {
        let (allocated, freed) = self.bytes();
        Reading { time, allocated, freed }.minus(self.ours)
    }
}

/// Counts a poll.
#[inline]
fn settle(counts: &Counts, frame: &Frame, cost: Reading, own: Reading) {
    let Some(node) = counts.table.node(frame.position.node) else { return };
    node.polls.fetch_add(1, Ordering::Relaxed);
    node.own.add(own);
    if !frame.repeated {
        node.inclusive.add(cost);
        // Most polls are not the longest, and a load is cheaper than an atomic maximum.
        if cost.time > node.longest_poll.load(Ordering::Relaxed) {
            node.longest_poll.fetch_max(cost.time, Ordering::Relaxed);
        }
    }
}
