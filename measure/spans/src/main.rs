//! Does one thing COUNT times and prints the nanoseconds of processor time of each: `spans WHAT UNDER COUNT`.
//!
//! WHAT is `span` (a span from its beginning to its end, with one event), `pair` (an entry and an exit of a span),
//! `poll` (of a future of a route), `traced` (of a traced future), `request` (a request of a route, from its beginning to
//! its end), `requests` (the same on two threads at once, COUNT on each) or `resident` (COUNT spans; prints the growth of
//! resident memory in bytes instead). UNDER is what sees it: `nothing`, `off` and `on` (our tracer), `bare` (a layer that does nothing), `flame`, `timing`.

use std::fs;
use std::hint::black_box;
use std::pin::{Pin, pin};
use std::process::ExitCode;
use std::task::{Context, Poll, Waker};
use std::time::Duration;

use memory_debug_tracer::{RouteFuture, RouteLabel, TraceExt, Tracer};
use rustix::time::{ClockId, clock_gettime};
use tracing::span::Id;
use tracing::{Subscriber, info, info_span};
use tracing_flame::FlameLayer;
use tracing_subscriber::layer::{self, Layer, SubscriberExt};
use tracing_timing::Histogram;

memory_debug_core::install!();

/// Threads that serve requests at the same time.
const THREADS: u64 = 2;

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let [what, under, count] = arguments.as_slice() else { return usage() };
    let Ok(count) = count.parse::<u64>() else { return usage() };
    let tracer = Tracer::new();
    if !set_subscriber(under, &tracer) {
        return usage();
    }
    if under == "on" {
        // As in a service, which makes its tracer when it starts: the tracer can take the processor's counter now.
        std::thread::sleep(Duration::from_millis(5));
        tracer.install();
    }
    let run: &dyn Fn(u64) = match (what.as_str(), under.as_str()) {
        ("span" | "resident", _) => &spans,
        ("pair", _) => &pairs,
        ("poll", "nothing") => &|count| polls(Forever, count),
        ("poll", _) => &|count| {
            polls(tracer.route_future(|| RouteLabel::new("GET", Some("/items/{id}")), Forever), count)
        },
        ("request", _) => &|count| requests(&tracer, 1, count),
        ("requests", _) => &|count| requests(&tracer, THREADS, count),
        ("traced", "nothing") => &|count| polls(Forever, count),
        ("traced", _) => &|count| polls(Forever.traced("forever"), count),
        _ => return usage(),
    };
    if what == "resident" {
        run(count / 100);
        let before = resident();
        run(count);
        println!("{}", resident() - before);
    } else {
        // Room, threads and caches of the first visits are no part of the cost.
        run(10_000.min(count));
        let start = cpu_time();
        run(count);
        let things = if what == "requests" { THREADS * count } else { count };
        println!("{:.1}", (cpu_time() - start) * 1e9 / things as f64);
    }
    ExitCode::SUCCESS
}

fn usage() -> ExitCode {
    eprintln!(
        "usage: spans span|pair|poll|traced|request|requests|resident nothing|bare|off|on|flame|timing COUNT"
    );
    ExitCode::from(2)
}

fn set_subscriber(under: &str, tracer: &Tracer) -> bool {
    let registry = tracing_subscriber::registry();
    match under {
        "nothing" => set(registry),
        "bare" => set(registry.with(Bare)),
        "off" | "on" => set(registry.with(tracer.layer())),
        "flame" => set(registry.with(FlameLayer::new(std::io::sink()))),
        "timing" => {
            let histogram = || Histogram::new_with_max(60_000_000_000, 2).expect("a valid range");
            set(registry.with(tracing_timing::Builder::default().layer(histogram)))
        }
        _ => return false,
    }
    true
}

/// A layer that looks at the id of each span, and does nothing.
struct Bare;

impl<S: Subscriber> Layer<S> for Bare {
    fn on_enter(&self, id: &Id, _: layer::Context<'_, S>) {
        black_box(id);
    }

    fn on_exit(&self, id: &Id, _: layer::Context<'_, S>) {
        black_box(id);
    }
}

fn set(subscriber: impl Subscriber + Send + Sync) {
    tracing::subscriber::set_global_default(subscriber).expect("the only subscriber");
}

fn spans(count: u64) {
    for number in 0..count {
        let span = info_span!("request");
        let _entered = span.enter();
        if number % 2 == 0 {
            let inner = info_span!("query");
            let _entered = inner.enter();
            info!("done");
        }
    }
}

fn pairs(count: u64) {
    let span = info_span!("request");
    for _ in 0..count {
        drop(black_box(&span).enter());
    }
}

/// Is never ready.
struct Forever;

impl Future for Forever {
    type Output = ();

    #[inline(never)]
    fn poll(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<()> {
        black_box(Poll::Pending)
    }
}

fn polls(future: impl Future<Output = ()>, count: u64) {
    let mut future = pin!(future);
    let mut context = Context::from_waker(Waker::noop());
    for _ in 0..count {
        assert!(poll(future.as_mut(), &mut context).is_pending());
    }
}

/// Requests of one route as a layer counts them, on several threads at once.
fn requests(tracer: &Tracer, threads: u64, count: u64) {
    let serve = || {
        let mut context = Context::from_waker(Waker::noop());
        for _ in 0..count {
            let mut request = None;
            let label = || RouteLabel::new("GET", Some("/items/{id}"));
            let entered = tracer.enter_route(label, &mut request);
            let future = RouteFuture::new(async { black_box(()) }, request);
            drop(entered);
            assert!(poll(pin!(future), &mut context).is_ready());
        }
    };
    std::thread::scope(|scope| (0..threads).for_each(|_| drop(scope.spawn(serve))));
}

/// A boundary, as of a runtime that polls tasks of one type.
#[inline(never)]
fn poll<F: Future<Output = ()>>(future: Pin<&mut F>, context: &mut Context<'_>) -> Poll<()> {
    future.poll(context)
}

/// The processor time of this process in seconds. Other programs on the machine do not add to it.
fn cpu_time() -> f64 {
    let time = clock_gettime(ClockId::ProcessCPUTime);
    time.tv_sec as f64 + time.tv_nsec as f64 / 1e9
}

/// Resident memory in bytes.
fn resident() -> i64 {
    let status = fs::read_to_string("/proc/self/status").expect("Linux");
    let line = status.lines().find(|line| line.starts_with("VmRSS:")).expect("the kernel counts it");
    let kib: i64 = line.split_whitespace().nth(1).and_then(|kib| kib.parse().ok()).expect("a number");
    kib * 1024
}
