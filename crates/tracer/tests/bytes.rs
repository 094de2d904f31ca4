//! Bytes, in a program whose allocator is jemalloc.
#![cfg(feature = "jemalloc")]
#![allow(clippy::unwrap_used, reason = "the functions here are parts of tests")]

mod fixture;

use std::cell::RefCell;
use std::hint::black_box;
use std::pin::pin;
use std::task::{Context, Waker};
use std::time::Duration;

use fixture::{node, report, trace, trace_with};
use memory_debug_core::__private::ThreadCounters;
use memory_debug_report::{Trace, TraceNode};
use memory_debug_tracer::{Call, RouteLabel, TraceExt, Tracer};
use tokio::time::sleep;

memory_debug_core::install!();

/// jemalloc rounds 1 MiB to itself: it is a size class, and large objects are whole pages.
const MIB: u64 = 1 << 20;

fn allocate(bytes: u64) -> Vec<u8> {
    black_box(Vec::with_capacity(usize::try_from(bytes).unwrap()))
}

fn bytes(node: &TraceNode) -> [u64; 4] {
    [node.allocated, node.own_allocated, node.freed, node.own_freed].map(Option::unwrap)
}

#[test]
fn a_handler_that_allocates_1_mib_per_call_shows_1_mib_across_await_points() {
    const CALLS: u64 = 20;
    let trace = trace(async |tracer| {
        for _ in 0..CALLS {
            let handler = async {
                let half = allocate(MIB / 2);
                sleep(Duration::from_millis(1)).await;
                let quarter = allocate(MIB / 4);
                tokio::task::yield_now().await;
                let last = allocate(MIB / 4);
                sleep(Duration::from_millis(1)).await;
                drop((half, quarter, last));
            };
            tracer.route_future(|| RouteLabel::new("GET", Some("/mib")), handler).await;
        }
    });
    let route = trace.routes[0].allocated.unwrap();
    // The timers of tokio may allocate a little at the first use.
    let most = MIB + 4_096;
    assert!((MIB..=most).contains(&route.mean), "{route:?}");
    assert!((MIB..=most).contains(&route.max) && (MIB..=MIB + MIB / 8).contains(&route.p50), "{route:?}");
    assert!((MIB..=MIB + MIB / 8).contains(&route.p99), "{route:?}");
    assert!((CALLS * MIB..=CALLS * most).contains(&route.total));
    let node = node(&trace, "GET /mib");
    assert_eq!(node.allocated, Some(route.total));
    let freed = node.freed.unwrap();
    assert!((CALLS * MIB..=CALLS * most).contains(&freed), "what it allocates, it frees: {freed}");
}

#[test]
fn bytes_of_calls_inside_are_subtracted_once() {
    let trace = trace(async |_| {
        async {
            let kept = allocate(4 * MIB);
            let inner = async {
                let kept = allocate(2 * MIB);
                async { allocate(MIB) }.traced("innermost").await;
                kept
            };
            drop(inner.traced("inner").await);
            drop(kept);
        }
        .traced("outer")
        .await;
    });
    assert_eq!(bytes(node(&trace, "outer")), [7 * MIB, 4 * MIB, 7 * MIB, 6 * MIB]);
    assert_eq!(
        bytes(node(&trace, "outer > inner")),
        [3 * MIB, 2 * MIB, MIB, MIB],
        "it drops what the innermost returns"
    );
    assert_eq!(bytes(node(&trace, "outer > inner > innermost")), [MIB, MIB, 0, 0]);
}

#[test]
fn bytes_count_on_the_thread_that_polls() {
    let trace = trace(async |_| {
        let mut future = Box::pin(
            async {
                let first = allocate(MIB);
                tokio::task::yield_now().await;
                let second = allocate(2 * MIB);
                tokio::task::yield_now().await;
                drop((first, second));
            }
            .traced("moved"),
        );
        for _ in 0..3 {
            let thread = std::thread::spawn(move || {
                let _elsewhere = allocate(64 * MIB);
                let polled = future.as_mut().poll(&mut Context::from_waker(Waker::noop()));
                (future, polled.is_ready())
            });
            (future, _) = thread.join().unwrap();
        }
    });
    assert_eq!(bytes(node(&trace, "moved")), [3 * MIB; 4]);
}

#[test]
fn a_spawned_task_has_its_own_bytes() {
    let trace = trace(async |_| {
        async {
            let task = async { drop(allocate(3 * MIB)) }.traced("task");
            tokio::spawn(task).await.unwrap();
        }
        .traced("parent")
        .await;
    });
    assert_eq!(bytes(node(&trace, "parent > task")), [3 * MIB; 4]);
    assert!(node(&trace, "parent").allocated < Some(MIB), "its task ran outside of its polls");
}

#[test]
fn a_call_that_ends_with_its_thread_is_counted() {
    thread_local! {
        static HELD: RefCell<Vec<Call>> = const { RefCell::new(Vec::new()) };
    }
    trace(async |_| {
        // The clock of tokio does not work while a thread ends.
        let tracer = Tracer::new();
        tracer.install();
        std::thread::spawn(|| {
            // Before the tracer has anything on this thread, so that it is dropped after that.
            HELD.with_borrow_mut(|held| held.reserve(1));
            let mut call = Call::begin("held");
            drop(call.enter());
            HELD.with_borrow_mut(|held| held.push(call));
        })
        .join()
        .unwrap();
        let trace = report(&tracer).trace.unwrap();
        let held = node(&trace, "held");
        assert_eq!((held.cancelled, held.pending, held.polls), (1, 0, 1));
        tracer.uninstall();
    });
}

#[test]
fn the_start_takes_less_than_a_mebibyte() {
    trace(async |tracer| {
        tracer.uninstall();
        let (allocated, _) = allocated_by(|| tracer.install());
        assert!(allocated < MIB * 3 / 4, "{allocated}");
    });
}

/// Counts what this thread allocates while `run` runs.
fn allocated_by(run: impl FnOnce()) -> (u64, u64) {
    let counters = ThreadCounters::of_this_thread().unwrap();
    let before = counters.read();
    run();
    let after = counters.read();
    (after.0 - before.0, after.1 - before.1)
}

fn calls(times: u64) {
    for _ in 0..times {
        let mut outer = Call::begin("outer");
        let outer_guard = outer.enter();
        let mut inner = Call::begin("inner");
        drop(inner.enter());
        inner.complete();
        drop(outer_guard);
        outer.complete();
        let mut future = pin!(async {}.traced("future"));
        assert!(future.as_mut().poll(&mut Context::from_waker(Waker::noop())).is_ready());
    }
}

#[test]
fn a_call_allocates_nothing_after_the_first_visit_of_its_node() {
    trace(async |tracer| {
        calls(1);
        assert_eq!(allocated_by(|| calls(1_000)), (0, 0));
        let request = || {
            let label = || RouteLabel::new("GET", Some("/items/{id}"));
            let mut future = pin!(tracer.route_future(label, async {}));
            assert!(future.as_mut().poll(&mut Context::from_waker(Waker::noop())).is_ready());
        };
        request();
        assert_eq!(allocated_by(|| (0..1_000).for_each(|_| request())), (0, 0));
        tracer.uninstall();
        assert_eq!(allocated_by(|| calls(1_000)), (0, 0));
        assert_eq!(allocated_by(|| (0..1_000).for_each(|_| request())), (0, 0));
    });
}

#[test]
fn what_the_tracer_allocates_is_no_part_of_a_call() {
    let trace: Trace = trace_with(10_000, async |_| {
        let mut outer = Call::begin("outer");
        let guard = outer.enter();
        // Each call makes a node below the last one, and room for frames.
        fn deeper(depth: u64) {
            let mut call = Call::begin("deeper");
            let _guard = call.enter();
            if depth > 0 {
                deeper(depth - 1);
            }
        }
        deeper(500);
        drop(guard);
        outer.complete();
    });
    assert_eq!(trace.nodes.len(), 502);
    for node in &trace.nodes {
        assert_eq!(bytes(node), [0; 4], "at depth {}", node.depth);
    }
}

#[cfg(feature = "tracing")]
#[test]
fn a_span_costs_no_allocation_of_the_tracer() {
    use tracing_subscriber::layer::SubscriberExt;

    fn spans(times: u64) {
        for _ in 0..times {
            tracing::info_span!("outer").in_scope(|| tracing::info_span!("inner").in_scope(|| {}));
        }
    }
    trace(async |tracer| {
        let with = |subscriber: Box<dyn tracing::Subscriber + Send + Sync>| {
            let _default = tracing::subscriber::set_default(subscriber);
            spans(10_000);
            allocated_by(|| spans(1_000))
        };
        let alone = with(Box::new(tracing_subscriber::registry()));
        assert_eq!(with(Box::new(tracing_subscriber::registry().with(tracer.layer()))), alone);
        assert_eq!(alone, (0, 0), "the registry itself allocates nothing per span");
    });
}
