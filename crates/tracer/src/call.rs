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
        Self::open(generation, Identity::route(label, number))
    }

    /// A request begins, and is entered at the same moment.
    #[inline]
    pub(crate) fn enter_route(
        &mut self,
        generation: u64,
        label: RouteLabel<'_>,
        number: Option<u32>,
    ) -> Option<Depth> {
        thread::begin_entered(generation, label, number, &mut self.open)
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
        self.enter_labelled(None)
    }

    /// Enters the call and the route `label`.
    #[inline]
    pub(crate) fn enter_labelled(&mut self, label: Option<LiveLabel>) -> CallGuard<'_> {
        let mut depth = None;
        if let Some(call) = &self.open {
            depth = thread::enter(call);
            if depth.is_none() {
                self.forget();
            }
        }
        CallGuard::entered(self, depth, label)
    }

    /// Spares the next entries the search for a counting that is over.
    #[cold]
    fn forget(&mut self) {
        self.open = self.open.take().filter(|call| counting::find(call.generation).is_some());
    }

    /// The call has finished.
    #[inline]
    pub fn complete(mut self) {
        self.end(Outcome::Completed);
    }

    /// Ends the call if it is open.
    #[inline]
    pub(crate) fn end(&mut self, outcome: Outcome) {
        if let Some(call) = self.open.take() {
            thread::end(&call, outcome);
        }
    }
}

impl<'a> CallGuard<'a> {
    /// A guard of `call`, which has been entered at this depth. Enters the route `label`.
    #[inline]
    pub(crate) fn entered(call: &'a mut Call, depth: Option<Depth>, label: Option<LiveLabel>) -> Self {
        CallGuard { call, depth, _label: label.map(LiveLabel::enter), _not_send: PhantomData }
    }

    /// Exits the call and ends it, at the same moment.
    #[inline]
    pub(crate) fn complete(mut self) {
        if let Some(call) = &self.call.open {
            match self.depth.take() {
                Some(depth) => thread::exit_and_end(depth, call),
                None => thread::end(call, Outcome::Completed),
            }
        }
        self.call.open = None;
    }
}

impl Drop for Call {
    #[inline]
    fn drop(&mut self) {
        self.end(Outcome::Cancelled);
    }
}

impl Drop for CallGuard<'_> {
    #[inline]
    fn drop(&mut self) {
        if let Some(depth) = self.depth {
            thread::exit(depth);
        }
    }
}
