//! Calls as values.

use std::marker::PhantomData;
use std::panic::Location;

use memory_debug_core::__private::{LabelGuard, RouteLabel as LiveLabel};
use memory_debug_report::TraceKind;

use crate::counting;
use crate::counts::Identity;
use crate::frames::Depth;
use crate::name::{Name, RouteLabel};
use crate::node::Place;
use crate::numbers::Outcome;
use crate::position::OpenCall;
use crate::thread;

/// One call of something that has a name: from [`begin`](Self::begin) to [`complete`](Self::complete).
///
/// Futures are easier to count with [`TraceExt::traced`](crate::TraceExt::traced). A call that is dropped before it is
/// complete counts as cancelled. If nothing counts when the call begins, the call does nothing, also later.
#[derive(Debug)]
#[must_use = "a call that is dropped counts as cancelled"]
pub struct Call {
    /// `None` if it is not counted, or has ended.
    open: Option<OpenCall>,
}

/// While it exists, this thread works for a [`Call`] or [`RouteCall`](crate::RouteCall).
#[derive(Debug)]
#[must_use = "dropping it exits the call"]
pub struct CallGuard<'a> {
    call: &'a mut Call,
    depth: Option<Depth>,
    /// Where to add the bytes of a request.
    bytes: Option<&'a mut u64>,
    /// What the thread allocates counts for this route.
    _label: Option<LabelGuard>,
    /// The thread that entered the call must exit it.
    _not_send: PhantomData<*const ()>,
}

impl Call {
    /// A call begins, below the call that this thread has entered. It costs one relaxed load if nothing counts.
    #[track_caller]
    #[inline]
    pub fn begin(name: &'static str) -> Self {
        let generation = counting::current();
        if generation == 0 {
            return Self { open: None };
        }
        Self::begin_at(generation, name, Location::caller())
    }

    #[inline(never)]
    fn begin_at(generation: u64, name: &'static str, location: &'static Location<'static>) -> Self {
        let place = Place { file: Some(location.file()), line: location.line() };
        Self::open(
            generation,
            Identity { kind: TraceKind::Future, name: Name::Static(name), place, route: None },
        )
    }

    /// A request begins, in this counting. `number`: its number among the known routes.
    pub(crate) fn begin_route(generation: u64, label: RouteLabel<'_>, number: Option<u32>) -> Self {
        Self::open(generation, route(label, number))
    }

    /// A request begins, and is entered at the same moment.
    #[inline]
    pub(crate) fn enter_route(
        generation: u64,
        label: RouteLabel<'_>,
        number: Option<u32>,
    ) -> (Self, Option<Depth>) {
        let (open, depth) = thread::begin_entered(generation, route(label, number)).unzip();
        (Self { open }, depth.flatten())
    }

    /// A call that is not counted.
    pub(crate) const fn uncounted() -> Self {
        Self { open: None }
    }

    fn open(generation: u64, identity: Identity<'_>) -> Self {
        Self { open: thread::begin(generation, identity) }
    }

    /// Whether it is counted and has not ended.
    #[inline]
    pub(crate) fn is_open(&self) -> bool {
        self.open.is_some()
    }

    /// Enters the call until the guard is dropped.
    #[inline]
    pub fn enter(&mut self) -> CallGuard<'_> {
        self.enter_counting(None, None)
    }

    /// Enters the call and the route `label`, and adds to `bytes` what it allocates.
    #[inline]
    pub(crate) fn enter_counting<'a>(
        &'a mut self,
        bytes: Option<&'a mut u64>,
        label: Option<LiveLabel>,
    ) -> CallGuard<'a> {
        let mut depth = None;
        if let Some(call) = &self.open {
            depth = thread::enter(call);
            if depth.is_none() {
                self.forget();
            }
        }
        let _label = label.map(LiveLabel::enter);
        CallGuard { call: self, depth, bytes, _label, _not_send: PhantomData }
    }

    /// Spares the next entries the search for a counting that is over.
    #[cold]
    fn forget(&mut self) {
        self.open = self.open.take().filter(|call| counting::find(call.generation).is_some());
    }

    /// The call has finished.
    #[inline]
    pub fn complete(mut self) {
        self.end(Outcome::Completed, None);
    }

    /// Ends the call if it is open. A request tells how many bytes it allocated.
    #[inline]
    pub(crate) fn end(&mut self, outcome: Outcome, request: Option<u64>) {
        if let Some(call) = self.open.take() {
            thread::end(&call, outcome, request);
        }
    }
}

impl CallGuard<'_> {
    /// Exits the call and ends it, at the same moment.
    #[inline]
    pub(crate) fn complete(mut self) {
        let bytes = self.bytes.as_deref().copied();
        if let Some(call) = &self.call.open {
            match self.depth.take() {
                Some(depth) => thread::exit_and_end(depth, call, bytes),
                None => thread::end(call, Outcome::Completed, bytes),
            }
        }
        self.call.open = None;
    }
}

fn route(label: RouteLabel<'_>, number: Option<u32>) -> Identity<'_> {
    Identity { kind: TraceKind::Route, name: Name::Route(label), place: Place::default(), route: number }
}

impl Drop for Call {
    #[inline]
    fn drop(&mut self) {
        self.end(Outcome::Cancelled, None);
    }
}

impl Drop for CallGuard<'_> {
    #[inline]
    fn drop(&mut self) {
        let Some(cost) = self.depth.take().and_then(thread::exit) else { return };
        if let Some(bytes) = &mut self.bytes {
            **bytes = bytes.wrapping_add(cost.allocated);
        }
    }
}
