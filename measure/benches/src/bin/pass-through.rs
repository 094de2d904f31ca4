//! Serves N requests for an application's path and counts allocations: `pass-through KIND N`, where KIND is one of
//! `layer`, `identity`, `boxed-layer` and `boxed-identity`. `routes-off` and `routes-on` have the layer of a tracer
//! that does not count, or counts. `polls-off` and `polls-identity` serve one request that is polled N times.
//!
//! `measure/count-instructions` runs it under callgrind with two values of N, and subtracts the counts. The
//! difference is the cost of the requests alone.

use std::alloc::{GlobalAlloc, Layout, System};
use std::process::ExitCode;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use axum::body::Body;
use axum::http::{Request, StatusCode};
use memory_debug_axum::tracer::Tracer;
use memory_debug_benches::{
    Answer, Slow, application_request, boxed_under_identity, boxed_under_layer, poll_until_ready,
    router_under_identity, router_under_layer, router_under_routes, serve, slow_under_identity,
    slow_under_routes,
};
use tower::Service;

/// The system's allocator with a counter. jemalloc's own work would only add noise to the counts.
struct Counting;

static ALLOCATIONS: AtomicU64 = AtomicU64::new(0);

// SAFETY: every call is passed unchanged to the system's allocator, and counting does not allocate.
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        ALLOCATIONS.fetch_add(1, Ordering::Relaxed);
        // SAFETY: the caller's promise about `layout` holds for the system's allocator, too.
        unsafe { System.alloc(layout) }
    }

    unsafe fn dealloc(&self, pointer: *mut u8, layout: Layout) {
        // SAFETY: `pointer` came from `alloc` above, and so from the system's allocator.
        unsafe { System.dealloc(pointer, layout) }
    }
}

#[global_allocator]
static ALLOCATOR: Counting = Counting;

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let [kind, requests] = arguments.as_slice() else { return usage() };
    let Ok(requests) = requests.parse() else { return usage() };
    match kind.as_str() {
        "layer" => count(router_under_layer(), requests),
        "identity" => count(router_under_identity(), requests),
        "boxed-layer" => count(boxed_under_layer(), requests),
        "boxed-identity" => count(boxed_under_identity(), requests),
        "routes-off" => count(router_under_routes(&Tracer::new()), requests),
        "routes-on" => {
            let tracer = Tracer::new();
            // As in a service, which makes its tracer when it starts: the tracer can take the processor's counter now.
            std::thread::sleep(Duration::from_millis(5));
            tracer.install();
            count(router_under_routes(&tracer), requests);
        }
        "polls-off" => count_polls(slow_under_routes(&Tracer::new(), requests)),
        "polls-identity" => count_polls(slow_under_identity(requests)),
        _ => return usage(),
    }
    ExitCode::SUCCESS
}

fn count(
    mut service: impl Service<Request<Body>, Response: Answer, Error = std::convert::Infallible>,
    requests: u32,
) {
    // Sends a first request before counting: its one-time allocations are not the cost of a request.
    serve(&mut service, application_request(), StatusCode::OK);
    let before = ALLOCATIONS.load(Ordering::Relaxed);
    for _ in 0..requests {
        serve(&mut service, application_request(), StatusCode::OK);
    }
    println!("{} allocations", ALLOCATIONS.load(Ordering::Relaxed) - before);
}

fn count_polls(service: impl Slow) {
    let before = ALLOCATIONS.load(Ordering::Relaxed);
    poll_until_ready(service);
    println!("{} allocations", ALLOCATIONS.load(Ordering::Relaxed) - before);
}

fn usage() -> ExitCode {
    eprintln!("usage: pass-through KIND REQUESTS");
    ExitCode::FAILURE
}
