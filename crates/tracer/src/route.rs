//! Requests that are counted by route, and whose live memory counts for their route.

use std::fmt;
use std::marker::PhantomData;
use std::pin::Pin;
use std::task::{Context, Poll};

use memory_debug_core::__private::live_samples::recording;
use memory_debug_core::__private::{LabelGuard, RouteLabel as LiveLabel};
use pin_project_lite::pin_project;

use crate::call::{Call, CallGuard};
use crate::frames::Depth;
use crate::known_routes::{self, KnownRoute};
use crate::name::RouteLabel;
use crate::numbers::Outcome;
use crate::thread;

/// A request, from [`Tracer::route`](crate::Tracer::route) to [`complete`](Self::complete). A request that is dropped
/// before counts as cancelled.
#[derive(Debug)]
#[must_use = "a request that is dropped counts as cancelled"]
pub struct RouteCall {
    call: Call,
    /// The route for live samples. `None` unless they were recorded when the request began.
    label: Option<LiveLabel>,
}

impl RouteCall {
    /// A request that is not followed.
    #[inline]
    pub(crate) const fn unfollowed() -> Self {
        Self { call: Call::uncounted(), label: None }
    }

    /// A request begins. It counts in this counting, unless that is 0.
    #[inline(never)]
    pub(crate) fn begin(generation: u64, name: RouteLabel<'_>) -> Self {
        let route = known(name);
        let call = match generation {
            0 => Call::uncounted(),
            _ => Call::begin_route(generation, name, route.map(|route| route.number)),
        };
        Self { call, label: live_label(route) }
    }

    /// The request, if its polls are counted or have a label.
    #[inline]
    fn if_followed(self) -> Option<Self> {
        if self.call.is_open() || self.label.is_some() { Some(self) } else { None }
    }

    /// Enters the request until the guard is dropped.
    #[inline]
    pub fn enter(&mut self) -> CallGuard<'_> {
        self.call.enter_labelled(self.label)
    }

    /// The response is ready.
    #[inline]
    pub fn complete(mut self) {
        self.call.end(Outcome::Completed);
    }

    /// Counts the polls of `future` for this request, and completes the request when `future` is ready.
    #[inline]
    pub fn future<F>(self, future: F) -> RouteFuture<F> {
        RouteFuture::new(future, self.if_followed())
    }
}

/// A request that begins when its future is first polled, from [`Tracer::defer_route`](crate::Tracer::defer_route).
#[derive(Clone, Copy, Debug)]
#[must_use = "a request begins with the first poll of its future"]
pub struct DeferredRoute {
    /// The counting in which it begins, or 0.
    generation: u64,
    route: &'static KnownRoute,
}

/// While it exists, this thread runs a request that has just begun, from [`Tracer::enter_route`](crate::Tracer::enter_route).
#[derive(Debug)]
#[must_use = "dropping it exits the request"]
pub struct EnteredRoute {
    depth: Option<Depth>,
    /// What the thread allocates counts for the route.
    _label: Option<LabelGuard>,
    /// The thread that entered the request must exit it.
    _not_send: PhantomData<*const ()>,
}

impl DeferredRoute {
    #[inline]
    pub(crate) fn new(generation: u64, name: RouteLabel<'_>) -> Option<Self> {
        Some(Self { generation, route: known(name)? })
    }
}

fn known(name: RouteLabel<'_>) -> Option<&'static KnownRoute> {
    known_routes::recent(name).or_else(|| thread::excused(|| known_routes::find_or_add(name)))
}

#[inline]
fn live_label(route: Option<&KnownRoute>) -> Option<LiveLabel> {
    route.filter(|_| recording()).and_then(|route| route.label)
}

impl EnteredRoute {
    /// No request is followed.
    #[inline]
    pub(crate) const fn unfollowed() -> Self {
        Self { depth: None, _label: None, _not_send: PhantomData }
    }

    /// Begins `request` and enters it. It counts in this counting, unless that is 0. Apart, so that a request which is not
    /// followed saves no registers.
    #[inline(never)]
    pub(crate) fn begin(generation: u64, name: RouteLabel<'_>, request: &mut Option<RouteCall>) -> Self {
        let route = known(name);
        let label = live_label(route);
        // Written in place: values that are built and then moved cost more than the counting.
        let request = request.insert(RouteCall { call: Call::uncounted(), label });
        let mut depth = None;
        if generation != 0 {
            depth = request.call.enter_route(generation, name, route.map(|route| route.number));
        }
        Self { depth, _label: label.map(LiveLabel::enter), _not_send: PhantomData }
    }
}

impl Drop for EnteredRoute {
    #[inline]
    fn drop(&mut self) {
        if let Some(depth) = self.depth {
            thread::exit(depth);
        }
    }
}

pin_project! {
    /// The future of a request that a tracer counts, from [`Tracer::route_future`](crate::Tracer::route_future).
    #[must_use = "futures do nothing unless polled"]
    pub struct RouteFuture<F> {
        #[pin]
        future: F,
        // After the future: what the future drops is part of the request.
        request: Request,
    }
}

/// The request of a future.
#[derive(Debug)]
enum Request {
    /// Its polls are not counted and have no label.
    Unfollowed,
    /// It begins with the first poll.
    Deferred(DeferredRoute),
    Begun(RouteCall),
}

impl<F> RouteFuture<F> {
    /// The future of a request. Without `request`, its polls are not counted and have no label.
    #[inline]
    pub fn new(future: F, request: Option<RouteCall>) -> Self {
        Self { future, request: request.map_or(Request::Unfollowed, Request::Begun) }
    }

    /// The future of a request that begins with the first poll. Without `request`, its polls are not counted and have no
    /// label.
    #[inline]
    pub fn deferred(future: F, request: Option<DeferredRoute>) -> Self {
        Self { future, request: request.map_or(Request::Unfollowed, Request::Deferred) }
    }
}

impl<F: Future> Future for RouteFuture<F> {
    type Output = F::Output;

    #[inline]
    fn poll(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<F::Output> {
        let this = self.project();
        match this.request {
            Request::Unfollowed => this.future.poll(context),
            request => poll_followed(this.future, context, request),
        }
    }
}

/// Apart, so that a poll which is not followed saves no registers.
#[inline(never)]
fn poll_followed<F: Future>(
    future: Pin<&mut F>,
    context: &mut Context<'_>,
    request: &mut Request,
) -> Poll<F::Output> {
    let Some(guard) = request.enter() else { return future.poll(context) };
    let polled = future.poll(context);
    if polled.is_ready() {
        guard.complete();
    }
    polled
}

impl Request {
    /// Enters the request until the guard is dropped. `None` if it is not followed.
    #[inline]
    fn enter(&mut self) -> Option<CallGuard<'_>> {
        match *self {
            Self::Unfollowed => None,
            Self::Deferred(request) => self.begin(request),
            Self::Begun(ref mut request) => Some(request.enter()),
        }
    }

    /// The request begins, and is entered at the same moment.
    #[inline]
    fn begin(&mut self, DeferredRoute { generation, route }: DeferredRoute) -> Option<CallGuard<'_>> {
        let label = live_label(Some(route));
        // Written in place, as in `EnteredRoute::begin`.
        *self = Self::Begun(RouteCall { call: Call::uncounted(), label });
        let Self::Begun(request) = self else { return None };
        let mut depth = None;
        if generation != 0 {
            depth = request.call.enter_route(generation, route.name(), Some(route.number));
        }
        Some(CallGuard::entered(&mut request.call, depth, label))
    }
}

impl<F> fmt::Debug for RouteFuture<F> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RouteFuture").field("request", &self.request).finish_non_exhaustive()
    }
}
