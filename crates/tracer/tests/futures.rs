//! Traced futures on a paused clock: exact times.

mod fixture;

use std::panic::AssertUnwindSafe;
use std::pin::{Pin, pin};
use std::sync::atomic::{AtomicBool, Ordering};
use std::task::{Context, Poll, Waker};
use std::time::Duration;

use fixture::{node, report, totals, trace, trace_with, ways};
use memory_debug_report::TraceKind;
use memory_debug_tracer::{Call, RouteFuture, RouteLabel, TraceExt, Tracer};
use tokio::time::{advance, sleep};

fn us(time: u64) -> Duration {
    Duration::from_micros(time)
}

/// Timers of tokio are exact to the millisecond.
fn ms(time: u64) -> Duration {
    Duration::from_millis(time)
}

/// Rows of [`totals`], in milliseconds.
fn rows(expected: &[(&str, u64, u64)]) -> Vec<(String, u64, u64)> {
    expected.iter().map(|(way, total, own)| ((*way).to_owned(), total * 1_000, own * 1_000)).collect()
}

#[test]
fn nested_futures_have_totals_that_are_exact_to_the_microsecond() {
    let trace = trace(async |_| {
        async {
            advance(us(1_003)).await;
            async {
                advance(us(3_001)).await;
                async { advance(us(7_777)).await }.traced("inner").await;
            }
            .traced("middle")
            .await;
            async { advance(us(2_002)).await }.traced("last").await;
            advance(us(500_009)).await;
        }
        .traced("outer")
        .await;
    });
    let expected = [
        ("outer", 513_792, 501_012),
        ("outer > middle", 10_778, 3_001),
        ("outer > middle > inner", 7_777, 7_777),
        ("outer > last", 2_002, 2_002),
    ];
    assert_eq!(totals(&trace), expected.map(|(way, total, own)| (way.to_owned(), total, own)));
    let outer = &trace.nodes[0];
    assert_eq!((outer.calls, outer.completed, outer.cancelled, outer.pending), (1, 1, 0, 0));
    assert_eq!(outer.kind, TraceKind::Future);
    assert_eq!(outer.file.as_deref(), Some(file!()));
    assert!(outer.line > trace.nodes[1].line, "the line is where `traced` is called");
}

/// Moves the clock while it is polled.
struct Busy(Vec<u64>);

impl Future for Busy {
    type Output = ();

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<()> {
        let Some(time) = self.0.pop() else { return Poll::Ready(()) };
        // `advance` moves the clock in its first poll.
        let _ = pin!(advance(us(time))).poll(context);
        context.waker().wake_by_ref();
        Poll::Pending
    }
}

#[test]
fn polls_inside_polls_are_subtracted_once() {
    let trace = trace(async |_| {
        async {
            Busy(vec![30, 20]).await;
            Busy(vec![5, 7]).traced("inner").await;
            sleep(ms(1_000)).await;
        }
        .traced("outer")
        .await;
    });
    let outer = node(&trace, "outer");
    assert_eq!(outer.idle_ns(), outer.total_ns - 62_000);
    let of = |way| {
        let node = node(&trace, way);
        (node.busy_ns / 1_000, node.own_busy_ns / 1_000, node.longest_poll_ns / 1_000)
    };
    assert_eq!(of("outer"), (62, 50, 30));
    assert_eq!(of("outer > inner"), (12, 12, 7));
}

#[test]
fn join_all_counts_overlapping_children_once_in_the_own_total() {
    let trace = trace(async |_| {
        async {
            let one = async { sleep(ms(300)).await }.traced("one");
            let two = async { sleep(ms(500)).await }.traced("two");
            let three = async { sleep(ms(500)).await }.traced("three");
            sleep(ms(10)).await;
            tokio::join!(one, two, three);
            sleep(ms(70)).await;
        }
        .traced("all")
        .await;
    });
    // The children began before the first sleep, and the last ended after 510 µs.
    assert_eq!(
        totals(&trace),
        rows(&[
            ("all", 580, 70),
            ("all > three", 510, 510),
            ("all > two", 510, 510),
            ("all > one", 310, 310),
        ])
    );
}

#[test]
fn select_counts_the_loser_as_cancelled() {
    let trace = trace(async |_| {
        async {
            tokio::select! {
                () = sleep(ms(100)).traced("winner") => {}
                () = sleep(ms(900)).traced("loser") => {}
            }
            sleep(ms(50)).await;
        }
        .traced("race")
        .await;
    });
    let loser = node(&trace, "race > loser");
    assert_eq!((loser.calls, loser.completed, loser.cancelled, loser.pending), (1, 0, 1, 0));
    let winner = node(&trace, "race > winner");
    assert_eq!((winner.completed, winner.cancelled), (1, 0));
    assert_eq!(node(&trace, "race").own_total_ns, node(&trace, "race").total_ns - winner.total_ns);
}

#[test]
fn a_pending_call_counts_until_now() {
    let trace = trace(async |_| {
        let forever = async {
            std::future::pending::<()>().traced("inner").await;
        };
        tokio::spawn(forever.traced("outer"));
        sleep(ms(12_345)).await;
    });
    assert_eq!(totals(&trace), rows(&[("outer", 12_345, 0), ("outer > inner", 12_345, 12_345)]));
    for node in &trace.nodes {
        assert_eq!((node.calls, node.pending, node.completed, node.cancelled), (1, 1, 0, 0));
    }
}

#[test]
fn a_spawned_task_stands_below_its_creator_and_can_outlive_it() {
    let trace = trace(async |_| {
        let [task] = async {
            let child = sleep(ms(1_000)).traced("child");
            sleep(ms(100)).await;
            [tokio::spawn(child)]
        }
        .traced("parent")
        .await;
        task.await.unwrap();
    });
    assert_eq!(totals(&trace), rows(&[("parent", 100, 0), ("parent > child", 1_000, 1_000)]));
}

#[test]
fn the_parent_is_the_call_that_created_a_future_and_not_the_call_that_polls_it() {
    let trace = trace(async |_| {
        let [made] = async { [sleep(ms(10)).traced("made")] }.traced("maker").await;
        made.traced("poller").await;
    });
    assert_eq!(ways(&trace), ["poller", "maker", "maker > made"].map(String::from).to_vec());
}

#[test]
fn recursion_by_box_pin_is_a_chain_of_nodes() {
    fn descend(depth: u64) -> Pin<Box<dyn Future<Output = ()> + Send>> {
        Box::pin(
            async move {
                sleep(ms(10)).await;
                if depth > 1 {
                    descend(depth - 1).await;
                }
            }
            .traced("f"),
        )
    }
    let trace = trace(async |_| descend(100).await);
    assert_eq!(trace.nodes.len(), 100);
    for (depth, node) in trace.nodes.iter().enumerate() {
        assert_eq!((node.depth, node.calls), (depth as u64, 1));
        assert_eq!((node.total_ns, node.own_total_ns), ((100 - depth as u64) * 10_000_000, 10_000_000));
    }
}

#[test]
fn a_node_inside_itself_counts_its_inclusive_numbers_once() {
    let trace = trace(async |_| {
        let work = |inner: Pin<Box<dyn Future<Output = ()>>>| {
            async move {
                Busy(vec![10]).await;
                inner.await;
            }
            .traced("work")
        };
        // Both are created here, so both are one node, and one polls the other.
        work(Box::pin(work(Box::pin(async {})))).await;
    });
    assert_eq!(ways(&trace), ["work"]);
    let work = &trace.nodes[0];
    assert_eq!((work.calls, work.busy_ns, work.own_busy_ns), (2, 20_000, 20_000));
}

#[test]
fn a_panic_in_a_poll_exits_the_call() {
    let trace = trace(async |_| {
        let panicking = async {
            Busy(vec![10]).await;
            async { panic!("for the test") }.traced("inner").await;
        };
        let mut panicking = Box::pin(panicking.traced("outer"));
        let mut context = Context::from_waker(Waker::noop());
        while let Ok(polled) =
            std::panic::catch_unwind(AssertUnwindSafe(|| panicking.as_mut().poll(&mut context)))
        {
            assert!(polled.is_pending());
        }
        drop(panicking);
        async {}.traced("after").await;
    });
    assert_eq!(
        ways(&trace),
        ["outer", "outer > inner", "after"].map(String::from).to_vec(),
        "nothing is entered after the panic"
    );
    assert_eq!(node(&trace, "outer").cancelled, 1);
    assert_eq!(node(&trace, "outer > inner").cancelled, 1);
    assert_eq!(node(&trace, "outer").busy_ns, 10_000);
}

#[test]
fn a_future_that_moves_between_threads_keeps_its_place() {
    let trace = trace(async |_| {
        let mut future = Box::pin(
            async {
                tokio::task::yield_now().await;
                async {
                    tokio::task::yield_now().await;
                }
                .traced("inner")
                .await;
            }
            .traced("moved"),
        );
        // A runtime's clock belongs to its thread, so the threads only poll.
        for _ in 0..3 {
            future = std::thread::spawn(move || {
                let mut context = Context::from_waker(Waker::noop());
                let _ = future.as_mut().poll(&mut context);
                future
            })
            .join()
            .unwrap();
        }
        let other = async {}.traced("other");
        other.await;
    });
    let moved = node(&trace, "moved");
    assert_eq!((moved.completed, moved.polls), (1, 3));
    let inner = node(&trace, "moved > inner");
    assert_eq!((inner.completed, inner.polls), (1, 2));
    assert_eq!(node(&trace, "other").completed, 1);
}

#[test]
fn calls_beyond_the_limit_count_under_other_of_the_same_parent() {
    let trace = trace_with(2, async |_| {
        async {
            async { sleep(ms(1)).await }.traced("second").await;
            async { sleep(ms(2)).await }.traced("third").await;
            async { async { sleep(ms(4)).await }.traced("fifth").await }.traced("fourth").await;
        }
        .traced("first")
        .await;
        async { sleep(ms(8)).await }.traced("sixth").await;
    });
    assert_eq!(
        ways(&trace),
        ["(other)", "first", "first > (other)", "first > second"].map(String::from).to_vec()
    );
    let other = node(&trace, "first > (other)");
    assert_eq!((other.calls, other.completed, other.kind), (3, 3, TraceKind::Other));
    assert_eq!((trace.max_nodes, trace.calls_in_other), (2, 4));
}

#[test]
fn a_hundred_thousand_open_calls_are_counted() {
    const CALLS: u64 = 100_000;
    let trace = trace(async |tracer| {
        async {
            let calls: Vec<_> = (0..CALLS).map(|_| std::future::pending::<()>().traced("open")).collect();
            sleep(ms(100)).await;
            let trace = report(tracer).trace.unwrap();
            let open = node(&trace, "all > open");
            assert_eq!((open.calls, open.pending, open.total_ns), (CALLS, CALLS, CALLS * 100_000_000));
            assert_eq!(node(&trace, "all").own_total_ns, 0);
            drop(calls);
            sleep(ms(11)).await;
        }
        .traced("all")
        .await;
    });
    let open = node(&trace, "all > open");
    assert_eq!((open.calls, open.cancelled, open.total_ns), (CALLS, CALLS, CALLS * 100_000_000));
    assert_eq!(node(&trace, "all").own_total_ns, 11_000_000);
    assert_eq!(trace.calls_in_other, 0);
}

#[test]
fn nothing_is_counted_before_install_and_after_uninstall() {
    let trace = trace(async |tracer| {
        let counted = sleep(ms(10)).traced("counted");
        counted.await;
        let open = sleep(ms(1_000)).traced("open");
        sleep(ms(5)).await;
        tracer.uninstall();
        open.await;
        sleep(ms(100)).traced("after").await;
        let stopped = report(tracer).trace.unwrap();
        assert!(!stopped.counting);
        assert_eq!(stopped.counted_ns, 15_000_000);
        assert_eq!(totals(&stopped), rows(&[("counted", 10, 10), ("open", 5, 5)]));
        let early = sleep(ms(10)).traced("early");
        tracer.install();
        early.await;
        sleep(ms(3)).traced("late").await;
    });
    assert!(trace.counting);
    assert_eq!(totals(&trace), rows(&[("late", 3, 3)]));
}

#[test]
fn a_call_that_was_open_at_a_new_start_does_not_count_in_it() {
    let trace = trace(async |tracer| {
        let mut open = Box::pin(
            async {
                sleep(ms(10)).await;
                // Its parent is no longer counted.
                sleep(ms(20)).traced("inner").await;
            }
            .traced("open"),
        );
        let _ = open.as_mut().poll(&mut Context::from_waker(Waker::noop()));
        tracer.uninstall();
        tracer.install();
        open.await;
    });
    assert_eq!(totals(&trace), rows(&[("inner", 20, 20)]));
}

#[test]
fn uninstall_restores_the_tracer_that_was_installed_before() {
    let outer = trace(async |tracer| {
        sleep(ms(1)).traced("one").await;
        let open = sleep(ms(10)).traced("open");
        let second = Tracer::new();
        second.install();
        async {}.traced("two").await;
        open.await;
        second.uninstall();
        assert_eq!(ways(&report(&second).trace.unwrap()), ["two"]);
        assert!(report(tracer).trace.unwrap().counting);
        sleep(ms(3)).traced("three").await;
    });
    assert_eq!(totals(&outer), rows(&[("open", 10, 10), ("three", 3, 3), ("one", 1, 1)]));
}

#[test]
fn counting_stops_by_itself_at_its_deadline() {
    use memory_debug_core::{TraceHandle, TraceSource};

    trace(async |tracer| {
        tracer.uninstall();
        let handle = TraceHandle::from(tracer);
        handle.start(ms(100), "alice").unwrap();
        assert!(handle.start(ms(100), "bob").is_err());
        sleep(ms(60)).traced("in time").await;
        let running = report(tracer).trace.unwrap();
        assert_eq!((running.counting, running.started_by.as_deref()), (true, Some("alice")));
        assert!(running.ends_at.is_some() && running.started_at.is_some());
        sleep(ms(60)).traced("too long").await;
        sleep(ms(1)).traced("too late").await;
        let stopped = report(tracer).trace.unwrap();
        assert_eq!(
            (stopped.counting, stopped.counted_ns, stopped.ends_at.as_deref()),
            (false, 100_000_000, None)
        );
        assert_eq!(totals(&stopped), rows(&[("in time", 60, 60), ("too long", 40, 40)]));
        assert!(!tracer.stop());
        handle.start(ms(100), "bob").unwrap();
        assert!(tracer.stop());
        assert_eq!(TraceHandle::from(tracer), handle);
    });
}

#[test]
fn a_report_after_the_deadline_says_that_counting_has_stopped_without_a_call() {
    use memory_debug_core::TraceSource;

    trace(async |tracer| {
        tracer.uninstall();
        tracer.start(ms(100), "alice").unwrap();
        sleep(ms(250)).await;
        let stopped = report(tracer).trace.unwrap();
        assert_eq!((stopped.counting, stopped.counted_ns), (false, 100_000_000));
        tracer.start(ms(100), "bob").unwrap();
    });
}

#[test]
fn reports_are_consistent_while_threads_count_and_tracers_start_and_stop() {
    fn calls(depth: u64) {
        let mut call = Call::begin("work");
        let guard = call.enter();
        if depth > 0 {
            calls(depth - 1);
        }
        drop(guard);
        if !depth.is_multiple_of(3) {
            call.complete();
        }
    }
    trace(async |_| {
        let tracer = Tracer::new();
        tracer.install();
        let stop = AtomicBool::new(false);
        std::thread::scope(|scope| {
            for _ in 0..2 {
                scope.spawn(|| {
                    while !stop.load(Ordering::Relaxed) {
                        calls(5);
                    }
                });
            }
            for round in 0..200 {
                // `report` checks each node.
                let trace = report(&tracer).trace.unwrap();
                for node in &trace.nodes {
                    // A thread is in one call of each node, and a writer is wrong by less than 17 ms.
                    assert!(node.pending <= 2, "{node:?}");
                    assert!(node.total_ns <= 2 * trace.counted_ns + 2 * 17_000_000, "{node:?}");
                }
                if round % 10 == 0 {
                    tracer.uninstall();
                    tracer.install();
                }
                std::thread::yield_now();
            }
            stop.store(true, Ordering::Relaxed);
        });
    });
}

#[test]
fn a_tracer_that_never_counted_says_so() {
    let report = report(&Tracer::with_max_nodes(7));
    let trace = report.trace.unwrap();
    assert_eq!((trace.counting, trace.started_at, trace.max_nodes, trace.nodes.len()), (false, None, 7, 0));
}

#[test]
fn routes_are_counted_by_label_also_in_flight_and_cancelled() {
    let trace = trace(async |tracer| {
        let item = |time| {
            let label = || RouteLabel::new("GET", Some("/items/{id}"));
            tracer.route_future(label, async move { sleep(ms(time)).traced("load").await })
        };
        item(10).await;
        item(20).await;
        drop(item(1));
        let open = item(1_000);
        tracer.route_future(|| RouteLabel::new("PURGE", None), async {}).await;
        sleep(ms(5)).await;
        std::mem::forget(open);
    });
    let route = trace.routes.iter().find(|route| route.route == "GET /items/{id}").unwrap();
    assert_eq!((route.requests, route.cancelled, route.in_flight), (4, 1, 1));
    assert_eq!(route.total_ns, 35_000_000);
    assert!(trace.routes.iter().any(|route| route.route == "(other method) (no route)"));
    assert_eq!(node(&trace, "GET /items/{id} > load").calls, 2);
    assert_eq!(node(&trace, "GET /items/{id}").kind, TraceKind::Route);
}

#[test]
fn routes_beyond_the_limit_are_one_route() {
    let patterns: Vec<String> = (0..1_030).map(|number| format!("/{number}")).collect();
    let trace = trace(async |tracer| {
        for pattern in patterns.iter().chain(&patterns) {
            tracer.route_future(|| RouteLabel::new("GET", Some(pattern)), async {}).await;
        }
    });
    assert_eq!((trace.routes.len(), trace.nodes.len()), (1_025, 1_030));
    let other = trace.routes.iter().find(|route| route.route == "(other)").unwrap();
    assert_eq!(other.requests, 12);
    assert_eq!(trace.routes.iter().map(|route| route.requests).sum::<u64>(), 2_060);
}

#[test]
fn a_runtime_with_several_workers_counts_every_task() {
    trace(async |_| {
        let tracer = Tracer::new();
        tracer.install();
        let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(4).build().unwrap();
        let parent = std::thread::spawn(move || {
            let tasks = async {
                let task = |number: u64| {
                    async move {
                        for _ in 0..number % 5 {
                            tokio::task::yield_now().await;
                        }
                    }
                    .traced("task")
                };
                let tasks: Vec<_> = (0..1_000).map(|number| tokio::spawn(task(number))).collect();
                for task in tasks {
                    task.await.unwrap();
                }
            };
            runtime.block_on(tasks.traced("parent"));
        });
        parent.join().unwrap();
        let trace = report(&tracer).trace.unwrap();
        tracer.uninstall();
        assert_eq!(ways(&trace), ["parent", "parent > task"]);
        let task = node(&trace, "parent > task");
        assert_eq!((task.completed, task.pending, task.polls), (1_000, 0, 3_000));
        assert!(node(&trace, "parent").own_total_ns < node(&trace, "parent").total_ns);
    });
}

#[test]
fn a_deferred_request_begins_with_the_first_poll() {
    let trace = trace(async |tracer| {
        let deferred = |time| {
            let request = tracer.defer_route(RouteLabel::new("GET", Some("/items/{id}")));
            RouteFuture::deferred(async move { sleep(ms(time)).traced("load").await }, request)
        };
        let late = deferred(10);
        let never = deferred(10);
        sleep(ms(3)).await;
        late.await;
        drop(never);
        let mut cancelled = Box::pin(deferred(100));
        let mut open = Box::pin(deferred(1_000));
        let mut context = Context::from_waker(Waker::noop());
        assert!(cancelled.as_mut().poll(&mut context).is_pending());
        assert!(open.as_mut().poll(&mut context).is_pending());
        sleep(ms(5)).await;
        drop(cancelled);
        std::mem::forget(open);
    });
    let route = &trace.routes[0];
    assert_eq!((route.requests, route.cancelled, route.in_flight), (3, 1, 1));
    assert_eq!(route.total_ns, 20_000_000);
    assert_eq!(node(&trace, "GET /items/{id} > load").calls, 3);
}

#[test]
fn a_deferred_request_counts_only_in_the_counting_that_it_was_made_in() {
    let trace = trace(async |tracer| {
        let deferred = || {
            let request = tracer.defer_route(RouteLabel::new("GET", Some("/items/{id}")));
            RouteFuture::deferred(async { 7 }, request)
        };
        let before = deferred();
        tracer.uninstall();
        let between = deferred();
        tracer.install();
        assert_eq!((before.await, between.await, deferred().await), (7, 7, 7));
    });
    assert_eq!(trace.routes[0].requests, 1);
}

#[test]
fn the_label_is_evaluated_only_while_the_tracer_counts() {
    let tracer = Tracer::new();
    let future = tracer.route_future(|| unreachable!("it does not count"), async { 7 });
    let polled = pin!(future).poll(&mut Context::from_waker(Waker::noop()));
    assert_eq!(polled, Poll::Ready(7));
}

#[test]
fn without_jemalloc_the_bytes_are_missing_with_a_reason() {
    let trace = trace(async |tracer| {
        tracer.route_future(|| RouteLabel::new("GET", Some("/")), async {}).await;
        let report = report(tracer);
        for path in ["trace.nodes.allocated", "trace.nodes.freed", "trace.routes.allocated"] {
            assert!(report.unavailable.get(path).unwrap().contains("jemalloc"), "{path}");
        }
    });
    let node = &trace.nodes[0];
    assert_eq!([node.allocated, node.own_allocated, node.freed, node.own_freed], [None; 4]);
    assert_eq!(trace.routes[0].allocated, None);
}

#[test]
fn a_thread_that_ends_takes_no_room_of_open_calls_with_it() {
    let call = || Call::begin("call");
    let trace = trace_with(1, async |_| {
        for _ in 0..20 {
            std::thread::spawn(move || call().complete()).join().unwrap();
        }
        // As many as fit beside one node.
        let open: Vec<_> = (0..8).map(|_| call()).collect();
        open.into_iter().for_each(Call::complete);
    });
    assert_eq!(trace.nodes.len(), 1, "{:?}", trace.nodes);
    assert_eq!(node(&trace, "call").completed, 28);
}
