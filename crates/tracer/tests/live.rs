//! Live bytes by route, in a program whose allocator is jemalloc.
#![cfg(all(feature = "jemalloc", target_os = "linux"))]
#![allow(clippy::unwrap_used, reason = "the functions here are parts of tests")]

use std::hint::black_box;
use std::pin::{Pin, pin};
use std::task::{Context, Poll, Waker};

use memory_debug_core::__private::RouteLabel as LiveLabel;
use memory_debug_core::__private::live_samples::{install, live_bytes_by_route};
use memory_debug_report::InstanceInfo;
use memory_debug_tracer::{RouteFuture, RouteLabel, TraceExt, Tracer, inherit_route};
use tokio::task::yield_now;

// All objects of a MiB are sampled, and stand for themselves.
memory_debug_core::install!(lg_prof_sample = 12);

const MIB: usize = 1 << 20;

fn hold(mib: usize) -> Vec<u8> {
    black_box(Vec::with_capacity(mib * MIB))
}

/// The live MiB of a route. The tests use routes of their own, because they run at the same time.
fn live_mib(route: &str) -> u64 {
    let routes = live_bytes_by_route().unwrap();
    let bytes = routes.iter().find(|(name, ..)| name == route).map_or(0, |(_, bytes, _)| *bytes);
    // Requests also hold some bytes of the runtime.
    bytes / MIB as u64
}

fn label(pattern: &str) -> RouteLabel<'_> {
    RouteLabel::new("GET", Some(pattern))
}

fn poll<F: Future>(future: Pin<&mut F>) -> Poll<F::Output> {
    future.poll(&mut Context::from_waker(Waker::noop()))
}

/// Allocates in its first and in its second poll.
async fn hold_in_two_polls(first: usize, second: usize) -> [Vec<u8>; 2] {
    let held = hold(first);
    yield_now().await;
    [held, hold(second)]
}

#[test]
fn labels_follow_the_polls_of_interleaved_requests() {
    install().unwrap();
    // It does not count.
    let tracer = Tracer::new();
    let mut one = pin!(tracer.route_future(|| label("/interleaved/one"), hold_in_two_polls(1, 2)));
    let mut other = pin!(tracer.route_future(|| label("/interleaved/{id}"), hold_in_two_polls(4, 8)));
    assert!(poll(one.as_mut()).is_pending() && poll(other.as_mut()).is_pending());
    assert_eq!(LiveLabel::current(), None, "a poll leaves no label behind");
    let Poll::Ready(held) = poll(one) else { panic!("it waits once") };
    let Poll::Ready(others) = poll(other) else { panic!("it waits once") };
    assert_eq!((live_mib("GET /interleaved/one"), live_mib("GET /interleaved/{id}")), (3, 12));
    drop(held);
    assert_eq!((live_mib("GET /interleaved/one"), live_mib("GET /interleaved/{id}")), (0, 12));
    drop(others);
}

#[test]
fn a_request_inside_a_request_has_its_own_label() {
    install().unwrap();
    let tracer = Tracer::new();
    let held = {
        let mut outer = tracer.route(|| label("/nested/outer"));
        let _outer = outer.enter();
        let before = hold(1);
        let mut inner = tracer.route(|| label("/nested/inner"));
        let inner_guard = inner.enter();
        let inside = hold(2);
        drop(inner_guard);
        [before, inside, hold(4)]
    };
    assert_eq!((live_mib("GET /nested/outer"), live_mib("GET /nested/inner")), (5, 2));
    drop(held);
}

#[test]
fn a_task_inherits_the_route_of_the_request_that_spawned_it_through_the_helper() {
    install().unwrap();
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).build().unwrap();
    let tracer = Tracer::new();
    let request = async {
        let inherits = tokio::spawn(inherit_route(hold_in_two_polls(1, 2)));
        let is_traced = tokio::spawn(hold_in_two_polls(4, 8).traced("task"));
        let is_neither = tokio::spawn(async { (hold(16), LiveLabel::current()) });
        (inherits.await.unwrap(), is_traced.await.unwrap(), is_neither.await.unwrap())
    };
    let held = runtime.block_on(tracer.route_future(|| label("/spawns"), request));
    assert_eq!(live_mib("GET /spawns"), 15);
    assert_eq!(held.2.1, None);
}

#[test]
fn a_request_that_is_dropped_leaves_no_label_behind() {
    install().unwrap();
    let tracer = Tracer::new();
    let mut future = Box::pin(tracer.route_future(|| label("/dropped"), hold_in_two_polls(1, 2)));
    assert!(poll(future.as_mut()).is_pending());
    assert_eq!(live_mib("GET /dropped"), 1);
    drop(future);
    assert_eq!((LiveLabel::current(), live_mib("GET /dropped")), (None, 0));
    let mut request = None;
    let entered = tracer.enter_route(|| label("/dropped"), &mut request);
    assert!(LiveLabel::current().is_some());
    drop(entered);
    assert_eq!(LiveLabel::current(), None);
}

#[test]
fn a_request_that_panics_leaves_no_label_behind() {
    install().unwrap();
    for counts in [false, true] {
        let tracer = Tracer::new();
        if counts {
            tracer.install();
        }
        let future = tracer.route_future(|| label("/panics"), async {
            assert!(LiveLabel::current().is_none(), "the test expects this message");
        });
        let poll = || poll(pin!(future));
        assert!(std::panic::catch_unwind(std::panic::AssertUnwindSafe(poll)).is_err());
        assert_eq!(LiveLabel::current(), None);
        tracer.uninstall();
    }
}

#[test]
fn what_a_service_allocates_before_it_returns_its_future_has_the_label() {
    install().unwrap();
    let tracer = Tracer::new();
    let mut request = None;
    let entered = tracer.enter_route(|| label("/sync/{id}"), &mut request);
    let held = hold(3);
    let mut future = pin!(RouteFuture::new(async { hold(4) }, request));
    drop(entered);
    assert_eq!(LiveLabel::current(), None);
    let Poll::Ready(more) = poll(future.as_mut()) else { panic!("it does not wait") };
    assert_eq!(live_mib("GET /sync/{id}"), 7);
    drop((held, more));
}

#[test]
fn a_deferred_request_has_its_label_in_each_poll() {
    install().unwrap();
    let tracer = Tracer::new();
    let request = tracer.defer_route(label("/deferred"));
    assert!(request.is_some() && LiveLabel::current().is_none());
    let mut future = pin!(RouteFuture::deferred(hold_in_two_polls(1, 2), request));
    assert!(poll(future.as_mut()).is_pending());
    assert_eq!((LiveLabel::current(), live_mib("GET /deferred")), (None, 1));
    let Poll::Ready(held) = poll(future.as_mut()) else { panic!("it waits once") };
    assert_eq!(live_mib("GET /deferred"), 3);
    drop(held);
}

#[test]
fn the_trace_shows_live_bytes_beside_allocated_bytes() {
    install().unwrap();
    let tracer = Tracer::new();
    tracer.install();
    let mut kept = Vec::new();
    for _ in 0..3 {
        let request = async { [hold(1), hold(2)] };
        let mut future = pin!(tracer.route_future(|| label("/kept"), request));
        let Poll::Ready([short, long]) = poll(future.as_mut()) else { panic!("it does not wait") };
        kept.push(long);
        drop(short);
    }
    tracer.uninstall();
    let instance = InstanceInfo::new(memory_debug_core::instance_id(), std::process::id());
    let report = tracer.report(instance);
    assert_eq!(report.unavailable.get("trace.routes.live"), None);
    let routes = report.trace.unwrap().routes;
    let route = routes.iter().find(|route| route.route == "GET /kept").unwrap();
    let live = route.live.unwrap();
    assert!((6 * MIB as u64..7 * MIB as u64).contains(&live), "{live}");
    assert_eq!(route.allocated.unwrap().total / MIB as u64, 9);
    assert!(route.live_stderr.unwrap() < MIB as f64 / 8.0);
}
