//! The calls that one thread has entered, and what each of them costs.

use crate::counts::Counts;
use crate::kept::Kept;
use crate::numbers::Reading;
use crate::position::{OpenCall, Position};

/// Entered calls that fit from the start. More calls make more room.
const ROOM: usize = 32;

/// The most entered calls of one thread. Guards of spans that are forgotten never exit.
const MOST: usize = 1 << 12;

/// The place of an entered call among the calls of its thread.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Depth(usize);

/// The entered calls. The innermost is the last.
#[derive(Debug)]
pub(crate) struct Frames {
    frames: Vec<Frame>,
    /// One bit for each entered node. Several nodes share a bit.
    entered: u64,
}

/// A call that this thread has entered.
#[derive(Debug)]
struct Frame {
    generation: u64,
    position: Position,
    /// The id of the span, or 0 for a future.
    span: u64,
    /// The time and the thread's bytes at the beginning.
    begin: Reading,
    /// What calls inside cost.
    inside: Reading,
    /// The value of `Frames::entered` before.
    entered: u64,
    /// Whether it is a request. Its slot then counts its bytes.
    is_request: bool,
    /// Whether a frame below is of the same node, and so contains this one.
    repeated: bool,
    /// Whether it has exited already, before a frame above it.
    exited: bool,
}

/// Adds polls to a counting, for one thread.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Adder<'a> {
    pub(crate) counts: &'a Counts,
    pub(crate) kept: &'a Kept,
}

impl Frames {
    pub(crate) const fn new() -> Self {
        Self { frames: Vec::new(), entered: 0 }
    }

    /// Whether the next call needs an allocation.
    #[inline]
    pub(crate) fn are_full(&self) -> bool {
        self.frames.len() == self.frames.capacity()
    }

    /// Makes room for the next call. `None` if there are too many.
    #[cold]
    pub(crate) fn make_room(&mut self) -> Option<()> {
        (self.frames.len() < MOST).then(|| self.frames.reserve(ROOM))
    }

    /// The innermost call of this counting.
    #[inline]
    pub(crate) fn position(&self, generation: u64) -> Option<Position> {
        let running = |frame: &&Frame| frame.generation == generation && !frame.exited;
        self.frames.iter().rev().find(running).map(|frame| frame.position)
    }

    /// The counting of the call at this depth.
    #[inline]
    pub(crate) fn generation(&self, depth: Depth) -> Option<u64> {
        self.frames.get(depth.0).map(|frame| frame.generation)
    }

    /// The counting of the innermost call, if that is a span.
    #[inline]
    pub(crate) fn innermost_span(&self) -> Option<u64> {
        self.frames.last().filter(|frame| frame.span != 0).map(|frame| frame.generation)
    }

    /// Exits the innermost call without counting it.
    pub(crate) fn forget_innermost(&mut self) {
        self.pop(None, None);
    }

    /// Enters a call. `span` is 0 for a future.
    #[inline]
    pub(crate) fn push(&mut self, call: &OpenCall, span: u64, begin: Reading) -> Depth {
        let node = call.position.node;
        let bit = 1 << (node % u64::BITS);
        let is_same = |frame: &Frame| frame.position.node == node && frame.generation == call.generation;
        let depth = Depth(self.frames.len());
        self.frames.push(Frame {
            generation: call.generation,
            position: call.position,
            span,
            begin,
            inside: Reading::default(),
            entered: self.entered,
            is_request: call.is_request,
            repeated: self.entered & bit != 0 && self.frames.iter().any(is_same),
            exited: false,
        });
        self.entered |= bit;
        depth
    }

    /// Exits the call at this depth, and the calls inside. Without `end` nothing is counted.
    // Inlined, so that the readings stay in registers.
    #[inline(always)]
    pub(crate) fn exit(&mut self, depth: Depth, adder: Option<Adder<'_>>, end: Option<Reading>) {
        if let (Some(adder), Some(end)) = (adder, end)
            && let Some((frame, below)) = self.frames.split_last_mut()
            && below.len() == depth.0
            && frame.is_running(adder)
            && below.last().is_none_or(|below| below.is_running(adder))
        {
            // Nearly every exit: of the innermost call, which nothing has disturbed.
            let cost = frame.settle(adder, frame.inside, end);
            self.entered = frame.entered;
            if let Some(below) = below.last_mut() {
                below.inside = below.inside.plus(cost);
            }
            self.frames.truncate(depth.0);
        } else {
            self.exit_several(depth, adder, end);
        }
    }

    #[cold]
    fn exit_several(&mut self, depth: Depth, adder: Option<Adder<'_>>, end: Option<Reading>) {
        while self.frames.len() > depth.0 {
            self.pop(adder, end);
        }
        self.pop_exited(adder, end);
    }

    /// Exits a span. Calls that were entered later and have not exited stay entered: `tracing` permits any order.
    #[inline]
    pub(crate) fn exit_span(&mut self, span: u64, adder: Adder<'_>, end: Option<Reading>) {
        let is_this = |frame: &Frame| {
            frame.span == span && frame.generation == adder.counts.generation && !frame.exited
        };
        match self.frames.iter().rposition(is_this) {
            Some(depth) if depth + 1 == self.frames.len() => {
                self.pop(Some(adder), end);
            }
            Some(depth) => self.exit_below(depth, adder, end),
            // It was entered before this counting began.
            None => {}
        }
        self.pop_exited(Some(adder), end);
    }

    /// Removes frames that have exited before the frame above them.
    #[inline]
    fn pop_exited(&mut self, adder: Option<Adder<'_>>, end: Option<Reading>) {
        while self.frames.last().is_some_and(|frame| frame.exited) {
            self.pop(adder, end);
        }
    }

    /// Exits the innermost call.
    fn pop(&mut self, adder: Option<Adder<'_>>, end: Option<Reading>) {
        let Some(frame) = self.frames.last() else { return };
        self.entered = frame.entered;
        let generation = frame.generation;
        let cost = match (adder.filter(|adder| adder.counts.generation == generation), end) {
            (None, _) => None,
            (Some(_), _) if frame.exited => Some(frame.inside),
            (Some(adder), end) => end.map(|end| frame.settle(adder, frame.inside, end)),
        };
        let below = self.frames.len() - 1;
        self.frames.truncate(below);
        if let Some(cost) = cost {
            self.add_inside(below, generation, cost);
        }
    }

    /// Exits the call at `depth`, and leaves the calls above it. Its frame stays until they have exited, and passes on
    /// what they cost from now on.
    #[cold]
    fn exit_below(&mut self, depth: usize, adder: Adder<'_>, end: Option<Reading>) {
        let above = self.frames.get(depth + 1).map(|frame| frame.begin);
        let Some(frame) = self.frames.get_mut(depth) else { return };
        frame.exited = true;
        let (Some(end), Some(above)) = (end, above) else { return };
        // The call above has run since `above`, and will add that time as well when it exits.
        let running = end.minus(above);
        let cost = frame.settle(adder, frame.inside.plus(running), end);
        frame.inside = Reading::default().minus(running);
        self.add_inside(depth, adder.counts.generation, cost);
    }

    /// The frame below `depth` contains a call that cost this.
    #[inline]
    fn add_inside(&mut self, depth: usize, generation: u64, cost: Reading) {
        let below = self.frames[..depth].last_mut();
        if let Some(below) = below.filter(|below| below.generation == generation) {
            below.inside = below.inside.plus(cost);
        }
    }
}

impl Frame {
    /// Whether it belongs to this counting and has not exited.
    #[inline]
    fn is_running(&self, adder: Adder<'_>) -> bool {
        self.generation == adder.counts.generation && !self.exited
    }

    /// Counts a poll that ends now. Returns what it cost with the calls `inside`.
    #[inline(always)]
    fn settle(&self, adder: Adder<'_>, inside: Reading, end: Reading) -> Reading {
        let cost = end.minus(self.begin);
        if let Some((numbers, adding)) = adder.kept.numbers(&adder.counts.table, self.position.node) {
            numbers.add_poll(adding, cost, inside, self.repeated);
        }
        if self.is_request
            && let Some(slot) = self.position.slot
        {
            adder.counts.slots.add_bytes(slot, cost.allocated);
        }
        cost
    }
}
