//! Spans of the crate `tracing` on a paused clock.

mod fixture;

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use fixture::{node, report, totals, trace, trace_with, ways};
use memory_debug_report::{Trace, TraceKind};
use memory_debug_tracer::{RouteLabel, TraceExt, Tracer};
use tokio::time::advance;
use tracing::instrument::WithSubscriber;
use tracing::{Instrument, Level, Subscriber, info_span, span};
use tracing_core::span::{Attributes, Id};
use tracing_subscriber::layer::{Context, Layer, SubscriberExt};
use tracing_subscriber::registry::LookupSpan;

async fn pass(micros: u64) {
    advance(Duration::from_micros(micros)).await;
}

/// Runs `test` under a registry with the tracer's layer.
fn trace_spans(test: impl AsyncFnOnce(&Tracer)) -> Trace {
    trace(async |tracer| {
        let subscriber = tracing_subscriber::registry().with(tracer.layer());
        let _default = tracing::subscriber::set_default(subscriber);
        test(tracer).await;
    })
}

fn names(expected: &[&str]) -> Vec<String> {
    expected.iter().map(|name| (*name).to_owned()).collect()
}

#[tracing::instrument(skip_all)]
async fn instrumented(secret: &str) {
    pass(secret.len() as u64).await;
}

#[test]
fn spans_are_nodes_with_exact_times() {
    let trace = trace_spans(async |_| {
        async {
            pass(7).await;
            instrumented("12345").await;
            async { pass(11).await }.instrument(info_span!("last")).await;
        }
        .instrument(info_span!("outer"))
        .await;
    });
    let expected = [("outer", 23, 7), ("outer > last", 11, 11), ("outer > instrumented", 5, 5)];
    assert_eq!(totals(&trace), expected.map(|(way, total, own)| (way.to_owned(), total, own)));
    for node in &trace.nodes {
        assert_eq!((node.kind, node.completed, node.pending), (TraceKind::Span, 1, 0));
        assert_eq!(node.file.as_deref(), Some(file!()));
        assert!(node.line.is_some());
    }
}

#[test]
fn the_parent_of_a_span_is_the_parent_that_tracing_gives_it() {
    let trace = trace_spans(async |_| {
        let outer = info_span!("outer");
        let entered = outer.enter();
        let other = info_span!(parent: None, "other");
        drop(info_span!(parent: &other, "explicit"));
        drop(info_span!("contextual"));
        drop(entered);
        drop(info_span!("outside"));
    });
    assert_eq!(ways(&trace), names(&["other", "other > explicit", "outer", "outer > contextual", "outside"]));
}

#[test]
fn a_span_without_a_parent_stands_below_the_future_or_route_of_its_thread() {
    let trace = trace_spans(async |tracer| {
        let request = async {
            async { async { pass(1).await }.traced("query").await }.instrument(info_span!("handler")).await;
            async { info_span!("inside").in_scope(|| {}) }.traced("step").await;
        };
        tracer.route_future(|| RouteLabel::new("GET", Some("/")), request).await;
    });
    assert_eq!(
        ways(&trace),
        names(&[
            "GET /",
            "GET / > handler",
            "GET / > handler > query",
            "GET / > step",
            "GET / > step > inside"
        ])
    );
}

#[test]
fn a_span_counts_each_entry_and_is_open_until_it_closes() {
    let trace = trace_spans(async |tracer| {
        let span = info_span!("span");
        for _ in 0..3 {
            let entered = span.enter();
            pass(2).await;
            drop(entered);
            pass(5).await;
        }
        let trace = report(tracer).trace.unwrap();
        assert_eq!((trace.nodes[0].pending, trace.nodes[0].completed), (1, 0));
        let clone = span.clone();
        drop(span);
        pass(100).await;
        drop(clone);
        pass(1_000).await;
    });
    let span = node(&trace, "span");
    assert_eq!((span.polls, span.completed, span.pending), (3, 1, 0));
    assert_eq!((span.total_ns, span.busy_ns), (121_000, 6_000));
}

#[test]
fn a_span_entered_twice_counts_its_inclusive_time_once() {
    let trace = trace_spans(async |_| {
        let span = info_span!("span");
        let outer = span.enter();
        pass(2).await;
        let inner = span.enter();
        pass(3).await;
        drop(inner);
        drop(outer);
    });
    let span = node(&trace, "span");
    assert_eq!((span.busy_ns, span.own_busy_ns, span.total_ns), (5_000, 5_000, 5_000));
}

#[test]
fn spans_can_exit_in_any_order() {
    let trace = trace_spans(async |_| {
        let outer = info_span!("outer").entered();
        pass(1).await;
        let first = info_span!("first").entered();
        pass(2).await;
        let second = info_span!("second").entered();
        pass(4).await;
        let first = first.exit();
        pass(8).await;
        drop(second);
        pass(16).await;
        drop((outer, first));
    });
    let busy = |way| {
        let node = node(&trace, way);
        (node.busy_ns / 1_000, node.own_busy_ns / 1_000)
    };
    assert_eq!(busy("outer"), (31, 17));
    assert_eq!(busy("outer > first"), (6, 2));
    assert_eq!(busy("outer > first > second"), (12, 12));
    assert_eq!(trace.nodes.iter().map(|node| node.own_busy_ns).sum::<u64>(), 31_000);
}

#[test]
fn a_span_that_moves_to_another_thread_keeps_its_place() {
    let trace = trace_spans(async |_| {
        let span = info_span!("moved");
        span.in_scope(|| {});
        let dispatch = tracing::dispatcher::get_default(Clone::clone);
        let span = std::thread::spawn(move || {
            tracing::dispatcher::with_default(&dispatch, || span.in_scope(|| drop(info_span!("there"))));
            span
        })
        .join()
        .unwrap();
        drop(span);
    });
    assert_eq!(ways(&trace), names(&["moved", "moved > there"]));
    assert_eq!((trace.nodes[0].polls, trace.nodes[0].completed), (2, 1));
}

#[test]
fn a_span_that_was_entered_when_counting_stopped_does_not_disturb_the_next_count() {
    let trace = trace_spans(async |tracer| {
        let old = info_span!("old").entered();
        tracer.uninstall();
        let unseen = info_span!("unseen").entered();
        tracer.install();
        drop(unseen);
        let new = info_span!("new").entered();
        pass(3).await;
        drop(old);
        pass(4).await;
        drop(info_span!("inner").entered());
        drop(new);
    });
    assert_eq!(ways(&trace), names(&["new", "new > inner"]));
    assert_eq!(node(&trace, "new").own_busy_ns, 7_000);
}

#[test]
fn a_future_that_leaves_a_span_entered_exits_it() {
    let trace = trace_spans(async |_| {
        async {
            let entered = info_span!("left").entered();
            pass(3).await;
            std::mem::forget(entered);
        }
        .traced("future")
        .await;
        pass(5).await;
        async { pass(1).await }.traced("after").await;
    });
    assert_eq!(ways(&trace), names(&["future", "future > left", "after"]).into_iter().collect::<Vec<_>>());
    assert_eq!(node(&trace, "future > left").busy_ns, 3_000);
}

#[test]
fn spans_whose_guards_are_forgotten_take_bounded_memory() {
    let trace = trace_spans(async |_| {
        // Of another thread, because they stay entered there.
        let dispatch = tracing::dispatcher::get_default(Clone::clone);
        let forget = move || {
            tracing::dispatcher::with_default(&dispatch, || {
                for _ in 0..10_000 {
                    std::mem::forget(info_span!(parent: None, "forgotten").entered());
                }
            })
        };
        std::thread::spawn(forget).join().unwrap();
    });
    let forgotten = node(&trace, "forgotten");
    assert_eq!((forgotten.calls, forgotten.polls), (10_000, 0));
}

#[test]
fn s68_fields_are_never_read() {
    struct Secret;
    impl std::fmt::Debug for Secret {
        fn fmt(&self, _: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
            panic!("a field was read")
        }
    }
    impl std::fmt::Display for Secret {
        fn fmt(&self, _: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
            panic!("a field was read")
        }
    }
    let trace = trace_spans(async |_| {
        let span =
            span!(Level::INFO, "login", password = ?Secret, user = %Secret, later = tracing::field::Empty);
        span.record("later", tracing::field::debug(Secret));
        span.in_scope(|| tracing::info!(password = ?Secret, "message {:?}", Secret));
    });
    assert_eq!(ways(&trace), ["login"]);
    assert!(!format!("{trace:?}").contains("password"));
}

/// Counts what another layer sees.
#[derive(Clone, Default)]
struct Other(Arc<AtomicU64>);

impl<S: Subscriber + for<'a> LookupSpan<'a>> Layer<S> for Other {
    fn on_new_span(&self, _: &Attributes<'_>, id: &Id, context: Context<'_, S>) {
        context.span(id).expect("the span is new").extensions_mut().insert(7_u8);
        self.0.fetch_add(1, Ordering::Relaxed);
    }

    fn on_enter(&self, id: &Id, context: Context<'_, S>) {
        assert_eq!(context.span(id).expect("the span is open").extensions().get(), Some(&7_u8));
        self.0.fetch_add(100, Ordering::Relaxed);
    }
}

#[test]
fn other_layers_see_the_same_with_and_without_the_tracer() {
    let seen = |subscriber: Box<dyn Subscriber + Send + Sync>| {
        let _default = tracing::subscriber::set_default(subscriber);
        info_span!("one").in_scope(|| info_span!("two").in_scope(|| {}));
        tracing::trace_span!("three").in_scope(|| {});
    };
    let (alone, beside) = (Other::default(), Other::default());
    seen(Box::new(tracing_subscriber::registry().with(alone.clone())));
    let trace = trace(async |tracer| {
        seen(Box::new(tracing_subscriber::registry().with(beside.clone()).with(tracer.layer())));
        tracer.uninstall();
        seen(Box::new(tracing_subscriber::registry().with(tracer.layer()).with(Other::default())));
    });
    assert_eq!(alone.0.load(Ordering::Relaxed), beside.0.load(Ordering::Relaxed));
    assert_eq!(alone.0.load(Ordering::Relaxed), 303);
    assert_eq!(trace.nodes.len(), 3);
}

#[test]
fn spans_of_two_registries_with_equal_ids_are_two_calls() {
    let trace = trace(async |tracer| {
        let registry = || tracing::Dispatch::new(tracing_subscriber::registry().with(tracer.layer()));
        let (one, other) = (registry(), registry());
        let under = |dispatch: &tracing::Dispatch, name: &'static str| {
            tracing::dispatcher::with_default(dispatch, || match name {
                "one" => info_span!("one"),
                _ => info_span!("other"),
            })
        };
        let spans = (under(&one, "one"), under(&other, "other"));
        assert_eq!(spans.0.id().map(|id| id.into_u64()), spans.1.id().map(|id| id.into_u64()));
        spans.0.in_scope(|| {});
        pass(3).await;
        drop(spans.0);
        pass(4).await;
    });
    let (one, other) = (node(&trace, "one"), node(&trace, "other"));
    assert_eq!((one.polls, one.completed, one.total_ns), (1, 1, 3_000));
    assert_eq!((other.polls, other.completed, other.total_ns), (0, 1, 7_000));
}

#[test]
fn a_filter_of_the_layer_leaves_spans_out() {
    let trace = trace(async |tracer| {
        let filter = tracing_subscriber::filter::LevelFilter::INFO;
        let subscriber = tracing_subscriber::registry().with(tracer.layer().with_filter(filter));
        async {
            let debug = tracing::debug_span!("left out").entered();
            info_span!("counted").in_scope(|| {});
            drop(debug);
        }
        .with_subscriber(subscriber)
        .await;
    });
    assert_eq!(ways(&trace), ["counted"]);
}

#[test]
fn a_hundred_thousand_open_spans_of_several_threads_are_counted() {
    const THREADS: u64 = 4;
    const EACH: u64 = 25_000;
    let trace = trace_spans(async |tracer| {
        let dispatch = tracing::dispatcher::get_default(Clone::clone);
        let spans: Vec<_> = (0..THREADS)
            .map(|_| {
                let dispatch = dispatch.clone();
                std::thread::spawn(move || {
                    tracing::dispatcher::with_default(&dispatch, || {
                        (0..EACH).map(|_| info_span!("open")).collect::<Vec<_>>()
                    })
                })
            })
            .flat_map(|thread| thread.join().unwrap())
            .collect();
        let open = report(tracer).trace.unwrap();
        assert_eq!((open.nodes.len(), open.nodes[0].pending), (1, THREADS * EACH));
        for span in &spans {
            span.in_scope(|| {});
        }
        drop(spans);
    });
    let open = node(&trace, "open");
    assert_eq!((open.completed, open.pending, open.polls), (THREADS * EACH, 0, THREADS * EACH));
    assert_eq!(trace.calls_in_other, 0);
}

#[test]
fn spans_beyond_the_limit_of_open_calls_count_under_other() {
    let trace = trace_with(1, async |tracer| {
        let subscriber = tracing_subscriber::registry().with(tracer.layer());
        let _default = tracing::subscriber::set_default(subscriber);
        let spans: Vec<_> = (0..100).map(|_| info_span!("open")).collect();
        drop(spans);
    });
    assert_eq!(ways(&trace), ["(other)", "open"]);
    assert_eq!(trace.nodes.iter().map(|node| node.completed).collect::<Vec<_>>(), [92, 8]);
    assert_eq!(trace.calls_in_other, 92);
}
