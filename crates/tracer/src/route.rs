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
    /// What it allocated so far.
    allocated: u64,
    /// The route for live samples. `None` unless they were recorded when the request began.
    label: Option<LiveLabel>,
}

impl RouteCall {
    /// A request that is not followed.
    #[inline]
    pub(crate) const fn unfollowed() -> Self {
        Self { call: Call::uncounted(), allocated: 0, label: None }
    }

    /// A request begins. It counts in this counting, unless that is 0.
    #[inline(never)]
    pub(crate) fn begin(generation: u64, name: RouteLabel<'_>) -> Self {
        let route = known(name);
        let call = match generation {
            0 => Call::uncounted(),
            _ => Call::begin_route(generation, name, route.map(|route| route.number)),
        };
        Self { call, allocated: 0, label: live_label(route) }
    }

    /// The request, if its polls are counted or have a label.
    #[inline]
    fn if_followed(self) -> Option<Self> {
        if self.call.is_open() || self.label.is_some() { Some(self) } else { None }
    }

    /// Enters the request until the guard is dropped.
    #[inline]
    pub fn enter(&mut self) -> CallGuard<'_> {
        self.call.enter_counting(Some(&mut self.allocated), self.label)
    }

    /// The response is ready.
    #[inline]
    pub fn complete(mut self) {
        self.end();
    }

    #[inline]
    fn end(&mut self) {
        self.call.end(Outcome::Completed, Some(self.allocated));
    }

    /// Counts the polls of `future` for this request, and completes the request when `future` is ready.
    #[inline]
    pub fn future<F>(self, future: F) -> RouteFuture<F> {
        RouteFuture { future, route: self.if_followed() }
    }
}

/// A request that has begun, and that this thread has entered, from [`Tracer::enter_route`](crate::Tracer::enter_route).
#[derive(Debug)]
#[must_use = "a request that is dropped counts as cancelled"]
pub struct EnteredRoute {
    entry: Entry,
    /// What the thread allocates counts for the route.
    label: Option<LabelGuard>,
    route: RouteCall,
    /// The thread that entered the request must exit it.
    _not_send: PhantomData<*const ()>,
}

/// Dropping it exits the request.
#[derive(Debug)]
struct Entry(Option<Depth>);

fn known(name: RouteLabel<'_>) -> Option<&'static KnownRoute> {
    known_routes::recent(name).or_else(|| thread::excused(|| known_routes::find_or_add(name)))
}

#[inline]
fn live_label(route: Option<&KnownRoute>) -> Option<LiveLabel> {
    route.filter(|_| recording()).and_then(|route| route.label)
}

impl EnteredRoute {
    /// A request that is not followed.
    #[inline]
    pub(crate) const fn unfollowed() -> Self {
        Self { entry: Entry(None), label: None, route: RouteCall::unfollowed(), _not_send: PhantomData }
    }

    /// A request begins and is entered. It counts in this counting, unless that is 0. Apart, so that a request which is
    /// not followed saves no registers.
    #[inline(never)]
    pub(crate) fn begin(generation: u64, name: RouteLabel<'_>) -> Self {
        let route = known(name);
        let (call, depth) = match generation {
            0 => (Call::uncounted(), None),
            _ => Call::enter_route(generation, name, route.map(|route| route.number)),
        };
        let label = live_label(route);
        let route = RouteCall { call, allocated: 0, label };
        Self { entry: Entry(depth), label: label.map(LiveLabel::enter), route, _not_send: PhantomData }
    }

    /// Exits the request, and counts the polls of the `future` that the service returned. What the service did since it
    /// was entered is counted as well: some services work before they return their future.
    #[inline]
    pub fn future<F>(self, future: F) -> RouteFuture<F> {
        let Self { mut entry, label, mut route, .. } = self;
        drop(label);
        if let Some(cost) = entry.0.take().and_then(thread::exit) {
            route.allocated = cost.allocated;
        }
        RouteFuture { future, route: route.if_followed() }
    }
}

impl Drop for Entry {
    #[inline]
    fn drop(&mut self) {
        // Only if a panic goes on, or the future is never made. The request is cancelled, and its bytes do not matter.
        if let Some(depth) = self.0 {
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
        // After the future: what the future drops is part of the request. `None` costs each poll one comparison.
        route: Option<RouteCall>,
    }
}

impl<F> RouteFuture<F> {
    /// The future of a request that is not followed: its polls are not counted and have no label.
    #[inline]
    pub const fn unfollowed(future: F) -> Self {
        Self { future, route: None }
    }
}

impl<F: Future> Future for RouteFuture<F> {
    type Output = F::Output;

    #[inline]
    fn poll(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<F::Output> {
        let request = self.project();
        match request.route {
            Some(route) => poll_followed(request.future, context, route),
            None => request.future.poll(context),
        }
    }
}

/// Apart, so that a poll which is not followed saves no registers.
#[inline(never)]
fn poll_followed<F: Future>(
    future: Pin<&mut F>,
    context: &mut Context<'_>,
    route: &mut RouteCall,
) -> Poll<F::Output> {
    let guard = route.enter();
    let polled = future.poll(context);
    if polled.is_ready() {
        guard.complete();
    }
    polled
}

impl<F> fmt::Debug for RouteFuture<F> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RouteFuture").field("route", &self.route).finish_non_exhaustive()
    }
}
