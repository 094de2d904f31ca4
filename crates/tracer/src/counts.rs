//! Everything that is counted from one start to the next.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, SystemTime};

use memory_debug_core::__private::ForkSafe;
use memory_debug_report::{BytesPerRequest, TraceKind};

use crate::adding::Adding;
use crate::clock::{Clock, Since, nanoseconds};
use crate::histogram::HistogramSum;
use crate::kept::Kept;
use crate::lane::Lane;
use crate::name::{Name, RouteLabel};
use crate::node::{Key, NO_NODE, Node, NodeId, Place};
use crate::numbers::{NumbersSum, Outcome};
use crate::position::{OpenCall, Position};
use crate::routes::Routes;
use crate::slots::{SlotId, Slots};
use crate::spans::Spans;
use crate::table::Table;

/// How many calls can be open at once for each node that fits, on average. Calls beyond this count under `(other)`, and
/// their own total includes their children.
const OPEN_CALLS_PER_NODE: u32 = 8;

/// The most threads with numbers of their own. Further threads share theirs. The lanes take at most 0.3 MiB, and
/// 2.9 kB for each route of each thread: at most 6 MiB.
const MAX_LANES: usize = 64;

/// What a call is, apart from its parent.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Identity<'a> {
    pub(crate) kind: TraceKind,
    pub(crate) name: Name<'a>,
    pub(crate) place: Place,
    /// The number of a known route, by which a thread finds the node of a request again.
    pub(crate) route: Option<u32>,
}

impl<'a> Identity<'a> {
    /// A request. `number`: the number of its route among the known routes.
    pub(crate) fn route(label: RouteLabel<'a>, number: Option<u32>) -> Self {
        Self { kind: TraceKind::Route, name: Name::Route(label), place: Place::default(), route: number }
    }
}

/// The numbers of one counting. No call waits for another thread, except the first call of a thread.
#[derive(Debug)]
pub(crate) struct Counts {
    /// Different from the number of every other counting of this process, and not 0.
    pub(crate) generation: u64,
    pub(crate) table: Table,
    pub(crate) slots: Slots,
    pub(crate) routes: Routes,
    pub(crate) spans: Spans,
    lanes: ForkSafe<Vec<Arc<Lane>>>,
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
            lanes: ForkSafe::new(Vec::new()),
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

    /// Numbers for a thread that has none yet, until it [gives them back](Lane::give_back). `None` if other threads have
    /// all of them.
    pub(crate) fn take_lane(&self) -> Option<Arc<Lane>> {
        let mut lanes = self.lanes.lock();
        if let Some(lane) = lanes.iter().find(|lane| lane.take()) {
            return Some(Arc::clone(lane));
        }
        (lanes.len() < MAX_LANES).then(|| {
            let lane = Arc::new(Lane::taken());
            lanes.push(Arc::clone(&lane));
            lane
        })
    }

    /// All nodes with their numbers, in the order in which they were made. Parents come first.
    pub(crate) fn nodes(&self) -> impl Iterator<Item = (NodeId, &Node, NumbersSum)> {
        let lanes = self.lanes.lock().clone();
        self.table.iter().map(move |(id, node)| {
            let mut sum = NumbersSum::default();
            node.numbers.add_to(&mut sum);
            lanes.iter().for_each(|lane| lane.add_to(id, &mut sum));
            (id, node, sum)
        })
    }

    /// A request begins, of a route whose node this thread keeps, in a slot that it keeps. `None` if one of the two is
    /// missing. Allocates nothing.
    #[inline]
    pub(crate) fn begin_kept(
        &self,
        now: u64,
        route: Option<u32>,
        parent: Option<Position>,
        kept: &mut Kept,
    ) -> Option<OpenCall> {
        let node = kept.route_nodes.find(route?, parent.map_or(NO_NODE, |parent| parent.node))?;
        let slot = kept.spare.take()?;
        self.open(now, Position { node, slot: Some(slot) }, parent, true, kept)
    }

    /// A call begins. `None` if not even `(other)` has room.
    pub(crate) fn begin(
        &self,
        now: u64,
        identity: Identity<'_>,
        parent: Option<Position>,
        kept: &mut Kept,
    ) -> Option<OpenCall> {
        let above = parent.map_or(NO_NODE, |parent| parent.node);
        let slot = kept.spare.take().or_else(|| self.slots.take());
        let node = match slot {
            Some(_) => self.find_or_add(identity, above, kept)?,
            None => self.table.other(above)?,
        };
        self.open(now, Position { node, slot }, parent, identity.kind == TraceKind::Route, kept)
    }

    // Inlined, so that what begins stays in registers until it is written where it belongs.
    #[inline(always)]
    fn open(
        &self,
        now: u64,
        position: Position,
        parent: Option<Position>,
        is_request: bool,
        kept: &Kept,
    ) -> Option<OpenCall> {
        let (numbers, adding) = kept.numbers(&self.table, position.node)?;
        numbers.total.begin(adding, now);
        if let Some((parent, slot)) = with_slot(parent)
            && self.slots.child_begins(slot)
        {
            let (numbers, adding) = kept.numbers(&self.table, parent)?;
            numbers.covered.begin(adding, now);
        }
        Some(OpenCall { generation: self.generation, position, parent, is_request })
    }

    #[inline]
    fn find_or_add(&self, identity: Identity<'_>, parent: NodeId, kept: &mut Kept) -> Option<NodeId> {
        let Identity { kind, name, place, route } = identity;
        let node = self.table.find_or_add(&Key { parent, kind, name, place })?;
        if let Some(route) = route {
            kept.route_nodes.keep(route, parent, node);
        }
        Some(node)
    }

    /// A call ends. Its slot becomes the spare one, unless there is one. Allocates nothing. Returns the bytes of a request
    /// that must be [added](Self::add_request), because it is the first one of its route.
    #[inline]
    #[must_use]
    pub(crate) fn end(&self, now: u64, call: &OpenCall, outcome: Outcome, kept: &mut Kept) -> Option<u64> {
        let mut has_children = false;
        let mut bytes = None;
        if let Some(slot) = call.position.slot {
            let closed = self.slots.close(slot, call.is_request);
            has_children = closed.has_children;
            bytes = (call.is_request && outcome == Outcome::Completed).then_some(closed.bytes);
            if let Some(surplus) = kept.spare.replace(closed.next) {
                self.slots.put(surplus);
            }
        }
        let (numbers, adding) = kept.numbers(&self.table, call.position.node)?;
        numbers.end(adding, now, outcome, has_children);
        if let Some((parent, slot)) = with_slot(call.parent)
            && self.slots.child_ends(slot)
            && let Some((parent, adding)) = kept.numbers(&self.table, parent)
        {
            parent.covered.end(adding, now);
        }
        bytes.filter(|bytes| !self.add_known_request(call, *bytes, kept))
    }

    /// Returns whether it is not the first request of its route, for this thread.
    #[inline]
    fn add_known_request(&self, call: &OpenCall, bytes: u64, kept: &Kept) -> bool {
        let id = call.position.node;
        if let Some(lane) = &kept.lane {
            if let Some(own) = lane.bytes(id) {
                own.add(Adding::Alone, bytes);
                return true;
            }
            if lane.numbers(id).is_some() {
                return false;
            }
        }
        let route = self.table.node(id).and_then(|node| node.route.get());
        route.is_some_and(|route| self.routes.add(*route, bytes))
    }

    /// A request ended that allocated `bytes`.
    #[cold]
    pub(crate) fn add_request(&self, call: &OpenCall, bytes: u64, kept: &Kept) {
        let id = call.position.node;
        let Some(node) = self.table.node(id) else { return };
        let key = node.key.get().filter(|key| key.kind == TraceKind::Route);
        // Otherwise it counts under `(other)`, with calls that are no requests.
        let Some(key) = key else { return };
        let route = self.routes.find_or_add(&key.name);
        // An error says that another thread was first, with the same number.
        let _ = node.route.set(route);
        match kept.lane.as_ref().and_then(|lane| lane.make_bytes(id)) {
            Some(own) => own.add(Adding::Alone, bytes),
            None => {
                self.routes.make(route);
                self.routes.add(route, bytes);
            }
        }
    }

    /// The bytes per request of a route, and of its nodes `ids`.
    pub(crate) fn bytes_per_request(&self, route: u32, ids: &[NodeId]) -> Option<BytesPerRequest> {
        let mut sum = HistogramSum::default();
        self.routes.add_to(route, &mut sum);
        for lane in &*self.lanes.lock() {
            ids.iter().filter_map(|id| lane.bytes(*id)).for_each(|bytes| bytes.add_to(&mut sum));
        }
        sum.figures()
    }
}

fn with_slot(position: Option<Position>) -> Option<(NodeId, SlotId)> {
    position.and_then(|position| Some((position.node, position.slot?)))
}
