//! The tracer: what a program makes, installs and shows.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, SystemTime};

use memory_debug_core::__private::ForkSafe;
use memory_debug_core::__private::live_samples::recording;
use memory_debug_core::{AlreadyCounting, TraceHandle, TraceSource};
use memory_debug_report::__private::timestamp;
use memory_debug_report::{InstanceInfo, Trace, TraceReport, Unavailable};

use crate::clock::Clock;
use crate::counting;
use crate::counts::Counts;
#[cfg(feature = "tracing")]
use crate::layer::TracerLayer;
use crate::name::RouteLabel;
use crate::report;
use crate::route::{DeferredRoute, EnteredRoute, RouteCall, RouteFuture};

/// The most nodes, unless the program sets another number.
const MAX_NODES: u32 = 16_384;

/// Counts the time and the bytes of futures, spans and routes. Clones share one tracer.
///
/// It counts nothing and has no memory until it is [installed](Self::install), or
/// [started](TraceSource::start) by an operator.
#[derive(Clone, Debug)]
pub struct Tracer(Arc<Shared>);

#[derive(Debug)]
struct Shared {
    max_nodes: u32,
    clock: Clock,
    /// The number of the counting that runs, or 0.
    switch: Arc<AtomicU64>,
    /// What was counted since the last start.
    latest: ForkSafe<Option<Arc<Counts>>>,
}

impl Tracer {
    /// A tracer with at most 16,384 nodes.
    #[must_use]
    pub fn new() -> Self {
        Self::with_max_nodes(MAX_NODES)
    }

    /// A tracer with at most `max_nodes` nodes, and at least one. Calls beyond it count under `(other)` below their
    /// parent.
    ///
    /// This number bounds the memory. A node takes 200 bytes once it exists, and so does its `(other)`. Eight times as
    /// many calls as nodes can be open at once, and take at most 80 bytes each. The 16,384 nodes of [`new`](Self::new)
    /// begin with 0.7 MiB and never exceed 25 MiB, with the bytes of 1,024 routes.
    #[must_use]
    pub fn with_max_nodes(max_nodes: u32) -> Self {
        Self::with_clock(max_nodes, Clock::system())
    }

    /// A tracer whose clock `now` is. For tests on a paused clock.
    #[doc(hidden)]
    #[must_use]
    pub fn on_clock(max_nodes: u32, now: impl Fn() -> Duration + Send + Sync + 'static) -> Self {
        Self::with_clock(max_nodes, Clock::Given(Arc::new(now)))
    }

    fn with_clock(max_nodes: u32, clock: Clock) -> Self {
        // Leaves room for `(other)` below each node in the numbers of nodes.
        let max_nodes = max_nodes.clamp(1, 1 << 24);
        Self(Arc::new(Shared { max_nodes, clock, switch: Arc::default(), latest: ForkSafe::new(None) }))
    }

    /// Forgets what was counted, and counts until [`uninstall`](Self::uninstall). Does nothing if it already counts.
    /// Futures that are [traced](crate::TraceExt::traced) from now on count here, until another tracer is installed.
    pub fn install(&self) {
        let _ = self.0.begin(None, None);
    }

    /// Stops counting. The tracer that counted before continues. What was counted can be read until the next start.
    pub fn uninstall(&self) {
        self.0.stop();
    }

    /// What was counted so far.
    pub fn report(&self, instance: InstanceInfo) -> TraceReport {
        self.0.report(instance)
    }

    /// A layer for a subscriber of the crate `tracing`: every span becomes a node. Add it once, at the start of the
    /// program. While the tracer does not count, the layer costs one relaxed load for each new span, entry, exit and
    /// end.
    #[cfg(feature = "tracing")]
    #[must_use]
    pub fn layer(&self) -> TracerLayer {
        TracerLayer::new(Arc::clone(&self.0.switch))
    }

    /// Whether it counts. One relaxed load.
    #[inline]
    #[must_use]
    pub fn is_counting(&self) -> bool {
        self.0.switch.load(Ordering::Relaxed) != 0
    }

    /// Whether requests need a route: while it counts, and while live samples are recorded. Two relaxed loads.
    #[inline]
    #[must_use]
    pub fn follows_requests(&self) -> bool {
        self.is_counting() || recording()
    }

    /// A request begins, below the call that this thread has entered. Live samples that are taken while the request runs
    /// have its route, also while the tracer does not count. `label` is called only if the tracer
    /// [follows requests](Self::follows_requests).
    #[inline]
    pub fn route<'a>(&self, label: impl FnOnce() -> RouteLabel<'a>) -> RouteCall {
        let generation = self.0.switch.load(Ordering::Relaxed);
        if generation == 0 && !recording() {
            return RouteCall::unfollowed();
        }
        RouteCall::begin(generation, label())
    }

    /// Begins `request`, as [`route`](Self::route) does, and lets this thread run it until the result is dropped. For
    /// services whose call returns a future: some work before they return it. `request` is for the polls of that future.
    ///
    /// ```
    /// # use memory_debug_tracer::{RouteFuture, RouteLabel, Tracer};
    /// # fn call<F: Future>(tracer: &Tracer, service: impl FnOnce() -> F) -> RouteFuture<F> {
    /// let mut request = None;
    /// let _entered = tracer.enter_route(|| RouteLabel::new("GET", Some("/items/{id}")), &mut request);
    /// RouteFuture::new(service(), request)
    /// # }
    /// # let _ = call(&Tracer::new(), || std::future::ready(1));
    /// ```
    #[inline]
    pub fn enter_route<'a>(
        &self,
        label: impl FnOnce() -> RouteLabel<'a>,
        request: &mut Option<RouteCall>,
    ) -> EnteredRoute {
        let generation = self.0.switch.load(Ordering::Relaxed);
        if generation == 0 && !recording() {
            return EnteredRoute::unfollowed();
        }
        EnteredRoute::begin(generation, label(), request)
    }

    /// A request that begins with the first poll of its future. For services whose call does nothing but make the future:
    /// this takes a third fewer instructions than [`enter_route`](Self::enter_route). What the call does is not counted, and a
    /// future that is dropped before its first poll counts as no request.
    ///
    /// `None` if the program has more than 4,096 routes: then use [`enter_route`](Self::enter_route).
    ///
    /// ```
    /// # use memory_debug_tracer::{RouteFuture, RouteLabel, Tracer};
    /// # fn call<F: Future>(tracer: &Tracer, service: impl FnOnce() -> F) -> RouteFuture<F> {
    /// let follows = tracer.follows_requests();
    /// let request = follows.then(|| tracer.defer_route(RouteLabel::new("GET", Some("/items/{id}")))).flatten();
    /// RouteFuture::deferred(service(), request)
    /// # }
    /// # let _ = call(&Tracer::new(), || std::future::ready(1));
    /// ```
    #[inline]
    pub fn defer_route(&self, label: RouteLabel<'_>) -> Option<DeferredRoute> {
        DeferredRoute::new(self.0.switch.load(Ordering::Relaxed), label)
    }

    /// Counts `future` as a request. See [`route`](Self::route).
    #[inline]
    pub fn route_future<'a, F>(&self, label: impl FnOnce() -> RouteLabel<'a>, future: F) -> RouteFuture<F> {
        self.route(label).future(future)
    }
}

impl Shared {
    fn begin(&self, limit: Option<Duration>, user: Option<String>) -> Result<(), AlreadyCounting> {
        // A counting that has reached its end is over, although no call has noticed it yet.
        self.notice_end();
        let mut latest = self.latest.lock();
        if latest.as_ref().is_some_and(|counts| counts.is_on()) {
            return Err(AlreadyCounting::default());
        }
        let generation = counting::next_generation();
        let switch = Arc::clone(&self.switch);
        let counts = Arc::new(Counts::new(generation, self.max_nodes, &self.clock, limit, user, switch));
        *latest = Some(Arc::clone(&counts));
        counting::add(counts);
        Ok(())
    }

    fn latest(&self) -> Option<Arc<Counts>> {
        self.latest.lock().clone()
    }

    fn notice_end(&self) {
        if let Some(counts) = self.latest().filter(|counts| counts.is_on() && counts.now().is_none()) {
            counting::remove(&counts);
        }
    }
}

impl TraceSource for Shared {
    fn report(&self, instance: InstanceInfo) -> TraceReport {
        self.notice_end();
        let mut unavailable = Unavailable::default();
        let trace = match self.latest() {
            Some(counts) => report::trace(&counts, &mut unavailable),
            None => {
                let mut trace = Trace::default();
                trace.max_nodes = self.max_nodes.into();
                trace
            }
        };
        let mut report = TraceReport::new(instance, timestamp::seconds(SystemTime::now()), trace);
        report.unavailable = unavailable;
        report
    }

    fn start(&self, time: Duration, user: &str) -> Result<(), AlreadyCounting> {
        self.begin(Some(time), Some(user.to_owned()))
    }

    fn stop(&self) -> bool {
        self.notice_end();
        self.latest().is_some_and(|counts| counting::remove(&counts))
    }
}

impl TraceSource for Tracer {
    fn report(&self, instance: InstanceInfo) -> TraceReport {
        self.0.report(instance)
    }

    fn start(&self, time: Duration, user: &str) -> Result<(), AlreadyCounting> {
        self.0.start(time, user)
    }

    fn stop(&self) -> bool {
        self.0.stop()
    }
}

/// Handles of clones are equal.
impl From<&Tracer> for TraceHandle {
    fn from(tracer: &Tracer) -> Self {
        Self::new(Arc::clone(&tracer.0) as Arc<dyn TraceSource>)
    }
}

impl Default for Tracer {
    fn default() -> Self {
        Self::new()
    }
}
