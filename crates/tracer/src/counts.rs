//! Everything that is counted from one start to the next.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, SystemTime};

use memory_debug_report::TraceKind;

use crate::clock::{Clock, Since, nanoseconds};
use crate::name::Name;
use crate::node::{Key, NO_NODE, NodeId, Place};
use crate::position::{OpenCall, Position};
use crate::routes::Routes;
use crate::slots::{SlotId, Slots};
use crate::spans::Spans;
use crate::table::Table;

/// How many calls can be open at once for each node that fits, on average. Calls beyond this count under `(other)`, and
/// their own total includes their children.
const OPEN_CALLS_PER_NODE: u32 = 8;

/// What a call is, apart from its parent.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Identity<'a> {
    pub(crate) kind: TraceKind,
    pub(crate) name: Name<'a>,
    pub(crate) place: Place,
}

/// How a call ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Outcome {
    Completed,
    Cancelled,
}

/// The numbers of one counting. Nothing here waits for another thread.
#[derive(Debug)]
pub(crate) struct Counts {
    /// Different from the number of every other counting of this process, and not 0.
    pub(crate) generation: u64,
    pub(crate) table: Table,
    pub(crate) slots: Slots,
    pub(crate) routes: Routes,
    pub(crate) spans: Spans,
    since: Since,
    /// When counting ends by itself.
    deadline: u64,
    /// When counting ended. `u64::MAX` while it counts.
    stopped: AtomicU64,
    pub(crate) started_at: SystemTime,
    pub(crate) limit: Option<Duration>,
    pub(crate) started_by: Option<String>,
    /// The generation in which the tracer counts, or 0. Shared with the tracer.
    switch: Arc<AtomicU64>,
}

impl Counts {
    pub(crate) fn new(
        generation: u64,
        max_nodes: u32,
        clock: &Clock,
        limit: Option<Duration>,
        started_by: Option<String>,
        switch: Arc<AtomicU64>,
    ) -> Self {
        let max_open = max_nodes.saturating_mul(OPEN_CALLS_PER_NODE);
        Self {
            generation,
            table: Table::new(max_nodes),
            slots: Slots::new(max_open),
            routes: Routes::new(),
            spans: Spans::new(max_open),
            since: clock.begin(),
            deadline: limit.map_or(u64::MAX, nanoseconds),
            stopped: AtomicU64::new(u64::MAX),
            started_at: SystemTime::now(),
            limit,
            started_by,
            switch,
        }
    }

    /// The time since the start. `None` after the end.
    #[inline]
    pub(crate) fn now(&self) -> Option<u64> {
        let now = self.since.now();
        (now < self.deadline).then_some(now)
    }

    /// Whether it still counts.
    #[inline]
    pub(crate) fn is_on(&self) -> bool {
        self.stopped.load(Ordering::Relaxed) == u64::MAX
    }

    /// Lets calls begin.
    pub(crate) fn switch_on(&self) {
        self.switch.store(self.generation, Ordering::Release);
    }

    /// Ends the time that is counted. What was counted stays.
    pub(crate) fn switch_off(&self) {
        let _ = self.switch.compare_exchange(self.generation, 0, Ordering::AcqRel, Ordering::Relaxed);
        self.stopped.fetch_min(self.since.now().min(self.deadline), Ordering::AcqRel);
    }

    /// How long was counted until now.
    pub(crate) fn counted(&self) -> u64 {
        self.stopped.load(Ordering::Acquire).min(self.since.now()).min(self.deadline)
    }

    /// A call begins, in the slot `spare` if there is one. `None` if not even `(other)` has room.
    #[inline]
    pub(crate) fn begin(
        &self,
        now: u64,
        identity: Identity<'_>,
        parent: Option<Position>,
        spare: &mut Option<SlotId>,
    ) -> Option<OpenCall> {
        let Identity { kind, name, place } = identity;
        let above = parent.map_or(NO_NODE, |parent| parent.node);
        let slot = spare.take().or_else(|| self.slots.take());
        let node = match slot {
            Some(_) => self.table.find_or_add(&Key { parent: above, kind, name, place })?,
            None => self.table.other(above)?,
        };
        self.table.node(node)?.total.begin(now);
        if let Some((parent, slot)) = with_slot(parent)
            && self.slots.child_begins(slot)
        {
            self.table.node(parent)?.covered.begin(now);
        }
        Some(OpenCall { generation: self.generation, position: Position { node, slot }, parent })
    }

    /// A call ends. Its slot becomes `spare`, unless there is one.
    #[inline]
    pub(crate) fn end(&self, now: u64, call: &OpenCall, outcome: Outcome, spare: &mut Option<SlotId>) {
        let Some(node) = self.table.node(call.position.node) else { return };
        if let Some(slot) = call.position.slot {
            let (has_children, slot) = self.slots.close(slot);
            if has_children {
                node.covered.end(now);
            }
            if let Some(surplus) = spare.replace(slot) {
                self.slots.put(surplus);
            }
        }
        // Counts it before it stops being open, so that a report counts it twice rather than not at all.
        match outcome {
            Outcome::Completed => &node.completed,
            Outcome::Cancelled => &node.cancelled,
        }
        .fetch_add(1, Ordering::Relaxed);
        node.total.end(now);
        if let Some((parent, slot)) = with_slot(call.parent)
            && self.slots.child_ends(slot)
            && let Some(parent) = self.table.node(parent)
        {
            parent.covered.end(now);
        }
    }

    /// A request ended that allocated `bytes`.
    pub(crate) fn add_request(&self, call: &OpenCall, bytes: u64) {
        let Some(node) = self.table.node(call.position.node) else { return };
        let route = match (node.route.get(), node.key.get()) {
            (Some(route), _) => *route,
            (None, Some(key)) if key.kind == TraceKind::Route => {
                let route = self.routes.find_or_add(&key.name);
                // An error says that another thread was first, with the same number.
                let _ = node.route.set(route);
                route
            }
            // It counts under `(other)`, with calls that are no requests.
            _ => return,
        };
        self.routes.add(route, bytes);
    }
}

fn with_slot(position: Option<Position>) -> Option<(NodeId, SlotId)> {
    position.and_then(|position| Some((position.node, position.slot?)))
}
