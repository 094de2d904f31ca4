//! Live bytes by route, in a service whose tracer never counts.
#![cfg(all(feature = "jemalloc", feature = "tracer", target_os = "linux"))]
#![allow(clippy::unwrap_used, reason = "the functions here are parts of a test")]

use std::hint::black_box;
use std::sync::{Arc, Mutex};

use axum::Router;
use axum::body::Body;
use axum::extract::State;
use axum::http::Request;
use axum::routing::get;
use memory_debug_axum::trace_routes;
use memory_debug_axum::tracer::{Tracer, inherit_route};
use memory_debug_tower::memory_debug_core::__private::live_samples::{install, live_bytes_by_route};
use tower::ServiceExt;

// All objects of a MiB are sampled, and stand for themselves.
memory_debug_axum::install!(lg_prof_sample = 12);

const MIB: usize = 1 << 20;

type Kept = Arc<Mutex<Vec<Vec<u8>>>>;

fn keep(kept: &Kept, mib: usize) {
    let held: Vec<u8> = black_box(Vec::with_capacity(mib * MIB));
    kept.lock().unwrap().push(held);
}

#[tokio::test]
async fn s61_live_memory_counts_for_the_pattern_of_the_request_that_allocated_it() {
    install().unwrap();
    let item = async |State(kept): State<Kept>| {
        keep(&kept, 1);
        tokio::task::yield_now().await;
        keep(&kept, 2);
    };
    let spawns = async |State(kept): State<Kept>| {
        tokio::spawn(inherit_route(async move { keep(&kept, 8) })).await.unwrap();
    };
    let kept = Kept::default();
    let app = Router::new()
        .route("/items/{id}", get(item))
        .route("/spawns", get(spawns))
        .layer(trace_routes(&Tracer::new()))
        .with_state(Arc::clone(&kept));
    for path in ["/items/hunter1", "/items/hunter2?token=hunter3", "/spawns"] {
        app.clone().oneshot(Request::get(path).body(Body::empty()).unwrap()).await.unwrap();
    }
    let routes = live_bytes_by_route().unwrap();
    let mib =
        |route: &str| routes.iter().find(|(name, ..)| name == route).map(|(_, bytes, _)| bytes / MIB as u64);
    assert_eq!((mib("GET /items/{id}"), mib("GET /spawns")), (Some(6), Some(8)));
    assert!(!format!("{routes:?}").contains("hunter"), "{routes:?}");
    drop(kept);
}
