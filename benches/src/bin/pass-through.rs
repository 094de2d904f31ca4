//! Serves N requests for an application's path and counts allocations: `pass-through layer|identity N`.
//!
//! `scripts/count-instructions` runs it under callgrind with two N and subtracts, so that what is left is the cost of
//! a request and nothing else.

use std::alloc::{GlobalAlloc, Layout, System};
use std::process::ExitCode;
use std::sync::atomic::{AtomicU64, Ordering};

use axum::http::StatusCode;
use memory_debug_benches::{application_request, router_under_identity, router_under_layer, serve};

/// The system's allocator with a counter; jemalloc's own work would only blur the counts.
struct Counting;

static ALLOCATIONS: AtomicU64 = AtomicU64::new(0);

// SAFETY: every call is handed to the system's allocator as it came; counting allocates nothing.
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        ALLOCATIONS.fetch_add(1, Ordering::Relaxed);
        // SAFETY: the caller's promise about `layout` is passed on.
        unsafe { System.alloc(layout) }
    }

    unsafe fn dealloc(&self, pointer: *mut u8, layout: Layout) {
        // SAFETY: `pointer` came from `alloc` above, that is from the system's allocator.
        unsafe { System.dealloc(pointer, layout) }
    }
}

#[global_allocator]
static ALLOCATOR: Counting = Counting;

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let (router, requests) = match arguments.as_slice() {
        [kind, requests] => (kind.as_str(), requests.parse::<u32>()),
        _ => return usage(),
    };
    let (mut router, Ok(requests)) = (
        match router {
            "layer" => router_under_layer(),
            "identity" => router_under_identity(),
            _ => return usage(),
        },
        requests,
    ) else {
        return usage();
    };
    // What is made once, by the first request, is not the cost of a request.
    serve(&mut router, application_request(), StatusCode::OK);
    let before = ALLOCATIONS.load(Ordering::Relaxed);
    for _ in 0..requests {
        serve(&mut router, application_request(), StatusCode::OK);
    }
    println!("{} allocations", ALLOCATIONS.load(Ordering::Relaxed) - before);
    ExitCode::SUCCESS
}

fn usage() -> ExitCode {
    eprintln!("usage: pass-through layer|identity REQUESTS");
    ExitCode::FAILURE
}
