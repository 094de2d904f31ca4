//! Requests that are counted by route.

use std::fmt;
use std::marker::PhantomData;
use std::pin::Pin;
use std::task::{Context, Poll};

use pin_project_lite::pin_project;

use crate::call::{Call, CallGuard};
use crate::counts::Outcome;
use crate::frames::Depth;
use crate::name::RouteLabel;
use crate::thread;

/// A request, from [`Tracer::route`](crate::Tracer::route) to [`complete`](Self::complete). A request that is dropped
/// before counts as cancelled.
#[derive(Debug)]
#[must_use = "a request that is dropped counts as cancelled"]
pub struct RouteCall {
    call: Call,
    /// What it allocated so far.
    allocated: u64,
}

impl RouteCall {
    pub(crate) const fn new(call: Call) -> Self {
        Self { call, allocated: 0 }
    }

    /// Enters the request until the guard is dropped.
    #[inline]
    pub fn enter(&mut self) -> CallGuard<'_> {
        self.call.enter_counting(Some(&mut self.allocated))
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
        RouteFuture { future, route: self }
    }
}

/// A request that has begun, and that this thread has entered, from [`Tracer::enter_route`](crate::Tracer::enter_route).
#[derive(Debug)]
#[must_use = "a request that is dropped counts as cancelled"]
pub struct EnteredRoute {
    route: RouteCall,
    depth: Option<Depth>,
    /// The thread that entered the request must exit it.
    _not_send: PhantomData<*const ()>,
}

impl EnteredRoute {
    /// A request that is not counted.
    #[inline]
    pub(crate) const fn uncounted() -> Self {
        Self { route: RouteCall::new(Call::uncounted()), depth: None, _not_send: PhantomData }
    }

    /// Apart, so that a request which is not counted saves no registers.
    #[inline(never)]
    pub(crate) fn begin(generation: u64, label: RouteLabel<'_>) -> Self {
        let (call, depth) = Call::enter_route(generation, label);
        Self { route: RouteCall::new(call), depth, _not_send: PhantomData }
    }

    /// Exits the request, and counts the polls of the `future` that the service returned. What the service did since it
    /// was entered is counted as well: some services work before they return their future.
    #[inline]
    pub fn future<F>(mut self, future: F) -> RouteFuture<F> {
        if self.depth.is_some() {
            self.exit();
        }
        let route = std::mem::replace(&mut self.route, RouteCall::new(Call::uncounted()));
        RouteFuture { future, route }
    }

    #[inline(never)]
    fn exit(&mut self) {
        if let Some(cost) = self.depth.take().and_then(thread::exit) {
            self.route.allocated = self.route.allocated.wrapping_add(cost.allocated);
        }
    }
}

impl Drop for EnteredRoute {
    #[inline]
    fn drop(&mut self) {
        if self.depth.is_some() {
            self.exit();
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
        route: RouteCall,
    }
}

impl<F> RouteFuture<F> {
    /// The future of a request that is not counted.
    #[inline]
    pub const fn uncounted(future: F) -> Self {
        Self { future, route: RouteCall::new(Call::uncounted()) }
    }
}

impl<F: Future> Future for RouteFuture<F> {
    type Output = F::Output;

    #[inline]
    fn poll(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<F::Output> {
        let request = self.project();
        if request.route.call.is_open() {
            return poll_counted(request.future, context, request.route);
        }
        request.future.poll(context)
    }
}

/// Apart, so that a poll which is not counted saves no registers.
#[inline(never)]
fn poll_counted<F: Future>(
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
