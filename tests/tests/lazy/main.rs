//! Laziness (P4, S49): before the first request with the right password, none of our code has side effects.
//!
//! The tests count threads, open files and timers of the process, calls of jemalloc's control interface, and
//! allocations. Requests reach the service without a socket and without a runtime, so every number is exact.
//! For the same reason each test runs in its own process.

#![cfg(target_os = "linux")]
#![allow(clippy::unwrap_used, reason = "everything here is a part of tests")]

mod counting_allocator;

use std::convert::Infallible;
use std::hint::black_box;
use std::pin::pin;
use std::task::{Context, Poll, Waker};
use std::thread;
use std::time::Instant;

use axum::Router;
use axum::body::Body;
use axum::http::{Request, Response};
use axum::routing::get;
use memory_debug_axum::{Credentials, MemoryDebugLayer, router};
use memory_debug_core::__private::{MallocConf, live_samples};
use memory_debug_tests::{LIMIT, OwnProcess, ProcessState, authorization, basic, credentials, mallctl_calls};
use tower::layer::util::Identity;
use tower::{Layer, Service, service_fn};

use counting_allocator::{Allocations, CountingAllocator};

#[global_allocator]
static ALLOCATOR: CountingAllocator = CountingAllocator;

/// As `install!` sets it.
#[used]
#[unsafe(export_name = "_rjem_malloc_conf")]
static CONFIGURATION: MallocConf = MallocConf::new("prof:true,prof_active:true,lg_prof_sample:19\0");

const REQUESTS: usize = 1000;

/// Paths of the application, some of them similar to ours.
const OTHERS: [&str; 8] = [
    "/",
    "/sessions/1",
    "/debug",
    "/debug/memory2",
    "/debug/mem",
    "/Debug/Memory",
    "/debug/pprof/profile",
    "/debug/pprof/",
];

/// All observable effects of code that ran.
#[derive(Debug, PartialEq, Eq)]
struct Activity {
    process: ProcessState,
    mallctl_calls: u64,
}

impl Activity {
    fn now() -> Self {
        Self { process: ProcessState::now(), mallctl_calls: mallctl_calls() }
    }
}

/// An application that answers immediately and does not allocate.
fn application()
-> impl Service<Request<Body>, Response = Response<Body>, Error = Infallible, Future: Send> + Clone {
    service_fn(|_request: Request<Body>| std::future::ready(Ok(Response::new(Body::empty()))))
}

fn request(path: &str, authorization: Option<&str>) -> Request<Body> {
    let mut request = Request::get(path);
    if let Some(value) = authorization {
        request = request.header("authorization", value);
    }
    request.body(Body::empty()).unwrap()
}

/// The response of a service that answers immediately.
fn answer<S>(service: &mut S, request: Request<Body>) -> Response<Body>
where
    S: Service<Request<Body>, Response = Response<Body>, Error = Infallible>,
{
    let mut context = Context::from_waker(Waker::noop());
    assert!(matches!(service.poll_ready(&mut context), Poll::Ready(Ok(()))));
    match pin!(service.call(request)).poll(&mut context) {
        Poll::Ready(Ok(response)) => response,
        Poll::Pending => panic!("the service must answer immediately"),
    }
}

/// Requests the page with the right password, then waits until threads and files are as before. A thread that
/// has finished its work still takes a moment to end.
fn answer_of_page<S>(service: &mut S) -> Response<Body>
where
    S: Service<Request<Body>, Response = Response<Body>, Error = Infallible>,
{
    let before = ProcessState::now();
    let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
    let response = runtime.block_on(service.call(request("/debug/memory", Some(&authorization())))).unwrap();
    drop(runtime);
    let begin = Instant::now();
    // The kernel can omit a thread from the list while another one ends, so check repeatedly.
    let is_as_before = || (0..3).all(|_| ProcessState::now() == before);
    while !is_as_before() {
        assert!(begin.elapsed() < LIMIT, "something stays: {before:?}, now {:?}", ProcessState::now());
        thread::yield_now();
    }
    response
}

#[test]
fn s49_only_the_first_hit_has_effects() {
    OwnProcess::run_alone("s49_only_the_first_hit_has_effects", || {
        let wrong =
            [None, Some(basic("ops:wrong")), Some("Bearer x".to_owned()), Some(basic("x".repeat(5000)))];
        let before = Activity::now();
        assert_eq!(before.mallctl_calls, 0, "no calls at start either");

        let layer = MemoryDebugLayer::new(credentials()).service("shop", "1.0.0");
        let mut service = layer.layer(application());
        let _other = (layer.clone().layer(application()), router::<()>(credentials()));
        assert_eq!(Activity::now(), before, "building the layer");

        for number in 0..REQUESTS {
            let response = answer(&mut service, request(OTHERS[number % OTHERS.len()], None));
            assert_eq!(response.status(), 200);
        }
        assert_eq!(Activity::now(), before, "requests for other paths");

        for number in 0..REQUESTS {
            let path = ["/debug/memory", "/debug/memory/types", "/debug/memory/x"][number % 3];
            let response = answer(&mut service, request(path, wrong[number % wrong.len()].as_deref()));
            assert_eq!(response.status(), 401);
        }
        assert_eq!(Activity::now(), before, "requests without the password");

        for path in ["/debug/memory?x=1", "/debug/memory/x"] {
            assert!(answer(&mut service, request(path, Some(&authorization()))).status().is_client_error());
        }
        assert_eq!(Activity::now(), before, "requests that are refused");

        // Shows that the counter works. Otherwise the assertions above would prove nothing.
        assert_eq!(answer_of_page(&mut service).status(), 200);
        let collected = mallctl_calls();
        assert!(collected > 0);

        (0..REQUESTS).for_each(|_| drop(answer(&mut service, request("/", None))));
        (0..REQUESTS).for_each(|_| drop(answer(&mut service, request("/debug/memory", None))));
        assert_eq!(mallctl_calls(), collected, "no further calls after the first hit");
    });
}

#[test]
fn s49_nothing_runs_between_hits() {
    OwnProcess::run_alone("s49_nothing_runs_between_hits", || {
        let mut service = MemoryDebugLayer::new(credentials()).layer(application());
        for _ in 0..3 {
            assert_eq!(answer_of_page(&mut service).status(), 200);
            let before = Activity::now();
            (0..REQUESTS).for_each(|_| drop(answer(&mut service, request("/", None))));
            assert_eq!(Activity::now(), before);
        }
    });
}

#[test]
fn s22_requests_for_other_paths_cause_no_extra_allocations() {
    OwnProcess::run_alone("s22_requests_for_other_paths_cause_no_extra_allocations", || {
        let layer = MemoryDebugLayer::new(credentials());
        let with = cost_of(&mut layer.clone().layer(application()));
        let with_aliases = layer.configure(|endpoint| endpoint.pprof_aliases());
        assert_eq!(cost_of(&mut with_aliases.layer(application())), with);
        let without = cost_of(&mut Identity::new().layer(application()));
        assert_eq!(with, without);
        assert_eq!(without, Allocations::default(), "the application by itself allocates nothing");
        // Shows that the allocator counts. Otherwise the assertions above would prove nothing.
        assert_eq!(
            Allocations::of(|| drop(black_box(vec![0_u8; 100]))),
            Allocations { count: 1, bytes: 100 }
        );
    });
}

#[test]
fn s22_an_axum_application_makes_no_extra_allocations_for_other_paths() {
    OwnProcess::run_alone("s22_an_axum_application_makes_no_extra_allocations_for_other_paths", || {
        let routes = || Router::new().route("/", get(|| async {})).route("/sessions/{id}", get(|| async {}));
        // `with_state`, as in `axum::serve`. Without it, axum rebuilds each route for each request.
        let with = cost_of(&mut routes().layer(MemoryDebugLayer::new(credentials())).with_state(()));
        let without = cost_of(&mut routes().layer(Identity::new()).with_state(()));
        assert_eq!(with.count, without.count);
        assert!(without.count > 0, "axum itself allocates, so there was something to count");
    });
}

/// The allocations while 1,000 requests for other paths are answered, without those for the requests
/// themselves.
fn cost_of<S>(service: &mut S) -> Allocations
where
    S: Service<Request<Body>, Response = Response<Body>, Error = Infallible>,
{
    // Excludes what a service sets up for its first request.
    OTHERS.iter().for_each(|path| drop(answer(service, request(path, None))));
    let requests: Vec<_> = (0..REQUESTS).map(|number| request(OTHERS[number % OTHERS.len()], None)).collect();
    let mut responses = Vec::with_capacity(REQUESTS);
    Allocations::of(|| responses.extend(requests.into_iter().map(|request| answer(service, request))))
}

#[test]
fn s05_a_refusal_allocates_little_however_long_the_header() {
    OwnProcess::run_alone("s05_a_refusal_allocates_little_however_long_the_header", || {
        let mut service = MemoryDebugLayer::new(credentials()).layer(application());
        let mut cost = |authorization: Option<String>| {
            let request = request("/debug/memory/types?top=5", authorization.as_deref());
            let mut response = None;
            let cost = Allocations::of(|| response = Some(answer(&mut service, request)));
            assert_eq!(response.unwrap().status(), 401);
            cost
        };
        cost(None);
        let short = cost(Some("Basic x".to_owned()));
        for length in [100, 1_000, 10_000, 100_000] {
            for long in
                ["x".repeat(length), format!("Basic {}", "x".repeat(length)), basic("x".repeat(length))]
            {
                assert_eq!(cost(Some(long)), short, "{length}");
            }
        }
        assert!(short.bytes < 4096, "{short:?}");
    });
}

#[test]
fn p4_making_credentials_and_settings_starts_nothing() {
    OwnProcess::run_alone("p4_making_credentials_and_settings_starts_nothing", || {
        let before = Activity::now();
        let weak = Credentials::allow_weak("ops", "x").unwrap();
        let collector = memory_debug_axum::Collector::new().service("shop", "1.0.0");
        let layer = MemoryDebugLayer::new(weak)
            .configure(|endpoint| endpoint.collect_with(collector))
            .path("/m")
            .unwrap();
        let tracked = black_box(memory_debug_axum::Tracked::new(1_u64));
        assert_eq!(Activity::now(), before);
        drop((layer, tracked));
    });
}

#[test]
fn p4_live_samples_from_the_start_are_recorded_without_a_thread_or_a_file() {
    OwnProcess::run_alone("p4_live_samples_from_the_start_are_recorded_without_a_thread_or_a_file", || {
        // The thread of an adapter is not made before it is applied, so everything here is exact.
        let before = ProcessState::now();
        let layer = MemoryDebugLayer::new(credentials()).live_samples_from_start();
        assert!(live_samples::recording());
        let since = live_samples::status().unwrap().since;
        let mut service = layer.layer(application());
        let between = mallctl_calls();
        (0..REQUESTS).for_each(|_| drop(answer(&mut service, request("/", None))));
        assert_eq!((ProcessState::now(), mallctl_calls()), (before, between));
        // 64 MiB are in every sample.
        let large = black_box(vec![1_u8; 64 << 20]);
        let samples = live_samples::read().unwrap().samples;
        assert!(samples.iter().any(|sample| sample.requested == 64 << 20), "{samples:?}");
        assert_eq!(answer_of_page(&mut service).status(), 200);
        assert_eq!(live_samples::status().unwrap().since, since, "the hit began it again");
        drop(large);
    });
}

#[test]
fn p4_the_first_hit_begins_to_record_live_samples_and_a_refusal_does_not() {
    OwnProcess::run_alone("p4_the_first_hit_begins_to_record_live_samples_and_a_refusal_does_not", || {
        let mut service = MemoryDebugLayer::new(credentials()).layer(application());
        drop(answer(&mut service, request("/debug/memory", None)));
        drop(answer(&mut service, request("/debug/memory/x", Some(&authorization()))));
        assert!(!live_samples::recording());
        assert_eq!(answer_of_page(&mut service).status(), 200);
        assert!(live_samples::recording());
    });
}
